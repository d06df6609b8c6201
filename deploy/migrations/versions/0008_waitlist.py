"""The waitlist of a sold-out variant."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Nothing yet."""

"""Money sent on to connected accounts."""

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Nothing yet."""

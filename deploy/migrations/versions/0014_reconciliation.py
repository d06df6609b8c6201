"""Reports of providers compared with the books, and alerts."""

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Nothing yet."""

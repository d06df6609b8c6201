"""Prices for a few pieces of one live session."""

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    pass

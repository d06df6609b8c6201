"""Prices by list and period, and quotes that can be made again."""

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    pass

"""Personal offers, and what fans have bought before."""

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    pass

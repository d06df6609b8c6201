"""Pictures in several sizes, and sheets of products on their way in."""

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    pass

"""What people did to sagas and books, and why."""

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Nothing yet."""

"""Categories, brands, limits of a price, and what a leader lists of a product."""

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    pass

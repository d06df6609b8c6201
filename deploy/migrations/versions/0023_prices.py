"""Prices by list and period."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.types import COUNT

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "priced_skus",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("sku"),
        schema="pricing",
        sqlite_strict=True,
    )
    op.create_table(
        "prices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("warehouse", sa.Text(), nullable=False),
        sa.Column("amount_minor", COUNT, nullable=False),
        sa.Column("valid_from", COUNT, nullable=False),
        sa.Column("valid_until", COUNT, nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="prices_positive"),
        sa.CheckConstraint("valid_until IS NULL OR valid_until > valid_from", name="prices_period"),
        sa.CheckConstraint("length(currency) = 3", name="prices_currency_is_iso4217"),
        sa.PrimaryKeyConstraint("id"),
        schema="pricing",
        sqlite_strict=True,
    )
    op.create_index("prices_of_sku", "prices", ["sku", "valid_from"], schema="pricing")

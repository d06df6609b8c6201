"""Zones and rates of suppliers."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.schemas import create_schemas
from deploy.migrations.types import COUNT, JSON

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    create_schemas("shipping")
    op.create_table(
        "delivery_zones",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("rates", JSON, nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", COUNT, nullable=False),
        sa.CheckConstraint("version > 0", name="delivery_zones_version"),
        sa.PrimaryKeyConstraint("id"),
        schema="shipping",
        sqlite_strict=True,
    )
    _index("delivery_zones_of_supplier", "delivery_zones", "supplier_id")
    op.create_table(
        "delivery_areas",
        sa.Column("supplier_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("postcode_prefix", sa.Text(), nullable=False),
        sa.Column("zone_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("supplier_id", "origin", "country", "postcode_prefix"),
        schema="shipping",
        sqlite_strict=True,
    )
    _index("delivery_areas_of_zone", "delivery_areas", "zone_id")


def _index(name: str, table: str, column: str) -> None:
    op.create_index(name, table, [column], unique=False, schema="shipping")

"""Warehouses with their places, and holds in parts."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.changes import recheck
from deploy.migrations.types import COUNT, JSON

revision = "0018"
down_revision = "0017"

KIND = "kind IN ('received', 'sold', 'returned', 'adjusted', 'counted', 'moved_out', 'moved_in')"
CHECKS = {
    "warehouses_country_is_alpha2": "length(country) = 2",
    "warehouses_cutoff_is_a_time": "length(cutoff) = 5",
    "warehouses_handling_not_negative": "handling_days >= 0",
    "warehouses_coordinates_both": "(latitude_e6 IS NULL) = (longitude_e6 IS NULL)",
    "warehouses_active": "active IN (0, 1)",
}
# Until now a warehouse was no more than a name that a supplier wrote.
NAMED = """
INSERT INTO {inventory}warehouses
SELECT named.warehouse, named.supplier_id, named.warehouse, s.country, '', '', '', NULL, NULL,
       CAST('[]' AS {json}), 1, '12:00', 'UTC', 1, 1, s.created_at, s.created_at
FROM (
    SELECT stock.warehouse, min(p.supplier_id) AS supplier_id
    FROM {inventory}stock
    JOIN {catalog}variants v ON v.sku = stock.sku
    JOIN {catalog}products p ON p.id = v.product_id
    WHERE stock.warehouse <> 'main'
    GROUP BY stock.warehouse
) named
JOIN {suppliers}suppliers s ON s.id = named.supplier_id
"""


def upgrade() -> None:
    _warehouses()
    _parts()
    recheck("inventory", "stock_movements", "stock_movements_kind", KIND)
    _index("stock_by_warehouse", "stock", ["warehouse", "sku"])
    _index("warehouses_of_supplier", "warehouses", ["supplier_id", "name"])
    _index("holds_in_parts", "holds", ["sku"], "warehouse = ''")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(NAMED.format(inventory="", catalog="", suppliers="", json="TEXT"))
    else:
        op.execute(
            NAMED.format(
                inventory="inventory.", catalog="catalog.", suppliers="suppliers.", json="jsonb"
            )
        )


def _warehouses() -> None:
    op.create_table(
        "warehouses",
        *_texts("id", "supplier_id", "name", "country", "region", "city", "postcode"),
        sa.Column("latitude_e6", COUNT, nullable=True),
        sa.Column("longitude_e6", COUNT, nullable=True),
        sa.Column("areas", JSON, nullable=False),
        sa.Column("handling_days", COUNT, nullable=False),
        *_texts("cutoff", "timezone"),
        *(
            sa.Column(name, COUNT, nullable=False)
            for name in ("active", "version", "created_at", "changed_at")
        ),
        *(sa.CheckConstraint(condition, name=name) for name, condition in CHECKS.items()),
        sa.PrimaryKeyConstraint("id"),
        schema="inventory",
        sqlite_strict=True,
    )


def _parts() -> None:
    op.create_table(
        "hold_parts",
        *_texts("hold_id", "warehouse"),
        sa.Column("quantity", COUNT, nullable=False),
        sa.CheckConstraint("quantity > 0", name="hold_parts_quantity_positive"),
        sa.PrimaryKeyConstraint("hold_id", "warehouse"),
        schema="inventory",
        sqlite_strict=True,
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _index(name: str, table: str, columns: list[str], condition: str | None = None) -> None:
    where = None if condition is None else sa.text(condition)
    op.create_index(
        name,
        table,
        columns,
        unique=False,
        schema="inventory",
        postgresql_where=where,
        sqlite_where=where,
    )

"""Warehouses, stock per SKU in each, the holds on it, every movement, and what is suspended."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, text

from commerce.inventory.model import HoldStatus, MovementKind
from commerce.kernel.columns import Count, Id, Instant, Json, Text, number, status_check, table

WAREHOUSES = table(
    "inventory",
    "warehouses",
    Column("id", Id, primary_key=True),
    Column("supplier_id", Id, nullable=False),
    Column("name", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("postcode", Text, nullable=False),
    Column("latitude_e6", Count),
    Column("longitude_e6", Count),
    Column("areas", Json, nullable=False),
    Column("handling_days", Count, nullable=False),
    Column("cutoff", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("active", Count, nullable=False),
    Column("version", Count, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    CheckConstraint("length(country) = 2", name="warehouses_country_is_alpha2"),
    CheckConstraint("length(cutoff) = 5", name="warehouses_cutoff_is_a_time"),
    CheckConstraint("handling_days >= 0", name="warehouses_handling_not_negative"),
    CheckConstraint(
        "(latitude_e6 IS NULL) = (longitude_e6 IS NULL)", name="warehouses_coordinates_both"
    ),
    CheckConstraint("active IN (0, 1)", name="warehouses_active"),
)
Index("warehouses_of_supplier", WAREHOUSES.c.supplier_id, WAREHOUSES.c.name)

STOCK = table(
    "inventory",
    "stock",
    Column("sku", Text, primary_key=True),
    Column("warehouse", Text, primary_key=True),
    Column("on_hand", Count, nullable=False),
    Column("held", Count, nullable=False),
    Column("sold", Count, nullable=False),
    Column("version", Count, nullable=False),
    CheckConstraint("on_hand >= 0 AND held >= 0 AND sold >= 0", name="stock_not_negative"),
    CheckConstraint("held + sold <= on_hand", name="stock_never_oversold"),
)
Index("stock_by_warehouse", STOCK.c.warehouse, STOCK.c.sku)

HOLDS = table(
    "inventory",
    "holds",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("sku", Text, nullable=False),
    Column("warehouse", Text, nullable=False),  # empty for a hold that has parts
    Column("quantity", Count, nullable=False),
    Column("owner", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    CheckConstraint("quantity > 0", name="holds_quantity_positive"),
    status_check("holds_status", "status", HoldStatus),
)
Index(
    "holds_expiring",
    HOLDS.c.expires_at,
    postgresql_where=text("status = 'held'"),
    sqlite_where=text("status = 'held'"),
)
Index("holds_by_reference", HOLDS.c.reference, HOLDS.c.status)
Index(
    "holds_claimed",
    HOLDS.c.sku,
    HOLDS.c.warehouse,
    HOLDS.c.quantity,
    postgresql_where=text("status = 'claimed'"),
    sqlite_where=text("status = 'claimed'"),
)
Index(
    "holds_claiming",
    HOLDS.c.sku,
    postgresql_where=text("status = 'claiming'"),
    sqlite_where=text("status = 'claiming'"),
)

Index(
    "holds_in_parts",
    HOLDS.c.sku,
    postgresql_where=text("warehouse = ''"),
    sqlite_where=text("warehouse = ''"),
)

# Only of holds that no single warehouse had the pieces for. They live and end with their hold.
HOLD_PARTS = table(
    "inventory",
    "hold_parts",
    Column("hold_id", Id, primary_key=True),
    Column("warehouse", Text, primary_key=True),
    Column("quantity", Count, nullable=False),
    CheckConstraint("quantity > 0", name="hold_parts_quantity_positive"),
)

STOCK_MOVEMENTS = table(
    "inventory",
    "stock_movements",
    number(),
    Column("sku", Text, nullable=False),
    Column("warehouse", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("quantity", Count, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("moved_by", Text, nullable=False),
    Column("moved_at", Instant, nullable=False),
    status_check("stock_movements_kind", "kind", MovementKind),
    CheckConstraint(
        "quantity > 0 OR kind = 'counted' OR (kind = 'adjusted' AND quantity <> 0)",
        name="stock_movements_quantity",
    ),
)
Index("stock_movements_by_sku", STOCK_MOVEMENTS.c.sku, STOCK_MOVEMENTS.c.seq)
Index("stock_movements_by_reference", STOCK_MOVEMENTS.c.reference)

STOCK_SUSPENSIONS = table(
    "inventory",
    "stock_suspensions",
    number(),
    Column("sku", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("suspended_at", Instant, nullable=False),
    Column("suspended_by", Text, nullable=False),
    Column("lifted_at", Instant),
    Column("lifted_by", Text),
    Column("lift_reason", Text),
)
Index(
    "stock_suspensions_open",
    STOCK_SUSPENSIONS.c.sku,
    unique=True,
    postgresql_where=text("lifted_at IS NULL"),
    sqlite_where=text("lifted_at IS NULL"),
)

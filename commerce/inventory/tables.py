"""Stock per SKU and warehouse, the holds on it, every movement, and what is suspended."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, text

from commerce.inventory.model import HoldStatus, MovementKind
from commerce.kernel.columns import Count, Id, Instant, Text, number, status_check, table

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

HOLDS = table(
    "inventory",
    "holds",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("sku", Text, nullable=False),
    Column("warehouse", Text, nullable=False),
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

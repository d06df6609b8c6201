"""Stock per warehouse, counts, suspensions."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from deploy.migrations.guards import keep
from deploy.migrations.types import COUNT

revision = "0007"
down_revision = "0006"

OVERSOLD = ("stock_never_oversold", "held + sold <= on_hand")
NEGATIVE = ("stock_not_negative", "on_hand >= 0 AND held >= 0 AND sold >= 0")
POSITIVE = ("holds_quantity_positive", "quantity > 0")
STATUS = (
    "holds_status",
    "status IN ('held', 'claiming', 'claimed', 'released', 'expired', 'returned')",
)
KIND = (
    "stock_movements_kind",
    "kind IN ('received', 'sold', 'returned', 'adjusted', 'counted')",
)
QUANTITY = (
    "stock_movements_quantity",
    "quantity > 0 OR kind = 'counted' OR (kind = 'adjusted' AND quantity <> 0)",
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _stock_sqlite()
        _holds_sqlite()
        _movements_sqlite()
        keep("inventory", "stock_movements")
    else:
        _change_postgresql()
    _suspensions()


def _change_postgresql() -> None:
    for table in ("stock", "holds", "stock_movements"):
        _add(table, "warehouse", sa.Text(), "main")
    _add("stock", "version", COUNT, "1")
    _add("stock_movements", "moved_by", sa.Text(), "")
    op.drop_constraint("stock_pkey", "stock", schema="inventory")
    op.create_primary_key("stock_pkey", "stock", ["sku", "warehouse"], schema="inventory")
    op.drop_constraint("holds_status", "holds", schema="inventory")
    op.drop_constraint("stock_movements_kind", "stock_movements", schema="inventory")
    _add_check("holds", STATUS)
    _add_check("stock_movements", KIND)
    _add_check("stock_movements", QUANTITY)


def _add(table: str, name: str, kind: sa.types.TypeEngine[Any], value: str) -> None:
    """The rows that are there get the value; the code names it for every new one."""
    column = sa.Column(name, kind, nullable=False, server_default=value)
    op.add_column(table, column, schema="inventory")
    op.alter_column(table, name, server_default=None, schema="inventory")


def _add_check(table: str, check: tuple[str, str]) -> None:
    name, condition = check
    op.create_check_constraint(name, table, condition, schema="inventory")


def _stock_sqlite() -> None:
    op.rename_table("stock", "stock_before")
    op.create_table(
        "stock",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("warehouse", sa.Text(), nullable=False),
        sa.Column("on_hand", COUNT, nullable=False),
        sa.Column("held", COUNT, nullable=False),
        sa.Column("sold", COUNT, nullable=False),
        sa.Column("version", COUNT, nullable=False),
        _check(OVERSOLD),
        _check(NEGATIVE),
        sa.PrimaryKeyConstraint("sku", "warehouse"),
        sqlite_strict=True,
    )
    op.execute(
        "INSERT INTO stock (sku, warehouse, on_hand, held, sold, version) "
        "SELECT sku, 'main', on_hand, held, sold, 1 FROM stock_before"
    )
    op.drop_table("stock_before")


def _holds_sqlite() -> None:
    op.drop_index("holds_by_reference", "holds")
    op.drop_index("holds_expiring", "holds")
    op.rename_table("holds", "holds_before")
    op.create_table(
        "holds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("warehouse", sa.Text(), nullable=False),
        sa.Column("quantity", COUNT, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("expires_at", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("changed_at", COUNT, nullable=False),
        _check(STATUS),
        _check(POSITIVE),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        sqlite_strict=True,
    )
    op.execute(
        "INSERT INTO holds SELECT id, key, sku, 'main', quantity, owner, reference, status, "
        "expires_at, created_at, changed_at FROM holds_before"
    )
    op.drop_table("holds_before")
    op.create_index("holds_by_reference", "holds", ["reference", "status"])
    op.create_index(
        "holds_expiring", "holds", ["expires_at"], sqlite_where=sa.text("status = 'held'")
    )


def _movements_sqlite() -> None:
    op.drop_index("stock_movements_by_sku", "stock_movements")
    op.rename_table("stock_movements", "stock_movements_before")
    op.create_table(
        "stock_movements",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("warehouse", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", COUNT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", COUNT, nullable=False),
        _check(KIND),
        _check(QUANTITY),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_strict=True,
    )
    op.execute(
        "INSERT INTO stock_movements SELECT seq, sku, 'main', kind, quantity, reason, reference, "
        "'', moved_at FROM stock_movements_before"
    )
    op.drop_table("stock_movements_before")  # and its guards with it
    op.create_index("stock_movements_by_sku", "stock_movements", ["sku", "seq"])


def _suspensions() -> None:
    op.create_table(
        "stock_suspensions",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("suspended_at", COUNT, nullable=False),
        sa.Column("suspended_by", sa.Text(), nullable=False),
        sa.Column("lifted_at", COUNT, nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        schema="inventory",
        sqlite_strict=True,
    )
    op.create_index(
        "stock_suspensions_open",
        "stock_suspensions",
        ["sku"],
        unique=True,
        schema="inventory",
        postgresql_where=sa.text("lifted_at IS NULL"),
        sqlite_where=sa.text("lifted_at IS NULL"),
    )
    keep("inventory", "stock_suspensions", "sku", "reason", "suspended_at", "suspended_by")


def _check(check: tuple[str, str]) -> sa.CheckConstraint:
    name, condition = check
    return sa.CheckConstraint(condition, name=name)

"""Orders and the ledger."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.guards import keep
from deploy.migrations.schemas import create_schemas
from deploy.migrations.types import COUNT, JSON

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    create_schemas("orders", "ledger")
    _transfers()
    _order_history()
    _orders()
    # What was sold and for how much never changes once it was placed.
    keep("orders", "order_history")
    keep(
        "orders",
        "orders",
        "id",
        "key",
        "code",
        "currency",
        "total_minor",
        "pieces",
        "items",
        "lines",
    )
    # Money that moved stays moved: a mistake is followed by its correction.
    keep("ledger", "transfers")


def _transfers() -> None:
    op.create_table(
        "transfers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("posting_id", sa.Text(), nullable=False),
        sa.Column("n", COUNT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("debit", sa.Text(), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", COUNT, nullable=False),
        sa.Column("at", COUNT, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="transfers_amount_positive"),
        sa.CheckConstraint("debit <> credit", name="transfers_two_accounts"),
        sa.CheckConstraint("length(currency) = 3", name="transfers_currency_is_iso4217"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("posting_id", "n", name="transfers_number_once"),
        schema="ledger",
        sqlite_strict=True,
    )
    op.create_index(
        "transfers_credit", "transfers", ["credit", "currency", "at"], unique=False, schema="ledger"
    )
    op.create_index(
        "transfers_debit", "transfers", ["debit", "currency", "at"], unique=False, schema="ledger"
    )
    op.create_index(
        "transfers_reference", "transfers", ["reference"], unique=False, schema="ledger"
    )


def _order_history() -> None:
    op.create_table(
        "order_history",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", COUNT, nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'paid', 'cancelled', 'refunded')", name="order_history_status"
        ),
        sa.PrimaryKeyConstraint("order_id", "version"),
        schema="orders",
        sqlite_strict=True,
    )


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("fan_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("leader_id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("quote_id", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_minor", COUNT, nullable=False),
        sa.Column("pieces", COUNT, nullable=False),
        sa.Column("items", JSON, nullable=False),
        sa.Column("lines", JSON, nullable=False),
        sa.Column("address", JSON, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.Column("placed_at", COUNT, nullable=False),
        sa.Column("paid_at", COUNT, nullable=True),
        sa.Column("cancelled_at", COUNT, nullable=True),
        sa.Column("refunded_at", COUNT, nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'paid', 'cancelled', 'refunded')", name="orders_status"
        ),
        sa.CheckConstraint("pieces > 0", name="orders_pieces_positive"),
        sa.CheckConstraint("total_minor > 0", name="orders_total_positive"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        sa.UniqueConstraint("key"),
        schema="orders",
        sqlite_strict=True,
    )
    op.create_index("orders_fan", "orders", ["fan_id", "placed_at"], unique=False, schema="orders")
    op.create_index(
        "orders_pending",
        "orders",
        ["placed_at"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("status = 'pending'"),
        sqlite_where=sa.text("status = 'pending'"),
    )
    op.create_index("orders_reference", "orders", ["reference"], unique=False, schema="orders")
    op.create_index(
        "orders_session", "orders", ["session_id", "placed_at"], unique=False, schema="orders"
    )

"""Payments, refunds and the sandbox."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.schemas import create_schemas
from deploy.migrations.types import COUNT, JSON

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    create_schemas("payments")
    _payment_attempts()
    _payment_events()
    _payments()
    _refunds()
    _sandbox_deliveries()
    _sandbox_refunds()
    _sandbox_sessions()


def _payment_attempts() -> None:
    op.create_table(
        "payment_attempts",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("happened_at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("payment_id", "event_id"),
        schema="payments",
        sqlite_strict=True,
    )


def _payment_events() -> None:
    op.create_table(
        "payment_events",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payment_key", sa.Text(), nullable=True),
        sa.Column("provider_ref", sa.Text(), nullable=True),
        sa.Column("charge_ref", sa.Text(), nullable=True),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("received_at", COUNT, nullable=False),
        sa.Column("applied_at", COUNT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('waiting', 'applied', 'unchanged', 'mismatched')",
            name="payment_events_outcome",
        ),
        sa.PrimaryKeyConstraint("provider", "event_id"),
        schema="payments",
        sqlite_strict=True,
    )
    op.create_index(
        "payment_events_waiting",
        "payment_events",
        ["provider", "received_at"],
        unique=False,
        schema="payments",
        postgresql_where=sa.text("applied_at IS NULL"),
        sqlite_where=sa.text("applied_at IS NULL"),
    )


def _payments() -> None:
    op.create_table(
        "payments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("amount_minor", COUNT, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=True),
        sa.Column("charge_ref", sa.Text(), nullable=True),
        sa.Column("pay_url", sa.Text(), nullable=True),
        sa.Column("expires_at", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("paid_at", COUNT, nullable=True),
        sa.Column("paid_minor", COUNT, server_default="0", nullable=False),
        sa.Column("refund_minor", COUNT, server_default="0", nullable=False),
        sa.Column("check_at", COUNT, nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.CheckConstraint(
            "status IN ('created', 'open', 'expired', 'failed', 'paid', "
            "'refunding', 'partly_refunded', 'refunded')",
            name="payments_status",
        ),
        sa.CheckConstraint("amount_minor > 0", name="payments_amount_positive"),
        sa.CheckConstraint("length(currency) = 3", name="payments_currency_iso"),
        sa.CheckConstraint("paid_minor IN (0, amount_minor)", name="payments_paid_exactly"),
        sa.CheckConstraint(
            "refund_minor >= 0 AND refund_minor <= paid_minor", name="payments_refund_within_paid"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="payments_key_once"),
        sa.UniqueConstraint("provider", "provider_ref", name="payments_provider_ref_once"),
        schema="payments",
        sqlite_strict=True,
    )
    op.create_index(
        "payments_by_charge",
        "payments",
        ["provider", "charge_ref"],
        unique=False,
        schema="payments",
    )
    op.create_index("payments_by_order", "payments", ["order_id"], unique=False, schema="payments")
    op.create_index(
        "payments_to_check",
        "payments",
        ["check_at"],
        unique=False,
        schema="payments",
        postgresql_where=sa.text("status IN ('created', 'open')"),
        sqlite_where=sa.text("status IN ('created', 'open')"),
    )


def _refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", COUNT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=True),
        sa.Column("tries", COUNT, server_default="0", nullable=False),
        sa.Column("next_at", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.CheckConstraint(
            "status IN ('asked', 'pending', 'succeeded', 'failed')", name="refunds_status"
        ),
        sa.CheckConstraint("amount_minor > 0", name="refunds_amount_positive"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="refunds_key_once"),
        sa.UniqueConstraint("payment_id", "provider_ref", name="refunds_provider_ref_once"),
        schema="payments",
        sqlite_strict=True,
    )
    op.create_index(
        "refunds_due",
        "refunds",
        ["next_at"],
        unique=False,
        schema="payments",
        postgresql_where=sa.text("status IN ('asked', 'pending')"),
        sqlite_where=sa.text("status IN ('asked', 'pending')"),
    )


def _sandbox_deliveries() -> None:
    op.create_table(
        "sandbox_deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("tries", COUNT, server_default="0", nullable=False),
        sa.Column("next_at", COUNT, nullable=False),
        sa.Column("delivered_at", COUNT, nullable=True),
        sa.Column("gave_up_at", COUNT, nullable=True),
        sa.Column("created_at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="payments",
        sqlite_strict=True,
    )
    op.create_index(
        "sandbox_deliveries_due",
        "sandbox_deliveries",
        ["next_at"],
        unique=False,
        schema="payments",
        postgresql_where=sa.text("delivered_at IS NULL AND gave_up_at IS NULL"),
        sqlite_where=sa.text("delivered_at IS NULL AND gave_up_at IS NULL"),
    )


def _sandbox_refunds() -> None:
    op.create_table(
        "sandbox_refunds",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("id"),
        schema="payments",
        sqlite_strict=True,
    )


def _sandbox_sessions() -> None:
    op.create_table(
        "sandbox_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("amount_minor", COUNT, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("declines", COUNT, server_default="0", nullable=False),
        sa.Column("charge_ref", sa.Text(), nullable=True),
        sa.Column("refunded_minor", COUNT, server_default="0", nullable=False),
        sa.Column("expires_at", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.CheckConstraint("status IN ('open', 'paid', 'expired')", name="sandbox_sessions_status"),
        sa.CheckConstraint(
            "refunded_minor >= 0 AND refunded_minor <= amount_minor", name="sandbox_refunds_within"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="sandbox_sessions_key_once"),
        sa.UniqueConstraint("token", name="sandbox_sessions_token_once"),
        schema="payments",
        sqlite_strict=True,
    )

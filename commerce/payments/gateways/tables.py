"""The tables of the sandbox, the provider that lives in our own database."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text

from commerce.kernel.columns import (
    Amount,
    Count,
    Id,
    Instant,
    Text,
    number,
    status_check,
    table,
)
from commerce.payments.gateways.sandbox_model import RefundMode, SessionStatus
from commerce.payments.lives import CaptureMode, DisputeStatus, RefundStatus, ReportKind

SANDBOX_SESSIONS = table(
    "payments",
    "sandbox_sessions",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False),  # the caller's idempotency key
    Column("token", Text, nullable=False),  # the last part of the pay link
    Column("amount_minor", Amount, nullable=False),
    Column("currency", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("return_url", Text, nullable=False),
    Column("capture", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("declines", Count, nullable=False, server_default="0"),
    Column("charge_ref", Text),
    Column("capture_before", Instant),
    Column("captured_minor", Amount, nullable=False, server_default="0"),
    Column("refunded_minor", Amount, nullable=False, server_default="0"),
    Column("refunds", Text, nullable=False),  # what becomes of the next ones
    Column("settles_at", Instant),
    Column("expires_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("key", name="sandbox_sessions_key_once"),
    UniqueConstraint("token", name="sandbox_sessions_token_once"),
    CheckConstraint(
        "captured_minor >= 0 AND captured_minor <= amount_minor", name="sandbox_captured_within"
    ),
    CheckConstraint(
        "refunded_minor >= 0 AND refunded_minor <= captured_minor", name="sandbox_refunds_within"
    ),
    status_check("sandbox_sessions_status", "status", SessionStatus),
    status_check("sandbox_sessions_capture", "capture", CaptureMode),
    status_check("sandbox_sessions_refunds", "refunds", RefundMode),
)

SANDBOX_REFUNDS = table(
    "payments",
    "sandbox_refunds",
    Column("key", Text, primary_key=True),
    Column("id", Id, nullable=False, unique=True),
    Column("session_id", Id, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    status_check("sandbox_refunds_status", "status", RefundStatus),
)
Index("sandbox_refunds_of_session", SANDBOX_REFUNDS.c.session_id)

SANDBOX_DISPUTES = table(
    "payments",
    "sandbox_disputes",
    Column("id", Id, primary_key=True),
    Column("session_id", Id, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    status_check("sandbox_disputes_status", "status", DisputeStatus),
)
Index("sandbox_disputes_of_session", SANDBOX_DISPUTES.c.session_id)

SANDBOX_TRANSFERS = table(
    "payments",
    "sandbox_transfers",
    Column("key", Text, primary_key=True),
    Column("id", Id, nullable=False, unique=True),
    Column("account", Text, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("currency", Text, nullable=False),
    Column("payment_key", Text, nullable=False),
    Column("reversed_minor", Amount, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    CheckConstraint(
        "reversed_minor >= 0 AND reversed_minor <= amount_minor", name="sandbox_reversed_within"
    ),
)

SANDBOX_REVERSALS = table(
    "payments",
    "sandbox_reversals",
    Column("key", Text, primary_key=True),
    Column("id", Id, nullable=False, unique=True),
    Column("transfer_id", Id, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("created_at", Instant, nullable=False),
)

SANDBOX_MOVEMENTS = table(
    "payments",
    "sandbox_movements",
    number(),
    Column("kind", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("payment_key", Text),
    Column("charge_ref", Text),
    Column("amount_minor", Amount, nullable=False),  # signed: above zero is to the shop
    Column("fee_minor", Amount, nullable=False),
    Column("currency", Text, nullable=False),
    Column("at", Instant, nullable=False),
    status_check("sandbox_movements_kind", "kind", ReportKind),
)
Index("sandbox_movements_by_time", SANDBOX_MOVEMENTS.c.at)

SANDBOX_DELIVERIES = table(
    "payments",
    "sandbox_deliveries",
    Column("id", Id, primary_key=True),
    Column("body", Text, nullable=False),  # exactly what is signed and sent
    Column("tries", Count, nullable=False, server_default="0"),
    Column("next_at", Instant, nullable=False),
    Column("delivered_at", Instant),
    Column("gave_up_at", Instant),
    Column("created_at", Instant, nullable=False),
)
Index(
    "sandbox_deliveries_due",
    SANDBOX_DELIVERIES.c.next_at,
    postgresql_where=text("delivered_at IS NULL AND gave_up_at IS NULL"),
    sqlite_where=text("delivered_at IS NULL AND gave_up_at IS NULL"),
)

"""The tables of payments."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text

from commerce.kernel.columns import Amount, Count, Id, Instant, Json, Text, status_check, table
from commerce.payments.lives import (
    CaptureMode,
    CaptureStatus,
    DisputeStatus,
    Outcome,
    PayoutStatus,
    RefundStatus,
    ReversalStatus,
    Status,
)

TO_CHECK = "status IN ('created', 'open', 'authorised', 'capturing')"

PAYMENTS = table(
    "payments",
    "payments",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False),
    Column("order_id", Id, nullable=False),
    Column("reference", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("currency", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("capture", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("provider_ref", Text),
    Column("charge_ref", Text),
    Column("pay_url", Text),
    Column("expires_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("authorised_at", Instant),
    Column("authorised_minor", Amount, nullable=False, server_default="0"),
    Column("capture_before", Instant),
    Column("paid_at", Instant),
    Column("captured_minor", Amount, nullable=False, server_default="0"),
    Column("refund_minor", Amount, nullable=False, server_default="0"),
    Column("check_at", Instant, nullable=False),  # when the provider is asked, if nothing is heard
    Column("version", Count, nullable=False),
    UniqueConstraint("key", name="payments_key_once"),
    UniqueConstraint("provider", "provider_ref", name="payments_provider_ref_once"),
    CheckConstraint("amount_minor > 0", name="payments_amount_positive"),
    CheckConstraint("length(currency) = 3", name="payments_currency_iso"),
    CheckConstraint("authorised_minor IN (0, amount_minor)", name="payments_authorised_exactly"),
    CheckConstraint(
        "captured_minor >= 0 AND captured_minor <= amount_minor", name="payments_captured_within"
    ),
    CheckConstraint(
        "capture = 'manual' OR captured_minor IN (0, amount_minor)", name="payments_captured_whole"
    ),
    CheckConstraint(
        "refund_minor >= 0 AND refund_minor <= captured_minor", name="payments_refund_within"
    ),
    status_check("payments_capture", "capture", CaptureMode),
    status_check("payments_status", "status", Status),
)
Index(
    "payments_to_check",
    PAYMENTS.c.check_at,
    postgresql_where=text(TO_CHECK),
    sqlite_where=text(TO_CHECK),
)
Index("payments_by_order", PAYMENTS.c.order_id)
Index(
    "payments_paid",
    PAYMENTS.c.provider,
    PAYMENTS.c.paid_at,
    postgresql_where=text("captured_minor > 0"),
    sqlite_where=text("captured_minor > 0"),
)
Index("payments_by_charge", PAYMENTS.c.provider, PAYMENTS.c.charge_ref)

EVENTS = table(
    "payments",
    "payment_events",
    Column("provider", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("payment_key", Text),
    Column("provider_ref", Text),
    Column("charge_ref", Text),
    Column("payload", Json, nullable=False),  # the whole ProviderEvent, to be applied from
    Column("received_at", Instant, nullable=False),
    Column("applied_at", Instant),
    Column("outcome", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=text("''")),
    status_check("payment_events_outcome", "outcome", Outcome),
)
Index(
    "payment_events_waiting",
    EVENTS.c.provider,
    EVENTS.c.received_at,
    postgresql_where=text("applied_at IS NULL"),
    sqlite_where=text("applied_at IS NULL"),
)

Index(
    "payment_events_mismatched",
    EVENTS.c.received_at,
    postgresql_where=text("outcome = 'mismatched'"),
    sqlite_where=text("outcome = 'mismatched'"),
)

ATTEMPTS = table(
    "payments",
    "payment_attempts",
    Column("payment_id", Id, primary_key=True),
    Column("ref", Text, primary_key=True),  # the event of a decline; the result of what succeeds
    Column("result", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("happened_at", Instant, nullable=False),
    CheckConstraint("result IN ('authorised', 'paid', 'declined')", name="payment_attempts_result"),
)

CAPTURES = table(
    "payments",
    "captures",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False),
    Column("payment_id", Id, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("tries", Count, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    Column("version", Count, nullable=False),
    UniqueConstraint("key", name="captures_key_once"),
    CheckConstraint("amount_minor > 0", name="captures_amount_positive"),
    status_check("captures_status", "status", CaptureStatus),
)
Index("captures_of_payment", CAPTURES.c.payment_id)
Index(
    "captures_one_standing",
    CAPTURES.c.payment_id,
    unique=True,
    postgresql_where=text("status <> 'failed'"),
    sqlite_where=text("status <> 'failed'"),
)

REFUNDS = table(
    "payments",
    "refunds",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False),
    Column("payment_id", Id, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("failure", Text, nullable=False, server_default=text("''")),
    Column("provider_ref", Text),
    Column("tries", Count, nullable=False, server_default="0"),
    Column("next_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("version", Count, nullable=False),
    UniqueConstraint("key", name="refunds_key_once"),
    UniqueConstraint("payment_id", "provider_ref", name="refunds_provider_ref_once"),
    CheckConstraint("amount_minor > 0", name="refunds_amount_positive"),
    status_check("refunds_status", "status", RefundStatus),
)
Index(
    "refunds_due",
    REFUNDS.c.next_at,
    postgresql_where=text("status IN ('asked', 'pending')"),
    sqlite_where=text("status IN ('asked', 'pending')"),
)
Index(
    "refunds_failed",
    REFUNDS.c.created_at,
    postgresql_where=text("status = 'failed'"),
    sqlite_where=text("status = 'failed'"),
)

DISPUTES = table(
    "payments",
    "disputes",
    Column("id", Id, primary_key=True),
    Column("payment_id", Id, nullable=False),
    Column("provider", Text, nullable=False),
    Column("provider_ref", Text, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("currency", Text, nullable=False),
    Column("fee_minor", Amount, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("version", Count, nullable=False),
    UniqueConstraint("provider", "provider_ref", name="disputes_provider_ref_once"),
    CheckConstraint("amount_minor > 0", name="disputes_amount_positive"),
    CheckConstraint("fee_minor >= 0", name="disputes_fee_not_negative"),
    CheckConstraint("length(currency) = 3", name="disputes_currency_iso"),
    status_check("disputes_status", "status", DisputeStatus),
)
Index("disputes_of_payment", DISPUTES.c.payment_id)
Index("disputes_by_time", DISPUTES.c.opened_at)

PAYOUTS = table(
    "payments",
    "payouts",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("payment_id", Id),
    Column("account", Text, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("charge_ref", Text),
    Column("status", Text, nullable=False),
    Column("failure", Text, nullable=False),
    Column("provider_ref", Text),
    Column("reversed_minor", Amount, nullable=False, server_default="0"),
    Column("tries", Count, nullable=False, server_default="0"),
    Column("next_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("version", Count, nullable=False),
    UniqueConstraint("key", name="payouts_key_once"),
    UniqueConstraint("provider", "provider_ref", name="payouts_provider_ref_once"),
    CheckConstraint("amount_minor > 0", name="payouts_amount_positive"),
    CheckConstraint("length(currency) = 3", name="payouts_currency_iso"),
    CheckConstraint(
        "reversed_minor >= 0 AND reversed_minor <= amount_minor", name="payouts_reversed_within"
    ),
    status_check("payouts_status", "status", PayoutStatus),
)
Index(
    "payouts_due",
    PAYOUTS.c.next_at,
    postgresql_where=text("status IN ('asked', 'pending')"),
    sqlite_where=text("status IN ('asked', 'pending')"),
)
Index("payouts_of_payment", PAYOUTS.c.payment_id)

PAYOUT_REVERSALS = table(
    "payments",
    "payout_reversals",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False),
    Column("payout_id", Id, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("status", Text, nullable=False),
    Column("failure", Text, nullable=False),
    Column("provider_ref", Text),
    Column("tries", Count, nullable=False, server_default="0"),
    Column("next_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("version", Count, nullable=False),
    UniqueConstraint("key", name="payout_reversals_key_once"),
    UniqueConstraint("payout_id", "provider_ref", name="payout_reversals_provider_ref_once"),
    CheckConstraint("amount_minor > 0", name="payout_reversals_amount_positive"),
    status_check("payout_reversals_status", "status", ReversalStatus),
)
Index(
    "payout_reversals_due",
    PAYOUT_REVERSALS.c.next_at,
    postgresql_where=text("status = 'asked'"),
    sqlite_where=text("status = 'asked'"),
)
Index("payout_reversals_of_payout", PAYOUT_REVERSALS.c.payout_id)

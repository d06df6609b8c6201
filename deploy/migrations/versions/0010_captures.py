"""Authorisations, captures and disputes."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.changes import add_column
from deploy.migrations.guards import keep
from deploy.migrations.types import COUNT

revision = "0010"
down_revision = "0009"

STATUS = (
    "status IN ('created', 'open', 'expired', 'failed', 'authorised', 'capturing', 'voided', "
    "'paid', 'refunding', 'partly_refunded', 'refunded')"
)
TO_CHECK = "status IN ('created', 'open', 'authorised', 'capturing')"
INDEXES = (
    ("payments_to_check", "payments", "check_at", TO_CHECK),
    ("payment_events_mismatched", "payment_events", "received_at", "outcome = 'mismatched'"),
    ("captures_of_payment", "captures", "payment_id", None),
    ("refunds_failed", "refunds", "created_at", "status = 'failed'"),
    ("disputes_of_payment", "disputes", "payment_id", None),
    ("disputes_by_time", "disputes", "opened_at", None),
    ("sandbox_refunds_of_session", "sandbox_refunds", "session_id", None),
    ("sandbox_disputes_of_session", "sandbox_disputes", "session_id", None),
    ("sandbox_movements_by_time", "sandbox_movements", "at", None),
)
RESULT = "result IN ('authorised', 'paid', 'declined')"
CHECKS = {
    "payments_status": STATUS,
    "payments_capture": "capture IN ('automatic', 'manual')",
    "payments_authorised_exactly": "authorised_minor IN (0, amount_minor)",
    "payments_captured_within": "captured_minor >= 0 AND captured_minor <= amount_minor",
    "payments_captured_whole": "capture = 'manual' OR captured_minor IN (0, amount_minor)",
    "payments_refund_within": "refund_minor >= 0 AND refund_minor <= captured_minor",
}
SAME = (
    "id, key, order_id, reference, provider, amount_minor, currency, description, status, "
    "provider_ref, charge_ref, pay_url, expires_at, created_at, paid_at, refund_minor, check_at, "
    "version"
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _payments_on_sqlite()
        _attempts_on_sqlite()
    else:
        _payments_on_postgresql()
        _attempts_on_postgresql()
    for table, name in (("refunds", "failure"), ("payment_events", "note")):
        added = sa.Column(name, sa.Text(), server_default="", nullable=False)
        add_column("payments", table, added)
    _captures()
    _captured_before()
    _disputes()
    _sandbox()
    for name, table, column, condition in INDEXES:
        _index(name, table, column, condition)
    _index("captures_one_standing", "captures", "payment_id", "status <> 'failed'", unique=True)
    # What was agreed to be paid, taken, given back or disputed never changes; how it stands does.
    keep("payments", "payments", "id", "key", "order_id", "reference", "provider",
         "amount_minor", "currency", "capture")  # fmt: skip
    keep("payments", "captures", "id", "key", "payment_id", "amount_minor")
    keep("payments", "refunds", "id", "key", "payment_id", "amount_minor")
    keep("payments", "disputes", "id", "payment_id", "provider", "provider_ref", "currency")
    keep("payments", "payment_attempts")
    keep("payments", "payment_events", "provider", "event_id", "payload", "received_at")


def _payments_on_postgresql() -> None:
    for name in ("payments_status", "payments_paid_exactly", "payments_refund_within_paid"):
        op.drop_constraint(name, "payments", schema="payments")
    op.drop_index("payments_to_check", "payments", schema="payments")
    op.alter_column("payments", "paid_minor", new_column_name="captured_minor", schema="payments")
    for column in (
        sa.Column("capture", sa.Text(), server_default="automatic", nullable=False),
        sa.Column("authorised_at", COUNT, nullable=True),
        sa.Column("authorised_minor", COUNT, server_default="0", nullable=False),
        sa.Column("capture_before", COUNT, nullable=True),
    ):
        op.add_column("payments", column, schema="payments")
    op.alter_column("payments", "capture", server_default=None, schema="payments")
    for name, condition in CHECKS.items():
        op.create_check_constraint(name, "payments", condition, schema="payments")


def _payments_on_sqlite() -> None:
    op.execute("ALTER TABLE payments RENAME TO payments_before")
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
        sa.Column("capture", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=True),
        sa.Column("charge_ref", sa.Text(), nullable=True),
        sa.Column("pay_url", sa.Text(), nullable=True),
        sa.Column("expires_at", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("authorised_at", COUNT, nullable=True),
        sa.Column("authorised_minor", COUNT, server_default="0", nullable=False),
        sa.Column("capture_before", COUNT, nullable=True),
        sa.Column("paid_at", COUNT, nullable=True),
        sa.Column("captured_minor", COUNT, server_default="0", nullable=False),
        sa.Column("refund_minor", COUNT, server_default="0", nullable=False),
        sa.Column("check_at", COUNT, nullable=False),
        sa.Column("version", COUNT, nullable=False),
        *(sa.CheckConstraint(condition, name=name) for name, condition in CHECKS.items()),
        sa.CheckConstraint("amount_minor > 0", name="payments_amount_positive"),
        sa.CheckConstraint("length(currency) = 3", name="payments_currency_iso"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="payments_key_once"),
        sa.UniqueConstraint("provider", "provider_ref", name="payments_provider_ref_once"),
        sqlite_strict=True,
    )
    op.execute(
        f"INSERT INTO payments ({SAME}, capture, captured_minor)"
        f" SELECT {SAME}, 'automatic', paid_minor FROM payments_before"
    )
    op.execute("DROP TABLE payments_before")
    op.create_index("payments_by_charge", "payments", ["provider", "charge_ref"])
    op.create_index("payments_by_order", "payments", ["order_id"])


def _attempts_on_postgresql() -> None:
    op.alter_column("payment_attempts", "event_id", new_column_name="ref", schema="payments")
    op.execute("UPDATE payments.payment_attempts SET ref = result WHERE result = 'paid'")
    op.create_check_constraint(
        "payment_attempts_result", "payment_attempts", RESULT, schema="payments"
    )


def _attempts_on_sqlite() -> None:
    op.execute("ALTER TABLE payment_attempts RENAME TO payment_attempts_before")
    op.create_table(
        "payment_attempts",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("happened_at", COUNT, nullable=False),
        sa.CheckConstraint(RESULT, name="payment_attempts_result"),
        sa.PrimaryKeyConstraint("payment_id", "ref"),
        sqlite_strict=True,
    )
    op.execute(
        "INSERT INTO payment_attempts (payment_id, ref, result, reason, happened_at)"
        " SELECT payment_id, CASE result WHEN 'paid' THEN 'paid' ELSE event_id END, result,"
        " reason, happened_at FROM payment_attempts_before"
    )
    op.execute("DROP TABLE payment_attempts_before")


def _captures() -> None:
    op.create_table(
        "captures",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", COUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tries", COUNT, server_default="0", nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.CheckConstraint("status IN ('asked', 'succeeded', 'failed')", name="captures_status"),
        sa.CheckConstraint("amount_minor > 0", name="captures_amount_positive"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="captures_key_once"),
        schema="payments",
        sqlite_strict=True,
    )


def _captured_before() -> None:
    """What was paid was taken by the provider itself."""
    schema = "" if op.get_bind().dialect.name == "sqlite" else "payments."
    op.execute(
        f"INSERT INTO {schema}captures"
        " (id, key, payment_id, amount_minor, status, reason, created_at, version)"
        " SELECT 'told:' || id, 'told:' || key, id, captured_minor, 'succeeded', '', paid_at, 1"
        f" FROM {schema}payments WHERE captured_minor > 0"
    )


def _disputes() -> None:
    op.create_table(
        "disputes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=False),
        sa.Column("amount_minor", COUNT, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("fee_minor", COUNT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_at", COUNT, nullable=False),
        sa.Column("closed_at", COUNT, nullable=True),
        sa.Column("version", COUNT, nullable=False),
        sa.CheckConstraint("status IN ('opened', 'won', 'lost')", name="disputes_status"),
        sa.CheckConstraint("amount_minor > 0", name="disputes_amount_positive"),
        sa.CheckConstraint("fee_minor >= 0", name="disputes_fee_not_negative"),
        sa.CheckConstraint("length(currency) = 3", name="disputes_currency_iso"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider", "provider_ref", name="disputes_provider_ref_once"),
        schema="payments",
        sqlite_strict=True,
    )


def _sandbox() -> None:
    """Pages that are open and refunds that were made are kept; the rest is new."""
    if op.get_bind().dialect.name == "sqlite":
        _sandbox_on_sqlite()
    else:
        _sandbox_on_postgresql()
    _sandbox_disputes()
    _sandbox_transfers()
    _sandbox_movements()


SESSION_CHECKS = {
    "sandbox_sessions_status": ("status IN ('open', 'authorised', 'paid', 'expired', 'voided')"),
    "sandbox_sessions_capture": "capture IN ('automatic', 'manual')",
    "sandbox_sessions_refunds": "refunds IN ('at_once', 'pending', 'fail')",
    "sandbox_captured_within": "captured_minor >= 0 AND captured_minor <= amount_minor",
    "sandbox_refunds_within": "refunded_minor >= 0 AND refunded_minor <= captured_minor",
}
REFUND_STATUS = "status IN ('asked', 'pending', 'succeeded', 'failed')"
SESSION_SAME = (
    "id, key, token, amount_minor, currency, description, return_url, status, declines, "
    "charge_ref, refunded_minor, expires_at, created_at"
)
CAPTURED = "CASE status WHEN 'paid' THEN amount_minor ELSE 0 END"


def _sandbox_on_postgresql() -> None:
    for name in ("sandbox_sessions_status", "sandbox_refunds_within"):
        op.drop_constraint(name, "sandbox_sessions", schema="payments")
    for column in (
        sa.Column("capture", sa.Text(), server_default="automatic", nullable=False),
        sa.Column("capture_before", COUNT, nullable=True),
        sa.Column("captured_minor", COUNT, server_default="0", nullable=False),
        sa.Column("refunds", sa.Text(), server_default="at_once", nullable=False),
        sa.Column("settles_at", COUNT, nullable=True),
    ):
        op.add_column("sandbox_sessions", column, schema="payments")
    op.execute(f"UPDATE payments.sandbox_sessions SET captured_minor = {CAPTURED}")
    for name, condition in SESSION_CHECKS.items():
        op.create_check_constraint(name, "sandbox_sessions", condition, schema="payments")
    made = sa.Column("status", sa.Text(), server_default="succeeded", nullable=False)
    op.add_column("sandbox_refunds", made, schema="payments")
    op.create_check_constraint(
        "sandbox_refunds_status", "sandbox_refunds", REFUND_STATUS, schema="payments"
    )
    for table, name in (
        ("sandbox_sessions", "capture"),
        ("sandbox_sessions", "refunds"),
        ("sandbox_refunds", "status"),
    ):
        op.alter_column(table, name, server_default=None, schema="payments")


def _sandbox_on_sqlite() -> None:
    op.execute("ALTER TABLE sandbox_sessions RENAME TO sandbox_sessions_before")
    op.create_table(
        "sandbox_sessions",
        *_texts("id", "key", "token"),
        sa.Column("amount_minor", COUNT, nullable=False),
        *_texts("currency", "description", "return_url", "capture", "status"),
        sa.Column("declines", COUNT, server_default="0", nullable=False),
        sa.Column("charge_ref", sa.Text(), nullable=True),
        sa.Column("capture_before", COUNT, nullable=True),
        sa.Column("captured_minor", COUNT, server_default="0", nullable=False),
        sa.Column("refunded_minor", COUNT, server_default="0", nullable=False),
        sa.Column("refunds", sa.Text(), nullable=False),
        sa.Column("settles_at", COUNT, nullable=True),
        *_counts("expires_at", "created_at"),
        *(sa.CheckConstraint(condition, name=name) for name, condition in SESSION_CHECKS.items()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="sandbox_sessions_key_once"),
        sa.UniqueConstraint("token", name="sandbox_sessions_token_once"),
        sqlite_strict=True,
    )
    op.execute(
        f"INSERT INTO sandbox_sessions ({SESSION_SAME}, capture, captured_minor, refunds)"
        f" SELECT {SESSION_SAME}, 'automatic', {CAPTURED}, 'at_once' FROM sandbox_sessions_before"
    )
    op.execute("DROP TABLE sandbox_sessions_before")
    op.execute("ALTER TABLE sandbox_refunds RENAME TO sandbox_refunds_before")
    op.create_table(
        "sandbox_refunds",
        *_texts("key", "id", "session_id", "status"),
        *_counts("amount_minor", "created_at"),
        sa.CheckConstraint(REFUND_STATUS, name="sandbox_refunds_status"),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("id"),
        sqlite_strict=True,
    )
    op.execute(
        "INSERT INTO sandbox_refunds (key, id, session_id, amount_minor, status, created_at)"
        " SELECT key, id, session_id, amount_minor, 'succeeded', created_at"
        " FROM sandbox_refunds_before"
    )
    op.execute("DROP TABLE sandbox_refunds_before")


def _sandbox_disputes() -> None:
    op.create_table(
        "sandbox_disputes",
        *_texts("id", "session_id", "status"),
        *_counts("amount_minor", "created_at"),
        sa.CheckConstraint("status IN ('opened', 'won', 'lost')", name="sandbox_disputes_status"),
        sa.PrimaryKeyConstraint("id"),
        schema="payments",
        sqlite_strict=True,
    )


def _sandbox_transfers() -> None:
    op.create_table(
        "sandbox_transfers",
        *_texts("key", "id", "account", "currency", "payment_key"),
        *_counts("amount_minor", "created_at"),
        sa.Column("reversed_minor", COUNT, server_default="0", nullable=False),
        sa.CheckConstraint(
            "reversed_minor >= 0 AND reversed_minor <= amount_minor",
            name="sandbox_reversed_within",
        ),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("id"),
        schema="payments",
        sqlite_strict=True,
    )
    op.create_table(
        "sandbox_reversals",
        *_texts("key", "id", "transfer_id"),
        *_counts("amount_minor", "created_at"),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("id"),
        schema="payments",
        sqlite_strict=True,
    )


def _sandbox_movements() -> None:
    op.create_table(
        "sandbox_movements",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        *_texts("kind", "ref"),
        sa.Column("payment_key", sa.Text(), nullable=True),
        sa.Column("charge_ref", sa.Text(), nullable=True),
        *_counts("amount_minor", "fee_minor"),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at", COUNT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('charge', 'refund', 'dispute', 'dispute_reversal', 'payout', 'fee')",
            name="sandbox_movements_kind",
        ),
        sa.PrimaryKeyConstraint("seq"),
        schema="payments",
        sqlite_strict=True,
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, COUNT, nullable=False) for name in names]


def _index(
    name: str, table: str, column: str, condition: str | None, *, unique: bool = False
) -> None:
    where = None if condition is None else sa.text(condition)
    op.create_index(
        name,
        table,
        [column],
        unique=unique,
        schema="payments",
        postgresql_where=where,
        sqlite_where=where,
    )

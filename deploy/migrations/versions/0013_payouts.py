"""Money sent on to connected accounts."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.guards import keep
from deploy.migrations.types import COUNT

revision = "0013"
down_revision = "0012"

PAYOUT_STATUS = (
    "status IN ('asked', 'pending', 'succeeded', 'failed', 'partly_reversed', 'reversed')"
)


def upgrade() -> None:
    _payouts()
    _reversals()
    # What was promised never changes; how it stands does.
    keep("payments", "payouts", "id", "key", "provider", "payment_id", "account", "amount_minor",
         "currency", "reference", "charge_ref")  # fmt: skip
    keep("payments", "payout_reversals", "id", "key", "payout_id", "amount_minor")


def _payouts() -> None:
    op.create_table(
        "payouts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount_minor", COUNT, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("charge_ref", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=True),
        sa.Column("reversed_minor", COUNT, server_default="0", nullable=False),
        sa.Column("tries", COUNT, server_default="0", nullable=False),
        sa.Column("next_at", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.CheckConstraint(PAYOUT_STATUS, name="payouts_status"),
        sa.CheckConstraint("amount_minor > 0", name="payouts_amount_positive"),
        sa.CheckConstraint("length(currency) = 3", name="payouts_currency_iso"),
        sa.CheckConstraint(
            "reversed_minor >= 0 AND reversed_minor <= amount_minor",
            name="payouts_reversed_within",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="payouts_key_once"),
        sa.UniqueConstraint("provider", "provider_ref", name="payouts_provider_ref_once"),
        schema="payments",
        sqlite_strict=True,
    )
    due = sa.text("status IN ('asked', 'pending')")
    op.create_index(
        "payouts_due",
        "payouts",
        ["next_at"],
        unique=False,
        schema="payments",
        postgresql_where=due,
        sqlite_where=due,
    )
    op.create_index("payouts_of_payment", "payouts", ["payment_id"], schema="payments")


def _reversals() -> None:
    op.create_table(
        "payout_reversals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", COUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=True),
        sa.Column("tries", COUNT, server_default="0", nullable=False),
        sa.Column("next_at", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.CheckConstraint(
            "status IN ('asked', 'succeeded', 'failed')", name="payout_reversals_status"
        ),
        sa.CheckConstraint("amount_minor > 0", name="payout_reversals_amount_positive"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="payout_reversals_key_once"),
        sa.UniqueConstraint("payout_id", "provider_ref", name="payout_reversals_provider_ref_once"),
        schema="payments",
        sqlite_strict=True,
    )
    due = sa.text("status = 'asked'")
    op.create_index(
        "payout_reversals_due",
        "payout_reversals",
        ["next_at"],
        unique=False,
        schema="payments",
        postgresql_where=due,
        sqlite_where=due,
    )
    op.create_index(
        "payout_reversals_of_payout", "payout_reversals", ["payout_id"], schema="payments"
    )

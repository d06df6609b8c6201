"""Reports of providers compared with the books, and alerts."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.schemas import create_schemas
from deploy.migrations.types import COUNT, JSON

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    create_schemas("checkout")
    _alerts()
    _rounds()
    _runs()
    _differences()
    _indexes()


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("count", COUNT, nullable=False),
        sa.Column("first_at", COUNT, nullable=False),
        sa.Column("last_at", COUNT, nullable=False),
        sa.Column("resolved_at", COUNT, nullable=True),
        sa.Column("resolution", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="kernel",
        sqlite_strict=True,
    )
    op.create_index(
        "alerts_open_once",
        "alerts",
        ["name", "subject"],
        unique=True,
        schema="kernel",
        postgresql_where=sa.text("resolved_at IS NULL"),
        sqlite_where=sa.text("resolved_at IS NULL"),
    )


def _rounds() -> None:
    op.create_table(
        "rounds",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="kernel",
        sqlite_strict=True,
    )


def _runs() -> None:
    op.create_table(
        "reconciliation_runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("since", COUNT, nullable=False),
        sa.Column("until", COUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("lines", COUNT, nullable=False),
        sa.Column("matched", COUNT, nullable=False),
        sa.Column("fees_posted", COUNT, nullable=False),
        sa.Column("totals", JSON, nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("tries", COUNT, nullable=False),
        sa.Column("lease_until", COUNT, nullable=False),
        sa.Column("started_at", COUNT, nullable=False),
        sa.Column("ended_at", COUNT, nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'done', 'failed')", name="reconciliation_runs_status"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        schema="checkout",
        sqlite_strict=True,
    )
    op.create_index(
        "reconciliation_runs_of_provider",
        "reconciliation_runs",
        ["provider", "since"],
        unique=False,
        schema="checkout",
    )


def _differences() -> None:
    op.create_table(
        "reconciliation_differences",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("order_code", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("found_at", COUNT, nullable=False),
        sa.Column("seen_at", COUNT, nullable=False),
        sa.Column("closed_at", COUNT, nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('missing_here', 'missing_there', 'double', 'amount_differs', "
            "'currency_differs', 'late', 'unknown', 'not_posted', 'fee_differs', "
            "'payout_unconfirmed')",
            name="reconciliation_differences_kind",
        ),
        sa.CheckConstraint(
            "status IN ('open', 'explained', 'resolved')", name="reconciliation_differences_status"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider", "kind", "about", name="reconciliation_differences_once"),
        schema="checkout",
        sqlite_strict=True,
    )
    op.create_index(
        "reconciliation_differences_of_run",
        "reconciliation_differences",
        ["run_id"],
        unique=False,
        schema="checkout",
    )
    op.create_index(
        "reconciliation_differences_open",
        "reconciliation_differences",
        ["provider", "found_at"],
        unique=False,
        schema="checkout",
        postgresql_where=sa.text("status = 'open'"),
        sqlite_where=sa.text("status = 'open'"),
    )


def _indexes() -> None:
    """So that proving the books does not read all of them."""
    op.create_index(
        "stock_movements_by_reference",
        "stock_movements",
        ["reference"],
        unique=False,
        schema="inventory",
    )
    for status, columns in (("claimed", ["sku", "warehouse", "quantity"]), ("claiming", ["sku"])):
        op.create_index(
            f"holds_{status}",
            "holds",
            columns,
            unique=False,
            schema="inventory",
            postgresql_where=sa.text(f"status = '{status}'"),
            sqlite_where=sa.text(f"status = '{status}'"),
        )
    op.create_index(
        "payments_paid",
        "payments",
        ["provider", "paid_at"],
        unique=False,
        schema="payments",
        postgresql_where=sa.text("captured_minor > 0"),
        sqlite_where=sa.text("captured_minor > 0"),
    )

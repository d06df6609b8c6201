"""What people did to sagas, events and messages, and why; what went wrong before."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from deploy.migrations.guards import keep
from deploy.migrations.types import COUNT, JSON

revision = "0012"
down_revision = "0011"

INBOX_STATUS = "status IN ('waiting', 'done', 'parked', 'dropped')"
OUTBOX_STATUS = "status IN ('waiting', 'sent', 'parked', 'dropped')"
DIRECTION = "direction IN ('do', 'undo')"


def upgrade() -> None:
    _directions()
    _may_be_dropped("inbox", INBOX_STATUS, sa.Column("error", sa.Text(), nullable=True))
    outages = sa.Column("outages", COUNT, server_default="0", nullable=False)
    _may_be_dropped("outbox", OUTBOX_STATUS, outages)
    _parked("inbox", "seq")
    _parked("outbox", "seq")
    _parked("sagas", "changed_at")
    _failures()
    _audit()
    # What somebody did and why is evidence.
    keep("kernel", "audit_entries")


def _directions() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "ALTER TABLE sagas ADD COLUMN direction TEXT DEFAULT 'do' NOT NULL"
            f" CONSTRAINT sagas_direction CHECK ({DIRECTION})"
        )
    else:
        column = sa.Column("direction", sa.Text(), server_default="do", nullable=False)
        op.add_column("sagas", column, schema="kernel")
        op.create_check_constraint("sagas_direction", "sagas", DIRECTION, schema="kernel")
    # A parked one that has undone nothing yet may have stood in either direction. Forwards is safe:
    # what was refused is refused again, and turns it around.
    sagas, steps = _name("sagas"), _name("saga_steps")
    op.execute(
        f"UPDATE {sagas} SET direction = 'undo' WHERE status IN ('compensating', 'reverted')"
        f" OR (status = 'parked' AND EXISTS (SELECT 1 FROM {steps} AS s"
        f" WHERE s.saga_id = {sagas}.id AND s.direction = 'undo'))"
    )


def _name(table: str) -> str:
    return table if op.get_bind().dialect.name == "sqlite" else f"kernel.{table}"


def _may_be_dropped(table: str, status: str, *columns: sa.Column[Any]) -> None:
    """On PostgreSQL these are plain commands; SQLite copies the table."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table(
        table, schema=None if sqlite else "kernel", table_kwargs={"sqlite_strict": True}
    ) as batch:
        batch.drop_constraint(f"{table}_status", type_="check")
        batch.create_check_constraint(f"{table}_status", status)
        for column in columns:
            batch.add_column(column)


def _parked(table: str, column: str) -> None:
    op.create_index(
        f"{table}_parked",
        table,
        [column],
        unique=False,
        schema="kernel",
        postgresql_where=sa.text("status = 'parked'"),
        sqlite_where=sa.text("status = 'parked'"),
    )


def _failures() -> None:
    op.create_table(
        "saga_failures",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("saga_id", sa.Text(), nullable=False),
        sa.Column("step", COUNT, nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("tries", COUNT, nullable=False),
        sa.Column("failed_at", COUNT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('refused', 'outage', 'bug', 'needs_person')", name="saga_failures_kind"
        ),
        sa.PrimaryKeyConstraint("seq"),
        schema="kernel",
        sqlite_strict=True,
    )
    op.create_index(
        "saga_failures_of_saga", "saga_failures", ["saga_id", "seq"], unique=False, schema="kernel"
    )


def _audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("at", COUNT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.CheckConstraint("length(reason) BETWEEN 3 AND 500", name="audit_entries_reason_said"),
        sa.PrimaryKeyConstraint("seq"),
        schema="kernel",
        sqlite_strict=True,
    )
    op.create_index(
        "audit_entries_of_subject",
        "audit_entries",
        ["subject", "seq"],
        unique=False,
        schema="kernel",
    )

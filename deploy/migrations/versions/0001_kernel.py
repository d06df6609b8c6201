"""Messages in and out, events, sagas."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.guards import FUNCTION
from deploy.migrations.schemas import create_schemas
from deploy.migrations.types import COUNT, JSON

revision = "0001"
down_revision = None

NOW = """
CREATE FUNCTION livetill_now() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(current_setting('livetill.clock_at', true), '')::bigint,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
    )
$$
"""


def upgrade() -> None:
    create_schemas("kernel")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(NOW)
        op.execute(FUNCTION)
    _consumed()
    _idempotency()
    _inbox()
    _outbox()
    _outgoing()
    _saga_signals()
    _saga_steps()
    _sagas()


def _consumed() -> None:
    op.create_table(
        "consumed",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("consumed_at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id"),
        schema="kernel",
        sqlite_strict=True,
    )


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("answer", JSON, nullable=False),
        sa.Column("answered_at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key"),
        schema="kernel",
        sqlite_strict=True,
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("received_at", COUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tries", COUNT, server_default="0", nullable=False),
        sa.Column("next_at", COUNT, server_default="0", nullable=False),
        sa.CheckConstraint("status IN ('waiting', 'done', 'parked')", name="inbox_status"),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("account", "message_id", name="inbox_message_once"),
        schema="kernel",
        sqlite_strict=True,
    )
    op.create_index(
        "inbox_by_conversation", "inbox", ["conversation_id", "seq"], unique=False, schema="kernel"
    )
    op.create_index(
        "inbox_waiting",
        "inbox",
        ["conversation_id", "seq"],
        unique=False,
        schema="kernel",
        postgresql_where=sa.text("status = 'waiting'"),
        sqlite_where=sa.text("status = 'waiting'"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.Column("aggregate_id", sa.Text(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", COUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tries", COUNT, server_default="0", nullable=False),
        sa.Column("next_at", COUNT, server_default="0", nullable=False),
        sa.Column("lease_until", COUNT, server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('waiting', 'sent', 'parked')", name="outbox_status"),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
        schema="kernel",
        sqlite_strict=True,
    )
    op.create_index(
        "outbox_unproven",
        "outbox",
        ["next_at"],
        unique=False,
        schema="kernel",
        postgresql_where=sa.text("status = 'sent' AND next_at > 0"),
        sqlite_where=sa.text("status = 'sent' AND next_at > 0"),
    )
    op.create_index(
        "outbox_unproven_of_aggregate",
        "outbox",
        ["aggregate_id", "seq"],
        unique=False,
        schema="kernel",
        postgresql_where=sa.text("status = 'sent' AND next_at > 0"),
        sqlite_where=sa.text("status = 'sent' AND next_at > 0"),
    )
    op.create_index(
        "outbox_waiting",
        "outbox",
        ["aggregate_id", "seq"],
        unique=False,
        schema="kernel",
        postgresql_where=sa.text("status = 'waiting'"),
        sqlite_where=sa.text("status = 'waiting'"),
    )


def _outgoing() -> None:
    op.create_table(
        "outgoing",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("number", COUNT, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("priority", COUNT, nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tries", COUNT, server_default="0", nullable=False),
        sa.Column("next_at", COUNT, server_default="0", nullable=False),
        sa.Column("lease_until", COUNT, server_default="0", nullable=False),
        sa.Column("fence", COUNT, server_default="0", nullable=False),
        sa.Column("sent_at", COUNT, nullable=True),
        sa.Column("provider_message_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('waiting', 'sent', 'shown', 'failed')", name="outgoing_status"
        ),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("conversation_id", "number", name="outgoing_number_once"),
        schema="kernel",
        sqlite_strict=True,
    )
    op.create_index(
        "outgoing_by_provider_id",
        "outgoing",
        ["account", "provider_message_id"],
        unique=False,
        schema="kernel",
    )
    op.create_index(
        "outgoing_waiting",
        "outgoing",
        ["account", "priority", "seq"],
        unique=False,
        schema="kernel",
        postgresql_where=sa.text("status = 'waiting'"),
        sqlite_where=sa.text("status = 'waiting'"),
    )


def _saga_signals() -> None:
    op.create_table(
        "saga_signals",
        sa.Column("saga_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("received_at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("saga_id", "name"),
        schema="kernel",
        sqlite_strict=True,
    )


def _saga_steps() -> None:
    op.create_table(
        "saga_steps",
        sa.Column("saga_id", sa.Text(), nullable=False),
        sa.Column("step", COUNT, nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("output", JSON, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", COUNT, nullable=False),
        sa.Column("ended_at", COUNT, nullable=True),
        sa.PrimaryKeyConstraint("saga_id", "step", "direction"),
        schema="kernel",
        sqlite_strict=True,
    )


def _sagas() -> None:
    op.create_table(
        "sagas",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("step", COUNT, nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("tries", COUNT, server_default="0", nullable=False),
        sa.Column("next_at", COUNT, nullable=False),
        sa.Column("lease_until", COUNT, server_default="0", nullable=False),
        sa.Column("fence", COUNT, server_default="0", nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("changed_at", COUNT, nullable=False),
        sa.CheckConstraint(
            "status IN ('running', 'waiting', 'compensating', 'completed', 'reverted', 'parked')",
            name="sagas_status",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "key", name="sagas_key_once"),
        schema="kernel",
        sqlite_strict=True,
    )
    op.create_index(
        "sagas_due",
        "sagas",
        ["next_at"],
        unique=False,
        schema="kernel",
        postgresql_where=sa.text("status IN ('running', 'waiting', 'compensating')"),
        sqlite_where=sa.text("status IN ('running', 'waiting', 'compensating')"),
    )

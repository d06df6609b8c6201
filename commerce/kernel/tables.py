"""The kernel's own tables: inbox, outgoing, outbox, consumed events, idempotency, sagas, alerts."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text

from commerce.kernel.columns import Count, Id, Instant, Json, Text, number, status_check, table


class InboxStatus(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    PARKED = "parked"  # failed too often: a person has to look
    DROPPED = "dropped"  # a person gave it up


class OutgoingStatus(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    SHOWN = "shown"  # of a pull channel: the fan's page reads it from here
    FAILED = "failed"


class OutboxStatus(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    PARKED = "parked"
    DROPPED = "dropped"


class SagaStatus(StrEnum):
    RUNNING = "running"
    WAITING = "waiting"  # for a signal
    COMPENSATING = "compensating"
    COMPLETED = "completed"
    REVERTED = "reverted"
    PARKED = "parked"  # it cannot go on by itself: a person has to look


class Direction(StrEnum):
    """Which way a saga goes; a parked one goes on in the direction it stood in."""

    DO = "do"
    UNDO = "undo"


class StepStatus(StrEnum):
    INTENT = "intent"  # the outside is being asked, or its answer was lost
    DONE = "done"
    SKIPPED = "skipped"  # a person went past it


class FailureKind(StrEnum):
    REFUSED = "refused"
    OUTAGE = "outage"
    BUG = "bug"
    NEEDS_PERSON = "needs_person"


INBOX = table(
    "kernel",
    "inbox",
    number(),
    Column("account", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("body", Json, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("tries", Count, nullable=False, server_default="0"),
    Column("next_at", Instant, nullable=False, server_default="0"),
    Column("error", Text),  # of its last try
    UniqueConstraint("account", "message_id", name="inbox_message_once"),
    status_check("inbox_status", "status", InboxStatus),
)
Index(
    "inbox_parked",
    INBOX.c.seq,
    postgresql_where=text("status = 'parked'"),
    sqlite_where=text("status = 'parked'"),
)
Index(
    "inbox_waiting",
    INBOX.c.conversation_id,
    INBOX.c.seq,
    postgresql_where=text("status = 'waiting'"),
    sqlite_where=text("status = 'waiting'"),
)
Index("inbox_by_conversation", INBOX.c.conversation_id, INBOX.c.seq)

OUTGOING = table(
    "kernel",
    "outgoing",
    number(),
    Column("conversation_id", Text, nullable=False),
    Column("number", Count, nullable=False),  # 1, 2, 3... within the conversation
    Column("account", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("priority", Count, nullable=False),
    Column("body", Json, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("tries", Count, nullable=False, server_default="0"),
    Column("next_at", Instant, nullable=False, server_default="0"),
    Column("lease_until", Instant, nullable=False, server_default="0"),
    Column("fence", Count, nullable=False, server_default="0"),
    Column("sent_at", Instant),
    Column("provider_message_id", Text),
    Column("reason", Text),  # why it failed
    UniqueConstraint("conversation_id", "number", name="outgoing_number_once"),
    status_check("outgoing_status", "status", OutgoingStatus),
)
Index(
    "outgoing_waiting",
    OUTGOING.c.account,
    OUTGOING.c.priority,
    OUTGOING.c.seq,
    postgresql_where=text("status = 'waiting'"),
    sqlite_where=text("status = 'waiting'"),
)
Index("outgoing_by_provider_id", OUTGOING.c.account, OUTGOING.c.provider_message_id)

OUTBOX = table(
    "kernel",
    "outbox",
    number(),
    Column("id", Id, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("version", Count, nullable=False),
    Column("aggregate_id", Text, nullable=False),
    Column("payload", Json, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("tries", Count, nullable=False, server_default="0"),
    Column("next_at", Instant, nullable=False, server_default="0"),
    Column("lease_until", Instant, nullable=False, server_default="0"),
    Column("error", Text),
    Column("outages", Count, nullable=False, server_default="0"),  # tries that no bug ended
    status_check("outbox_status", "status", OutboxStatus),
)
Index(
    "outbox_waiting",
    OUTBOX.c.aggregate_id,
    OUTBOX.c.seq,
    postgresql_where=text("status = 'waiting'"),
    sqlite_where=text("status = 'waiting'"),
)

Index(
    "outbox_parked",
    OUTBOX.c.seq,
    postgresql_where=text("status = 'parked'"),
    sqlite_where=text("status = 'parked'"),
)

# A sent event whose handlers are not known to have run has next_at > 0: when to look.
_UNPROVEN = "status = 'sent' AND next_at > 0"
Index(
    "outbox_unproven",
    OUTBOX.c.next_at,
    postgresql_where=text(_UNPROVEN),
    sqlite_where=text(_UNPROVEN),
)
Index(
    "outbox_unproven_of_aggregate",
    OUTBOX.c.aggregate_id,
    OUTBOX.c.seq,
    postgresql_where=text(_UNPROVEN),
    sqlite_where=text(_UNPROVEN),
)

CONSUMED = table(
    "kernel",
    "consumed",
    Column("consumer", Text, primary_key=True),
    Column("event_id", Id, primary_key=True),
    Column("consumed_at", Instant, nullable=False),
)

IDEMPOTENCY = table(
    "kernel",
    "idempotency",
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_hash", Text, nullable=False),
    Column("answer", Json, nullable=False),
    Column("answered_at", Instant, nullable=False),
)

SAGAS = table(
    "kernel",
    "sagas",
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("step", Count, nullable=False),  # index of the step to do, or to undo, next
    Column("direction", Text, nullable=False, server_default="do"),
    Column("data", Json, nullable=False),
    Column("tries", Count, nullable=False, server_default="0"),
    Column("next_at", Instant, nullable=False),
    Column("lease_until", Instant, nullable=False, server_default="0"),
    Column("fence", Count, nullable=False, server_default="0"),
    Column("failure", Text),
    Column("correlation_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    UniqueConstraint("kind", "key", name="sagas_key_once"),
    status_check("sagas_status", "status", SagaStatus),
    status_check("sagas_direction", "direction", Direction),
)
Index(
    "sagas_due",
    SAGAS.c.next_at,
    postgresql_where=text("status IN ('running', 'waiting', 'compensating')"),
    sqlite_where=text("status IN ('running', 'waiting', 'compensating')"),
)
Index(
    "sagas_parked",
    SAGAS.c.changed_at,
    postgresql_where=text("status = 'parked'"),
    sqlite_where=text("status = 'parked'"),
)

SAGA_STEPS = table(
    "kernel",
    "saga_steps",
    Column("saga_id", Id, primary_key=True),
    Column("step", Count, primary_key=True),
    Column("direction", Text, primary_key=True),  # see Direction
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),  # see StepStatus
    Column("output", Json),
    Column("error", Text),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

SAGA_SIGNALS = table(
    "kernel",
    "saga_signals",
    Column("saga_id", Id, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("payload", Json, nullable=False),
    Column("received_at", Instant, nullable=False),
)

ALERTS = table(
    "kernel",
    "alerts",
    number(),
    Column("name", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("count", Count, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("resolution", Text, nullable=False),
)
Index(
    "alerts_open_once",
    ALERTS.c.name,
    ALERTS.c.subject,
    unique=True,
    postgresql_where=text("resolved_at IS NULL"),
    sqlite_where=text("resolved_at IS NULL"),
)

SAGA_FAILURES = table(
    "kernel",
    "saga_failures",
    number(),
    Column("saga_id", Id, nullable=False),
    Column("step", Count, nullable=False),
    Column("direction", Text, nullable=False),
    Column("name", Text, nullable=False),  # of the step
    Column("kind", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("tries", Count, nullable=False),  # of this step since it last began, with this one
    Column("failed_at", Instant, nullable=False),
    status_check("saga_failures_kind", "kind", FailureKind),
)
Index("saga_failures_of_saga", SAGA_FAILURES.c.saga_id, SAGA_FAILURES.c.seq)

AUDIT_ENTRIES = table(
    "kernel",
    "audit_entries",
    number(),
    Column("at", Instant, nullable=False),
    Column("actor", Id, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),  # `kind:id`
    Column("reason", Text, nullable=False),
    Column("facts", Json, nullable=False),
    CheckConstraint("length(reason) BETWEEN 3 AND 500", name="audit_entries_reason_said"),
)
Index("audit_entries_of_subject", AUDIT_ENTRIES.c.subject, AUDIT_ENTRIES.c.seq)

ROUNDS = table(
    "kernel",
    "rounds",
    Column("name", Text, primary_key=True),
    Column("position", Text, nullable=False),  # the last key of the part that was done last
)

"""What was begun goes on: sagas, events and messages neither lie still nor wait for a person."""

from __future__ import annotations

from sqlalchemy import or_, select, text

from commerce.kernel.columns import db_now
from commerce.kernel.tables import INBOX, OUTBOX, SAGAS, InboxStatus, OutboxStatus, SagaStatus
from deploy.invariants.rule import STUCK_AFTER, Invariant, word

UNENDED = "status IN ('running', 'waiting', 'compensating')"  # as the index has it

INVARIANTS = (
    Invariant(
        "nothing_parked",
        "something failed too often and waits for a person",
        select(SAGAS.c.id, SAGAS.c.kind, SAGAS.c.failure).where(
            SAGAS.c.status == word(SagaStatus.PARKED)
        ),
    ),
    Invariant(
        "no_event_parked",
        "an event failed too often and waits for a person",
        select(OUTBOX.c.id, OUTBOX.c.name, OUTBOX.c.error).where(
            OUTBOX.c.status == word(OutboxStatus.PARKED)
        ),
    ),
    Invariant(
        "no_message_parked",
        "a fan's message failed too often and waits for a person",
        select(INBOX.c.seq, INBOX.c.conversation_id).where(
            INBOX.c.status == word(InboxStatus.PARKED)
        ),
    ),
    Invariant(
        "nothing_stuck",
        "a saga should have gone on long ago",
        select(SAGAS.c.id, SAGAS.c.kind, SAGAS.c.status).where(
            text(UNENDED), SAGAS.c.next_at < db_now() - STUCK_AFTER
        ),
    ),
    Invariant(
        "no_event_stuck",
        "an event should have been delivered long ago",
        select(OUTBOX.c.id, OUTBOX.c.name).where(
            OUTBOX.c.status == word(OutboxStatus.WAITING),
            OUTBOX.c.occurred_at < db_now() - STUCK_AFTER,
            or_(OUTBOX.c.next_at == 0, OUTBOX.c.next_at < db_now() - STUCK_AFTER),
        ),
    ),
)

"""Events and messages that failed too often: seen by a person, and replayed or given up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, select, update

from commerce.kernel import audit, jsons
from commerce.kernel.audit import Intervention
from commerce.kernel.columns import Count
from commerce.kernel.database import Row, Tx
from commerce.kernel.errors import Refusal
from commerce.kernel.tables import INBOX, OUTBOX, InboxStatus, OutboxStatus

MANY = 100

EVENTS = (
    select(OUTBOX)
    .where(OUTBOX.c.status == OutboxStatus.PARKED)
    .order_by(OUTBOX.c.seq)
    .limit(bindparam("most", type_=Count))
)
EVENT = select(OUTBOX).where(OUTBOX.c.id == bindparam("id"))
EVENT_LOCKED = EVENT.with_for_update()
MOVE_EVENT = (
    update(OUTBOX)
    .where(OUTBOX.c.id == bindparam("event"))
    .values(status=bindparam("status"), tries=0, outages=0, next_at=0, lease_until=0)
)
MESSAGES = (
    select(INBOX)
    .where(INBOX.c.status == InboxStatus.PARKED)
    .order_by(INBOX.c.seq)
    .limit(bindparam("most", type_=Count))
)
MESSAGE = select(INBOX).where(INBOX.c.seq == bindparam("id"))
MESSAGE_LOCKED = MESSAGE.with_for_update()
MOVE_MESSAGE = (
    update(INBOX)
    .where(INBOX.c.seq == bindparam("message"))
    .values(status=bindparam("status"), tries=0, next_at=0)
)


class NotParked(Refusal):
    """It does not wait for a person any more, or never did."""

    code = "not_parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    id: str
    name: str
    aggregate_id: str
    payload: Mapping[str, Any]
    status: OutboxStatus
    tries: int  # that a bug ended
    outages: int
    error: str
    occurred_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    seq: int
    account: str
    conversation_id: str
    body: Mapping[str, Any]
    status: InboxStatus
    tries: int
    error: str
    received_at: int


async def events(tx: Tx, limit: int = MANY) -> list[Event]:
    """Oldest first."""
    return [_event(row) for row in await tx.all(EVENTS, most=limit)]


async def event(tx: Tx, event_id: str) -> Event | None:
    row = await tx.first(EVENT, id=event_id)
    return None if row is None else _event(row)


async def messages(tx: Tx, limit: int = MANY) -> list[Message]:
    """Oldest first."""
    return [_message(row) for row in await tx.all(MESSAGES, most=limit)]


async def message(tx: Tx, seq: int) -> Message | None:
    row = await tx.first(MESSAGE, id=seq)
    return None if row is None else _message(row)


async def replay_event(tx: Tx, event_id: str, will: Intervention) -> None:
    """It waits again in its old place, before every later event of its aggregate that waits."""
    await _move_event(tx, event_id, will, "event.replayed", OutboxStatus.WAITING)
    tx.wake("outbox")


async def drop_event(tx: Tx, event_id: str, will: Intervention) -> None:
    """Nobody will hear it; it is kept."""
    await _move_event(tx, event_id, will, "event.dropped", OutboxStatus.DROPPED)


async def replay_message(tx: Tx, seq: int, will: Intervention) -> None:
    """It is answered as if it had come now, before later ones of its conversation that wait."""
    row = await _move_message(tx, seq, will, "message.replayed", InboxStatus.WAITING)
    tx.wake(f"conversation:{row['conversation_id']}")


async def drop_message(tx: Tx, seq: int, will: Intervention) -> None:
    """Nobody will answer it; it is kept."""
    await _move_message(tx, seq, will, "message.dropped", InboxStatus.DROPPED)


async def _move_event(
    tx: Tx, event_id: str, will: Intervention, action: str, status: OutboxStatus
) -> None:
    row = await _locked(tx, EVENT_LOCKED, event_id)

    async def work() -> Mapping[str, Any]:
        if row["status"] != OutboxStatus.PARKED:
            raise NotParked(id=event_id, status=row["status"])
        await tx.run(MOVE_EVENT, event=event_id, status=status)
        facts = ("name", "aggregate_id", "tries", "outages", "error")
        return {name: row[name] for name in facts}

    await audit.once(tx, will, action=action, subject=f"event:{event_id}", work=work)


async def _move_message(
    tx: Tx, seq: int, will: Intervention, action: str, status: InboxStatus
) -> Row:
    row = await _locked(tx, MESSAGE_LOCKED, seq)

    async def work() -> Mapping[str, Any]:
        if row["status"] != InboxStatus.PARKED:
            raise NotParked(id=seq, status=row["status"])
        await tx.run(MOVE_MESSAGE, message=seq, status=status)
        return {name: row[name] for name in ("account", "tries", "error")}

    await audit.once(tx, will, action=action, subject=f"message:{seq}", work=work)
    return row


async def _locked(tx: Tx, statement: Select[Any], which: str | int) -> Row:
    """Before the form's key is looked at: the same form sent twice at once waits here."""
    row = await tx.first(statement, id=which)
    if row is None:
        raise NotParked(id=which)
    return row


def _event(row: Row) -> Event:
    return Event(
        id=row["id"],
        name=row["name"],
        aggregate_id=row["aggregate_id"],
        payload=jsons.loads(row["payload"]),
        status=OutboxStatus(row["status"]),
        tries=row["tries"],
        outages=row["outages"],
        error=row["error"] or "",
        occurred_at=row["occurred_at"],
    )


def _message(row: Row) -> Message:
    return Message(
        seq=row["seq"],
        account=row["account"],
        conversation_id=row["conversation_id"],
        body=jsons.loads(row["body"]),
        status=InboxStatus(row["status"]),
        tries=row["tries"],
        error=row["error"] or "",
        received_at=row["received_at"],
    )

"""What a bus loses comes again from SQL, and in order: which events were sent but never handled.

A row of the outbox that is `sent` with next_at > 0 is unproven: its handlers are not known to have
run. The claims in `consumed` are the proof; the bus is never asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto

from sqlalchemy import bindparam, select, union_all, update

from commerce.kernel import logs, metrics
from commerce.kernel.columns import db_now
from commerce.kernel.database import Database, Row, Tx, any_of
from commerce.kernel.events import Envelope
from commerce.kernel.tables import CONSUMED, OUTBOX, OutboxStatus

BATCH = 500
log = logs.get(__name__)
REPUBLISHED = metrics.counter("livetill_events_republished_total", "Events sent again")

Handled = Mapping[str, Sequence[str]]  # event name -> the consumers that claim it

_unproven = (OUTBOX.c.status == OutboxStatus.SENT) & (OUTBOX.c.next_at > 0)
TO_PROVE = (
    select(OUTBOX.c.id, OUTBOX.c.name)
    .where(_unproven, OUTBOX.c.next_at <= db_now())
    .order_by(OUTBOX.c.next_at)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)
_this = OUTBOX.alias("this")
_earlier = (
    OUTBOX.c.aggregate_id == bindparam("aggregate"),
    OUTBOX.c.seq < select(_this.c.seq).where(_this.c.id == bindparam("event")).scalar_subquery(),
)
_row = (OUTBOX.c.id, OUTBOX.c.name)
BEFORE = union_all(  # each part has an index of its own
    select(*_row).where(OUTBOX.c.status == OutboxStatus.WAITING, *_earlier),
    select(*_row).where(_unproven, *_earlier),
    select(*_row).where(
        OUTBOX.c.id == bindparam("event"),
        OUTBOX.c.status.in_([OutboxStatus.PARKED, OutboxStatus.DROPPED]),
    ),
)
CLAIMS = select(CONSUMED.c.consumer, CONSUMED.c.event_id).where(
    any_of(CONSUMED.c.consumer, "consumers"), any_of(CONSUMED.c.event_id, "events")
)
PROVEN = update(OUTBOX).where(any_of(OUTBOX.c.id, "events")).values(next_at=0)
SEND_AGAIN = (
    update(OUTBOX)
    .where(any_of(OUTBOX.c.id, "events"))
    .values(status=OutboxStatus.WAITING, tries=OUTBOX.c.tries + 1, next_at=0, lease_until=0)
)
PARK = (
    update(OUTBOX)
    .where(OUTBOX.c.id == bindparam("event"))
    .values(status=OutboxStatus.PARKED, error=bindparam("error"))
)


class Turn(Enum):
    NOW = auto()
    LATER = auto()  # the handlers of an earlier event of its aggregate have not run
    PARKED = auto()  # a person decides about it, or has given it up


async def republish_unconsumed(database: Database, handled: Handled) -> int:
    """Have events sent again that were sent but not handled in time; how many. Run it often.

    An event found handled is never looked at again. Each time an event was sent in vain doubles the
    time until the next look, so that a consumer that is merely slow is not flooded.
    """
    total = 0
    while True:
        looked, again = await database.unit_of_work(lambda tx: _republish_some(tx, handled))
        total += again
        if looked < BATCH:
            break
    if total:
        log.warning("events_republished", count=total)
        REPUBLISHED.inc(total)
    return total


async def turn(tx: Tx, event: Envelope, handled: Handled) -> Turn:
    """Whether this event may be handled now."""
    rows = await tx.all(BEFORE, aggregate=event.aggregate_id, event=event.id)
    if any(row["id"] == event.id for row in rows):
        return Turn.PARKED
    return Turn.LATER if await _unconsumed(tx, rows, handled) else Turn.NOW


async def park(tx: Tx, event: Envelope, error: str) -> None:
    await tx.run(PARK, event=event.id, error=error)


async def _republish_some(tx: Tx, handled: Handled) -> tuple[int, int]:
    rows = await tx.all(TO_PROVE)
    missing = await _unconsumed(tx, rows, handled)
    await tx.run(PROVEN, events=[row["id"] for row in rows if row["id"] not in missing])
    if missing:
        await tx.run(SEND_AGAIN, events=sorted(missing))
        tx.wake("outbox")
    return len(rows), len(missing)


async def _unconsumed(tx: Tx, rows: Sequence[Row], handled: Handled) -> set[str]:
    """Which of these events have a handler that has not run."""
    wanted = {(consumer, row["id"]) for row in rows for consumer in handled.get(row["name"], ())}
    if not wanted:
        return set()
    consumers, events = (sorted(set(part)) for part in zip(*wanted, strict=True))
    claims = await tx.all(CLAIMS, consumers=consumers, events=events)
    return {event for _, event in wanted - {(c["consumer"], c["event_id"]) for c in claims}}

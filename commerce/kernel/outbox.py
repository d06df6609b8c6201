"""The relay: carries committed events to their hearers, at least once, an aggregate's in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from sqlalchemy import bindparam, func, select, update

from commerce.kernel import clock, jsons, logs, metrics
from commerce.kernel.columns import db_now, insert_once
from commerce.kernel.database import Database, Row, Tx
from commerce.kernel.errors import Outage
from commerce.kernel.events import Envelope, Handler, Handlers
from commerce.kernel.tables import CONSUMED, OUTBOX, OutboxStatus
from commerce.kernel.waiting import nudged

TRIES_MAX = 5
OUTAGE_TRIES_MAX = 66  # of a handler, over more than an hour
OUTAGE_SECONDS_MAX = 60.0
BATCH = 100
LEASE_SECONDS = 60
IDLE_SECONDS = 2.0
BUS_SECONDS = 5.0  # between two tries of a bus that does not answer, however often
PROVE_SECONDS = 30  # after which an event given to a bus should have been handled
log = logs.get(__name__)
DELIVERED = metrics.counter("livetill_events_delivered_total", "Events delivered", ["event"])

_earlier = OUTBOX.alias("earlier")
_due = (
    select(OUTBOX.c.seq)
    .where(
        OUTBOX.c.status == OutboxStatus.WAITING,
        OUTBOX.c.next_at <= db_now(),
        OUTBOX.c.lease_until <= db_now(),
        # An aggregate's event waits for those before it that are leased elsewhere or failed.
        ~select(_earlier.c.seq)
        .where(
            _earlier.c.aggregate_id == OUTBOX.c.aggregate_id,
            _earlier.c.seq < OUTBOX.c.seq,
            _earlier.c.status == OutboxStatus.WAITING,
            (_earlier.c.next_at > db_now()) | (_earlier.c.lease_until > db_now()),
        )
        .exists(),
    )
    .order_by(OUTBOX.c.seq)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)
CLAIM = (
    update(OUTBOX)
    .where(OUTBOX.c.seq.in_(_due.scalar_subquery()))
    .values(lease_until=db_now() + LEASE_SECONDS * clock.SECOND)
    .returning(OUTBOX)
)
# An event claimed but not yet committed looks free to others, and so does the one after it.
ONE_CLAIM_AT_A_TIME = select(func.pg_advisory_xact_lock(4_207_846_522))
SENT = (
    update(OUTBOX)
    .where(OUTBOX.c.seq == bindparam("row"), OUTBOX.c.status == OutboxStatus.WAITING)
    .values(status=OutboxStatus.SENT, next_at=bindparam("prove_at"))
)
FAILED = (
    update(OUTBOX)
    .where(OUTBOX.c.seq == bindparam("row"))
    .values(
        tries=bindparam("tries"),
        outages=bindparam("outages"),
        next_at=bindparam("next_at"),
        lease_until=0,
        status=bindparam("status"),
        error=bindparam("error"),
    )
)
RELEASE = (
    update(OUTBOX)
    .where(OUTBOX.c.seq == bindparam("row"), OUTBOX.c.status == OutboxStatus.WAITING)
    .values(lease_until=0)
)
CLAIM_EVENT = insert_once(CONSUMED, "consumer", "event_id")

Deliver = Callable[[Envelope], Awaitable[None]]
DeliverWithin = Callable[[Tx, Envelope], Awaitable[None]]


class Dispatcher:
    """Runs the handlers of an event, each once: the claim commits with the effect."""

    def __init__(self, database: Database, contexts: Sequence[Handlers]) -> None:
        self._database = database
        self._handlers: dict[str, list[Handler]] = {}
        for handlers in contexts:
            for name, listed in handlers.items():
                self._handlers.setdefault(name, []).extend(listed)

    @property
    def consumers(self) -> Mapping[str, Sequence[str]]:
        """Event name -> the names under which its handlers claim it."""
        return {name: [consumer_name(h) for h in hs] for name, hs in self._handlers.items()}

    async def deliver(self, event: Envelope) -> None:
        """Each handler in a unit of work of its own."""
        logs.correlation.set(event.correlation_id)
        for handler in self._handlers.get(event.name, ()):
            await self._database.unit_of_work(lambda tx, h=handler: _handle(tx, h, event))  # type: ignore[misc]
        DELIVERED.labels(event.name).inc()

    async def deliver_within(self, tx: Tx, event: Envelope) -> None:
        """All handlers in the caller's unit of work."""
        logs.correlation.set(event.correlation_id)
        for handler in self._handlers.get(event.name, ()):
            await _handle(tx, handler, event)
        DELIVERED.labels(event.name).inc()


def consumer_name(handler: Handler) -> str:
    return f"{handler.__module__}.{handler.__qualname__}"


async def _handle(tx: Tx, handler: Handler, event: Envelope) -> None:
    claimed = await tx.run(
        CLAIM_EVENT,
        consumer=consumer_name(handler),
        event_id=event.id,
        consumed_at=clock.now(),
    )
    if claimed:
        await handler(tx, event)


class Relay:
    """Takes waiting events and hands them on; a poison event parks and blocks only its aggregate.

    `within` hands an event on inside the unit of work that marks it sent: where hearers are in this
    process, a whole round is one commit. When that fails, `deliver` goes through the round event by
    event. `proven` says that the handlers have run when `deliver` returns; a bus only carries, and
    there a sweep looks later whether they have.
    """

    def __init__(
        self,
        database: Database,
        deliver: Deliver,
        *,
        within: DeliverWithin | None = None,
        proven: bool = False,
    ) -> None:
        self._database = database
        self._deliver = deliver
        self._within = within
        self._proven = proven

    async def run(self) -> None:
        """Forever; ends by cancellation."""
        nudge = self._database.listen("outbox")
        while True:
            nudge.clear()
            try:
                taken = await self.relay_due()
            except Outage as error:
                log.warning("relay_waits", error=str(error))
                taken = 0
                await asyncio.sleep(1)
            if taken < BATCH:  # what is announced meanwhile nudges
                await nudged(nudge, IDLE_SECONDS)

    async def relay_due(self) -> int:
        """One round; how many events it took."""
        if self._within is not None:
            try:
                return await self._database.unit_of_work(self._hand_on_within)
            except Outage as error:
                log.warning("round_waits", error=str(error))
            except Exception as error:  # one by one it will show which event it was
                log.warning("round_failed", exc_info=error)
        return await self._one_by_one()

    async def _hand_on_within(self, tx: Tx) -> int:
        assert self._within is not None
        rows = sorted(await claim(tx), key=lambda row: row["seq"])
        for row in rows:
            await self._within(tx, envelope(row))
        await tx.run_many(SENT, [{"row": row["seq"], "prove_at": 0} for row in rows])
        return len(rows)

    async def _one_by_one(self) -> int:
        rows = await self._database.unit_of_work(claim)
        if not rows:
            return 0
        sent: list[Row] = []
        stuck: set[str] = set()
        untouched: list[Row] = []
        for row in sorted(rows, key=lambda row: row["seq"]):
            if row["aggregate_id"] in stuck:
                untouched.append(row)
            elif await self._hand_on(row):
                sent.append(row)
            else:
                stuck.add(row["aggregate_id"])
        await self._database.unit_of_work(lambda tx: self._conclude(tx, sent, untouched))
        return len(rows)

    async def _hand_on(self, row: Row) -> bool:
        try:
            await self._deliver(envelope(row))
        except Outage as outage:
            reason = str(outage)
            log.warning("event_waits", event_name=row["name"], error=reason)
            await self._database.unit_of_work(lambda tx: self._postpone(tx, row, reason))
            return False
        except Exception as error:  # a handler's bug must not stop the other aggregates
            log.error("event_failed", event_name=row["name"], event_id=row["id"], exc_info=error)
            reason = repr(error)
            await self._database.unit_of_work(lambda tx: _failed(tx, row, reason))
            return False
        return True

    async def _postpone(self, tx: Tx, row: Row, error: str) -> None:
        """The world did not answer. That is no fault of the event, unless it goes on for hours."""
        outages = row["outages"] + 1
        seconds = outage_seconds(outages) if self._proven else BUS_SECONDS
        given_up = self._proven and outages >= OUTAGE_TRIES_MAX
        await tx.run(
            FAILED,
            row=row["seq"],
            tries=row["tries"],
            outages=outages,
            next_at=await tx.now() + int(seconds * clock.SECOND),
            status=OutboxStatus.PARKED if given_up else OutboxStatus.WAITING,
            error=error[:500],
        )

    async def _conclude(self, tx: Tx, sent: list[Row], untouched: list[Row]) -> None:
        now = await tx.now()
        prove_at = [0 if self._proven else _prove_at(row, now) for row in sent]
        await tx.run_many(
            SENT, [{"row": r["seq"], "prove_at": at} for r, at in zip(sent, prove_at, strict=True)]
        )
        await tx.run_many(RELEASE, [{"row": row["seq"]} for row in untouched])


async def claim(tx: Tx) -> list[Row]:
    """Events to deliver, leased to the caller; of an aggregate nothing while others have some."""
    if tx.dialect == "postgresql":
        await tx.all(ONE_CLAIM_AT_A_TIME)
    return await tx.all(CLAIM)


def outage_seconds(outages: int) -> float:
    """How long to wait after so many outages of a handler."""
    return min(2.0**outages, OUTAGE_SECONDS_MAX)


def _prove_at(row: Row, now: int) -> int:
    """Later with each time the event was sent in vain: a slow consumer is not to be flooded."""
    return int(now + PROVE_SECONDS * 2 ** min(row["tries"], 7) * clock.SECOND)


async def _failed(tx: Tx, row: Row, error: str) -> None:
    tries = row["tries"] + 1
    await tx.run(
        FAILED,
        row=row["seq"],
        tries=tries,
        outages=row["outages"],
        next_at=await tx.now() + 2**tries * clock.SECOND,
        status=OutboxStatus.PARKED if tries >= TRIES_MAX else OutboxStatus.WAITING,
        error=error[:500],
    )


def envelope(row: Row) -> Envelope:
    return Envelope(
        id=row["id"],
        name=row["name"],
        version=row["version"],
        aggregate_id=row["aggregate_id"],
        payload=jsons.loads(row["payload"]),
        correlation_id=row["correlation_id"],
        occurred_at=row["occurred_at"],
    )

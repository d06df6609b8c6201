"""Events over Redis: each is handled once, in order, whatever Redis or a consumer does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import ClassVar

import asyncpg
import pytest
from redis import asyncio as aioredis
from sqlalchemy import insert, select, update

from commerce.kernel import ids, jsons, resending
from commerce.kernel.bus import (
    DEAD,
    GROUP,
    RedisBus,
    RedisConsumer,
    WeakRedis,
    refuse_weak_redis,
    stream_of,
)
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Outage
from commerce.kernel.events import Envelope, Event
from commerce.kernel.outbox import PROVE_SECONDS, Dispatcher, Relay
from commerce.kernel.postgresql import STATEMENTS
from commerce.kernel.tables import INBOX, OUTBOX, InboxStatus, OutboxStatus
from tests.house.source import ROOT

SECOND = 1_000_000
STREAM = "sc.domain.parcel"
HANDLED = select(INBOX).where(INBOX.c.account == "handled").order_by(INBOX.c.seq)
ROWS = select(OUTBOX).order_by(OUTBOX.c.seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelSent(Event):
    name: ClassVar[str] = "parcel.sent"
    parcel_id: str
    number: int

    @property
    def aggregate_id(self) -> str:
        return self.parcel_id


async def note(tx: Tx, event: Envelope) -> None:
    """A handler whose every effect can be counted."""
    await tx.run(
        insert(INBOX),
        account="handled",
        message_id=ids.new_id(),
        conversation_id=event.aggregate_id,
        body=jsons.dumps(event.payload),
        correlation_id="",
        received_at=0,
        status=InboxStatus.DONE,
    )


async def note_unless_poison(tx: Tx, event: Envelope) -> None:
    if event.payload["number"] == 13:
        raise RuntimeError("thirteen")
    await note(tx, event)


def dispatcher(database: Database, handler=note) -> Dispatcher:
    return Dispatcher(database, [{"parcel.sent": [handler]}])


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110  (it happens in another process)
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(*loops) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def redis(redis_url):
    async with aioredis.from_url(redis_url, decode_responses=True, protocol=2) as redis:
        yield redis


@pytest.fixture
async def relay(database, redis_url):
    bus = RedisBus(redis_url)
    yield Relay(database, bus.publish)
    await bus.close()


@pytest.fixture
def a_consumer(database, redis_url):
    def make(handler=note, **options):
        options = {"idle_seconds": 1.0, "patience_seconds": 0.001} | options
        return RedisConsumer(redis_url, database, dispatcher(database, handler), **options)

    return make


async def emit(database: Database, *parcels: tuple[str, int]) -> None:
    events = [ParcelSent(parcel_id=parcel, number=number) for parcel, number in parcels]
    await database.unit_of_work(lambda tx: tx.emit(*events))


async def handled(database: Database) -> list[tuple[str, int]]:
    rows = await database.read(lambda tx: tx.all(HANDLED))
    return [(row["conversation_id"], jsons.loads(row["body"])["number"]) for row in rows]


async def statuses(database: Database) -> list[str]:
    return [row["status"] for row in await database.read(lambda tx: tx.all(ROWS))]


def has_handled(database: Database, count: int) -> Callable[[], Awaitable[bool]]:
    async def enough() -> bool:
        return len(await handled(database)) >= count

    return enough


def nothing_pending(redis) -> Callable[[], Awaitable[bool]]:
    async def none() -> bool:
        groups = await redis.xinfo_groups(STREAM)
        return bool(groups) and all(g["pending"] == 0 and g["lag"] == 0 for g in groups)

    return none


def test_a_stream_holds_the_events_of_one_entity():
    assert stream_of("order.paid") == "sc.domain.order"


async def test_two_consumers_handle_each_event_once_and_in_order(
    database, redis, relay, a_consumer
):
    events = [(f"parcel-{parcel}", number) for number in range(6) for parcel in range(10)]
    await emit(database, *events)
    async with running(relay.run(), a_consumer().run(), a_consumer().run()):
        await until(has_handled(database, len(events)))
        await until(nothing_pending(redis))

    seen = await handled(database)
    assert Counter(seen) == Counter(events)
    for parcel in {parcel for parcel, _ in events}:
        assert [number for of, number in seen if of == parcel] == list(range(6))
    assert await statuses(database) == [OutboxStatus.SENT] * len(events)


DIE_BEFORE_ACKNOWLEDGING = """
import asyncio, sys
from commerce.kernel import crashpoints
from commerce.kernel.bus import RedisConsumer
from commerce.kernel.database import connect
from tests.kernel.test_bus import dispatcher

async def main(redis_url, database_url):
    database = await connect(database_url)
    crashpoints.arm(die_at=2)  # 1 = before the commit of the handler, 2 = after it
    await RedisConsumer(redis_url, database, dispatcher(database)).run()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_consumer_killed_before_it_acknowledges_leaves_one_effect(
    database_url, database, redis, redis_url, relay, a_consumer
):
    await emit(database, ("parcel", 1))
    await relay.relay_due()
    command = [sys.executable, "-c", DIE_BEFORE_ACKNOWLEDGING, redis_url, database_url]
    died = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, timeout=60, check=False)
    assert died.returncode == 137
    assert (await redis.xpending(STREAM, GROUP))["pending"] == 1
    assert await handled(database) == [("parcel", 1)]

    async with running(a_consumer(idle_seconds=0.2).run()):
        await until(nothing_pending(redis))

    assert await handled(database) == [("parcel", 1)]


async def test_a_poison_message_is_parked_and_blocks_only_its_aggregate(
    database, redis, relay, a_consumer
):
    await emit(database, ("bad", 13), ("bad", 14), ("good", 1), ("good", 2))
    await relay.relay_due()
    async with running(a_consumer(note_unless_poison).run()):
        await until(has_handled(database, 3))
        await until(nothing_pending(redis))

    assert sorted(await handled(database)) == [("bad", 14), ("good", 1), ("good", 2)]
    assert await statuses(database) == [OutboxStatus.PARKED, *[OutboxStatus.SENT] * 3]
    [(_, dead)] = await redis.xrange(DEAD)
    assert (dead["stream"], dead["error"]) == (STREAM, "RuntimeError('thirteen')")
    assert jsons.loads(dead["event"])["payload"]["number"] == 13


async def test_what_was_parked_is_not_tried_again_when_its_message_comes_again(
    database, redis, relay, a_consumer
):
    await emit(database, ("bad", 13))
    await relay.relay_due()
    [(_, fields)] = await redis.xrange(STREAM)
    await redis.xadd(STREAM, fields)
    async with running(a_consumer(note_unless_poison).run()):
        await until(nothing_pending(redis))

    assert await redis.xlen(DEAD) == 1


async def test_a_message_that_was_begun_five_times_and_never_ended_is_parked_unheard(
    database, redis, relay, a_consumer
):
    await emit(database, ("parcel", 1))
    await relay.relay_due()
    await redis.xgroup_create(STREAM, GROUP, id="0")
    [[_, [(entry, _)]]] = await redis.xreadgroup(GROUP, "gone", {STREAM: ">"})
    await redis.xclaim(STREAM, GROUP, "gone", 0, [entry], retrycount=5)
    async with running(a_consumer(idle_seconds=0.05).run()):
        await until(nothing_pending(redis))

    assert await handled(database) == []
    assert await statuses(database) == [OutboxStatus.PARKED]


async def test_a_message_that_cannot_be_read_is_buried_and_the_next_one_handled(
    database, redis, relay, a_consumer
):
    await redis.xadd(STREAM, {"event": '{"id": 1}'})
    await emit(database, ("parcel", 1))
    await relay.relay_due()
    async with running(a_consumer().run()):
        await until(has_handled(database, 1))
        await until(nothing_pending(redis))

    [(_, dead)] = await redis.xrange(DEAD)
    assert dead["error"] == "unreadable"


async def test_a_redis_that_forgets_everything_loses_nothing(
    clock, database, redis, relay, a_consumer
):
    await emit(database, ("parcel", 1), ("parcel", 2), ("other", 1))
    await relay.relay_due()
    await redis.flushdb()
    consumers = dispatcher(database).consumers
    async with running(a_consumer().run()):
        await emit(database, ("parcel", 3), ("third", 1))
        await relay.relay_due()
        await until(has_handled(database, 1))
        assert await handled(database) == [("third", 1)]  # the third of `parcel` waits its turn

        clock.advance((PROVE_SECONDS + 1) * SECOND)
        assert await resending.republish_unconsumed(database, consumers) == 4
        await relay.relay_due()
        await until(has_handled(database, 5))

    seen = await handled(database)
    assert [number for parcel, number in seen if parcel == "parcel"] == [1, 2, 3]
    assert Counter(seen) == Counter(
        [("parcel", 1), ("parcel", 2), ("parcel", 3), ("other", 1), ("third", 1)]
    )


async def test_a_consumer_outlives_a_redis_that_forgets_its_group(
    database, redis, relay, a_consumer
):
    await emit(database, ("parcel", 1))
    async with running(relay.run(), a_consumer().run()):
        await until(has_handled(database, 1))
        await redis.flushdb()
        await emit(database, ("parcel", 2))
        await until(has_handled(database, 2))

    assert await handled(database) == [("parcel", 1), ("parcel", 2)]


async def test_a_consumer_outlives_a_lost_connection(database, redis, relay, a_consumer):
    await emit(database, ("parcel", 1))
    async with running(relay.run(), a_consumer().run()):
        await until(has_handled(database, 1))
        for client in await redis.client_list():
            if client["cmd"] == "xreadgroup":
                await redis.client_kill_filter(_id=client["id"])
        await emit(database, ("parcel", 2))
        await until(has_handled(database, 2))


async def test_what_was_handled_is_not_sent_again(clock, database, redis, relay, a_consumer):
    consumers = dispatcher(database).consumers
    await emit(database, ("parcel", 1))
    await relay.relay_due()
    async with running(a_consumer().run()):
        await until(has_handled(database, 1))

    clock.advance((PROVE_SECONDS + 1) * SECOND)
    assert await resending.republish_unconsumed(database, consumers) == 0
    [row] = await database.read(lambda tx: tx.all(ROWS))
    assert (row["status"], row["next_at"]) == (OutboxStatus.SENT, 0)


async def test_an_event_is_sent_again_at_growing_distances(clock, database, redis, relay):
    consumers = dispatcher(database).consumers
    await emit(database, ("parcel", 1))
    sent_at = []
    for second in range(0, PROVE_SECONDS * 8, PROVE_SECONDS // 2):
        await resending.republish_unconsumed(database, consumers)
        if await relay.relay_due():
            sent_at.append(second)
        clock.advance(PROVE_SECONDS // 2 * SECOND)

    assert sent_at == [0, PROVE_SECONDS, 3 * PROVE_SECONDS, 7 * PROVE_SECONDS]
    assert await redis.xlen(STREAM) == 4


async def test_an_event_that_nobody_handles_is_sent_once(clock, database, redis, relay):
    await emit(database, ("parcel", 1))
    await relay.relay_due()
    clock.advance((PROVE_SECONDS + 1) * SECOND)

    assert await resending.republish_unconsumed(database, {"order.paid": ["somebody"]}) == 0


async def test_events_wait_for_a_redis_that_does_not_answer_and_are_never_parked(clock, database):
    bus = RedisBus("redis://127.0.0.1:1/0")
    relay = Relay(database, bus.publish)
    await emit(database, ("parcel", 1))
    for _ in range(7):
        assert await relay.relay_due()
        clock.advance(3600 * SECOND)
    await bus.close()

    [row] = await database.read(lambda tx: tx.all(ROWS))
    assert (row["status"], row["tries"]) == (OutboxStatus.WAITING, 0)


async def test_a_database_outage_is_no_fault_of_the_event(database, redis, relay, a_consumer):
    outages = iter(range(7))

    async def note_after_outages(tx: Tx, event: Envelope) -> None:
        if next(outages, None) is not None:
            raise Outage("not now")
        await note(tx, event)

    await emit(database, ("parcel", 1))
    await relay.relay_due()
    async with running(a_consumer(note_after_outages).run()):
        await until(has_handled(database, 1))
        await until(nothing_pending(redis))

    assert await redis.exists(DEAD) == 0


async def test_an_outage_without_end_parks_only_its_event(database, redis, relay, a_consumer):
    async def never_thirteen(tx: Tx, event: Envelope) -> None:
        if event.payload["number"] == 13:
            raise Outage("locked for ever")
        await note(tx, event)

    await emit(database, ("bad", 13), ("bad", 14), ("good", 1))
    await relay.relay_due()
    async with running(a_consumer(never_thirteen, patience_seconds=0.00001).run()):
        await until(has_handled(database, 2))
        await until(nothing_pending(redis))

    assert sorted(await handled(database)) == [("bad", 14), ("good", 1)]
    [row, *_] = await database.read(lambda tx: tx.all(ROWS))
    assert (row["status"], row["error"]) == (OutboxStatus.PARKED, "locked for ever")


async def test_what_a_person_gave_up_is_not_heard_when_its_message_comes_again(
    database, redis, relay, a_consumer
):
    await emit(database, ("parcel", 1))
    await relay.relay_due()
    gone = update(OUTBOX).values(status=OutboxStatus.DROPPED)
    await database.unit_of_work(lambda tx: tx.run(gone))
    async with running(a_consumer().run()):
        await until(nothing_pending(redis))

    assert await handled(database) == []
    assert await statuses(database) == [OutboxStatus.DROPPED]


async def test_a_redis_that_may_evict_is_refused(redis, redis_url):
    await refuse_weak_redis(redis_url)
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(WeakRedis, match="maxmemory-policy allkeys-lru: it must be noeviction"):
            await refuse_weak_redis(redis_url)
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")


async def test_a_redis_that_does_not_answer_is_an_outage():
    with pytest.raises(Outage, match="Redis does not answer"):
        await refuse_weak_redis("redis://127.0.0.1:1/0")


EVENTS_OF_A_DAY = """
INSERT INTO kernel.outbox (id, name, version, aggregate_id, payload, correlation_id, occurred_at,
                           status, next_at)
SELECT n::text, 'parcel.sent', 1, (n / 4)::text, '{}', '', 0,
       CASE WHEN n > 19900 THEN 'waiting' ELSE 'sent' END, CASE WHEN n > 19000 THEN n ELSE 0 END
FROM generate_series(1, 20000) AS n
"""


async def test_the_queries_of_the_sweep_use_their_indexes(postgresql_url):
    connection = await asyncpg.connect(postgresql_url)
    await connection.execute(EVENTS_OF_A_DAY)
    await connection.execute("ANALYZE kernel.outbox")
    plans = ""
    for statement in (resending.TO_PROVE, resending.BEFORE):
        ready = STATEMENTS.prepare(statement, {})
        arguments = ready.arguments({"aggregate": "4900", "event": "19603"})
        rows = await connection.fetch(f"EXPLAIN {ready.sql}", *arguments)
        plans += "\n".join(row[0] for row in rows)
    await connection.close()

    assert "Seq Scan" not in plans
    assert plans.count("outbox_unproven") >= 2

"""Every committed event reaches its handlers, in order per aggregate, with one effect each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import asyncpg
import pytest
from sqlalchemy import select

from commerce.kernel import jsons, logs, outbox
from commerce.kernel.clock import HOUR, MINUTE, SECOND
from commerce.kernel.database import connect
from commerce.kernel.errors import Outage
from commerce.kernel.events import Envelope, Event
from commerce.kernel.outbox import (
    BUS_SECONDS,
    LEASE_SECONDS,
    OUTAGE_TRIES_MAX,
    TRIES_MAX,
    Dispatcher,
    Relay,
)
from commerce.kernel.tables import OUTBOX
from tests.kernel.notes import note, notes, until

pytestmark = pytest.mark.usefixtures("clock")
ROWS = select(OUTBOX).order_by(OUTBOX.c.seq)
WAITING_FOR_A_LOCK = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened(Event):
    name: ClassVar[str] = "thing.happened"
    version: ClassVar[int] = 3
    thing: str
    number: int

    @property
    def aggregate_id(self) -> str:
        return self.thing


class Bus:
    """Takes events and remembers them; `trouble` holds what to raise next for an aggregate."""

    def __init__(self):
        self.heard: list[tuple[str, int]] = []
        self.trouble: dict[str, list[Exception]] = {}

    async def deliver(self, event: Envelope):
        if self.trouble.get(event.aggregate_id):
            raise self.trouble[event.aggregate_id].pop(0)
        self.heard.append((event.aggregate_id, event.payload["number"]))


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def relay(database, bus):
    return Relay(database, bus.deliver, proven=True)


async def happens(database, *things):
    events = []
    for place, thing in enumerate(things):
        events.append(Happened(thing=thing, number=things[: place + 1].count(thing)))
    await database.unit_of_work(lambda tx: tx.emit(*events))


async def stored(database, *columns):
    rows = await database.read(lambda tx: tx.all(ROWS))
    return [tuple(row[name] for name in columns) for row in rows]


async def relayed(relay):
    while await relay.relay_due():
        pass


async def test_an_event_travels_whole(database, clock):
    heard = []

    async def deliver(event):
        heard.append(event)

    logs.correlation.set("c-1")
    await happens(database, "a")
    await relayed(Relay(database, deliver))

    [event] = heard
    assert (event.name, event.version, event.aggregate_id) == ("thing.happened", 3, "a")
    assert (event.payload, event.correlation_id) == ({"thing": "a", "number": 1}, "c-1")
    assert event.occurred_at == clock.at


async def test_events_that_were_rolled_back_never_happened(database, relay, bus):
    async def work(tx):
        await tx.emit(Happened(thing="a", number=1))
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await database.unit_of_work(work)
    await relayed(relay)
    assert bus.heard == []


async def test_each_aggregate_is_told_in_its_order(database, relay, bus):
    await happens(database, *"abcabcabc")
    await happens(database, "d")
    await relayed(relay)

    assert bus.heard == [(thing, n) for n in (1, 2, 3) for thing in "abc"] + [("d", 1)]
    assert await stored(database, "status") == [("sent",)] * 10


async def test_a_sent_event_is_not_sent_again(database, relay, bus):
    await happens(database, "a")
    await relayed(relay)
    await relayed(relay)

    assert bus.heard == [("a", 1)]


async def until_it_changes(database, relay, clock, status):
    """Runs the relay whenever the first event is due; the delays in seconds."""
    delays = []
    while (await stored(database, "status"))[0] == (status,):
        await relayed(relay)
        due = (await stored(database, "next_at"))[0][0]
        delays.append((due - clock.at) / SECOND)
        clock.at = max(due, clock.at)
    return delays


async def test_an_outage_holds_up_only_its_aggregate(database, relay, bus, clock):
    bus.trouble["a"] = [Outage("away")] * 8
    await happens(database, "a", "b", "a", "b")
    await relayed(relay)
    assert bus.heard == [("b", 1), ("b", 2)]

    delays = await until_it_changes(database, relay, clock, "waiting")
    assert bus.heard[2:] == [("a", 1), ("a", 2)]
    assert delays[:-1] == [2, 4, 8, 16, 32, 60, 60, 60]


async def test_an_outage_of_more_than_an_hour_parks_the_event(database, relay, bus, clock):
    bus.trouble["a"] = [Outage("away")] * 100
    await happens(database, "a", "a")
    began = clock.at
    await until_it_changes(database, relay, clock, "waiting")

    assert HOUR < clock.at - began < 2 * HOUR
    assert (await stored(database, "status", "tries", "outages", "error"))[0] == (
        "parked", 0, OUTAGE_TRIES_MAX, "away",
    )  # fmt: skip


async def test_a_bug_after_outages_has_its_own_tries(database, relay, bus, clock):
    bus.trouble["a"] = [Outage("away")] * TRIES_MAX + [ValueError("bug")] * (TRIES_MAX - 1)
    await happens(database, "a")
    await until_it_changes(database, relay, clock, "waiting")

    assert bus.heard == [("a", 1)]


async def test_a_bus_that_does_not_answer_parks_nothing(database, bus, clock):
    relay = Relay(database, bus.deliver)
    bus.trouble["a"] = [Outage("away")] * (OUTAGE_TRIES_MAX + 1)
    await happens(database, "a")
    delays = await until_it_changes(database, relay, clock, "waiting")

    assert bus.heard == [("a", 1)]
    assert set(delays[:-1]) == {BUS_SECONDS}


async def test_an_outage_within_a_round_is_traced_to_its_event(database, bus, clock):
    async def within(tx, event):
        await note(tx, event.aggregate_id)
        if event.aggregate_id == "a":
            raise Outage("locked")

    bus.trouble["a"] = [Outage("locked")]
    relay = Relay(database, bus.deliver, within=within, proven=True)
    await happens(database, "a", "b")
    await relay.relay_due()

    assert bus.heard == [("b", 1)]
    assert await stored(database, "status", "outages") == [("waiting", 1), ("sent", 0)]
    assert await notes(database) == []


async def test_a_poisoned_event_parks_and_blocks_only_its_aggregate(database, relay, bus, clock):
    bus.trouble["a"] = [ValueError("bug")] * TRIES_MAX
    await happens(database, "a", "a", "b")
    for _ in range(TRIES_MAX - 1):
        await relayed(relay)
        assert bus.heard == [("b", 1)]
        clock.advance(MINUTE)
    await relayed(relay)

    assert TRIES_MAX == 5
    assert bus.heard == [("b", 1), ("a", 2)]
    assert await stored(database, "status", "tries") == [("parked", 5), ("sent", 0), ("sent", 0)]
    assert "bug" in (await stored(database, "error"))[0][0]


async def test_a_failed_event_waits_longer_each_time(database, relay, bus, clock):
    bus.trouble["a"] = [ValueError("bug")] * 4
    await happens(database, "a")
    delays = []
    for _ in range(4):
        await relayed(relay)
        [(next_at,)] = await stored(database, "next_at")
        delays.append((next_at - clock.at) // SECOND)
        clock.at = next_at
    await relayed(relay)

    assert delays == [2, 4, 8, 16]
    assert bus.heard == [("a", 1)]


async def test_what_a_dead_relay_had_taken_is_delivered_when_its_lease_ends(
    database, relay, bus, clock
):
    await happens(database, "a", "b")
    await database.unit_of_work(outbox.claim)
    await happens(database, "a", "c")
    await relayed(relay)
    assert bus.heard == [("c", 1)]

    clock.advance(LEASE_SECONDS * SECOND)
    await relayed(relay)
    assert bus.heard == [("c", 1), ("a", 1), ("b", 1), ("a", 1)]


async def test_two_relays_at_once_miss_nothing_and_keep_the_order(database, database_url):
    other = await connect(database_url)
    order: list[tuple[str, int]] = []

    async def deliver(event):
        await asyncio.sleep(0)
        order.append((event.aggregate_id, event.payload["number"]))

    relays = [Relay(database, deliver), Relay(other, deliver)]
    try:
        for _ in range(10):
            await asyncio.gather(
                happens(database, *"abc"), relays[0].relay_due(), relays[1].relay_due()
            )
        await asyncio.gather(*(relayed(relay) for relay in relays))
    finally:
        await other.close()

    assert len(order) == 30
    assert sorted(order) == sorted((thing, 1) for thing in "abc" for _ in range(10))


async def test_a_claim_waits_for_the_claim_before_it(postgresql_url):
    """Or two relays would have two events of one aggregate under way at once."""
    database = await connect(postgresql_url)
    server = await asyncpg.connect(postgresql_url)  # whose role sees what others wait for
    claimed, go_on = asyncio.Event(), asyncio.Event()

    async def slow_claim(tx):
        rows = await outbox.claim(tx)
        claimed.set()
        await go_on.wait()
        return rows

    async def somebody_waits():
        return bool(await server.fetch(WAITING_FOR_A_LOCK))

    try:
        await happens(database, "a")
        first = asyncio.create_task(database.unit_of_work(slow_claim))
        await claimed.wait()
        await happens(database, "a")
        second = asyncio.create_task(database.unit_of_work(outbox.claim))
        await until(somebody_waits, "the second claim waits")
        go_on.set()

        assert [row["aggregate_id"] for row in await first] == ["a"]
        assert await second == []
    finally:
        go_on.set()
        await server.close()
        await database.close()


async def test_an_event_whose_number_commits_late_is_not_lost(postgresql_url):
    database = await connect(postgresql_url)
    bus = Bus()
    relay = Relay(database, bus.deliver)
    emitted, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx):
        await tx.emit(Happened(thing="slow", number=1))
        emitted.set()
        await go_on.wait()

    try:
        late = asyncio.create_task(database.unit_of_work(slow))
        await emitted.wait()
        await happens(database, "fast")
        await relayed(relay)
        assert bus.heard == [("fast", 1)]

        go_on.set()
        await late
        await relayed(relay)
        assert bus.heard == [("fast", 1), ("slow", 1)]
        [first, second] = await stored(database, "seq", "aggregate_id")
        assert (first[1], second[1]) == ("slow", "fast")
    finally:
        await database.close()


async def test_a_running_relay_hears_of_what_is_committed(database, relay, bus):
    running = asyncio.create_task(relay.run())
    await happens(database, "a")

    async def heard():
        return bus.heard == [("a", 1)]

    await until(heard, "the event was delivered")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def first_handler(tx, event):
    await note(tx, f"first {event.payload['thing']}")


async def second_handler(tx, event):
    await note(tx, f"second {event.payload['thing']}")


@pytest.fixture
def dispatcher(database):
    return Dispatcher(
        database, [{"thing.happened": [first_handler]}, {"thing.happened": [second_handler]}]
    )


async def test_all_handlers_hear_an_event_once_however_often_it_comes(database, dispatcher):
    await happens(database, "a")
    event = outbox.envelope((await database.read(lambda tx: tx.all(ROWS)))[0])
    for _ in range(3):
        await dispatcher.deliver(event)
    await asyncio.gather(*(dispatcher.deliver(event) for _ in range(5)))

    assert await notes(database) == ["first a", "second a"]


async def test_a_handler_that_fails_keeps_its_claim_open(database):
    broken = [ValueError("bug")]

    async def handler(tx, event):
        await note(tx, "effect")
        if broken:
            raise broken.pop()

    dispatcher = Dispatcher(database, [{"thing.happened": [first_handler, handler]}])
    await happens(database, "a")
    event = outbox.envelope((await database.read(lambda tx: tx.all(ROWS)))[0])
    with pytest.raises(ValueError, match="bug"):
        await dispatcher.deliver(event)
    assert await notes(database) == ["first a"]

    await dispatcher.deliver(event)
    assert await notes(database) == ["effect", "first a"]


async def test_an_event_nobody_waits_for_is_delivered_all_the_same(database):
    relay = Relay(database, Dispatcher(database, []).deliver)
    await happens(database, "a")
    await relayed(relay)

    assert await stored(database, "status") == [("sent",)]


async def test_handlers_speak_of_the_message_that_began_it_all(database):
    heard = []

    async def handler(tx, event):
        heard.append(logs.correlation.get())
        await tx.emit(Happened(thing="consequence", number=1))

    logs.correlation.set("c-1")
    await happens(database, "a")
    logs.correlation.set("something else")
    dispatcher = Dispatcher(database, [{"thing.happened": [handler]}])
    await Relay(database, dispatcher.deliver).relay_due()

    assert heard == ["c-1"]
    assert (await stored(database, "aggregate_id", "correlation_id"))[1] == ("consequence", "c-1")


def test_an_event_says_what_it_is():
    event = Happened(thing="a", number=1)

    assert jsons.loads(jsons.dumps(event.payload())) == {"thing": "a", "number": 1}
    assert event.aggregate_id == "a"

"""What failed too often waits for a person, who replays it in its place or gives it up."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from commerce.kernel import attention, audit, inbox, metrics, outbox, parked
from commerce.kernel.audit import Intervention, ReasonMissing
from commerce.kernel.clock import MINUTE
from commerce.kernel.inbox import Message
from commerce.kernel.outbox import TRIES_MAX, Relay
from commerce.kernel.parked import NotParked
from commerce.kernel.saga import STUCK_AFTER, NeedsPerson
from commerce.kernel.tables import INBOX, OUTBOX
from tests.kernel.sagas import Trip, started, told
from tests.kernel.test_outbox import Bus, happens, relayed, stored

pytestmark = pytest.mark.usefixtures("clock")
EVENT_IDS = select(OUTBOX.c.id).order_by(OUTBOX.c.seq)
FAN = "telegram:platform:1"
DEEDS = [parked.replay_event, parked.drop_event]


def a_will(key="form 1", reason="mended by now"):
    return Intervention(key=key, actor="ada", actor_name="Ada", reason=reason)


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def relay(database, bus):
    return Relay(database, bus.deliver, proven=True)


async def parks(database, relay, bus, clock, *things):
    """Each of these events is poison, whenever it comes."""
    for thing in set(things):
        bus.trouble[thing] = [ValueError("bug")] * TRIES_MAX * things.count(thing)
    await happens(database, *things)
    for _ in range(TRIES_MAX * len(things)):
        await relayed(relay)
        clock.advance(MINUTE)
    return [row["id"] for row in await database.read(lambda tx: tx.all(EVENT_IDS))]


async def decided(database, deed, which, will=None):
    await database.unit_of_work(lambda tx: deed(tx, which, will or a_will()))


async def test_a_parked_event_is_listed_with_what_went_wrong(database, relay, bus, clock):
    at = clock.at
    [event_id] = await parks(database, relay, bus, clock, "a")

    [listed] = await database.read(parked.events)
    assert (listed.id, listed.name, listed.aggregate_id) == (event_id, "thing.happened", "a")
    assert (listed.payload, listed.error) == ({"thing": "a", "number": 1}, "ValueError('bug')")
    assert (listed.tries, listed.occurred_at) == (TRIES_MAX, at)
    assert await database.read(lambda tx: parked.event(tx, event_id)) == listed


async def test_replayed_events_are_heard_in_their_order(database, relay, bus, clock):
    first, second = await parks(database, relay, bus, clock, "a", "a")
    await happens(database, "a")
    for event_id in (second, first):
        await decided(database, parked.replay_event, event_id, a_will(event_id))
    await relayed(relay)

    assert [number for _, number in bus.heard] == [1, 2, 1]
    assert await stored(database, "status", "tries") == [("sent", 0)] * 3
    assert await database.read(parked.events) == []


async def test_a_replayed_event_that_fails_again_holds_up_what_waits_behind_it(
    database, relay, bus, clock
):
    [event_id] = await parks(database, relay, bus, clock, "a")
    bus.trouble["a"] = [ValueError("still")]
    await decided(database, parked.replay_event, event_id)
    await happens(database, "a")
    await relayed(relay)
    assert bus.heard == []

    clock.advance(MINUTE)
    await relayed(relay)
    assert bus.heard == [("a", 1), ("a", 1)]


async def test_an_event_given_up_is_kept_and_never_heard(database, relay, bus, clock):
    [event_id] = await parks(database, relay, bus, clock, "a")
    await decided(database, parked.drop_event, event_id, a_will(reason="sent by hand"))
    clock.advance(MINUTE)
    await relayed(relay)

    assert bus.heard == []
    assert await stored(database, "status") == [("dropped",)]
    [entry] = await database.read(lambda tx: audit.about(tx, f"event:{event_id}"))
    assert (entry.action, entry.reason) == ("event.dropped", "sent by hand")
    assert entry.facts["error"] == "ValueError('bug')"


@pytest.mark.parametrize("deed", DEEDS)
async def test_only_what_is_parked_is_decided_about(database, relay, bus, clock, deed):
    await happens(database, "a")
    [row] = await database.read(lambda tx: tx.all(EVENT_IDS))
    for event_id in (row["id"], "nothing"):
        with pytest.raises(NotParked):
            await decided(database, deed, event_id)

    assert await stored(database, "status") == [("waiting",)]
    assert await database.read(audit.recent) == []


async def test_of_two_people_one_decides_and_a_form_counts_once(database, relay, bus, clock):
    [event_id] = await parks(database, relay, bus, clock, "a")
    will = a_will("mine")
    outcomes = await asyncio.gather(
        decided(database, parked.replay_event, event_id, will),
        decided(database, parked.replay_event, event_id, will),
        decided(database, parked.replay_event, event_id, a_will("another")),
        return_exceptions=True,
    )

    refused = [outcome for outcome in outcomes if outcome is not None]
    winners = await database.read(audit.recent)
    assert len(winners) == 1
    assert {type(outcome) for outcome in refused} == {NotParked}
    assert len(refused) in (1, 2)  # the form sent twice is one person


async def test_nothing_is_given_up_without_a_reason(database, relay, bus, clock):
    [event_id] = await parks(database, relay, bus, clock, "a")
    with pytest.raises(ReasonMissing):
        await decided(database, parked.drop_event, event_id, a_will(reason=""))

    assert await stored(database, "status") == [("parked",)]


async def a_parked_message(database, number=1):
    message = Message(
        account="telegram:platform", message_id=str(number), conversation_id=FAN,
        body={"text": "hello"}, correlation_id="",
    )  # fmt: skip
    await database.unit_of_work(lambda tx: inbox.put(tx, [message]))

    async def fail(tx):
        rows = await inbox.waiting(tx, [FAN])
        await inbox.failed(tx, rows[-1], "KeyError('size')")

    for _ in range(inbox.TRIES_MAX):
        await database.unit_of_work(fail)
    return (await database.read(parked.messages))[-1].seq


async def test_a_parked_message_is_listed_and_can_be_replayed(database):
    woken = []
    database.on_wake("conversation:", woken.append)
    seq = await a_parked_message(database)
    [listed] = await database.read(parked.messages)
    assert (listed.conversation_id, listed.body) == (FAN, {"text": "hello"})
    assert (listed.error, listed.tries) == ("KeyError('size')", inbox.TRIES_MAX)

    woken.clear()
    await decided(database, parked.replay_message, seq)
    [row] = await database.read(lambda tx: inbox.waiting(tx, [FAN]))
    assert (row["seq"], row["tries"], row["next_at"]) == (seq, 0, 0)
    assert woken == [FAN]
    assert await database.read(parked.messages) == []


async def test_a_message_given_up_is_kept_and_never_answered(database):
    seq = await a_parked_message(database)
    await decided(database, parked.drop_message, seq)

    assert await database.read(lambda tx: inbox.waiting(tx, [FAN])) == []
    rows = await database.read(lambda tx: tx.all(select(INBOX.c.status)))
    assert [row["status"] for row in rows] == ["dropped"]
    [entry] = await database.read(lambda tx: audit.about(tx, f"message:{seq}"))
    assert entry.action == "message.dropped"
    for deed in (parked.replay_message, parked.drop_message):
        with pytest.raises(NotParked):
            await decided(database, deed, seq, a_will("later"))


async def test_what_waits_is_counted_and_measured(database, relay, bus, clock):
    await parks(database, relay, bus, clock, "a", "b")
    await a_parked_message(database)
    trip = Trip()
    trip.trouble["leave"] = [NeedsPerson("ask")]
    await told(database, await started(database, "parked"), "paid", amount=5)
    await trip.engine(database).settle()
    await started(database, "stuck")
    clock.advance(STUCK_AFTER + 1)
    await started(database, "fresh")

    found = await database.read(attention.counts)
    assert found == attention.Counts(
        sagas_parked=1, sagas_stuck=1, events_parked=2, messages_parked=1
    )
    assert found.total == 5
    await database.read(attention.measure)
    shown = metrics.exposition().decode()
    assert 'livetill_waiting_for_person{what="events_parked"} 2.0' in shown
    assert 'livetill_waiting_for_person{what="sagas_stuck"} 1.0' in shown


async def test_a_dropped_event_is_no_longer_in_the_way(database, relay, bus, clock):
    [event_id] = await parks(database, relay, bus, clock, "a")
    await decided(database, parked.drop_event, event_id)
    await happens(database, "a")
    rows = await database.unit_of_work(outbox.claim)

    assert [row["aggregate_id"] for row in rows] == ["a"]

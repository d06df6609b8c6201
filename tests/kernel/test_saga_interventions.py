"""A parked or stuck saga goes on as a person decides: once, with a reason, and past any worker."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from commerce.kernel import audit, saga, saga_history
from commerce.kernel import saga_interventions as interventions
from commerce.kernel.audit import Intervention, ReasonMissing
from commerce.kernel.clock import MINUTE, SECOND
from commerce.kernel.saga import STUCK_AFTER, NeedsPerson
from commerce.kernel.saga_interventions import (
    NoSuchSaga,
    SagaNotParked,
    SagaTurnedAlready,
    compensate,
    retry,
    skip,
)
from commerce.kernel.tables import Direction, SagaStatus
from tests.kernel.sagas import Full, Trip, history, stands, started, told

pytestmark = pytest.mark.usefixtures("clock")
DEEDS = [retry, skip, compensate]
WAY_BACK = ["undo leave", "undo book", "undo reserve"]


@pytest.fixture
def trip():
    return Trip()


@pytest.fixture
def engine(database, trip):
    return trip.engine(database)


def a_will(key="form 1", **changes):
    facts = {"key": key, "actor": "ada", "actor_name": "Ada", "reason": "looked at it"}
    return Intervention(**facts | changes)


async def decided(database, deed, saga_id, will=None):
    await database.unit_of_work(lambda tx: deed(tx, saga_id, will or a_will()))


async def parked_forwards(database, trip, *, at="leave"):
    """It stands at `at`, which only a person can help."""
    if at == "book":
        trip.agency.trouble = [NeedsPerson("call them", booking="b-1")]
    else:
        trip.trouble[at] = [NeedsPerson("call them", booking="b-1")]
    saga_id = await started(database)
    await told(database, saga_id, "paid", amount=5)
    await trip.engine(database).settle()
    parked = await stands(database, saga_id)
    assert (parked.status, parked.direction) == (SagaStatus.PARKED, Direction.DO)
    return saga_id


async def parked_backwards(database, trip, *, at="undo book"):
    trip.agency.trouble = [Full()]
    trip.trouble[at] = [Full()]
    saga_id = await started(database)
    await trip.engine(database).settle()
    parked = await stands(database, saga_id)
    assert (parked.status, parked.direction) == (SagaStatus.PARKED, Direction.UNDO)
    return saga_id


async def stuck_forwards(database, clock):
    """Taken by a worker that has not been heard of since."""
    saga_id = await started(database)
    [worker] = await database.unit_of_work(lambda tx: saga.claim_due(tx, 10))
    clock.advance(STUCK_AFTER + 1)
    return saga_id, worker


async def ended(database, engine, saga_id):
    await engine.settle()
    found = await stands(database, saga_id)
    return found.status, found.step


async def deeds_of(database, saga_id):
    found = await database.read(lambda tx: audit.about(tx, f"saga:{saga_id}"))
    return [(entry.action, entry.actor_name, entry.reason) for entry in found]


async def test_what_needs_a_person_parks_at_once_and_says_why(database, trip):
    saga_id = await parked_forwards(database, trip)

    seen = await database.read(lambda tx: saga_history.view(tx, saga_id))
    assert (seen.saga.failure, seen.standing_at) == ("call them", "leave")
    [failure] = seen.story[-1].failures
    assert (failure.kind, failure.error) == ("needs_person", "call them")
    assert failure.facts == {"booking": "b-1"}
    assert trip.seen.count("leave") == 1


async def test_a_retry_goes_on_where_it_stood(database, engine, trip):
    saga_id = await parked_forwards(database, trip)
    await decided(database, retry, saga_id)

    assert await ended(database, engine, saga_id) == (SagaStatus.COMPLETED, 5)
    assert trip.seen == ["reserve", "record", "leave", "leave"]
    assert await deeds_of(database, saga_id) == [("saga.retried", "Ada", "looked at it")]


async def test_a_retry_on_the_way_back_goes_on_back(database, engine, trip):
    saga_id = await parked_backwards(database, trip)
    await decided(database, retry, saga_id)

    assert await ended(database, engine, saga_id) == (SagaStatus.REVERTED, 0)
    assert trip.seen == ["reserve", "undo book", "undo book", "undo reserve"]


async def test_a_retry_that_fails_again_parks_again(database, engine, trip):
    saga_id = await parked_forwards(database, trip)
    trip.trouble["leave"] = [NeedsPerson("still no")]
    await decided(database, retry, saga_id)
    assert (await ended(database, engine, saga_id))[0] is SagaStatus.PARKED

    await decided(database, retry, saga_id, a_will("form 2"))
    assert (await ended(database, engine, saga_id))[0] is SagaStatus.COMPLETED


async def test_a_skipped_step_is_marked_and_the_next_one_is_done(database, engine, trip):
    saga_id = await parked_forwards(database, trip, at="book")
    await decided(database, skip, saga_id)

    assert await ended(database, engine, saga_id) == (SagaStatus.COMPLETED, 5)
    assert trip.seen == ["reserve", "leave"]
    assert ("do", "book", "skipped") in await history(database, saga_id)
    assert trip.agency.bookings == {}


async def test_a_saga_ends_when_its_last_step_is_skipped(database, engine, trip):
    saga_id = await parked_forwards(database, trip)
    await decided(database, skip, saga_id)

    assert await ended(database, engine, saga_id) == (SagaStatus.COMPLETED, 5)
    assert (await history(database, saga_id))[-1] == ("do", "leave", "skipped")
    assert trip.seen.count("leave") == 1


async def test_an_undo_that_is_skipped_leaves_the_others(database, engine, trip):
    saga_id = await parked_backwards(database, trip)
    await decided(database, skip, saga_id)

    assert await ended(database, engine, saga_id) == (SagaStatus.REVERTED, 0)
    assert trip.seen == ["reserve", "undo book", "undo reserve"]
    assert ("undo", "book", "skipped") in await history(database, saga_id)


async def test_skipping_the_last_undo_is_the_end(database, engine, trip):
    saga_id = await parked_backwards(database, trip, at="undo reserve")
    await decided(database, skip, saga_id)

    assert await ended(database, engine, saga_id) == (SagaStatus.REVERTED, 0)
    assert trip.seen.count("undo reserve") == 1


async def test_compensating_undoes_all_that_was_done(database, engine, trip):
    saga_id = await parked_forwards(database, trip)
    await decided(database, compensate, saga_id)

    assert await ended(database, engine, saga_id) == (SagaStatus.REVERTED, 0)
    assert trip.seen[-3:] == WAY_BACK


async def test_what_is_on_its_way_back_is_not_turned_again(database, trip):
    saga_id = await parked_backwards(database, trip)
    before = await stands(database, saga_id)

    with pytest.raises(SagaTurnedAlready):
        await decided(database, compensate, saga_id)
    assert await stands(database, saga_id) == before
    assert await deeds_of(database, saga_id) == []


@pytest.mark.parametrize("deed", DEEDS)
async def test_what_goes_on_by_itself_is_left_alone(database, engine, trip, deed):
    waiting = await started(database, "waiting")
    done = await started(database, "done")
    await told(database, done, "paid", amount=5)
    await engine.settle()
    running = await started(database, "running")

    for saga_id in (waiting, done, running):
        before = await stands(database, saga_id)
        with pytest.raises(SagaNotParked):
            await decided(database, deed, saga_id)
        assert await stands(database, saga_id) == before
        assert await deeds_of(database, saga_id) == []
    with pytest.raises(NoSuchSaga):
        await decided(database, deed, "nothing")


async def test_nothing_is_done_without_a_reason(database, trip):
    saga_id = await parked_forwards(database, trip)
    before = await stands(database, saga_id)

    with pytest.raises(ReasonMissing):
        await decided(database, retry, saga_id, a_will(reason=" "))
    assert await stands(database, saga_id) == before


@pytest.mark.parametrize("deed", DEEDS)
async def test_of_two_people_at_once_one_decides(database, engine, trip, deed):
    saga_id = await parked_forwards(database, trip)
    outcomes = await asyncio.gather(
        decided(database, deed, saga_id, a_will("a")),
        decided(database, compensate, saga_id, a_will("b", actor="bob", actor_name="Bob")),
        return_exceptions=True,
    )

    assert sorted(type(outcome) for outcome in outcomes if outcome) == [SagaNotParked]
    assert len(await deeds_of(database, saga_id)) == 1
    assert (await stands(database, saga_id)).fence == 2


async def test_a_form_sent_twice_at_once_is_one_deed(database, engine, trip):
    saga_id = await parked_forwards(database, trip)
    await asyncio.gather(*(decided(database, skip, saga_id) for _ in range(4)))
    await engine.settle()
    await decided(database, skip, saga_id)

    assert len(await deeds_of(database, saga_id)) == 1
    assert (await stands(database, saga_id)).fence == 3  # taken, skipped, taken


async def test_a_stuck_saga_can_be_moved(database, engine, trip, clock):
    saga_id, _ = await stuck_forwards(database, clock)
    await told(database, saga_id, "paid", amount=5)  # which makes it due anew
    with pytest.raises(SagaNotParked):
        await decided(database, retry, saga_id)

    clock.advance(STUCK_AFTER + 1)
    assert len(await database.unit_of_work(lambda tx: saga.claim_due(tx, 10))) == 1  # and dies
    await decided(database, retry, saga_id)
    assert (await ended(database, engine, saga_id))[0] is SagaStatus.COMPLETED


async def test_a_worker_of_before_calls_nobody_and_writes_nothing(database, engine, trip, clock):
    saga_id, worker = await stuck_forwards(database, clock)
    await decided(database, skip, saga_id)
    before = await stands(database, saga_id)

    await engine.advance(worker)
    await engine.advance(replace(worker, step=1))  # it had come as far as the outside call

    assert await stands(database, saga_id) == before
    assert trip.seen == trip.agency.calls == []


async def test_a_call_that_was_under_way_comes_back_to_a_decided_saga(database, trip, clock):
    saga_id = await started(database)
    calling, go_on = asyncio.Event(), asyncio.Event()
    book = trip.agency.book

    async def slow(one, key):
        calling.set()
        await go_on.wait()
        return await book(one, key)

    trip.agency.book = slow  # type: ignore[method-assign]
    slow_engine = trip.engine(database)
    [worker] = await database.unit_of_work(lambda tx: saga.claim_due(tx, 10))
    stale = asyncio.create_task(slow_engine.advance(worker))
    await calling.wait()
    clock.advance(STUCK_AFTER + 1)
    await decided(database, compensate, saga_id)
    decided_on = await stands(database, saga_id)
    go_on.set()
    await stale

    assert await stands(database, saga_id) == decided_on
    assert "record" not in trip.seen


async def test_lists_say_what_waits_and_for_how_long(database, trip, clock):
    async def listed():
        parked = await database.read(saga.parked)
        stuck = await database.read(saga.stuck)
        return [one.id for one in parked], [one.id for one in stuck]

    first = await parked_forwards(database, trip)
    clock.advance(MINUTE)
    trip.trouble["leave"] = [NeedsPerson("again")]
    second = await started(database, "second")
    await told(database, second, "paid", amount=5)
    await trip.engine(database).settle()
    assert await listed() == ([first, second], [])

    third = await started(database, "third")
    clock.advance(STUCK_AFTER)
    assert await listed() == ([first, second], [])
    clock.advance(1)
    assert await listed() == ([first, second], [third])


async def test_the_story_of_a_saga_can_be_read(database, engine, trip, clock):
    trip.agency.answers_lost = 2
    trip.trouble["leave"] = [ZeroDivisionError("rails"), NeedsPerson("rails are gone")]
    saga_id = await started(database)
    await told(database, saga_id, "paid", amount=5)
    for _ in range(4):
        await engine.settle()
        clock.advance(SECOND)
    await decided(database, compensate, saga_id, a_will(reason="no train today"))
    await engine.settle()

    seen = await database.read(lambda tx: saga_history.view(tx, saga_id))
    assert [(t.direction, t.name, t.status, len(t.failures)) for t in seen.story] == [
        ("do", "reserve", "done", 0),
        ("do", "book", "done", 2),
        ("do", "extras", "done", 0),
        ("do", "money", "done", 0),
        ("do", "leave", None, 2),
        ("undo", "leave", "done", 0),
        ("undo", "money", "done", 0),
        ("undo", "extras", "done", 0),
        ("undo", "book", "done", 0),
        ("undo", "reserve", "done", 0),
    ]
    book = seen.story[1]
    assert [(f.kind, f.error, f.tries) for f in book.failures] == [
        ("outage", "timed out", 1), ("outage", "timed out", 2),
    ]  # fmt: skip
    assert book.began_at < book.failures[1].at < book.ended_at
    assert seen.signals == ("paid",)
    assert [deed.reason for deed in seen.deeds] == ["no train today"]
    assert await database.read(lambda tx: saga_history.view(tx, "nothing")) is None


def test_a_stuck_saga_is_one_that_should_have_gone_on_long_ago():
    one = saga.Saga(
        id="1", kind="trip", status=SagaStatus.WAITING, step=0, data={}, tries=0, fence=0,
        failure=None, correlation_id="", next_at=100,
    )  # fmt: skip

    assert not interventions.is_stuck(one, now=100 + STUCK_AFTER)
    assert interventions.is_stuck(one, now=101 + STUCK_AFTER)
    over = replace(one, status=SagaStatus.COMPLETED)
    assert not interventions.is_stuck(over, now=101 + STUCK_AFTER)

"""Whatever dies or does not answer, a saga ends the same way, with the same keys outside."""

from __future__ import annotations

import asyncio

import pytest

from commerce.kernel import saga
from commerce.kernel.clock import HOUR, SECOND
from commerce.kernel.database import connect
from commerce.kernel.errors import Outage
from commerce.kernel.saga import LEASE_SECONDS
from commerce.kernel.saga_engine import Engine
from commerce.kernel.saga_failures import PATIENT_TRIES_MAX, TRIES_MAX
from commerce.kernel.tables import Direction, SagaStatus
from tests.kernel.notes import notes
from tests.kernel.sagas import KIND, Full, Trip, history, stands, started, told

pytestmark = pytest.mark.usefixtures("clock")


class Died(BaseException):
    """The process ends here: nothing after it runs, as after a kill."""


@pytest.fixture
def trip():
    return Trip()


@pytest.fixture
def engine(database, trip):
    return trip.engine(database)


async def patiently(engine, clock, rounds=TRIES_MAX + 2):
    for _ in range(rounds):
        await engine.settle()
        clock.advance(300 * SECOND)


async def paid_trip(database, **data):
    saga_id = await started(database, **data)
    await told(database, saga_id, "paid", amount=5)
    return saga_id


async def claimed(database):
    [one] = await database.unit_of_work(lambda tx: saga.claim_due(tx, 10))
    return one


async def test_an_outage_is_tried_again_under_the_same_key(database, engine, trip, clock):
    trip.agency.trouble = [Outage("away")] * 3
    saga_id = await paid_trip(database)
    await patiently(engine, clock)

    assert (await stands(database, saga_id)).status is SagaStatus.COMPLETED
    assert trip.agency.calls == [f"{saga_id}:book"] * 4
    assert len(trip.agency.bookings) == 1


async def test_an_answer_that_was_lost_does_not_book_twice(database, engine, trip, clock):
    trip.agency.answers_lost = 3
    saga_id = await paid_trip(database)
    await patiently(engine, clock)

    ended = await stands(database, saga_id)
    assert (ended.status, ended.data["booking"]) == (SagaStatus.COMPLETED, "booking 1")
    assert len(trip.agency.bookings) == 1


async def test_it_waits_as_long_as_the_other_side_says(database, engine, trip, clock):
    trip.agency.trouble = [Outage("busy", retry_after_seconds=90)]
    await paid_trip(database)
    await engine.settle()
    clock.advance(90 * SECOND - 1)
    await engine.settle()
    assert len(trip.agency.calls) == 1

    clock.advance(1)
    await engine.settle()
    assert len(trip.agency.calls) == 2


async def test_an_outage_without_end_is_undone(database, engine, trip, clock):
    trip.agency.trouble = [Outage("away")] * 100
    saga_id = await paid_trip(database)
    await patiently(engine, clock)

    ended = await stands(database, saga_id)
    assert (ended.status, ended.failure) == (SagaStatus.REVERTED, "away")
    assert len(trip.agency.calls) == TRIES_MAX
    assert trip.seen == ["reserve", "undo book", "undo reserve"]


async def test_an_undo_that_meets_an_outage_is_tried_again(database, engine, trip, clock):
    trip.agency.trouble = [Full()]
    trip.trouble["undo book"] = [Outage("away")] * 3
    saga_id = await paid_trip(database)
    await patiently(engine, clock)

    assert (await stands(database, saga_id)).status is SagaStatus.REVERTED
    assert trip.seen.count("undo book") == 4
    assert trip.seen[-1] == "undo reserve"


async def test_an_undo_that_can_never_be_done_is_kept_for_a_person(database, engine, trip, clock):
    trip.agency.trouble = [Full()]
    trip.trouble["undo book"] = [Outage("away")] * 100
    saga_id = await paid_trip(database)
    began = clock.at
    while (await stands(database, saga_id)).status is not SagaStatus.PARKED:
        await engine.settle()
        clock.at = (await stands(database, saga_id)).next_at

    parked = await stands(database, saga_id)
    assert (parked.step, parked.direction, parked.failure) == (1, Direction.UNDO, "away")
    assert trip.seen.count("undo book") == PATIENT_TRIES_MAX
    assert clock.at - began > HOUR
    assert trip.seen.count("undo reserve") == 0


async def test_a_bug_is_tried_again_and_then_kept_for_a_person(database, engine, trip, clock):
    trip.trouble["leave"] = [ZeroDivisionError()] * 100
    saga_id = await paid_trip(database)
    await patiently(engine, clock)

    parked = await stands(database, saga_id)
    assert (parked.status, parked.step) == (SagaStatus.PARKED, 4)
    assert "ZeroDivisionError" in (parked.failure or "")
    assert trip.seen.count("leave") == TRIES_MAX
    assert not [name for name in trip.seen if name.startswith("undo")]


async def test_a_bug_that_was_mended_goes_on_where_it_stood(database, engine, trip, clock):
    trip.trouble["leave"] = [ZeroDivisionError()] * 3
    saga_id = await paid_trip(database)
    await patiently(engine, clock)

    ended = await stands(database, saga_id)
    assert (ended.status, ended.failure, ended.tries) == (SagaStatus.COMPLETED, None, 0)
    assert len([text for text in await notes(database) if " leave " in text]) == 1


async def test_tries_are_counted_per_step(database, engine, trip, clock):
    trip.agency.trouble = [Outage("away")] * (TRIES_MAX - 1)
    trip.trouble["leave"] = [Outage("away")] * (TRIES_MAX - 1)
    saga_id = await paid_trip(database)
    await patiently(engine, clock, rounds=2 * TRIES_MAX + 2)

    assert (await stands(database, saga_id)).status is SagaStatus.COMPLETED


async def test_a_saga_whose_worker_died_is_taken_over_when_the_lease_ends(
    database, engine, trip, clock
):
    saga_id = await paid_trip(database)
    await claimed(database)
    await engine.settle()
    assert trip.seen == []

    clock.advance(LEASE_SECONDS * SECOND)
    await engine.settle()
    assert (await stands(database, saga_id)).status is SagaStatus.COMPLETED


async def test_another_process_resumes_what_a_dead_one_had_begun(
    database, database_url, trip, clock
):
    saga_id = await paid_trip(database)
    elsewhere = await connect(database_url)
    dying = Trip(agency=trip.agency)
    dying.trouble["leave"] = [Died()]
    with pytest.raises(Died):
        await dying.engine(elsewhere).advance(await claimed(elsewhere))
    await elsewhere.close()
    await trip.engine(database).settle()
    assert trip.seen == []

    clock.advance(LEASE_SECONDS * SECOND)
    await trip.engine(database).settle()
    assert (await stands(database, saga_id)).status is SagaStatus.COMPLETED
    assert dying.seen + trip.seen == ["reserve", "record", "leave", "leave"]
    assert trip.agency.calls == [f"{saga_id}:book"]


async def test_a_worker_that_comes_back_after_its_lease_changes_nothing(
    database, engine, trip, clock
):
    saga_id = await paid_trip(database)
    stale = await claimed(database)
    clock.advance(LEASE_SECONDS * SECOND)
    await engine.settle()
    ended, story = await stands(database, saga_id), list(trip.seen)

    await engine.advance(stale)

    assert await stands(database, saga_id) == ended
    assert trip.seen == story


async def test_the_result_of_a_call_that_outlived_its_lease_is_refused(database, trip, clock):
    saga_id = await paid_trip(database)
    calling, go_on = asyncio.Event(), asyncio.Event()
    book = trip.agency.book

    async def slow(one, key):
        answer = await book(one, key)
        calling.set()
        await go_on.wait()
        return answer | {"booking": "from the stale worker"}

    trip.agency.book = slow  # type: ignore[method-assign]
    slow_engine = trip.engine(database)
    trip.agency.book = book  # type: ignore[method-assign]
    stale = asyncio.create_task(slow_engine.advance(await claimed(database)))
    await calling.wait()
    clock.advance(LEASE_SECONDS * SECOND)
    await trip.engine(database).settle()
    ended = await stands(database, saga_id)
    go_on.set()
    await stale

    assert await stands(database, saga_id) == ended
    assert ended.data["booking"] == "booking 1"
    assert trip.agency.calls == [f"{saga_id}:book"] * 2
    assert trip.seen.count("record") == 1


async def test_a_stale_worker_cannot_turn_a_saga_around(database, trip, clock):
    saga_id = await paid_trip(database)
    calling, go_on = asyncio.Event(), asyncio.Event()
    book = trip.agency.book

    async def refused_late(one, key):
        calling.set()
        await go_on.wait()
        raise Full

    trip.agency.book = refused_late  # type: ignore[method-assign]
    slow_engine = trip.engine(database)
    trip.agency.book = book  # type: ignore[method-assign]
    stale = asyncio.create_task(slow_engine.advance(await claimed(database)))
    await calling.wait()
    clock.advance(LEASE_SECONDS * SECOND)
    await trip.engine(database).settle()
    go_on.set()
    await stale

    assert (await stands(database, saga_id)).status is SagaStatus.COMPLETED
    assert not [name for name in trip.seen if name.startswith("undo")]


async def test_a_crash_between_call_and_record_repeats_the_same_key(database, trip, clock):
    saga_id = await paid_trip(database)
    book = trip.agency.book

    async def book_and_die(one, key):
        await book(one, key)
        raise Died

    trip.agency.book = book_and_die  # type: ignore[method-assign]
    dying = trip.engine(database)
    trip.agency.book = book  # type: ignore[method-assign]
    with pytest.raises(Died):
        await dying.advance(await claimed(database))
    assert (await history(database, saga_id))[-1] == ("do", "book", "intent")

    clock.advance(LEASE_SECONDS * SECOND)
    await trip.engine(database).settle()

    assert (await stands(database, saga_id)).data["booking"] == "booking 1"
    assert trip.agency.calls == [f"{saga_id}:book"] * 2
    assert len(trip.agency.bookings) == 1


async def suspended_at_every_step(database, trip, clock):
    """Each step by an engine of its own, which forgets everything; until nothing is due."""
    while True:
        due = await database.unit_of_work(lambda tx: saga.claim_due(tx, 10))
        if not due:
            return
        for one in due:
            await Engine(database, {KIND: trip.steps()})._one_step(one)
        clock.advance(LEASE_SECONDS * SECOND)


def essence(one):
    return one.status, one.step, one.data, one.failure, one.tries


@pytest.mark.parametrize("ending", ["paid", "called off", "refused outside", "nobody pays"])
async def test_forgetting_everything_after_every_step_changes_nothing(database, clock, ending):
    ends = []
    for way in ("at once", "suspended"):
        trip = Trip()
        if ending == "refused outside":
            trip.agency.trouble = [Full()]
        saga_id = await started(database, key=way, extras=True)
        if ending in ("paid", "called off"):
            await told(database, saga_id, ending, amount=5)
        for _ in range(2):
            if way == "at once":
                await trip.engine(database).settle()
            else:
                await suspended_at_every_step(database, trip, clock)
            clock.advance(HOUR)
        outside = [key.removeprefix(saga_id) for key in trip.agency.calls]
        ends.append((essence(await stands(database, saga_id)), trip.seen, outside))

    assert ends[0] == ends[1]

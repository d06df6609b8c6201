"""A saga goes forward step by step, waits, and is undone in reverse when a step is refused."""

from __future__ import annotations

import asyncio

import pytest

from commerce.kernel import logs, saga
from commerce.kernel.database import connect
from commerce.kernel.errors import Contended, Outage
from commerce.kernel.saga import Step
from commerce.kernel.tables import SagaStatus
from tests.kernel.notes import notes, until
from tests.kernel.sagas import DEADLINE, KIND, Full, Trip, history, stands, started, told

pytestmark = pytest.mark.usefixtures("clock")
WENT = ["reserve", "record", "leave"]
UNDONE = ["undo leave", "undo book", "undo reserve"]


@pytest.fixture
def trip():
    return Trip()


@pytest.fixture
def engine(database, trip):
    return trip.engine(database)


async def test_it_runs_to_its_wait_and_after_the_signal_to_its_end(database, engine, trip):
    saga_id = await started(database)
    await engine.settle()
    assert (await stands(database, saga_id)).status is SagaStatus.WAITING

    await told(database, saga_id, "paid", amount=5)
    await engine.settle()

    ended = await stands(database, saga_id)
    assert (ended.status, ended.failure) == (SagaStatus.COMPLETED, None)
    assert ended.data == {
        "extras": False, "reserve": "done", "booking": "booking 1", "recorded": "booking 1",
        "paid": 5,
    }  # fmt: skip
    assert trip.seen == WENT
    assert trip.agency.calls == [f"{saga_id}:book"]


async def test_every_step_is_remembered(database, engine):
    saga_id = await started(database, extras=True)
    await told(database, saga_id, "paid", amount=5)
    await engine.settle()

    names = ("reserve", "book", "extras", "money", "leave")
    assert await history(database, saga_id) == [("do", name, "done") for name in names]


async def test_a_step_that_does_not_apply_does_nothing(database, engine, trip):
    for extras in (True, False):
        saga_id = await started(database, key=str(extras), extras=extras)
        await told(database, saga_id, "paid", amount=5)
    await engine.settle()

    assert trip.seen.count("extras") == 1


async def test_a_signal_that_comes_before_the_wait_is_kept(database, engine, trip):
    saga_id = await started(database)
    await told(database, saga_id, "paid", amount=5)
    await engine.settle()

    assert (await stands(database, saga_id)).status is SagaStatus.COMPLETED


async def test_a_signal_counts_once_and_the_first_time(database, engine):
    saga_id = await started(database)
    for amount in (5, 7):
        await told(database, saga_id, "paid", amount=amount)
    await engine.settle()

    assert (await stands(database, saga_id)).data["paid"] == 5


async def test_a_signal_of_no_meaning_leaves_it_waiting(database, engine):
    saga_id = await started(database)
    await engine.settle()
    await told(database, saga_id, "hello")
    await engine.settle()

    assert (await stands(database, saga_id)).status is SagaStatus.WAITING


async def test_the_deadline_is_the_databases(database, engine, trip, clock):
    saga_id = await started(database)
    await engine.settle()
    clock.at = DEADLINE - 1
    await engine.settle()
    assert (await stands(database, saga_id)).status is SagaStatus.WAITING

    clock.at = DEADLINE
    await engine.settle()
    ended = await stands(database, saga_id)
    assert ended.data["timed_out"] is True
    assert (ended.status, ended.failure) == (SagaStatus.REVERTED, "full")


async def test_a_signal_after_the_end_changes_nothing(database, engine, clock):
    saga_id = await started(database)
    clock.at = DEADLINE
    await engine.settle()
    before = await stands(database, saga_id)
    await told(database, saga_id, "paid", amount=5)
    await engine.settle()

    assert await stands(database, saga_id) == before


async def test_a_refused_step_is_undone_with_all_before_it_last_first(database, engine, trip):
    saga_id = await started(database)
    await told(database, saga_id, "called off")
    await engine.settle()

    ended = await stands(database, saga_id)
    assert (ended.status, ended.failure) == (SagaStatus.REVERTED, "full")
    assert trip.seen == WENT + UNDONE
    written = [text.split(" ", 1)[1].rpartition(" ")[0] for text in await notes(database)]
    assert sorted(written) == sorted([*WENT[:2], *UNDONE])  # what was refused left nothing


async def test_a_refusal_from_outside_turns_around_where_it_stands(database, engine, trip):
    trip.agency.trouble = [Full()]
    saga_id = await started(database)
    await engine.settle()

    assert (await stands(database, saga_id)).status is SagaStatus.REVERTED
    assert trip.seen == ["reserve", "undo book", "undo reserve"]


async def test_a_refused_undo_is_kept_for_a_person(database, engine, trip, clock):
    trip.trouble["undo book"] = [Full()]
    saga_id = await started(database)
    await told(database, saga_id, "called off")
    await engine.settle()

    parked = await stands(database, saga_id)
    assert (parked.status, parked.step) == (SagaStatus.PARKED, 1)
    clock.at = DEADLINE * 2
    await engine.settle()
    assert trip.seen[-1] == "undo book"


async def test_a_key_begins_one_saga(database):
    saga_id = await started(database)

    with pytest.raises(Contended):
        await started(database)
    found = await database.read(lambda tx: saga.begun_by(tx, KIND, "k"))
    assert found is not None
    assert found.id == saga_id
    assert await database.read(lambda tx: saga.begun_by(tx, KIND, "other")) is None


async def test_sagas_go_on_beside_one_that_is_slow(database, trip):
    trip.agency.trouble = [Outage("slow")]
    for number in range(20):
        saga_id = await started(database, key=str(number))
        await told(database, saga_id, "paid", amount=number)
    await trip.engine(database).settle()

    assert trip.seen.count("leave") == 19


async def test_many_engines_take_each_saga_once(database, database_url):
    other = await connect(database_url)
    trips = [Trip(), Trip()]
    engines = [trips[0].engine(database), trips[1].engine(other)]
    ids = [await started(database, key=str(number)) for number in range(30)]
    for saga_id in ids:
        await told(database, saga_id, "paid", amount=1)
    try:
        await asyncio.gather(*(engine.settle() for engine in engines))
    finally:
        await other.close()

    calls = trips[0].agency.calls + trips[1].agency.calls
    assert sorted(calls) == sorted(f"{saga_id}:book" for saga_id in ids)
    assert sum(trip.seen.count("leave") for trip in trips) == 30


async def test_a_running_engine_hears_of_sagas_and_signals(database, engine):
    running = asyncio.create_task(engine.run())
    saga_id = await started(database)
    await told(database, saga_id, "paid", amount=5)

    async def ended():
        return (await stands(database, saga_id)).status is SagaStatus.COMPLETED

    await until(ended, "the saga ended")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_steps_speak_of_the_message_that_began_the_saga(database):
    heard = []

    async def listen(tx, one):
        heard.append(logs.correlation.get())

    logs.correlation.set("c-1")
    await started(database)
    logs.correlation.set("something else")
    trip = Trip()
    trip.steps = lambda: (Step(name="listen", do=listen),)  # type: ignore[method-assign]
    await trip.engine(database).settle()

    assert heard == ["c-1"]


def test_a_step_does_exactly_one_thing():
    async def work(tx, one):
        return None

    with pytest.raises(ValueError, match="must do, call or wait"):
        Step(name="nothing")
    with pytest.raises(ValueError, match="must do, call or wait"):
        Step(name="both", do=work, call=work)

"""What a failure does to its saga: tried again, turned around, or kept for a person."""

from __future__ import annotations

import asyncio

import pytest

from commerce.kernel import saga_failures
from commerce.kernel.clock import HOUR, SECOND
from commerce.kernel.errors import Contended, Outage
from commerce.kernel.saga import LEASE_SECONDS, NeedsPerson, Saga, Step
from commerce.kernel.saga_engine import Engine
from commerce.kernel.saga_failures import PATIENT_TRIES_MAX, TRIES_MAX
from commerce.kernel.tables import Direction, FailureKind, SagaStatus
from tests.kernel.sagas import KIND, Full, Trip, stands, started, told

RUNNING, COMPENSATING = SagaStatus.RUNNING, SagaStatus.COMPENSATING
PARKED = SagaStatus.PARKED
BUG, AWAY = ZeroDivisionError("x"), Outage("away")


def a_saga(*, tries=0, back=False):
    return Saga(
        id="1", kind=KIND, status=COMPENSATING if back else RUNNING, step=2, data={}, tries=tries,
        fence=1, failure=None, correlation_id="",
        direction=Direction.UNDO if back else Direction.DO,
    )  # fmt: skip


def test_every_kind_of_failure_has_its_end():
    last, last_patient = TRIES_MAX - 1, PATIENT_TRIES_MAX - 1
    table = [
        # error, tries before, on the way back, must happen -> status, direction, tried again
        (Full(), 0, False, False, COMPENSATING, "undo", False),
        (Full(), 0, False, True, PARKED, "do", False),
        (Full(), 0, True, False, PARKED, "undo", False),
        (NeedsPerson("ask"), 0, False, False, PARKED, "do", False),
        (NeedsPerson("ask"), 0, True, False, PARKED, "undo", False),
        (AWAY, 0, False, False, RUNNING, "do", True),
        (AWAY, last, False, False, COMPENSATING, "undo", False),
        (AWAY, last, False, True, RUNNING, "do", True),
        (AWAY, last_patient, False, True, PARKED, "do", False),
        (AWAY, last, True, False, COMPENSATING, "undo", True),
        (AWAY, last_patient, True, False, PARKED, "undo", False),
        (Contended("x"), last, False, False, COMPENSATING, "undo", False),
        (BUG, last - 1, False, False, RUNNING, "do", True),
        (BUG, last, False, False, PARKED, "do", False),
        (BUG, last, True, False, PARKED, "undo", False),
    ]
    for error, tries, back, must_happen, status, direction, again in table:
        after, seconds = saga_failures.after(
            a_saga(tries=tries, back=back), saga_failures.of(error), must_happen=must_happen
        )
        found = after.status, after.direction, seconds is not None, after.tries
        assert found == (status, direction, again, tries + 1 if again else 0), (error, tries)


def test_what_must_not_be_given_up_is_tried_for_more_than_an_hour_and_a_bug_is_not():
    def waited(tries_max, error, **how):
        failure = saga_failures.of(error)
        each = [
            saga_failures.after(a_saga(tries=tries, back=True), failure, must_happen=False)[1]
            for tries in range(tries_max)
        ]
        assert each[-1] is None
        return sum(each[:-1]) * SECOND

    assert HOUR < waited(PATIENT_TRIES_MAX, AWAY) < 2 * HOUR
    assert waited(TRIES_MAX, BUG) < HOUR / 10


def test_facts_are_kept_short_and_plain():
    failure = saga_failures.of(NeedsPerson("ask", n=5, paid=True, who=None, why="x" * 300, at=[1]))

    assert failure.kind is FailureKind.NEEDS_PERSON
    assert failure.facts == {"n": 5, "paid": True, "who": None, "why": "x" * 200, "at": "[1]"}
    assert len(saga_failures.of(ValueError("y" * 900)).error) == 500


@pytest.fixture
def trip():
    return Trip()


async def test_a_call_without_an_answer_is_given_up_and_made_again(database, clock, trip):
    book, silent = trip.agency.book, asyncio.Event()

    async def book_in_silence(one, key):
        answer = await book(one, key)
        if len(trip.agency.calls) == 1:
            await silent.wait()  # it happened, and nobody says so
        return answer

    steps = [
        Step(name="book", call=book_in_silence, timeout_seconds=0.02)
        if step.name == "book"
        else step
        for step in trip.steps()
    ]
    engine = Engine(database, {KIND: steps})
    saga_id = await started(database)
    await told(database, saga_id, "paid", amount=5)
    await engine.settle()
    waiting = await stands(database, saga_id)
    assert (waiting.status, waiting.tries) == (SagaStatus.RUNNING, 1)
    assert waiting.failure == "no answer within 0.02 seconds"

    clock.advance(SECOND)
    await engine.settle()
    assert (await stands(database, saga_id)).status is SagaStatus.COMPLETED
    assert trip.agency.calls == [f"{saga_id}:book"] * 2
    assert len(trip.agency.bookings) == 1


def test_a_call_times_out_within_its_lease():
    async def call(one, key):
        return {}

    assert 0 < Step(name="ask", call=call).timeout_seconds < LEASE_SECONDS
    for seconds in (0, -1, LEASE_SECONDS):
        with pytest.raises(ValueError, match="within its lease"):
            Step(name="ask", call=call, timeout_seconds=seconds)


async def test_a_saga_of_a_newer_version_is_left_to_whoever_knows_it(database, clock, trip):
    saga_id = await started(database)
    await Engine(database, {}).settle()
    assert (await stands(database, saga_id)).status is SagaStatus.RUNNING

    clock.advance(LEASE_SECONDS * SECOND)
    await trip.engine(database).settle()
    assert (await stands(database, saga_id)).status is SagaStatus.WAITING

"""What a person does about a saga that is parked or stuck: try again, go past the step, turn round.

The fence is raised under the row's lock: whoever still works on the saga finds it taken over, and
of two people who decide at once one is first. Each deed is written to the audit with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select, union_all, update

from commerce.kernel import audit, saga
from commerce.kernel.audit import Intervention
from commerce.kernel.columns import insert_once
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal
from commerce.kernel.saga import OPEN, STUCK_AFTER, Saga
from commerce.kernel.tables import (
    SAGA_FAILURES,
    SAGA_STEPS,
    SAGAS,
    Direction,
    SagaStatus,
    StepStatus,
)

TAKE_OVER = (
    update(SAGAS)
    .where(SAGAS.c.id == bindparam("saga"))
    .values(
        status=bindparam("status"),
        step=bindparam("number"),
        direction=bindparam("way"),
        tries=0,
        next_at=bindparam("now"),
        lease_until=0,
        fence=SAGAS.c.fence + 1,
        changed_at=bindparam("now"),
    )
)
NAME = union_all(
    *(
        select(table.c.name).where(
            table.c.saga_id == bindparam("saga"), table.c.step == bindparam("number")
        )
        for table in (SAGA_FAILURES, SAGA_STEPS)
    )
).limit(1)
MARK = (
    update(SAGA_STEPS)
    .where(
        SAGA_STEPS.c.saga_id == bindparam("saga"),
        SAGA_STEPS.c.step == bindparam("number"),
        SAGA_STEPS.c.direction == bindparam("way"),
    )
    .values(status=StepStatus.SKIPPED, ended_at=bindparam("now"))
)
NOTE = insert_once(SAGA_STEPS, "saga_id", "step", "direction")


class NoSuchSaga(Refusal):
    code = "no_such_saga"


class SagaNotParked(Refusal):
    """It is neither parked nor stuck: it goes on by itself, has ended, or somebody was faster."""

    code = "saga_not_parked"


class SagaTurnedAlready(Refusal):
    """It is on its way back and cannot be turned around again."""

    code = "saga_turned_already"


def is_stuck(found: Saga, *, now: int) -> bool:
    return found.status in OPEN and found.next_at < now - STUCK_AFTER


def retried(found: Saga) -> Saga:
    """In the direction it stood in; what waits for a signal goes on waiting for it."""
    if found.status is not SagaStatus.PARKED:
        return found
    backwards = found.direction is Direction.UNDO
    return replace(found, status=SagaStatus.COMPENSATING if backwards else SagaStatus.RUNNING)


def skipped(found: Saga) -> Saga:
    """Past the step, in its direction; the engine ends a saga that stands behind its last step."""
    if found.direction is Direction.DO:
        return replace(found, status=SagaStatus.RUNNING, step=found.step + 1)
    if found.step == 0:
        return replace(found, status=SagaStatus.REVERTED)
    return replace(found, status=SagaStatus.COMPENSATING, step=found.step - 1)


def turned(found: Saga) -> Saga:
    if found.direction is Direction.UNDO:
        raise SagaTurnedAlready(saga_id=found.id)
    return replace(found, status=SagaStatus.COMPENSATING, direction=Direction.UNDO)


async def retry(tx: Tx, saga_id: str, will: Intervention) -> None:
    """Run the step it stands at again."""
    await _intervene(tx, saga_id, will, "saga.retried", retried)


async def skip(tx: Tx, saga_id: str, will: Intervention) -> None:
    """Take the step it stands at for dealt with, and go on after it."""
    await _intervene(tx, saga_id, will, "saga.skipped", skipped)


async def compensate(tx: Tx, saga_id: str, will: Intervention) -> None:
    """Turn it around: undo the step it stands at and all before it."""
    await _intervene(tx, saga_id, will, "saga.compensated", turned)


async def _intervene(
    tx: Tx, saga_id: str, will: Intervention, action: str, decide: Callable[[Saga], Saga]
) -> None:
    # Locked first: the same form sent twice at once finds its own answer, not a saga that moved.
    found = await saga.find_locked(tx, saga_id)
    if found is None:
        raise NoSuchSaga(saga_id=saga_id)

    async def work() -> Mapping[str, Any]:
        now = await tx.now()
        if found.status is not SagaStatus.PARKED and not is_stuck(found, now=now):
            raise SagaNotParked(saga_id=saga_id, status=str(found.status))
        name = await _name_of_step(tx, found)
        if decide is skipped:
            await _mark_skipped(tx, found, name, now)
        await _take_over(tx, decide(found), now)
        return {
            "kind": found.kind,
            "status": found.status,
            "step": name,
            "direction": found.direction,
            "failure": found.failure,
        }

    await audit.once(tx, will, action=action, subject=f"saga:{saga_id}", work=work)
    tx.wake("sagas")


async def _take_over(tx: Tx, after: Saga, now: int) -> None:
    await tx.run(
        TAKE_OVER,
        saga=after.id,
        status=after.status,
        number=after.step,
        way=after.direction,
        now=now,
    )


async def _name_of_step(tx: Tx, found: Saga) -> str:
    """As it was called when it began or failed; nobody may have written down one that is stuck."""
    name = await tx.scalar(NAME, saga=found.id, number=found.step)
    return str(name or f"step {found.step + 1}")


async def _mark_skipped(tx: Tx, found: Saga, name: str, now: int) -> None:
    step = {"saga": found.id, "number": found.step, "way": found.direction}
    if await tx.run(MARK, **step, now=now):
        return
    await tx.run(
        NOTE,
        saga_id=found.id,
        step=found.step,
        direction=found.direction,
        name=name,
        status=StepStatus.SKIPPED,
        started_at=now,
        ended_at=now,
    )

"""Runs sagas: claims what is due by a lease with a fence, advances it, retries, unwinds, parks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from commerce.kernel import clock, jsons, logs, metrics, saga, saga_failures
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Outage, Refusal
from commerce.kernel.saga import Definition, NeedsPerson, Output, Saga, Step
from commerce.kernel.saga_failures import Failure
from commerce.kernel.tables import Direction, SagaStatus, StepStatus
from commerce.kernel.waiting import nudged

BATCH = 32
IDLE_SECONDS = 1.0
log = logs.get(__name__)
ENDED = metrics.counter("livetill_sagas_ended_total", "Sagas ended", ["kind", "status"])

FINAL = (SagaStatus.COMPLETED, SagaStatus.REVERTED, SagaStatus.PARKED)


class Engine:
    def __init__(self, database: Database, definitions: Mapping[str, Definition]) -> None:
        self._database = database
        self._definitions = definitions
        self._active: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Forever; ends by cancellation, and what was under way is taken up when its lease ends."""
        nudge = self._database.listen("sagas")
        while True:
            nudge.clear()
            try:
                taken = await self.take_due()
            except Outage as error:
                log.warning("sagas_wait", error=str(error))
                taken = 0
            if taken == BATCH:  # more may be due; what becomes due meanwhile nudges
                continue
            await nudged(nudge, IDLE_SECONDS)

    async def take_due(self) -> int:
        """Start what is due, beside what already runs; how many there were."""
        due = await self._database.unit_of_work(lambda tx: saga.claim_due(tx, BATCH))
        for one in due:
            task = asyncio.create_task(self.advance(one))
            self._active.add(task)
            task.add_done_callback(self._active.discard)
        return len(due)

    async def settle(self) -> None:
        """Run everything that is due now to its next wait or end."""
        while await self.take_due() or self._active:
            await asyncio.gather(*self._active)

    async def close(self) -> None:
        if self._active:
            await asyncio.wait(self._active, timeout=10)

    async def advance(self, current: Saga) -> None:
        """Step on until the saga waits, ends, has to try again later, or is taken over."""
        logs.correlation.set(current.correlation_id)
        if current.kind not in self._definitions:  # of a newer version, which also runs somewhere
            log.error("saga_of_unknown_kind", saga=current.id, kind=current.kind)
            return
        following: Saga | None = current
        try:
            while following is not None:
                following = await self._one_step(following)
        except Outage as error:  # not even the failure could be written: the lease brings it back
            log.warning("saga_left", saga=current.id, error=str(error))

    async def _one_step(self, current: Saga) -> Saga | None:
        """The saga after one step, or None when there is nothing more to do now."""
        steps = self._definitions[current.kind]
        try:
            if current.status == SagaStatus.COMPENSATING:
                return await self._database.unit_of_work(lambda tx: _undo(tx, current, steps))
            step = _step_of(current, steps)
            if step is not None and step.call is not None and step.applies(current):
                return await self._call(current, steps, step)
            return await self._database.unit_of_work(lambda tx: _do(tx, current, steps))
        except (Refusal, NeedsPerson) as said:
            log.info("saga_refused", saga=current.id, kind=current.kind, reason=str(said))
            failure = saga_failures.of(said)
        except Outage as outage:
            failure = saga_failures.of(outage)
        except Exception as error:  # whatever a step does, its saga does not get lost
            log.error("saga_step_failed", saga=current.id, step=current.step, exc_info=error)
            failure = saga_failures.of(error)
        return await self._database.unit_of_work(lambda tx: _fail(tx, current, steps, failure))

    async def _call(self, current: Saga, steps: Definition, step: Step) -> Saga | None:
        assert step.call is not None
        if not await self._database.unit_of_work(lambda tx: _intend(tx, current, step)):
            return None
        try:
            async with asyncio.timeout(step.timeout_seconds):
                output = await step.call(current, f"{current.id}:{step.name}")
        except TimeoutError as silence:
            raise Outage(f"no answer within {step.timeout_seconds:g} seconds") from silence
        return await self._database.unit_of_work(
            lambda tx: _record(tx, current, steps, step, output)
        )


def _step_of(current: Saga, steps: Definition) -> Step | None:
    """None past the last one, where a person skipped it."""
    return steps[current.step] if current.step < len(steps) else None


async def _fail(tx: Tx, current: Saga, steps: Definition, failure: Failure) -> Saga | None:
    """Write the failure down and go on as it decides; nothing where another worker took over."""
    step = _step_of(current, steps)
    must_happen = step is not None and step.must_happen
    after, seconds = saga_failures.after(current, failure, must_happen=must_happen)
    if await saga.locked(tx, current) is None:
        return None
    name = step.name if step is not None else "end"
    now = await tx.now()
    await saga_failures.note(tx, current, name, failure, now=now)
    at = None if seconds is None else now + int(seconds * clock.SECOND)
    return await _save(tx, after, next_at=at)


async def _do(tx: Tx, current: Saga, steps: Definition) -> Saga | None:
    owned = await saga.locked(tx, current)
    if owned is None:
        return None
    step = _step_of(owned, steps)
    if step is None:
        return await _save(tx, replace(owned, status=SagaStatus.COMPLETED, failure=None))
    output: Output | None = None
    if step.applies(owned) and step.do is not None:
        output = await step.do(tx, owned)
    elif step.applies(owned) and step.wait is not None:
        output = step.wait.decide(owned, await saga.signals(tx, owned.id))
        deadline = step.wait.deadline(owned)
        if output is None and await tx.now() < deadline:
            await _save(tx, replace(owned, status=SagaStatus.WAITING, tries=0), next_at=deadline)
            return None
        output = {"timed_out": True} if output is None else output
    return await _onward(tx, owned, steps, step, output)


async def _intend(tx: Tx, current: Saga, step: Step) -> bool:
    """Written before the call; False where another worker or a person took over."""
    if await saga.locked(tx, current) is None:
        return False
    await tx.run(
        saga.NOTE_STEP,
        saga_id=current.id,
        step=current.step,
        direction=Direction.DO,
        name=step.name,
        status=StepStatus.INTENT,
        started_at=await tx.now(),
    )
    return True


async def _record(
    tx: Tx, current: Saga, steps: Definition, step: Step, output: Output
) -> Saga | None:
    owned = await saga.locked(tx, current)
    if owned is None:
        return None
    if step.record is not None:
        output = {**output, **(await step.record(tx, owned, output) or {})}
    return await _onward(tx, owned, steps, step, output)


async def _onward(
    tx: Tx, owned: Saga, steps: Definition, step: Step, output: Output | None
) -> Saga | None:
    """Remember what the step brought, and go to the next one."""
    await _remember(tx, owned, step, output)
    ended = owned.step + 1 == len(steps)
    return await _save(
        tx,
        replace(
            owned,
            status=SagaStatus.COMPLETED if ended else SagaStatus.RUNNING,
            step=owned.step + 1,
            data={**owned.data, **(output or {})},
            tries=0,
            failure=None,
        ),
    )


async def _undo(tx: Tx, current: Saga, steps: Definition) -> Saga | None:
    """The step the saga stands at did not happen, or may be repeated: undo runs over it too."""
    owned = await saga.locked(tx, current)
    if owned is None:
        return None
    step = _step_of(owned, steps)
    output: Output | None = None
    if step is not None:
        output = await step.undo(tx, owned) if step.undo is not None else None
        await _remember(tx, owned, step, output)
    ended = owned.step == 0
    return await _save(
        tx,
        replace(
            owned,
            status=SagaStatus.REVERTED if ended else SagaStatus.COMPENSATING,
            step=max(owned.step - 1, 0),
            data={**owned.data, **(output or {})},
            tries=0,
        ),
    )


async def _remember(tx: Tx, owned: Saga, step: Step, output: Output | None) -> None:
    now = await tx.now()
    result = jsons.dumps(dict(output or {}))
    if owned.direction is Direction.DO and step.call is not None:
        ended = await tx.run(
            saga.STEP_ENDED, saga=owned.id, number=owned.step, result=result, at=now
        )
        if ended:
            return
    await tx.run(
        saga.NOTE_STEP,
        saga_id=owned.id,
        step=owned.step,
        direction=owned.direction,
        name=step.name,
        status=StepStatus.DONE,
        output=result,
        started_at=now,
        ended_at=now,
    )


async def _save(tx: Tx, changed: Saga, *, next_at: int | None = None) -> Saga | None:
    """Save, and keep the lease while there is more to do at once; else None."""
    now = await tx.now()
    goes_on = next_at is None and changed.status not in FINAL
    saved = await tx.run(
        saga.SAVE,
        saga_id=changed.id,
        mine=changed.fence,
        status=changed.status,
        step=changed.step,
        direction=changed.direction,
        data=jsons.dumps(dict(changed.data)),
        tries=changed.tries,
        next_at=now if next_at is None else next_at,
        lease_until=now + saga.LEASE_SECONDS * clock.SECOND if goes_on else 0,
        failure=changed.failure,
        changed_at=now,
    )
    if saved and changed.status in FINAL:
        ENDED.labels(changed.kind, changed.status).inc()
        _tell(changed)
    return changed if saved and goes_on else None


def _tell(ended: Saga) -> None:
    facts: dict[str, Any] = {"saga": ended.id, "kind": ended.kind, "failure": ended.failure}
    if ended.status == SagaStatus.PARKED:
        log.error("saga_parked", **facts)
    else:
        log.info("saga_ended", status=str(ended.status), **facts)

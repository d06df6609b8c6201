"""Runs sagas: claims what is due by a lease with a fence, advances it, retries, unwinds, parks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from commerce.kernel import clock, jsons, logs, metrics, saga
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Contended, Outage, Refusal
from commerce.kernel.saga import Definition, Output, Saga, Step
from commerce.kernel.tables import SagaStatus
from commerce.kernel.waiting import nudged

BATCH = 32
IDLE_SECONDS = 1.0
TRIES_MAX = 10  # then a step is undone, and an undo is parked
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
        following: Saga | None = current
        while following is not None:
            current, following = following, await self._one_step(following)

    async def _one_step(self, current: Saga) -> Saga | None:
        """The saga after one step, or None when there is nothing more to do now."""
        steps = self._definitions[current.kind]
        backwards = current.status == SagaStatus.COMPENSATING
        try:
            if backwards:
                return await self._database.unit_of_work(lambda tx: _undo(tx, current, steps))
            step = steps[current.step]
            if step.call is not None and step.applies(current):
                return await self._call(current, steps, step)
            return await self._database.unit_of_work(lambda tx: _do(tx, current, steps))
        except Refusal as refusal:
            log.info("saga_refused", saga=current.id, kind=current.kind, code=refusal.code)
            return await self._turn(current, steps, refusal)
        except Contended:
            return await self._again(current, "contended")
        except Outage as outage:
            return await self._again(current, str(outage), outage.retry_after_seconds)
        except Exception as error:  # a bug in a step: kept for a person, never unwound blindly
            log.error("saga_step_failed", saga=current.id, step=current.step, exc_info=error)
            return await self._again(current, repr(error), bug=True)

    async def _call(self, current: Saga, steps: Definition, step: Step) -> Saga | None:
        assert step.call is not None
        await self._database.unit_of_work(lambda tx: _intend(tx, current, step))
        output = await step.call(current, f"{current.id}:{step.name}")
        return await self._database.unit_of_work(
            lambda tx: _record(tx, current, steps, step, output)
        )

    async def _turn(self, current: Saga, steps: Definition, refusal: Refusal) -> Saga | None:
        """A refused step starts the way back; a refused undo needs a person."""
        backwards = current.status == SagaStatus.COMPENSATING
        status = SagaStatus.PARKED if backwards else SagaStatus.COMPENSATING
        turned = replace(current, status=status, tries=0, failure=str(refusal.code))
        return await self._database.unit_of_work(lambda tx: _save(tx, turned))

    async def _again(
        self, current: Saga, error: str, after_seconds: float | None = None, *, bug: bool = False
    ) -> Saga | None:
        tries = current.tries + 1
        if tries >= TRIES_MAX:
            backwards = bug or current.status == SagaStatus.COMPENSATING
            status = SagaStatus.PARKED if backwards else SagaStatus.COMPENSATING
            ended = replace(current, status=status, tries=0, failure=error[:200])
            return await self._database.unit_of_work(lambda tx: _save(tx, ended))
        seconds = after_seconds or min(2.0**tries / 4, 300.0)
        later = replace(current, tries=tries, failure=error[:200])
        at = clock.now() + int(seconds * clock.SECOND)
        await self._database.unit_of_work(lambda tx: _save(tx, later, next_at=at))
        return None


async def _do(tx: Tx, current: Saga, steps: Definition) -> Saga | None:
    owned = await saga.locked(tx, current)
    if owned is None:
        return None
    step = steps[owned.step]
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


async def _intend(tx: Tx, current: Saga, step: Step) -> None:
    await tx.run(
        saga.NOTE_STEP,
        saga_id=current.id,
        step=current.step,
        direction="do",
        name=step.name,
        status="intent",
        started_at=await tx.now(),
    )


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
    await _remember(tx, owned, step, "do", output)
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
    step = steps[owned.step]
    output = await step.undo(tx, owned) if step.undo is not None else None
    await _remember(tx, owned, step, "undo", output)
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


async def _remember(tx: Tx, owned: Saga, step: Step, direction: str, output: Output | None) -> None:
    now = await tx.now()
    result = jsons.dumps(dict(output or {}))
    if direction == "do" and step.call is not None:
        ended = await tx.run(
            saga.STEP_ENDED, saga=owned.id, number=owned.step, result=result, at=now
        )
        if ended:
            return
    await tx.run(
        saga.NOTE_STEP,
        saga_id=owned.id,
        step=owned.step,
        direction=direction,
        name=step.name,
        status="done",
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

"""What a step's failure does to its saga, and every failure kept for a person to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, insert, select

from commerce.kernel import jsons
from commerce.kernel.database import Row, Tx
from commerce.kernel.errors import Contended, Outage, Refusal
from commerce.kernel.saga import NeedsPerson, Saga
from commerce.kernel.tables import SAGA_FAILURES, Direction, FailureKind, SagaStatus

TRIES_MAX = 10  # within some minutes; then a forward step is undone, and a bug is parked
# What must not be given up is tried for more than an hour before a person is asked.
PATIENT_TRIES_MAX = 22
WAIT_SECONDS_MAX = 300.0
ERROR_LENGTH_MAX = 500
FACT_LENGTH_MAX = 200

ADD = insert(SAGA_FAILURES)
OF_SAGA = (
    select(SAGA_FAILURES)
    .where(SAGA_FAILURES.c.saga_id == bindparam("saga_id"))
    .order_by(SAGA_FAILURES.c.seq)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    kind: FailureKind
    code: str  # what the saga remembers of it
    error: str  # as a person reads it
    facts: Mapping[str, Any]
    after_seconds: float | None = None  # when the other side wants to be asked again


def of(error: Exception) -> Failure:
    match error:
        case Refusal():
            return _failure(FailureKind.REFUSED, error.code, error.code, error.facts)
        case NeedsPerson():
            return _failure(FailureKind.NEEDS_PERSON, error.reason, error.reason, error.facts)
        case Contended():
            return _failure(FailureKind.OUTAGE, "contended", str(error))
        case Outage():
            return _failure(
                FailureKind.OUTAGE, str(error), str(error), after=error.retry_after_seconds
            )
        case _:  # a bug in a step: kept for a person, never unwound blindly
            return _failure(FailureKind.BUG, repr(error), repr(error))


def _failure(
    kind: FailureKind,
    code: str,
    error: str,
    facts: Mapping[str, Any] | None = None,
    after: float | None = None,
) -> Failure:
    return Failure(
        kind=kind,
        code=str(code)[:FACT_LENGTH_MAX],
        error=error[:ERROR_LENGTH_MAX],
        facts={str(name): _plain(fact) for name, fact in (facts or {}).items()},
        after_seconds=after,
    )


def _plain(fact: Any) -> Any:
    return fact if isinstance(fact, bool | int | None) else str(fact)[:FACT_LENGTH_MAX]


def after(current: Saga, failure: Failure, *, must_happen: bool) -> tuple[Saga, float | None]:
    """The saga as it stands then, and in how many seconds the step is tried again, if it is."""
    failed = replace(current, tries=current.tries + 1, failure=failure.code)
    final = must_happen or current.direction is Direction.UNDO
    match failure.kind:
        case FailureKind.NEEDS_PERSON:
            return _parked(failed), None
        case FailureKind.REFUSED:
            return (_parked(failed) if final else _turned(failed)), None
        case FailureKind.BUG:
            if failed.tries >= TRIES_MAX:
                return _parked(failed), None
        case FailureKind.OUTAGE:
            if failed.tries >= (PATIENT_TRIES_MAX if final else TRIES_MAX):
                return (_parked(failed) if final else _turned(failed)), None
    return failed, failure.after_seconds or min(2.0**failed.tries / 4, WAIT_SECONDS_MAX)


def _parked(failed: Saga) -> Saga:
    return replace(failed, status=SagaStatus.PARKED, tries=0)


def _turned(failed: Saga) -> Saga:
    return replace(failed, status=SagaStatus.COMPENSATING, direction=Direction.UNDO, tries=0)


async def note(tx: Tx, failed: Saga, name: str, failure: Failure, *, now: int) -> None:
    """`failed` is the saga whose step, called `name`, was tried; before what became of it."""
    await tx.run(
        ADD,
        saga_id=failed.id,
        step=failed.step,
        direction=failed.direction,
        name=name,
        kind=failure.kind,
        error=failure.error,
        facts=jsons.dumps(dict(failure.facts)),
        tries=failed.tries + 1,
        failed_at=now,
    )


async def of_saga(tx: Tx, saga_id: str) -> list[Row]:
    """Oldest first."""
    return await tx.all(OF_SAGA, saga_id=saga_id)

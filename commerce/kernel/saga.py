"""Sagas: work that spans transactions and outside calls, remembered step by step.

A saga is a list of steps. A step either works inside the transaction that advances the saga (`do`),
calls the outside under a key that was committed before the call (`call`, then `record`), or waits
for a signal until a deadline (`wait`). A Refusal turns the saga around: the steps done are undone,
last first. Running a saga again after a crash repeats the same keys, so it changes nothing twice.
What cannot go on by itself is parked, and goes on when a person says how.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select, update

from commerce.kernel import clock, jsons, logs
from commerce.kernel.columns import Count, db_now, insert_once
from commerce.kernel.database import Row, Tx
from commerce.kernel.errors import Contended
from commerce.kernel.tables import (
    SAGA_SIGNALS,
    SAGA_STEPS,
    SAGAS,
    Direction,
    SagaStatus,
    StepStatus,
)

LEASE_SECONDS = 60
CALL_SECONDS = 45.0  # after which an outside call is given up, well within the lease
STUCK_AFTER = 10 * clock.MINUTE
OPEN = (SagaStatus.RUNNING, SagaStatus.WAITING, SagaStatus.COMPENSATING)

Output = Mapping[str, Any]
Signals = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Saga:
    id: str
    kind: str
    status: SagaStatus
    step: int
    data: Mapping[str, Any]  # what it was started with, and every output since
    tries: int
    fence: int
    failure: str | None
    correlation_id: str
    direction: Direction = Direction.DO
    next_at: int = 0
    created_at: int = 0
    changed_at: int = 0


class NeedsPerson(Exception):
    """Raised by a step that no retry can help: the saga parks at once, and a retry runs it again.

    `reason` is a code; the facts are kept for the person who looks.
    """

    def __init__(self, reason: str, **facts: Any) -> None:
        super().__init__(reason, facts)
        self.reason = reason
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.reason} {self.facts}" if self.facts else self.reason


LocalWork = Callable[[Tx, Saga], Awaitable[Output | None]]
OutsideCall = Callable[[Saga, str], Awaitable[Output]]
Recording = Callable[[Tx, Saga, Output], Awaitable[Output | None]]


@dataclass(frozen=True, slots=True)
class Wait:
    """Ends when `decide` finds its signals, or at the deadline with {"timed_out": True}."""

    decide: Callable[[Saga, Signals], Output | None]
    deadline: Callable[[Saga], int]  # µs


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    name: str
    do: LocalWork | None = None
    call: OutsideCall | None = None
    record: Recording | None = None  # what the call brought, in the transaction that advances
    wait: Wait | None = None
    undo: LocalWork | None = None
    applies: Callable[[Saga], bool] = field(default=lambda saga: True)
    timeout_seconds: float = CALL_SECONDS  # of the call; then its outcome is unknown: an Outage
    must_happen: bool = False  # past the point of no return: only a person turns it around

    def __post_init__(self) -> None:
        if sum(part is not None for part in (self.do, self.call, self.wait)) != 1:
            raise ValueError(f"step {self.name} must do, call or wait")
        if not 0 < self.timeout_seconds < LEASE_SECONDS:
            raise ValueError(f"step {self.name} must time out within its lease")


Definition = Sequence[Step]

BEGIN = insert_once(SAGAS, "kind", "key")
BY_KEY = select(SAGAS).where(SAGAS.c.kind == bindparam("kind"), SAGAS.c.key == bindparam("key"))
BY_ID = select(SAGAS).where(SAGAS.c.id == bindparam("id"))
BY_ID_LOCKED = BY_ID.with_for_update()
LOCKED = BY_ID.where(SAGAS.c.fence == bindparam("fence")).with_for_update()
_due = (
    select(SAGAS.c.id)
    .where(SAGAS.c.status.in_(OPEN), SAGAS.c.next_at <= db_now(), SAGAS.c.lease_until <= db_now())
    .order_by(SAGAS.c.next_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
CLAIM = (
    update(SAGAS)
    .where(SAGAS.c.id.in_(_due.scalar_subquery()))
    .values(lease_until=db_now() + LEASE_SECONDS * clock.SECOND, fence=SAGAS.c.fence + 1)
    .returning(SAGAS)
)
SAVE = (
    update(SAGAS)
    .where(SAGAS.c.id == bindparam("saga_id"), SAGAS.c.fence == bindparam("mine"))
    .values(
        status=bindparam("status"),
        step=bindparam("step"),
        direction=bindparam("direction"),
        data=bindparam("data"),
        tries=bindparam("tries"),
        next_at=bindparam("next_at"),
        lease_until=bindparam("lease_until"),
        failure=bindparam("failure"),
        changed_at=bindparam("changed_at"),
    )
)
SIGNAL = insert_once(SAGA_SIGNALS, "saga_id", "name")
SIGNALS = select(SAGA_SIGNALS).where(SAGA_SIGNALS.c.saga_id == bindparam("saga_id"))
AWAKEN = (
    update(SAGAS)
    .where(SAGAS.c.id == bindparam("saga_id"), SAGAS.c.status.in_(OPEN))
    .values(next_at=bindparam("now"))
)
NOTE_STEP = insert_once(SAGA_STEPS, "saga_id", "step", "direction")
STEP_ENDED = (
    update(SAGA_STEPS)
    .where(
        SAGA_STEPS.c.saga_id == bindparam("saga"),
        SAGA_STEPS.c.step == bindparam("number"),
        SAGA_STEPS.c.direction == Direction.DO,
    )
    .values(status=StepStatus.DONE, output=bindparam("result"), ended_at=bindparam("at"))
)
PARKED = (
    select(SAGAS)
    .where(SAGAS.c.status == SagaStatus.PARKED)
    .order_by(SAGAS.c.changed_at)
    .limit(bindparam("most", type_=Count))
)
STUCK = (
    select(SAGAS)
    .where(SAGAS.c.status.in_(OPEN), SAGAS.c.next_at < bindparam("before"))
    .order_by(SAGAS.c.next_at)
    .limit(bindparam("most", type_=Count))
)
HISTORY = (
    select(SAGA_STEPS)
    .where(SAGA_STEPS.c.saga_id == bindparam("saga_id"))
    .order_by(SAGA_STEPS.c.started_at, SAGA_STEPS.c.step)
)


async def start(tx: Tx, kind: str, key: str, data: Mapping[str, Any], *, saga_id: str) -> None:
    """Begin a saga under an id that the caller made; it runs after the commit.

    Contended where the same key began one at the same time: the caller runs again and finds it.
    """
    now = await tx.now()
    begun = await tx.run(
        BEGIN,
        id=saga_id,
        kind=kind,
        key=key,
        status=SagaStatus.RUNNING,
        step=0,
        data=jsons.dumps(dict(data)),
        next_at=now,
        correlation_id=logs.correlation.get(),
        created_at=now,
        changed_at=now,
    )
    if not begun:
        raise Contended(f"saga {kind} {key} was begun at the same time")
    tx.wake("sagas")


async def begun_by(tx: Tx, kind: str, key: str) -> Saga | None:
    """The saga that this key began."""
    row = await tx.first(BY_KEY, kind=kind, key=key)
    return None if row is None else from_row(row)


async def signal(tx: Tx, saga_id: str, name: str, payload: Mapping[str, Any]) -> None:
    """Tell a saga something once; it is kept even if the saga does not wait for it yet."""
    now = await tx.now()
    await tx.run(
        SIGNAL, saga_id=saga_id, name=name, payload=jsons.dumps(dict(payload)), received_at=now
    )
    await tx.run(AWAKEN, saga_id=saga_id, now=now)
    tx.wake("sagas")


async def find(tx: Tx, saga_id: str) -> Saga | None:
    row = await tx.first(BY_ID, id=saga_id)
    return None if row is None else from_row(row)


async def find_locked(tx: Tx, saga_id: str) -> Saga | None:
    """The saga as it stands; no step of it commits before the caller does."""
    row = await tx.first(BY_ID_LOCKED, id=saga_id)
    return None if row is None else from_row(row)


async def history(tx: Tx, saga_id: str) -> list[Row]:
    """Every step done and undone, in order."""
    return await tx.all(HISTORY, saga_id=saga_id)


async def parked(tx: Tx, limit: int = 100) -> list[Saga]:
    """Those that wait for a person, the longest wait first."""
    return [from_row(row) for row in await tx.all(PARKED, most=limit)]


async def stuck(tx: Tx, limit: int = 100) -> list[Saga]:
    """Those that should have gone on long ago: nobody runs them, or whoever does dies of it."""
    before = await tx.now() - STUCK_AFTER
    return [from_row(row) for row in await tx.all(STUCK, most=limit, before=before)]


async def claim_due(tx: Tx, limit: int) -> list[Saga]:
    return [from_row(row) for row in await tx.all(CLAIM, most=limit)]


async def locked(tx: Tx, saga: Saga) -> Saga | None:
    """The saga with its row locked, or None if another worker took it over meanwhile."""
    row = await tx.first(LOCKED, id=saga.id, fence=saga.fence)
    return None if row is None else from_row(row)


async def signals(tx: Tx, saga_id: str) -> dict[str, dict[str, Any]]:
    rows = await tx.all(SIGNALS, saga_id=saga_id)
    return {row["name"]: jsons.loads(row["payload"]) for row in rows}


def from_row(row: Row) -> Saga:
    return Saga(
        id=row["id"],
        kind=row["kind"],
        status=SagaStatus(row["status"]),
        step=row["step"],
        data=jsons.loads(row["data"]),
        tries=row["tries"],
        fence=row["fence"],
        failure=row["failure"],
        correlation_id=row["correlation_id"],
        direction=Direction(row["direction"]),
        next_at=row["next_at"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )

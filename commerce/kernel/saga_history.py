"""What happened to a saga, step by step, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from commerce.kernel import audit, jsons, saga, saga_failures
from commerce.kernel.audit import Entry
from commerce.kernel.database import Row, Tx
from commerce.kernel.saga import Saga
from commerce.kernel.tables import Direction, FailureKind, StepStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    kind: FailureKind
    error: str
    facts: Mapping[str, Any]
    tries: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One step in one direction: when it began and ended, and all its failures between."""

    step: int
    name: str
    direction: Direction
    status: StepStatus | None  # None: it failed whenever it was tried
    began_at: int
    ended_at: int | None
    failures: tuple[Failed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    saga: Saga
    story: tuple[Told, ...]  # in the order in which the steps began
    deeds: tuple[Entry, ...]  # what people did to it, newest first
    signals: tuple[str, ...]  # what it was told

    @property
    def standing_at(self) -> str:
        """The name of the step it stands at, as far as anybody has written it down."""
        names = {told.step: told.name for told in self.story}
        return names.get(self.saga.step, f"step {self.saga.step + 1}")


async def view(tx: Tx, saga_id: str) -> View | None:
    row = await tx.first(saga.BY_ID, id=saga_id)
    if row is None:
        return None
    return View(
        saga=saga.from_row(row),
        story=story(await saga.history(tx, saga_id), await saga_failures.of_saga(tx, saga_id)),
        deeds=tuple(await audit.about(tx, f"saga:{saga_id}")),
        signals=tuple(sorted(await saga.signals(tx, saga_id))),
    )


def story(steps: Sequence[Row], failures: Sequence[Row]) -> tuple[Told, ...]:
    failed: dict[tuple[int, str], list[Row]] = {}
    for row in failures:
        failed.setdefault((row["step"], row["direction"]), []).append(row)
    written = {(row["step"], row["direction"]): row for row in steps}
    told = [_told(written.get(key), failed.get(key, [])) for key in {**written, **failed}]
    return tuple(sorted(told, key=_in_order))


def _in_order(told: Told) -> tuple[int, bool, int]:
    """Steps of one instant: forwards as they are listed, and back the other way."""
    backwards = told.direction is Direction.UNDO
    return told.began_at, backwards, -told.step if backwards else told.step


def _told(step: Row | None, failures: Sequence[Row]) -> Told:
    known = step if step is not None else failures[0]
    begins = [row["failed_at"] for row in failures[:1]]
    begins += [] if step is None else [step["started_at"]]
    return Told(
        step=known["step"],
        name=known["name"],
        direction=Direction(known["direction"]),
        status=None if step is None else StepStatus(step["status"]),
        began_at=min(begins),
        ended_at=None if step is None else step["ended_at"],
        failures=tuple(
            Failed(
                kind=FailureKind(row["kind"]),
                error=row["error"],
                facts=jsons.loads(row["facts"]),
                tries=row["tries"],
                at=row["failed_at"],
            )
            for row in failures
        ),
    )

"""A lifecycle as a table: (status, action) -> status. Everything else is derived from it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from commerce.kernel.errors import Refusal

S = TypeVar("S", bound=StrEnum)
A = TypeVar("A", bound=StrEnum)


class IllegalMove(Refusal):
    """This action is not possible in this status."""

    code = "illegal_move"


class Machine(Generic[S, A]):
    """Construction fails when a status of the enum cannot be reached from the start."""

    def __init__(self, *, start: S, moves: Mapping[tuple[S, A], S]) -> None:
        self.start = start
        self.moves = dict(moves)
        self.statuses: tuple[S, ...] = tuple(type(start))
        self.actions: tuple[A, ...] = tuple(dict.fromkeys(action for _, action in self.moves))
        self.final = frozenset(self.statuses) - {status for status, _ in self.moves}
        lost = set(self.statuses) - self._reachable()
        if lost:
            raise ValueError(f"unreachable: {sorted(lost)}")

    def after(self, status: S, action: A) -> S:
        try:
            return self.moves[(status, action)]
        except KeyError:
            raise IllegalMove(status=str(status), action=str(action)) from None

    def allows(self, status: S, action: A) -> bool:
        return (status, action) in self.moves

    def diagram(self) -> str:
        """A mermaid state diagram of the whole life."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.start}"]
        lines += [f"    {a} --> {b}: {action}" for (a, action), b in self.moves.items()]
        lines += [f"    {status} --> [*]" for status in self.statuses if status in self.final]
        return "\n".join(lines)

    def _reachable(self) -> set[S]:
        seen = {self.start}
        while True:
            more = {to for (source, _), to in self.moves.items() if source in seen} - seen
            if not more:
                return seen
            seen |= more

"""Units of work over the plain drivers: one transaction, opened at an edge, never by a service.

A unit of work is a function of a `Tx`. It runs in a task of its own, so that a cancelled request
cannot tear a transaction in two, and again from the start when the database says it lost a race.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

from sqlalchemy import insert
from sqlalchemy.sql import ClauseElement

from commerce.kernel import clock, crashpoints, ids, jsons, logs, metrics
from commerce.kernel.columns import any_of, insert_once
from commerce.kernel.errors import Contended
from commerce.kernel.events import Event
from commerce.kernel.tables import OUTBOX, OutboxStatus

__all__ = ["Database", "Row", "Tx", "Work", "any_of", "connect", "insert_once"]

T = TypeVar("T")
TRIES_WHEN_CONTENDED = 5

UNITS = metrics.counter("livetill_units_of_work_total", "Write transactions", ["outcome"])
COMMITTED = UNITS.labels("committed")
CONTENDED = UNITS.labels("contended")
ANNOUNCE = insert(OUTBOX)


class Row(Protocol):
    def __getitem__(self, name: str, /) -> Any: ...
    def keys(self) -> Iterable[str]: ...


class Tx(ABC):
    """A transaction as services see it: they read and write, but never open or commit."""

    dialect: Literal["sqlite", "postgresql"]

    def __init__(self) -> None:
        self.topics: set[str] = set()

    @abstractmethod
    async def all(self, statement: ClauseElement, /, **params: Any) -> list[Row]: ...

    @abstractmethod
    async def run(self, statement: ClauseElement, /, **params: Any) -> int:
        """Rows affected."""

    @abstractmethod
    async def run_many(
        self, statement: ClauseElement, rows: Sequence[Mapping[str, Any]], /
    ) -> None: ...

    @abstractmethod
    async def now(self) -> int:
        """The database's clock in µs."""

    async def first(self, statement: ClauseElement, /, **params: Any) -> Row | None:
        rows = await self.all(statement, **params)
        return rows[0] if rows else None

    async def scalar(self, statement: ClauseElement, /, **params: Any) -> Any:
        row = await self.first(statement, **params)
        return None if row is None else row[next(iter(row.keys()))]

    async def emit(self, *events: Event) -> None:
        """Announce facts, in the same transaction as their cause."""
        await self.run_many(ANNOUNCE, [_outbox_row(event) for event in events])
        self.wake("outbox")

    def wake(self, topic: str) -> None:
        """Nudge this process's loops after the commit; correctness never rests on it."""
        self.topics.add(topic)


def _outbox_row(event: Event) -> dict[str, Any]:
    return {
        "id": ids.new_id(),
        "name": event.name,
        "version": event.version,
        "aggregate_id": event.aggregate_id,
        "payload": jsons.dumps(event.payload()),
        "correlation_id": logs.correlation.get(),
        "occurred_at": clock.now(),
        "status": OutboxStatus.WAITING,
    }


Work = Callable[[Tx], Awaitable[T]]


class Database(ABC):
    """A connected database. Both kinds behave the same; the tests run on both."""

    dialect: Literal["sqlite", "postgresql"]

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._listeners: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._hooks: list[tuple[str, Callable[[str], None]]] = []

    async def unit_of_work(self, work: Work[T]) -> T:
        """Run `work` in one write transaction and commit it, or roll all of it back."""
        task = asyncio.ensure_future(self.transact(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def transact(self, work: Work[T]) -> T:
        """A unit of work in the caller's own task, for those that nobody cancels."""
        for attempt in range(1, TRIES_WHEN_CONTENDED + 1):
            try:
                return await self._attempt(work)
            except Contended:
                CONTENDED.inc()
                if attempt == TRIES_WHEN_CONTENDED:
                    raise
            await asyncio.sleep(ids.fraction() * 0.02 * 2**attempt)
        raise AssertionError("unreachable")

    async def _attempt(self, work: Work[T]) -> T:
        result, topics = await self._transact(work)
        COMMITTED.inc()
        for topic in topics:
            self.notify(topic)
            for prefix, hook in self._hooks:
                if topic.startswith(prefix):
                    hook(topic.removeprefix(prefix))
        return result

    @abstractmethod
    async def _transact(self, work: Work[T]) -> tuple[T, set[str]]:
        """One attempt: begin, work, commit; the topics to wake."""

    @abstractmethod
    async def read(self, work: Work[T]) -> T:
        """Run `work` for reading only; it sees what is committed."""

    @abstractmethod
    async def weaknesses(self) -> list[str]:
        """The settings by which this database could lose what it acknowledged."""

    @abstractmethod
    async def _disconnect(self) -> None: ...

    async def close(self) -> None:
        """Let the open units of work end, then hang up."""
        if self._running:
            await asyncio.wait(self._running)
        await self._disconnect()

    def notify(self, topic: str) -> None:
        """Wake who listens here; also for what another process committed."""
        for listener in self._listeners.get(topic, ()):
            listener.set()

    def on_wake(self, prefix: str, hook: Callable[[str], None]) -> None:
        """After every commit that woke a topic `{prefix}{rest}`, `hook(rest)` is called."""
        self._hooks.append((prefix, hook))

    def listen(self, topic: str) -> asyncio.Event:
        """An event that is set after every commit that woke `topic`; the listener clears it."""
        event = asyncio.Event()
        self._listeners[topic].add(event)
        return event


def committing() -> None:
    crashpoints.hit("before commit")


def committed() -> None:
    crashpoints.hit("after commit")


async def connect(url: str, *, connections: int = 16) -> Database:
    """Open `sqlite:///path` or `postgresql://…`; Outage where nothing answers."""
    if url.startswith("sqlite:///"):
        from commerce.kernel.sqlite import SqliteDatabase

        return SqliteDatabase(url.removeprefix("sqlite:///"))
    from commerce.kernel.postgresql import PostgresqlDatabase

    return await PostgresqlDatabase.connect(url, connections=connections)

"""Group commit: what gathers while one commit is under way is written together by the next.

A commit waits for the disk, whether it carries one row or a hundred. An item whose group fails is
tried again alone, so that one bad item never fails its neighbours.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from commerce.kernel import metrics
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Outage

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Write = Callable[[Tx, Sequence[Item]], Awaitable[Sequence[Answer | Exception]]]

GROUP_SIZES = metrics.counter("livetill_group_commit_items_total", "Items committed", ["group"])
GROUPS = metrics.counter("livetill_group_commits_total", "Group commits", ["group"])


class GroupCommitter(Generic[Item, Answer]):
    """`write` answers each item in order; an exception as an answer is raised to its submitter."""

    def __init__(
        self, name: str, database: Database, write: Write[Item, Answer], *, group_max: int = 256
    ) -> None:
        self._database = database
        self._write = write
        self._group_max = group_max
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._running: asyncio.Task[None] | None = None
        self._items = GROUP_SIZES.labels(name)
        self._groups = GROUPS.labels(name)

    async def submit(self, item: Item) -> Answer:
        """Returns when the item is durable."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._running is None:
            self._running = asyncio.create_task(self._drain())
        return await answer

    async def close(self) -> None:
        """Let everything submitted become durable."""
        if self._running is not None:
            await self._running

    async def _drain(self) -> None:
        while self._waiting:
            size = min(len(self._waiting), self._group_max)
            await self._commit([self._waiting.popleft() for _ in range(size)])
        self._running = None

    async def _commit(self, group: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        items = [item for item, _ in group]
        self._items.inc(len(items))
        self._groups.inc()
        try:
            answers = await self._database.transact(lambda tx: self._write(tx, items))
            if len(answers) != len(items):
                raise AssertionError(f"{len(answers)} answers to {len(items)} items")
        except Exception as error:  # noqa: BLE001  (it becomes the answer of its item)
            if len(group) == 1 or isinstance(error, Outage):
                answers = [error] * len(group)
            else:
                for single in group:
                    await self._commit([single])
                return
        for (_, future), answer in zip(group, answers, strict=True):
            _settle(future, answer)


def _settle(future: asyncio.Future[Answer], answer: Answer | Exception) -> None:
    if future.done():  # the submitter was cancelled
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)

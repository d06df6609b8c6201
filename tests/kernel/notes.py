"""Small visible effects for tests of the kernel: notes, kept in a table that is there anyway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from sqlalchemy import insert, select

from commerce.kernel.database import Database, Tx
from commerce.kernel.tables import CONSUMED

WAIT_SECONDS = 20.0
ADD = insert(CONSUMED)
ALL = select(CONSUMED.c.event_id).where(CONSUMED.c.consumer == "note").order_by("event_id")


async def note(tx: Tx, text: str) -> None:
    await tx.run(ADD, consumer="note", event_id=text, consumed_at=0)


async def notes(database: Database) -> list[str]:
    """What was noted and committed, sorted."""
    return [row["event_id"] for row in await database.read(lambda tx: tx.all(ALL))]


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for a condition, but not for ever."""
    give_up = time.monotonic() + WAIT_SECONDS
    while not await holds():
        assert time.monotonic() < give_up, f"never came true: {what}"
        await asyncio.sleep(0.005)

"""For loops that end by cancellation: Python 3.11's `asyncio.wait_for` may swallow it.

It does so when what it waits for ends in the same moment; redis-py sends every command through it.
"""

from __future__ import annotations

import asyncio


async def nudged(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, but no longer than so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def heed_cancellation() -> None:
    """End this task if it was asked to end and did not notice."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError

"""Turns: a fan who was asked for the size writes "help", and the bot explains and asks again.

Such a turn takes the message in, reads and saves the conversation and one reply, and asks nothing
of commerce. Each fan writes only as often as one fan may in a row, so there are many of them.
"""

from __future__ import annotations

import asyncio
from collections import deque

from deploy.bench import Kind, fans, loads
from deploy.bench.fans import Fan
from deploy.bench.loads import Limits, Operation
from deploy.bench.report import Row
from deploy.bench.till import Till

TURNS_OF_ONE_FAN = 12  # beyond a burst of 15 frames the live room slows a fan down
ENTERING = 32  # fans that enter at once


async def measure(kind: Kind, limits: Limits) -> list[Row]:
    async def prepare(till: Till, slug: str) -> Operation:
        wanted = max(limits.concurrency, -(-limits.count // TURNS_OF_ONE_FAN))
        idle = deque(await enter_all(till, slug, wanted))

        async def turn() -> None:
            fan = idle.popleft()  # who has been silent longest
            fan.say("text", "help")
            await fan.reply()
            idle.append(fan)

        return turn

    return await loads.measure("turns", kind, limits, prepare)


async def enter_all(till: Till, slug: str, count: int) -> list[Fan]:
    """Fans in the room, each with its first turn done."""
    doors = asyncio.Semaphore(ENTERING)

    async def one() -> Fan:
        async with doors:
            fan, _ = await fans.enter(till.port, slug)
            return fan

    return await asyncio.gather(*(one() for _ in range(count)))

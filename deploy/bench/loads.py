"""A load on a running till: so many fans at once, until the count or the time is reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from commerce.kernel import clock
from commerce.kernel.errors import Outage
from deploy.bench import Kind, baseline, report, till
from deploy.bench.report import Load, Row
from deploy.bench.till import Till

BASELINE_SECONDS = 4.0
ANSWER_SECONDS_MAX = 60  # beyond the time that was asked for: then the till is stuck

Operation = Callable[[], Awaitable[None]]
Prepare = Callable[[Till, str], Awaitable[Operation]]


@dataclass(frozen=True, slots=True)
class Limits:
    concurrency: int
    count: int
    seconds: float


async def measure(name: str, kind: Kind, limits: Limits, prepare: Prepare) -> list[Row]:
    """`prepare` gets the till and the session's slug; bare transactions run before and after."""
    with till.database_server(kind) as url:
        seconds = min(BASELINE_SECONDS, limits.seconds) / 2
        before = await baseline.per_second(url, seconds)
        with till.running(url) as running:
            slug = await till.stock_up(url)
            async with patience(limits.seconds):
                load = await run(await prepare(running, slug), limits)
            rss_mb = running.rss_mb
        bare = (before + await baseline.per_second(url, seconds)) / 2
    return [report.row(name, kind, limits.concurrency, load, baseline=bare, rss_mb=rss_mb)]


@asynccontextmanager
async def patience(seconds: float = 0) -> AsyncIterator[None]:
    """Bounds what asks the till for answers; `seconds` is how long that should take."""
    try:
        async with asyncio.timeout(seconds + ANSWER_SECONDS_MAX):
            yield
    except TimeoutError:
        raise Outage(f"the till did not answer within {ANSWER_SECONDS_MAX} s") from None


async def run(operation: Operation, limits: Limits) -> Load:
    took: list[float] = []
    numbers = iter(range(limits.count))
    cpu, started = till.cpu_seconds(), clock.monotonic()
    until = started + limits.seconds
    callers = [_call(operation, numbers, until, took) for _ in range(limits.concurrency)]
    await asyncio.gather(*callers)
    return Load(clock.monotonic() - started, took, till.cpu_seconds() - cpu)


async def _call(
    operation: Operation, numbers: Iterator[int], until: float, took: list[float]
) -> None:
    for _ in numbers:  # shared by all callers
        started = clock.monotonic()
        await operation()
        ended = clock.monotonic()
        took.append(ended - started)
        if ended >= until:
            return

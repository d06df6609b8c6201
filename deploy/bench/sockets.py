"""Memory: so many fans in the live room at once, each with one turn done and its socket open."""

from __future__ import annotations

from commerce.kernel import clock
from deploy.bench import Kind, loads, till, turns
from deploy.bench.report import Row


async def measure(kind: Kind, count: int) -> list[Row]:
    with till.database_server(kind) as url, till.running(url) as running:
        slug = await till.stock_up(url)
        cpu, started = till.cpu_seconds(), clock.monotonic()
        async with loads.patience():
            everyone = await turns.enter_all(running, slug, count)
        seconds, cpu = clock.monotonic() - started, till.cpu_seconds() - cpu
        rss_mb = running.rss_mb
        for fan in everyone:
            fan.close()
    return [
        Row(
            bench="sockets",
            database=kind,
            concurrency=count,
            rate_per_second=round(count / seconds, 1),
            cpu_ms_per_op=round(cpu / count * 1000, 3),
            rss_mb=round(rss_mb, 1),
        )
    ]

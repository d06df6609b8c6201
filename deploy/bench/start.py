"""From starting the process to its first "ready", over an empty database and a used one."""

from __future__ import annotations

from pathlib import Path

from commerce.kernel import clock
from deploy import servers
from deploy.bench import Kind, report, till
from deploy.bench.report import Row


async def measure(kind: Kind, count: int) -> list[Row]:
    with till.database_server(kind) as url, servers.new_folder() as media:
        first = _starts("first start", kind, url, media, 1)
        return [first, _starts("start", kind, url, media, count)]


def _starts(name: str, kind: Kind, url: str, media: Path, count: int) -> Row:
    took = []
    for _ in range(count):
        started = clock.monotonic()
        with till.running(url, media) as running:
            took.append(clock.monotonic() - started)
            cpu_ms, rss_mb = running.cpu_ms, running.rss_mb
    return Row(
        bench=name,
        database=kind,
        concurrency=1,
        p50_ms=report.quantile_ms(took, 50),
        p99_ms=report.quantile_ms(took, 99),
        cpu_ms_per_op=round(cpu_ms, 1),
        rss_mb=round(rss_mb, 1),
    )

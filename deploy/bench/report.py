"""What was measured, as one JSON object per row or as a table for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from commerce.kernel import jsons

HEADS = {
    "bench": "bench",
    "database": "database",
    "concurrency": "at once",
    "rate_per_second": "per second",
    "baseline_per_second": "baseline",
    "ratio": "ratio",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "cpu_ms_per_op": "CPU ms",
    "rss_mb": "RSS MB",
}
TEXTS = 2  # columns that are texts; the rest are figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    bench: str
    database: str | None = None
    concurrency: int | None = None
    rate_per_second: float | None = None
    baseline_per_second: float | None = None  # bare transactions, in the same run
    ratio: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    cpu_ms_per_op: float | None = None  # of the till and the database
    rss_mb: float | None = None  # of the till


@dataclass(frozen=True, slots=True)
class Load:
    """How operations went: how long each took, and what all of them cost."""

    seconds: float
    took: Sequence[float]  # seconds, one per operation
    cpu_seconds: float


def row(
    bench: str, database: str, concurrency: int, load: Load, *, baseline: float, rss_mb: float
) -> Row:
    rate = len(load.took) / load.seconds
    return Row(
        bench=bench,
        database=database,
        concurrency=concurrency,
        rate_per_second=round(rate, 1),
        baseline_per_second=round(baseline, 1),
        ratio=round(rate / baseline, 3),
        p50_ms=quantile_ms(load.took, 50),
        p99_ms=quantile_ms(load.took, 99),
        cpu_ms_per_op=round(load.cpu_seconds / len(load.took) * 1000, 3),
        rss_mb=round(rss_mb, 1),
    )


def quantile_ms(took: Sequence[float], percent: int) -> float:
    """The time within which `percent` of the operations ended."""
    ordered = sorted(took)
    return round(ordered[-(-len(ordered) * percent // 100) - 1] * 1000, 2)


def show(rows: Sequence[Row], say: Callable[[str], None], *, json: bool) -> None:
    if json:
        for one in rows:
            say(jsons.dumps(asdict(one)))
        return
    heads = [HEADS.get(name, name.replace("_", " ")) for name in asdict(rows[0])]
    table = [heads, *([_shown(x) for x in asdict(one).values()] for one in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    for line in table:
        cells = [
            cell.ljust(width) if place < TEXTS else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        say("  ".join(cells).rstrip())


def _shown(figure: str | float | None) -> str:
    if figure is None:
        return "-"
    return f"{figure:,}" if isinstance(figure, int | float) else figure

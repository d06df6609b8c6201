"""The geometry of the small plot of paid orders per minute; the template only draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from commerce.kernel import clock

WIDTH, HEIGHT = 600, 120
MINUTES = 30
GAP = 4


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    count: int
    minutes_ago: int


@dataclass(frozen=True, slots=True)
class Plot:
    bars: tuple[Bar, ...]
    total: int
    highest: int
    width: int = WIDTH
    height: int = HEIGHT
    minutes: int = MINUTES


def first_minute(now: int) -> int:
    """The start of the plot's first minute."""
    return (now // clock.MINUTE - MINUTES + 1) * clock.MINUTE


def per_minute(paid: Sequence[tuple[int, int]], now: int) -> Plot:
    """One bar per (start of a minute, orders paid in it), the current minute at the right."""
    # The database's clock may be a little ahead of ours: its next minute is drawn as this one.
    ages = [(max(0, now // clock.MINUTE - at // clock.MINUTE), orders) for at, orders in paid]
    counts = {age: sum(n for a, n in ages if a == age) for age, _ in ages if age < MINUTES}
    highest = max(counts.values(), default=0)
    step = WIDTH / MINUTES
    bars = tuple(
        _bar(age, counts[age], highest, WIDTH - (age + 1) * step, step - GAP)
        for age in sorted(counts, reverse=True)
    )
    return Plot(bars, sum(counts.values()), highest)


def _bar(age: int, count: int, highest: int, x: float, width: float) -> Bar:
    height = max(HEIGHT * count / highest, 4)
    return Bar(
        round(x + GAP / 2, 1), round(HEIGHT - height, 1), width, round(height, 1), count, age
    )

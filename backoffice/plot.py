"""The geometry of the small plots; the templates only draw them."""

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


DAYS = 30


@dataclass(frozen=True, slots=True)
class Day:
    """What agreed with a provider's report, and on top of it what did not."""

    x: float
    width: float
    matched_y: float
    matched_height: float
    unmatched_y: float
    unmatched_height: float
    at: int
    matched_minor: int
    unmatched_minor: int


@dataclass(frozen=True, slots=True)
class Compared:
    days: tuple[Day, ...]
    first: int  # start of the first day of the plot
    last: int
    matched_minor: int
    unmatched_minor: int
    width: int = WIDTH
    height: int = HEIGHT


def per_day(values: Sequence[tuple[int, int, int]]) -> Compared:
    """One bar per (some time of a day, matched, unmatched); of a day compared twice, the last."""
    known = {at - at % clock.DAY: (good, bad) for at, good, bad in reversed(values)}
    last = max(known)
    first = last - (DAYS - 1) * clock.DAY
    shown = {at: sums for at, sums in known.items() if at >= first}
    highest = max((good + bad for good, bad in shown.values()), default=0)
    step = WIDTH / DAYS
    days = tuple(
        _day(at, *shown[at], highest, (at - first) // clock.DAY * step, step - GAP)
        for at in sorted(shown)
    )
    sums = [sum(day.matched_minor for day in days), sum(day.unmatched_minor for day in days)]
    return Compared(days, first, last, *sums)


def _day(at: int, good: int, bad: int, highest: int, x: float, width: float) -> Day:
    # What does not agree is seen however little it is.
    bad_height = max(HEIGHT * bad / highest, 4) if bad else 0
    good_height = min(HEIGHT * good / highest, HEIGHT - bad_height) if good else 0
    return Day(
        x=round(x + GAP / 2, 1),
        width=width,
        matched_y=round(HEIGHT - good_height, 1),
        matched_height=round(good_height, 1),
        unmatched_y=round(HEIGHT - good_height - bad_height, 1),
        unmatched_height=round(bad_height, 1),
        at=at,
        matched_minor=good,
        unmatched_minor=bad,
    )

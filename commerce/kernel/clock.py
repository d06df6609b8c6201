"""The time, as microseconds since the epoch in UTC; the one place that reads a clock."""

from __future__ import annotations

import time
from typing import Protocol

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock(Protocol):
    def now(self) -> int: ...


class SystemClock:
    def now(self) -> int:
        return time.time_ns() // 1000


class FakeClock:
    """A clock that stands until it is moved; the databases' livetill_now() follows it."""

    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> int:
        return self.at

    def advance(self, microseconds: int) -> None:
        self.at += microseconds


_clock: Clock = SystemClock()


def set_clock(clock: Clock) -> None:
    global _clock
    _clock = clock


def now() -> int:
    return _clock.now()


def faked_now() -> int | None:
    """The time of a fake clock, or None where the real one runs."""
    return _clock.now() if isinstance(_clock, FakeClock) else None


def monotonic() -> float:
    """Seconds for measuring durations; never stored."""
    return time.monotonic()

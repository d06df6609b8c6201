"""Clocks for tests that cannot stand still."""

from __future__ import annotations

import time

from commerce.kernel.clock import FakeClock


class Ahead(FakeClock):
    """Runs like the real one, but `at` µs ahead of it."""

    def now(self) -> int:
        return self.at + time.time_ns() // 1000

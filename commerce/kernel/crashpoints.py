"""Places where a process may die: every commit and every outside call passes `hit`.

A kill test counts the hits of a whole story, then lets a fresh process die at the first, the
second, and so on. In production nothing is armed and a hit costs one comparison.
"""

from __future__ import annotations

import os
from pathlib import Path

_die_at: int | None = None
_tally: Path | None = None
_hits = 0


def arm(*, die_at: int | None = None, tally: Path | None = None) -> None:
    """Die without cleanup at hit number `die_at`, and append the name of every hit to `tally`."""
    global _die_at, _tally, _hits
    _die_at, _tally, _hits = die_at, tally, 0


def hit(name: str) -> None:
    if _die_at is None and _tally is None:
        return
    _count(name)


def _count(name: str) -> None:
    global _hits
    _hits += 1
    if _tally is not None:
        with _tally.open("a") as file:
            file.write(f"{_hits} {name}\n")
    if _hits == _die_at:
        os._exit(137)

"""Ids, codes and secrets; the one place that draws random numbers."""

from __future__ import annotations

import base64
import random
import secrets
from typing import Protocol

from commerce.kernel import clock

# No 0/O, 1/I/L, U/V, 2/Z, 5/S or 8/B: what is read aloud must survive a noisy stream.
CODE_ALPHABET = "ACDEFGHJKMNPQRTWXY34679"


class _Source(Protocol):
    def getrandbits(self, k: int, /) -> int: ...
    def choice(self, seq: str, /) -> str: ...


_source: _Source = secrets.SystemRandom()
_last_tick = 0


def set_randomness(seed: int | None) -> None:
    """Repeatable ids for a test or a simulation; None brings real randomness back."""
    global _source
    _source = secrets.SystemRandom() if seed is None else random.Random(seed)


def new_id() -> str:
    """A UUIDv7 that rises strictly within this process, so that rows sort by creation."""
    global _last_tick
    # 48 bits of milliseconds and 12 bits of their fraction, made to rise with every call.
    tick = max((clock.now() << 12) // 1000, _last_tick + 1)
    _last_tick = tick
    value = (tick >> 12) << 80 | 0x7 << 76 | (tick & 0xFFF) << 64 | 0b10 << 62
    text = f"{value | _source.getrandbits(62):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def short_code(length: int = 6) -> str:
    """A code to read aloud. Not unique by itself: the store keeps it so."""
    return "".join(_source.choice(CODE_ALPHABET) for _ in range(length))


def token(bits: int = 192) -> str:
    """An unguessable URL-safe text."""
    raw = _source.getrandbits(bits).to_bytes(bits // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def fraction() -> float:
    """A random number in [0, 1) for jitter."""
    return _source.getrandbits(53) / (1 << 53)

"""Argon2id for passwords, in a thread because one hash costs tens of milliseconds of CPU."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher


@cache
def _hasher() -> PasswordHasher:
    # Imported here so that the door of accounts, which the bot imports, stays cheap.
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobody() -> str:
    return _hasher().hash("nobody has this password")


def _verify(password_hash: str | None, password: str) -> bool:
    from argon2.exceptions import VerificationError

    # Taken for known people as well, so that the first guess costs the same for both.
    stand_in = _nobody()
    try:
        _hasher().verify(password_hash or stand_in, password)
    except VerificationError:
        return False
    return password_hash is not None


async def hashed(password: str) -> str:
    return await asyncio.to_thread(_hasher().hash, password)


async def verified(password_hash: str | None, password: str) -> bool:
    """Whether it fits; an unknown person (None) costs the same work and never fits."""
    return await asyncio.to_thread(_verify, password_hash, password)

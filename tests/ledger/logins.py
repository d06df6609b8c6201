"""Logins with few rights, as a careful operator makes them."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

import asyncpg

from commerce.kernel.postgresql import APP_ROLE

LOGIN = "livetill_test_login"
MAKE = (f"CREATE ROLE {LOGIN} LOGIN PASSWORD 'x'", f"GRANT {APP_ROLE} TO {LOGIN}")


async def as_application(url: str) -> str:
    """The URL for a login that is no more than a member of the application's role."""
    owner = await asyncpg.connect(url)
    for statement in MAKE:
        # The tests of another worker may be making it too.
        with suppress(
            asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError, asyncpg.InternalServerError
        ):
            await owner.execute(statement)
    await owner.close()
    parts = urlsplit(url)
    return parts._replace(netloc=f"{LOGIN}:x@{parts.netloc.rpartition('@')[2]}").geturl()

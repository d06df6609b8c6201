from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from commerce.kernel.database import Database, connect


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[Database]:
    """For what is the same on both databases, and long."""
    database = await connect(sqlite_url)
    yield database
    await database.close()

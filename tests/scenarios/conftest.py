"""Running tills, and the platforms that they answer through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.scenarios.running import Till

StartTill = Callable[..., Awaitable[Till]]


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's pictures, drawn by the first till that starts."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture
async def start_till(tmp_path: Path, database_url: str, media: Path) -> AsyncIterator[StartTill]:
    """Starts a till with these settings, at most one at a time."""
    tills: list[Till] = []

    async def start(**settings: str) -> Till:
        till = Till(tmp_path, database_url, media, **settings)
        tills.append(till)
        await till.start()
        return till

    yield start
    for till in tills:
        await till.kill()

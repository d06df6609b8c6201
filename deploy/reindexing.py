"""`livetill reindex`: what products are found by, made anew beside a till that runs."""

from __future__ import annotations

from collections.abc import Callable

from commerce.catalog import search_jobs
from commerce.kernel import database
from deploy.settings import Settings

Say = Callable[[str], None]


async def reindex(settings: Settings, say: Say, progress: Say) -> int:
    connected = await database.connect(settings.database_url, connections=1)
    try:
        mended = await search_jobs.reindex(connected, lambda n: progress(f"{n:,} products"))
    finally:
        await connected.close()
    say(f"Every product is found by what it is now; {mended:,} were not.")
    return 0

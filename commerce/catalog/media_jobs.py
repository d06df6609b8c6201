"""What time does to pictures: uploads that broke off are cleared away."""

from __future__ import annotations

import asyncio
from functools import partial

from commerce.catalog import media, media_model
from commerce.catalog.media_storage import Storage
from commerce.kernel.clock import HOUR
from commerce.kernel.database import Database

BROKE_OFF_AFTER = HOUR  # no upload takes so long, and no removal
REMOVAL_SECONDS_MAX = 300


async def clear_away(database: Database, storage: Storage) -> int:
    """Remove the bytes of uploads that never ended, and then their rows; how many."""
    cleared = 0
    found = await database.read(partial(media.unfinished, older_than=BROKE_OFF_AFTER))
    for digest, width, seen in found:
        begun = await database.unit_of_work(partial(media.begin_removal, digest=digest, seen=seen))
        if begun is None:
            continue
        async with asyncio.timeout(REMOVAL_SECONDS_MAX):
            for key in media_model.keys(digest, width):
                await storage.delete(key)
        await database.unit_of_work(partial(media.end_removal, digest=digest, begun=begun))
        cleared += 1
    return cleared

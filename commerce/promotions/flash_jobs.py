"""What time makes flash prices do: end, and take back what no hold has any more."""

from __future__ import annotations

from functools import partial

from commerce.kernel.clock import MINUTE
from commerce.kernel.database import Database, Tx
from commerce.promotions import flash_service, flash_store

HEARD_AFTER = MINUTE  # by then the end of a hold was heard of, if ever


async def tend_flashes(database: Database) -> int:
    """End those whose time is over; give back pieces claimed while their hold went. How many."""
    over = await database.read(flash_store.due)
    for flash_id in over:
        await database.unit_of_work(partial(flash_service.end_flash_in_time, flash_id=flash_id))
    lapsed = 0
    for hold_id in await database.read(_claims):
        work = partial(flash_service.release_lapsed, hold_id=hold_id)
        lapsed += await database.unit_of_work(work)
    return len(over) + lapsed


async def _claims(tx: Tx) -> list[str]:
    return await flash_store.held_since(tx, await tx.now() - HEARD_AFTER)

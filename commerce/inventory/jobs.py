"""What time makes inventory do: holds that nobody paid for run out."""

from __future__ import annotations

from commerce.inventory import events, hold_store
from commerce.inventory.model import Hold
from commerce.kernel.database import Database, Tx

BATCH = 500


async def expire_holds(database: Database) -> int:
    """Free what was held too long, by the database's clock; how many."""
    total = 0
    while True:
        expired = len(await database.unit_of_work(_expire_some))
        total += expired
        if expired < BATCH:
            return total


async def _expire_some(tx: Tx) -> list[Hold]:
    expired = await hold_store.expire_due(tx, BATCH)
    await hold_store.let_go(tx, expired)
    if expired:
        await tx.emit(*map(events.expired, expired), *events.freed(expired))
    for reference in {hold.reference for hold in expired}:
        tx.wake(f"session:{reference}")
    return expired

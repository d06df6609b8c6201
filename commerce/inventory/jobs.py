"""What time makes inventory do: holds that nobody paid for run out."""

from __future__ import annotations

from commerce.inventory import store
from commerce.inventory.events import HoldExpired
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
    expired = await store.expire_due(tx, BATCH)
    await store.give_back(tx, expired)
    if expired:
        await tx.emit(*[_announce(hold) for hold in expired])
    for reference in {hold.reference for hold in expired}:
        tx.wake(f"session:{reference}")
    return expired


def _announce(hold: Hold) -> HoldExpired:
    return HoldExpired(
        hold_id=hold.id,
        sku=hold.sku,
        quantity=hold.quantity,
        owner=hold.owner,
        reference=hold.reference,
    )

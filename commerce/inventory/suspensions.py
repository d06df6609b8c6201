"""Stopping the sale of a SKU whose stock may be wrong, and letting it go on."""

from __future__ import annotations

from commerce.inventory import store
from commerce.inventory.events import StockResumed, StockSuspended
from commerce.inventory.model import Suspension
from commerce.kernel.database import Tx


async def suspend(tx: Tx, sku: str, reason: str, *, by: str = "") -> bool:
    """Nobody can hold it from now on; what is held goes on. False where it is suspended already."""
    # A hold that has the lock is written before us; whoever waits for it then finds the suspension.
    await store.stock_locked(tx, [sku])
    if not await store.suspend(tx, sku, reason, by):
        return False
    await tx.emit(StockSuspended(sku=sku, reason=reason, by=by))
    return True


async def resume(tx: Tx, sku: str, *, by: str, reason: str) -> bool:
    """It can be held again; False where it was not suspended."""
    if not await store.resume(tx, sku, reason, by):
        return False
    await tx.emit(StockResumed(sku=sku, reason=reason, by=by))
    return True


async def suspended(tx: Tx) -> list[Suspension]:
    """What is suspended now, the longest first."""
    return await store.suspended(tx)

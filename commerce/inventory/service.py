"""Use cases of inventory, each inside the caller's transaction; repeating one changes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from commerce.inventory import store
from commerce.inventory.model import (
    HOLD_LIFE,
    Hold,
    HoldAction,
    HoldGone,
    HoldStatus,
    MovementKind,
    OutOfStock,
    Stock,
)
from commerce.kernel.database import Tx
from commerce.kernel.errors import Contended


async def receive(tx: Tx, sku: str, quantity: int, *, reason: str, reference: str = "") -> None:
    """Pieces came in."""
    await store.receive(tx, sku, quantity)
    await store.add_movement(
        tx, sku, MovementKind.RECEIVED, quantity, reason=reason, reference=reference
    )


async def stock_of(tx: Tx, skus: Iterable[str]) -> dict[str, Stock]:
    return await store.stock(tx, skus)


async def available(tx: Tx, skus: Iterable[str]) -> dict[str, int]:
    """Pieces that can be held now; 0 for a SKU that never came in."""
    wanted = list(skus)
    found = await store.stock(tx, wanted)
    return {sku: found[sku].available if sku in found else 0 for sku in wanted}


async def hold_of(tx: Tx, hold_id: str) -> Hold:
    hold = await store.hold(tx, hold_id)
    if hold is None:
        raise HoldGone(hold_id=hold_id)
    return hold


async def release(tx: Tx, hold_id: str) -> bool:
    """Give the pieces back; False when they were not held any more."""
    hold = await store.hold_locked(tx, hold_id)
    if hold is None or not HOLD_LIFE.allows(hold.status, HoldAction.RELEASE):
        return False
    await _move(tx, hold, HoldAction.RELEASE)
    await store.give_back(tx, [hold])
    tx.wake(f"session:{hold.reference}")
    return True


async def claim(tx: Tx, hold_id: str, *, reference: str) -> None:
    """The pieces are paid for: held becomes sold. HoldGone when the hold ran out before."""
    hold = await store.hold_locked(tx, hold_id)
    if hold is None or hold.status in (HoldStatus.RELEASED, HoldStatus.EXPIRED):
        raise HoldGone(hold_id=hold_id)
    if hold.status is HoldStatus.CLAIMED:
        return
    await _move(tx, hold, HoldAction.CLAIM)
    await store.sell_held(tx, hold)
    await _sold(tx, hold, "paid", reference)


async def reclaim(tx: Tx, hold_id: str, *, reference: str) -> None:
    """Money came after the hold had gone: sell from what is free, or OutOfStock."""
    hold = await store.hold_locked(tx, hold_id)
    if hold is None:
        raise HoldGone(hold_id=hold_id)
    if hold.status is HoldStatus.CLAIMED:
        return
    if hold.status is HoldStatus.HELD:
        await claim(tx, hold_id, reference=reference)
        return
    if not await store.sell_free(tx, hold):
        left = await available(tx, [hold.sku])
        raise OutOfStock(sku=hold.sku, available=left[hold.sku])
    await _move(tx, hold, HoldAction.RECLAIM)
    await _sold(tx, hold, "paid late", reference)


async def extend(tx: Tx, hold_id: str, until: int) -> None:
    """Keep a hold that is still held until then; HoldGone otherwise."""
    if not await store.extend(tx, hold_id, until):
        raise HoldGone(hold_id=hold_id)


async def holds_of(tx: Tx, reference: str) -> dict[str, dict[HoldStatus, int]]:
    """Pieces per SKU and status of a session's holds."""
    found: dict[str, dict[HoldStatus, int]] = {}
    for row in await store.pieces_of(tx, reference):
        found.setdefault(row["sku"], {})[HoldStatus(row["status"])] = int(row["pieces"])
    return found


async def _move(tx: Tx, hold: Hold, action: HoldAction) -> None:
    if not await store.move(tx, hold, HOLD_LIFE.after(hold.status, action)):
        raise Contended(f"hold {hold.id} moved meanwhile")


async def _sold(tx: Tx, hold: Hold, reason: str, reference: str) -> None:
    await store.add_movement(
        tx, hold.sku, MovementKind.SOLD, hold.quantity, reason=reason, reference=reference
    )

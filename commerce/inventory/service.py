"""Use cases of inventory, each inside the caller's transaction; repeating one changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from commerce.inventory import events, model, store
from commerce.inventory.model import (
    GONE,
    HOLD_LIFE,
    Hold,
    HoldAction,
    HoldGone,
    HoldStatus,
    Movement,
    MovementKind,
    Stock,
)
from commerce.kernel.database import Tx
from commerce.kernel.errors import Contended

MOVEMENTS_SHOWN = 50
NEWEST = 2**62  # beyond every movement


async def stock_of(tx: Tx, skus: Iterable[str]) -> dict[str, list[Stock]]:
    """The shelves of each SKU that ever came in, by the name of the warehouse."""
    return await store.stock(tx, skus)


async def available(tx: Tx, skus: Iterable[str]) -> dict[str, int]:
    """The most pieces that one order can get now; 0 for what never came in or is suspended."""
    wanted = list(skus)
    found = await store.stock(tx, wanted)
    return {sku: max(model.left_of(found.get(sku, ())).values(), default=0) for sku in wanted}


async def movements_of(tx: Tx, sku: str, limit: int = MOVEMENTS_SHOWN) -> list[Movement]:
    """Newest first."""
    return await history(tx, [sku], limit=limit)


async def history(
    tx: Tx, skus: Iterable[str], *, before: int = NEWEST, limit: int = MOVEMENTS_SHOWN
) -> list[Movement]:
    """What moved of several SKUs, newest first; `before` is the `seq` where the last page ended."""
    return await store.history(tx, skus, before, limit)


async def hold_of(tx: Tx, hold_id: str) -> Hold:
    hold = await store.hold(tx, hold_id)
    if hold is None:
        raise HoldGone(hold_id=hold_id)
    return hold


async def holds_of(tx: Tx, reference: str) -> dict[str, dict[HoldStatus, int]]:
    """Pieces per SKU and status of a session's holds."""
    found: dict[str, dict[HoldStatus, int]] = {}
    for row in await store.pieces_of(tx, reference):
        found.setdefault(row["sku"], {})[HoldStatus(row["status"])] = int(row["pieces"])
    return found


async def extend(tx: Tx, hold_id: str, until: int) -> None:
    """Keep a hold that has not run out until then; HoldGone otherwise."""
    if not await store.extend(tx, hold_id, until):
        raise HoldGone(hold_id=hold_id)


async def release(tx: Tx, hold_id: str) -> bool:
    """Let the pieces go; False when they were not held any more."""
    hold = await store.hold_locked(tx, hold_id)
    if hold is None or not HOLD_LIFE.allows(hold.status, HoldAction.RELEASE):
        return False
    await _move(tx, hold, HoldAction.RELEASE)
    await store.let_go(tx, [hold])
    await tx.emit(events.released(hold), *events.freed([hold]))
    tx.wake(f"session:{hold.reference}")
    return True


async def begin_claim(tx: Tx, hold_id: str) -> None:
    """Its money is about to be taken: from now on the hold does not run out. HoldGone if it did."""
    hold = await _locked(tx, hold_id)
    if hold.status in GONE:
        raise HoldGone(hold_id=hold_id)
    if hold.status is HoldStatus.HELD:
        await _move(tx, hold, HoldAction.BEGIN_CLAIM)


async def secure(tx: Tx, hold_id: str) -> None:
    """As `begin_claim`, and a hold that is gone is held again if pieces are free; or OutOfStock."""
    hold = await _locked(tx, hold_id)
    if hold.status not in GONE:
        await begin_claim(tx, hold_id)
        return
    again = await _found_again(tx, hold)
    await _move(tx, again, HoldAction.SECURE)
    await store.shift(tx, again, held=hold.quantity)
    tx.wake(f"session:{hold.reference}")


async def claim(tx: Tx, hold_id: str, *, reference: str) -> None:
    """The pieces are paid for: held becomes sold. HoldGone when the hold ran out before."""
    hold = await _locked(tx, hold_id)
    if hold.status in GONE:
        raise HoldGone(hold_id=hold_id)
    if hold.status is HoldStatus.CLAIMED:
        return
    await _move(tx, hold, HoldAction.CLAIM)
    await store.shift(tx, hold, held=-hold.quantity, sold=hold.quantity)
    await _note(tx, hold, MovementKind.SOLD, "paid", reference)


async def reclaim(tx: Tx, hold_id: str, *, reference: str) -> None:
    """Money came, perhaps after the hold had gone: sell from what is free, or OutOfStock."""
    hold = await _locked(tx, hold_id)
    if hold.status not in GONE:
        await claim(tx, hold_id, reference=reference)
        return
    again = await _found_again(tx, hold)
    await _move(tx, again, HoldAction.RECLAIM)
    await store.shift(tx, again, sold=hold.quantity)
    await _note(tx, again, MovementKind.SOLD, "paid late", reference)


async def give_back(tx: Tx, hold_id: str, *, reference: str, reason: str) -> bool:
    """What was sold came back and can be sold again; False when it had come back before."""
    hold = await store.hold_locked(tx, hold_id)
    if hold is None:
        raise HoldGone(hold_id=hold_id)
    if hold.status is HoldStatus.RETURNED:
        return False
    await _move(tx, hold, HoldAction.GIVE_BACK)
    await store.shift(tx, hold, sold=-hold.quantity)
    await _note(tx, hold, MovementKind.RETURNED, reason, reference)
    await tx.emit(*events.freed([replace(hold, reference=reference)]))
    tx.wake(f"session:{hold.reference}")
    return True


async def _locked(tx: Tx, hold_id: str) -> Hold:
    hold = await store.hold_locked(tx, hold_id)
    if hold is None or hold.status is HoldStatus.RETURNED:
        raise HoldGone(hold_id=hold_id)
    return hold


async def _found_again(tx: Tx, hold: Hold) -> Hold:
    """The hold with the first warehouse that has its pieces now."""
    left = model.left_of((await store.stock_locked(tx, [hold.sku]))[hold.sku])
    warehouse = model.first_with(left, hold.quantity)
    if warehouse is None:
        raise model.out_of_stock(hold.sku, hold.quantity, left)
    return replace(hold, warehouse=warehouse)


async def _move(tx: Tx, hold: Hold, action: HoldAction) -> None:
    if not await store.move(tx, hold, HOLD_LIFE.after(hold.status, action)):
        raise Contended(f"hold {hold.id} moved meanwhile")


async def _note(tx: Tx, hold: Hold, kind: MovementKind, reason: str, reference: str) -> None:
    await store.add_movement(
        tx, hold.sku, hold.warehouse, kind, hold.quantity, reason=reason, reference=reference
    )

"""Use cases of inventory, each inside the caller's transaction; repeating one changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from commerce.inventory import allotting, events, hold_store, model, store, transfers, warehousing
from commerce.inventory.model import (
    GONE,
    HOLD_LIFE,
    PROMISED,
    Hold,
    HoldAction,
    HoldGone,
    HoldStatus,
    Movement,
    MovementKind,
    Part,
    Stock,
)
from commerce.kernel.database import Tx
from commerce.kernel.errors import Contended

MOVEMENTS_SHOWN = 50
NEWEST = 2**62  # beyond every movement


async def stock_of(tx: Tx, skus: Iterable[str]) -> dict[str, list[Stock]]:
    """The shelves of each SKU that ever came in, by the name of the warehouse."""
    return await store.stock(tx, skus)


async def shelves_in(
    tx: Tx, warehouse: str, skus: Iterable[str], *, after: str = "", limit: int = MOVEMENTS_SHOWN
) -> list[Stock]:
    """What lies in one warehouse, of these SKUs and in their order, from behind `after` on."""
    return await store.shelves_in(tx, warehouse, skus, after, limit)


async def available(tx: Tx, skus: Iterable[str]) -> dict[str, int]:
    """The most pieces that one order can get now from all warehouses; 0 of what is suspended."""
    wanted = list(skus)
    found = await store.stock(tx, wanted)
    return {sku: sum(allotting.left_of(found.get(sku, ())).values()) for sku in wanted}


async def movements_of(tx: Tx, sku: str, limit: int = MOVEMENTS_SHOWN) -> list[Movement]:
    """Newest first."""
    return await history(tx, [sku], limit=limit)


async def history(
    tx: Tx, skus: Iterable[str], *, before: int = NEWEST, limit: int = MOVEMENTS_SHOWN
) -> list[Movement]:
    """What moved of several SKUs, newest first; `before` is the `seq` where the last page ended."""
    return await store.history(tx, skus, before, limit)


async def movements_about(tx: Tx, reference: str) -> list[Movement]:
    """Which warehouse sold and got back what of an order, oldest first."""
    return await store.movements_about(tx, reference)


async def hold_of(tx: Tx, hold_id: str) -> Hold:
    hold = await hold_store.hold(tx, hold_id)
    if hold is None:
        raise HoldGone(hold_id=hold_id)
    return hold


async def holds_of(tx: Tx, reference: str) -> dict[str, dict[HoldStatus, int]]:
    """Pieces per SKU and status of a session's holds."""
    found: dict[str, dict[HoldStatus, int]] = {}
    for row in await hold_store.pieces_of(tx, reference):
        found.setdefault(row["sku"], {})[HoldStatus(row["status"])] = int(row["pieces"])
    return found


async def extend(tx: Tx, hold_id: str, until: int) -> None:
    """Keep a hold that has not run out until then; HoldGone otherwise."""
    if not await hold_store.extend(tx, hold_id, until):
        raise HoldGone(hold_id=hold_id)


async def within_reach(tx: Tx, hold_id: str) -> dict[str, int]:
    """How many pieces each warehouse could give to this hold, with those it has from there."""
    hold = await hold_of(tx, hold_id)
    left = allotting.left_of((await store.stock(tx, [hold.sku])).get(hold.sku, ()))
    return allotting.freed_by(hold.parts, left) if hold.status in PROMISED else left


async def relocate(tx: Tx, hold_id: str, parts: Sequence[Part]) -> Hold:
    """The same pieces from these warehouses; OutOfStock, with nothing changed, of too few there."""
    hold = await _locked(tx, hold_id)
    wanted = model.in_parts(hold.sku, hold.quantity, parts)
    if hold.status in GONE:
        raise HoldGone(hold_id=hold_id)
    if hold.parts == wanted:
        return hold
    moved = replace(hold, parts=wanted, status=HOLD_LIFE.after(hold.status, HoldAction.RELOCATE))
    left = allotting.left_of((await store.stock_locked(tx, [hold.sku]))[hold.sku])
    reach = allotting.freed_by(hold.parts, left)
    if not allotting.fits(wanted, reach):
        there = {part.warehouse: reach.get(part.warehouse, 0) for part in wanted}
        raise allotting.out_of_stock(hold.sku, hold.quantity, there)
    await _move(tx, moved, HoldAction.RELOCATE)
    await hold_store.put_parts(tx, moved)
    more = Counter(dict(wanted))
    more.subtract(dict(hold.parts))
    await store.shift(tx, {(hold.sku, place): (n, 0) for place, n in more.items() if n})
    return moved


async def release(tx: Tx, hold_id: str) -> bool:
    """Let the pieces go; False when they were not held any more."""
    hold = await hold_store.hold_locked(tx, hold_id)
    if hold is None or not HOLD_LIFE.allows(hold.status, HoldAction.RELEASE):
        return False
    await _move(tx, hold, HoldAction.RELEASE)
    await hold_store.let_go(tx, [hold])
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
    await _shift(tx, again, held=1)
    tx.wake(f"session:{hold.reference}")


async def claim(tx: Tx, hold_id: str, *, reference: str) -> None:
    """The pieces are paid for: held becomes sold. HoldGone when the hold ran out before."""
    hold = await _locked(tx, hold_id)
    if hold.status in GONE:
        raise HoldGone(hold_id=hold_id)
    if hold.status is HoldStatus.CLAIMED:
        return
    await _move(tx, hold, HoldAction.CLAIM)
    await _shift(tx, hold, held=-1, sold=1)
    await _note(tx, hold, MovementKind.SOLD, "paid", reference)


async def reclaim(tx: Tx, hold_id: str, *, reference: str) -> None:
    """Money came, perhaps after the hold had gone: sell from what is free, or OutOfStock."""
    hold = await _locked(tx, hold_id)
    if hold.status not in GONE:
        await claim(tx, hold_id, reference=reference)
        return
    again = await _found_again(tx, hold)
    await _move(tx, again, HoldAction.RECLAIM)
    await _shift(tx, again, sold=1)
    await _note(tx, again, MovementKind.SOLD, "paid late", reference)


async def give_back(tx: Tx, hold_id: str, *, reference: str, reason: str) -> bool:
    """What was sold came back and can be sold again; False when it had come back before."""
    hold = await hold_store.hold_locked(tx, hold_id)
    if hold is None:
        raise HoldGone(hold_id=hold_id)
    if hold.status is HoldStatus.RETURNED:
        return False
    await _move(tx, hold, HoldAction.GIVE_BACK)
    known = await warehousing.kept_open(tx, [part.warehouse for part in hold.parts])
    await store.stock_locked(tx, [hold.sku])  # in their order, the main one with them
    await _shift(tx, hold, sold=-1)
    await _note(tx, hold, MovementKind.RETURNED, reason, reference)
    await transfers.out_of_closed(tx, hold, known, reason=reason, reference=reference)
    await tx.emit(*events.freed([replace(hold, reference=reference)]))
    tx.wake(f"session:{hold.reference}")
    return True


async def _locked(tx: Tx, hold_id: str) -> Hold:
    hold = await hold_store.hold_locked(tx, hold_id)
    if hold is None or hold.status is HoldStatus.RETURNED:
        raise HoldGone(hold_id=hold_id)
    return hold


async def _found_again(tx: Tx, hold: Hold) -> Hold:
    """The hold where it was, or from where its pieces are now; a quote may know where it was."""
    left = allotting.left_of((await store.stock_locked(tx, [hold.sku]))[hold.sku])
    if allotting.fits(hold.parts, left):
        return hold
    parts = allotting.parts_from(left, hold.quantity)
    if parts is None:
        raise allotting.out_of_stock(hold.sku, hold.quantity, left)
    again = replace(hold, parts=parts)
    await hold_store.put_parts(tx, again)
    return again


async def _move(tx: Tx, hold: Hold, action: HoldAction) -> None:
    if not await hold_store.move(tx, hold, HOLD_LIFE.after(hold.status, action)):
        raise Contended(f"hold {hold.id} moved meanwhile")


async def _shift(tx: Tx, hold: Hold, *, held: int = 0, sold: int = 0) -> None:
    """Each of its pieces is once more, or once less, held and sold."""
    more = {(hold.sku, place): (held * n, sold * n) for place, n in hold.parts}
    await store.shift(tx, more)


async def _note(tx: Tx, hold: Hold, kind: MovementKind, reason: str, reference: str) -> None:
    for warehouse, quantity in hold.parts:
        await store.add_movement(
            tx, hold.sku, warehouse, kind, quantity, reason=reason, reference=reference
        )

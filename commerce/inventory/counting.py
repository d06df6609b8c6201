"""Pieces that come in, turn up, break or are counted: every change of what is on hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from commerce.inventory import model, store, warehousing
from commerce.inventory.events import StockFreed
from commerce.inventory.model import MAIN, MovementKind, Stock, UnknownSku
from commerce.inventory.warehouse_model import WarehouseClosed
from commerce.kernel import idempotency
from commerce.kernel.database import Tx

SCOPE = "stock"


async def receive(
    tx: Tx,
    sku: str,
    quantity: int,
    *,
    reason: str,
    reference: str = "",
    warehouse: str = MAIN,
    supplier_id: str = "",
    by: str = "",
) -> None:
    """Pieces came in; the first ones open the shelf. Only the main warehouse is everybody's."""
    model.check_pieces(sku, quantity, least=1)
    warehousing.check_takes(await warehousing.kept_open(tx, [warehouse]), warehouse, supplier_id)
    await store.receive(tx, sku, warehouse, quantity)
    await store.add_movement(
        tx,
        sku,
        warehouse,
        MovementKind.RECEIVED,
        quantity,
        reason=reason,
        reference=reference,
        by=by,
    )
    await tx.emit(StockFreed(sku=sku, quantity=quantity, reference=reference))


async def open_shelf(tx: Tx, sku: str, warehouse: str = MAIN, *, supplier_id: str = "") -> None:
    """A place for it, with nothing there yet; one that is there stays as it is."""
    warehousing.check_takes(await warehousing.kept_open(tx, [warehouse]), warehouse, supplier_id)
    await store.open_shelf(tx, sku, warehouse)


async def adjust(
    tx: Tx,
    key: str,
    sku: str,
    warehouse: str,
    change: int,
    reason: str,
    by: str,
    expected_version: int,
) -> Stock:
    """Pieces turned up or broke. Refuses stock_changed, stock_promised, bad_quantity."""
    model.check_pieces(sku, abs(change), least=1)
    before = await _locked(tx, sku, warehouse, on_hand=lambda now: now + change)

    async def work() -> idempotency.Answer:
        moved = model.change_of(before, before.on_hand + change, expected_version)
        return await _correct(tx, before, moved, MovementKind.ADJUSTED, reason, by, key)

    body = {"act": "adjust", "sku": sku, "warehouse": warehouse, "change": change}
    body |= {"reason": reason, "by": by, "version": expected_version}
    return Stock(**await idempotency.once(tx, SCOPE, key, body, work))


async def count(
    tx: Tx,
    key: str,
    sku: str,
    warehouse: str,
    counted: int,
    reason: str,
    by: str,
    expected_version: int,
) -> Stock:
    """`counted` is what `on_hand` should say, so it includes what is held and sold.

    That a fan buys between the counting and the writing therefore changes nothing. Refuses
    stock_changed, stock_promised, bad_quantity.
    """
    model.check_pieces(sku, counted, least=0)
    before = await _locked(tx, sku, warehouse, on_hand=lambda now: counted)

    async def work() -> idempotency.Answer:
        moved = model.change_of(before, counted, expected_version)
        return await _correct(tx, before, moved, MovementKind.COUNTED, reason, by, key)

    body = {"act": "count", "sku": sku, "warehouse": warehouse, "counted": counted}
    body |= {"reason": reason, "by": by, "version": expected_version}
    return Stock(**await idempotency.once(tx, SCOPE, key, body, work))


async def _locked(tx: Tx, sku: str, warehouse: str, *, on_hand: Callable[[int], int]) -> Stock:
    """Locked before the key is looked up, so that the same command at once finds its answer.

    In a closed warehouse there may turn out to be fewer, and never more than it says there are.
    """
    known = await warehousing.kept_open(tx, [warehouse])
    for one in (await store.stock_locked(tx, [sku])).get(sku, ()):
        if one.warehouse == warehouse:
            closed = warehouse in known and not known[warehouse].active
            if closed and on_hand(one.on_hand) > one.on_hand:
                raise WarehouseClosed(warehouse=warehouse)
            return one
    raise UnknownSku(sku=sku, warehouse=warehouse)


async def _correct(
    tx: Tx, before: Stock, moved: int, kind: MovementKind, reason: str, by: str, key: str
) -> idempotency.Answer:
    if moved:
        await store.correct(tx, before.sku, before.warehouse, moved)
    await store.add_movement(
        tx, before.sku, before.warehouse, kind, moved, reason=reason, reference=key, by=by
    )
    if moved > 0:
        await tx.emit(StockFreed(sku=before.sku, quantity=moved, reference=key))
    after = (await store.stock(tx, [before.sku]))[before.sku]
    return asdict(next(one for one in after if one.warehouse == before.warehouse))

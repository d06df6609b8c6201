"""Pieces that go from one warehouse to another: what leaves here arrives there."""

from __future__ import annotations

from collections.abc import Mapping

from commerce.inventory import model, store, warehousing
from commerce.inventory.counting import SCOPE
from commerce.inventory.model import MAIN, Hold, MovementKind, Stock, StockPromised, UnknownSku
from commerce.inventory.warehouse_model import Warehouse
from commerce.kernel import idempotency
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal


class SameWarehouse(Refusal):
    """They are there already."""

    code = "same_warehouse"


async def transfer(
    tx: Tx,
    key: str,
    sku: str,
    quantity: int,
    *,
    origin: str,
    to: str,
    supplier_id: str,
    reason: str,
    by: str,
) -> None:
    """Only pieces that are not promised go; refuses stock_promised with how many could."""
    model.check_pieces(sku, quantity, least=1)
    if origin == to:
        raise SameWarehouse(sku=sku, warehouse=to)
    # Locked before the key is looked up, so that the same command at once finds its answer.
    known = await warehousing.kept_open(tx, [to])
    shelves = (await store.stock_locked(tx, [sku])).get(sku, ())

    async def work() -> idempotency.Answer:
        warehousing.check_takes(known, to, supplier_id)
        _check_free(next((one for one in shelves if one.warehouse == origin), None), sku, quantity)
        await _carry(tx, sku, quantity, origin, to, reason=reason, reference=key, by=by)
        return {}

    body = {"act": "transfer", "sku": sku, "quantity": quantity, "origin": origin, "to": to}
    await idempotency.once(tx, SCOPE, key, body | {"reason": reason, "by": by}, work)


async def out_of_closed(
    tx: Tx, hold: Hold, known: Mapping[str, Warehouse], *, reason: str, reference: str
) -> None:
    """What came back to a warehouse that closed meanwhile goes on to the main one."""
    for warehouse, quantity in hold.parts:
        if warehouse in known and not known[warehouse].active:
            await _carry(
                tx, hold.sku, quantity, warehouse, MAIN, reason=reason, reference=reference
            )


def _check_free(shelf: Stock | None, sku: str, quantity: int) -> None:
    if shelf is None:
        raise UnknownSku(sku=sku)
    if shelf.available < quantity:
        raise StockPromised(
            sku=sku,
            warehouse=shelf.warehouse,
            promised=shelf.held + shelf.sold,
            available=shelf.available,
        )


async def _carry(
    tx: Tx,
    sku: str,
    quantity: int,
    origin: str,
    to: str,
    *,
    reason: str,
    reference: str,
    by: str = "",
) -> None:
    more = {origin: -quantity, to: quantity}
    kinds = {origin: MovementKind.MOVED_OUT, to: MovementKind.MOVED_IN}
    for place in sorted(more):
        await store.open_shelf(tx, sku, place)
        await store.correct(tx, sku, place, more[place])
        await store.add_movement(
            tx, sku, place, kinds[place], quantity, reason=reason, reference=reference, by=by
        )

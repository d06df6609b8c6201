"""Setting and ending the prices of a list, each inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from commerce import catalog
from commerce.kernel import ids
from commerce.kernel.database import Tx
from commerce.pricing import list_store, lists
from commerce.pricing.events import PriceChanged
from commerce.pricing.lists import Price


async def prices_of(tx: Tx, skus: Sequence[str]) -> dict[str, list[Price]]:
    """Past, present and to come, by currency, warehouse and time; without the base price."""
    found: dict[str, list[Price]] = {sku: [] for sku in skus}
    for price in await list_store.of_skus(tx, skus):
        found[price.sku].append(price)
    return found


async def set_price(
    tx: Tx,
    *,
    sku: str,
    currency: str,
    amount_minor: int,
    warehouse: str = lists.ANYWHERE,
    valid_from: int | None = None,
    valid_until: int | None = None,
    by: str,
    supplier_id: str | None = None,
) -> Price:
    """A price from then on, or from now. `supplier_id` is whose SKU it must be; None = anybody's.

    Raises bad_price, bad_period, price_overlaps, not_your_price, no_such_variant.
    """
    price = Price(
        id=ids.new_id(),
        sku=sku,
        currency=currency,
        warehouse=warehouse,
        amount_minor=amount_minor,
        valid_from=await tx.now() if valid_from is None else valid_from,
        valid_until=valid_until,
        set_by=by,
    )
    lists.must_be_possible(price)
    product = await _own(tx, sku, supplier_id)
    await list_store.take(tx, sku)
    lists.must_fit(await list_store.of_skus(tx, [sku]), price)
    await list_store.add(tx, price)
    await tx.emit(PriceChanged(sku=sku, product_id=product.id, currency=currency))
    return price


async def end_price(
    tx: Tx, price_id: str, *, at: int | None = None, supplier_id: str | None = None
) -> None:
    """It holds until then, or until now; one that has not begun is taken off."""
    price = await list_store.get(tx, price_id)
    if price is None:
        raise lists.NoSuchPrice(price_id=price_id)
    product = await _own(tx, price.sku, supplier_id)
    await list_store.take(tx, price.sku)
    now = await tx.now()
    until = now if at is None else at
    if until < now or (price.valid_until is not None and price.valid_until <= now):
        raise lists.PriceOver(price_id=price_id)
    if until <= price.valid_from:
        await list_store.drop(tx, price_id)
    else:
        await list_store.end(tx, price_id, until)
    await tx.emit(PriceChanged(sku=price.sku, product_id=product.id, currency=price.currency))


async def _own(tx: Tx, sku: str, supplier_id: str | None) -> catalog.Product:
    products = await catalog.products_of_skus(tx, [sku])
    if sku not in products:
        raise catalog.NoSuchVariant(sku=sku)
    product = products[sku]
    if supplier_id is not None and product.supplier_id != supplier_id:
        raise lists.NotYourPrice(sku=sku)
    return product

"""Loads what a price is made from, lets the model decide, and freezes the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commerce import catalog, suppliers
from commerce.accounts import Address
from commerce.kernel import clock, ids
from commerce.kernel.database import Tx
from commerce.kernel.errors import Contended
from commerce.kernel.idempotency import KeyReused
from commerce.pricing import model, store
from commerce.pricing.model import Destination, Item, Quote, Rates, Wanted
from commerce.pricing.rates import RATES


async def price(
    tx: Tx,
    *,
    key: str,
    items: Sequence[Wanted],
    address: Address,
    language: str = "",
    rates: Rates = RATES,
) -> Quote:
    """Freeze a price under the key; asked again the same way, it answers the same for ever."""
    destination = Destination(
        country=address.country, region=address.region, postcode=address.postcode
    )
    request = _request(items, destination, language)
    before = await store.by_key(tx, key)
    if before is not None:
        return _same(key, request, *before)
    quote = _frozen(model.quote(await _items(tx, items), destination, rates), language)
    if await store.add(tx, quote, key=key, request=request):
        return quote
    raise Contended(f"quote {key} was made at the same time")


async def frozen(tx: Tx, quote_id: str) -> Quote:
    """As it was made, expired or not: what began in time is finished at this price."""
    quote = await store.get(tx, quote_id)
    if quote is None:
        raise model.NoSuchQuote(quote_id=quote_id)
    return quote


async def valid(tx: Tx, quote_id: str) -> Quote:
    """For whoever begins with it: a quote that still holds."""
    quote = await frozen(tx, quote_id)
    if await tx.now() >= quote.expires_at:
        raise model.QuoteExpired(quote_id=quote_id)
    return quote


def _request(items: Sequence[Wanted], destination: Destination, language: str) -> dict[str, Any]:
    return {
        "items": [[item.sku, item.quantity] for item in items],
        "country": destination.country,
        "region": destination.region,
        "postcode": destination.postcode,
        "language": language,
    }


def _same(key: str, request: dict[str, Any], quote: Quote, asked: dict[str, Any]) -> Quote:
    for field, value in request.items():
        if asked.get(field) != value:
            raise KeyReused(scope="quotes", key=key, field=field)
    return quote


def _frozen(priced: model.Priced, language: str) -> Quote:
    now = clock.now()
    return Quote(
        id=ids.new_id(),
        items=priced.items,
        destination=priced.destination,
        language=language,
        lines=priced.lines,
        total_minor=priced.total_minor,
        currency=priced.currency,
        expires_at=now + model.VALID_FOR,
        created_at=now,
    )


async def _items(tx: Tx, wanted: Sequence[Wanted]) -> list[Item]:
    products = await catalog.products_of_skus(tx, [item.sku for item in wanted])
    for item in wanted:
        if item.sku not in products or not products[item.sku].sellable:
            raise model.NotForSale(sku=item.sku)
    owners = {product.supplier_id for product in products.values()}
    sellers = {s.id: s for s in await suppliers.suppliers(tx, sorted(owners))}
    return [_item(item, products[item.sku], sellers) for item in wanted]


def _item(wanted: Wanted, product: catalog.Product, sellers: dict[str, suppliers.Supplier]) -> Item:
    seller = sellers.get(product.supplier_id)
    if seller is None or seller.status is not suppliers.Status.ACTIVE:
        raise model.NotForSale(sku=wanted.sku)
    variant = product.variant(wanted.sku)
    return Item(
        sku=variant.sku,
        product_id=product.id,
        supplier_id=product.supplier_id,
        origin=seller.country,
        title=product.title,
        option=variant.label,
        image=product.image,
        quantity=wanted.quantity,
        unit_price_minor=variant.price_minor,
        currency=product.currency,
    )

"""Freezes the price of what a fan wants under a key; asked again, it answers the same for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from commerce.accounts import Address
from commerce.kernel import ids
from commerce.kernel.database import Tx
from commerce.kernel.errors import Contended
from commerce.kernel.idempotency import KeyReused
from commerce.pricing import gathering, model, quoting, store
from commerce.pricing.basis import Basis
from commerce.pricing.model import Buying, Priced, Quote, Wanted
from commerce.shipping import Destination

ANYBODY = Buying()


async def price(
    tx: Tx,
    *,
    key: str,
    items: Sequence[Wanted],
    address: Address,
    language: str = "",
    buying: Buying = ANYBODY,
) -> Quote:
    """What it costs this fan now, whatever the catalog says later. Idempotent on the key.

    Raises not_for_sale, bad_quantity, bad_price, mixed_currencies, no_price, no_delivery, no_rate,
    key_reused.
    """
    destination = destination_of(address, buying)
    request = _request(items, destination, language, buying)
    before = await store.by_key(tx, key)
    if before is not None:
        return _same(key, request, *before)
    basis = await gathering.basis(tx, items, destination, language=language, buying=buying)
    quote = _frozen(basis, quoting.quote(basis))
    if await store.add(tx, quote, key=key, request=request):
        return quote
    raise Contended(f"quote {key} was made at the same time")


def destination_of(address: Address, buying: Buying = ANYBODY) -> Destination:
    """As much of an address as a price depends on."""
    return Destination(
        country=address.country,
        region=address.region,
        city=address.city,
        postcode=address.postcode,
        latitude_e6=buying.latitude_e6,
        longitude_e6=buying.longitude_e6,
    )


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


def _request(
    items: Sequence[Wanted], destination: Destination, language: str, buying: Buying
) -> dict[str, Any]:
    return {
        "items": [[item.sku, item.quantity] for item in items],
        "destination": asdict(destination),
        "language": language,
        "buying": asdict(buying),
    }


def _same(key: str, request: Mapping[str, Any], quote: Quote, asked: Mapping[str, Any]) -> Quote:
    for field, value in request.items():
        if field in asked and asked[field] != value:
            raise KeyReused(scope="quotes", key=key, field=field)
    return quote


def _frozen(basis: Basis, priced: Priced) -> Quote:
    return Quote(
        id=ids.new_id(),
        basis=basis,
        lines=priced.lines,
        total_minor=priced.total_minor,
        currency=priced.currency,
        discounts=priced.discounts,
        coupon_refused=priced.coupon_refused,
        expires_at=basis.at + model.VALID_FOR,
        created_at=basis.at,
    )

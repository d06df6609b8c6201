"""Prices for tests: two shirts from Spain, sent within Spain."""

from __future__ import annotations

from datetime import UTC, date, datetime

from commerce import pricing
from commerce.pricing import Basis, Buying, Destination, Item, Wanted
from commerce.pricing.tax_rates import table
from commerce.promotions import Funder, Percent, Rule, Source
from commerce.shipping import Parcel
from tests.accounts.factories import an_address

NOBODY = Buying()
DAY = date(2026, 11, 21)
AT = int(datetime(2026, 11, 21, 18, tzinfo=UTC).timestamp()) * 1_000_000


def an_item(**changes) -> Item:
    facts = {
        "sku": "shirt-m",
        "product_id": "shirt",
        "supplier_id": "sol",
        "origin": "ES",
        "title": "Linen shirt",
        "option": "M",
        "image": "/media/shirt.svg",
        "quantity": 2,
        "unit_price_minor": 2_500,
        "currency": "EUR",
        "floor_minor": 1,
    }
    return Item(**(facts | changes))


def a_parcel(items=(), **changes) -> Parcel:
    facts = {
        "warehouse": "main",
        "supplier_id": items[0].supplier_id if items else "sol",
        "goods": tuple((item.sku, item.quantity) for item in items),
        "zone": "home",
        "speed": "standard",
        "charge_minor": 490,
        "free_from_minor": None,
        "earliest": "2026-11-24",
        "latest": "2026-11-26",
    }
    return Parcel(**(facts | changes))


def a_basis(*items, to=None, parcels=None, day=DAY, **changes) -> Basis:
    """Taxed by the table that we ship, with one parcel for each supplier."""
    items = items or (an_item(),)
    to = to or Destination(country="ES")
    if parcels is None:
        parcels = [
            a_parcel([item for item in items if item.supplier_id == supplier])
            for supplier in dict.fromkeys(item.supplier_id for item in items)
        ]
    facts = {
        "at": AT,
        "language": "en",
        "items": tuple(items),
        "destination": to,
        "parcels": tuple(parcels),
        "taxes": {
            origin: table().terms(origin=origin, country=to.country, region=to.region, day=day)
            for origin in sorted({item.origin for item in items})
        },
    }
    return Basis(**(facts | changes))


def a_rule(**changes) -> Rule:
    facts = {
        "id": "sunday",
        "source": Source.PROMOTION,
        "title": {"en": "10 % off", "es": "10 % menos"},
        "effect": Percent(bp=1_000),
        "funder": Funder.SUPPLIER,
    }
    return Rule(**(facts | changes))


async def a_quote(
    tx, *, key="message-1:quote", sku="shirt-m", quantity=2, buying=NOBODY, **address
):
    return await pricing.price(
        tx,
        key=key,
        items=[Wanted(sku, quantity)],
        address=an_address(**address),
        language="es",
        buying=buying,
    )

"""Prices for tests: two shirts from Spain, sent within Spain."""

from __future__ import annotations

from commerce import pricing
from commerce.pricing import Item, Wanted
from tests.accounts.factories import an_address


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
    }
    return Item(**(facts | changes))


async def a_quote(tx, *, key="message-1:quote", sku="shirt-m", quantity=2, **address):
    return await pricing.price(
        tx,
        key=key,
        items=[Wanted(sku, quantity)],
        address=an_address(**address),
        language="es",
    )

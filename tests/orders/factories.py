"""Orders for tests: two shirts of one fan, placed from a frozen quote."""

from __future__ import annotations

from commerce import orders
from commerce.accounts import Address
from commerce.orders import Item, Line, Order
from commerce.pricing import Quote
from tests.accounts.factories import an_address
from tests.catalog.factories import a_product_on_sale
from tests.pricing.factories import a_quote

PLACING = {
    "key": "checkout-1:place",
    "fan_id": "fan-1",
    "conversation_id": "telegram:platform:42",
    "session_id": "session-1",
    "leader_id": "leader-1",
    "reference": "checkout-1",
    "language": "es",
}


async def a_frozen_quote(tx, **asked) -> Quote:
    await a_product_on_sale(tx)
    return await a_quote(tx, **asked)


async def place(tx, quote: Quote, *, address: Address | None = None, **changes) -> Order:
    facts = PLACING | changes
    return await orders.place(tx, quote=quote, address=address or an_address(), **facts)


def an_order(**changes) -> Order:
    item = Item(
        sku="shirt-m",
        product_id="shirt",
        supplier_id="sol",
        title="Linen shirt",
        option="M",
        image="/media/shirt.svg",
        quantity=2,
        unit_price_minor=2_500,
    )
    facts = PLACING | {
        "id": "order-1",
        "code": "ACDEFG",
        "quote_id": "quote-1",
        "currency": "EUR",
        "total_minor": 5_000,
        "items": (item,),
        "lines": (Line(kind="goods", label="Linen shirt", amount_minor=5_000),),
        "address": an_address(),
        "placed_at": 0,
    }
    return Order(**(facts | changes))

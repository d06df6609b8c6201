"""A paid order tells offers what came of them, and a refund takes it back."""

from __future__ import annotations

from sqlalchemy import select

from commerce import offers
from commerce.offers import Context
from commerce.offers.tables import OFFERS
from tests.checkout.shop import SKU, TOTAL

PRICE, FLOOR = 2_250, 1_000


async def told(shop):
    rows = await shop.database.read(lambda tx: tx.all(select(OFFERS)))
    return [(row["status"], row["margin_minor"]) for row in rows]


async def test_who_was_shown_a_price_and_buys_is_counted_until_the_money_goes_back(shop):
    await shop.receives(2)

    async def shown(tx):
        await offers.set_rules(
            tx, on=True, held_out_bp=100, explore_bp=100, minutes=60, expected_version=0
        )
        await offers.propose(
            tx,
            key="shown",
            fan_id="fan-1",
            sku=SKU,
            price_minor=PRICE,
            floor_minor=FLOOR,
            currency="EUR",
            context=Context(),
        )

    await shop.database.unit_of_work(shown)
    purchase = await shop.bought()
    paid = await told(shop)
    await shop.refunds(purchase, TOTAL)
    await shop.settles()

    assert paid == [("bought", 2 * (PRICE - FLOOR))]
    assert await told(shop) == [("returned", 0)]

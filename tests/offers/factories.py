"""Offers for tests: a shirt of 100 euros that its supplier gives away for no less than 60."""

from __future__ import annotations

from sqlalchemy import insert

from commerce import offers
from commerce.offers import Context
from commerce.offers.tables import DEMAND
from tests.catalog.factories import a_product, a_product_on_sale, a_variant

PRICE, FLOOR = 10_000, 6_000
CONTEXT = Context(segments=frozenset({"returning"}), hour=20, session_id="live")
CELL = "returning:strange:high:evening:live"


async def a_shop(tx, *, on=True, held_out_bp=100, explore_bp=100, minutes=60):
    """A shirt in two sizes, and the switch."""
    shirts = (a_variant(price_minor=PRICE), a_variant(sku="shirt-l", price_minor=PRICE, position=1))
    await a_product_on_sale(tx, a_product(variants=shirts))
    return await offers.set_rules(
        tx,
        on=on,
        held_out_bp=held_out_bp,
        explore_bp=explore_bp,
        minutes=minutes,
        expected_version=0,
    )


async def propose(tx, fan_id="ana", **changes):
    facts = {
        "key": f"message of {fan_id}",
        "fan_id": fan_id,
        "sku": "shirt-m",
        "price_minor": PRICE,
        "floor_minor": FLOOR,
        "currency": "EUR",
        "context": CONTEXT,
    }
    return await offers.propose(tx, **(facts | changes))


async def taught(tx, trials, cell=CELL):
    """As if so many fans like these had been asked, by discount: (asked, bought)."""
    rows = [
        {"cell": cell, "percent_bp": arm, "trials": asked, "bought": bought}
        for arm, (asked, bought) in trials.items()
    ]
    await tx.run_many(insert(DEMAND), rows)


# A fifth off, and six times as many buy; more off brings nobody else.
PAYS = {0: (4_000, 200), 1_000: (4_000, 500), 2_000: (4_000, 1_200), 3_000: (4_000, 1_250)}
POINTLESS = {0: (4_000, 800), 1_000: (4_000, 800), 3_000: (4_000, 800)}

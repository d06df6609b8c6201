"""A disputed charge leaves the provider's clearing account until the bank has decided."""

from __future__ import annotations

from itertools import permutations

import pytest

from commerce.payments import DisputeStatus, EventKind
from tests.checkout.shop import EARNED, TOTAL

FEE = 1_500
OPENED = {
    "clearing:sandbox": -FEE, "disputes:sandbox": TOTAL, "dispute_fees:sandbox": FEE, **EARNED,
}  # fmt: skip
WON = {"clearing:sandbox": TOTAL - FEE, "dispute_fees:sandbox": FEE, **EARNED}
LOST = {"clearing:sandbox": -FEE, "refunds": TOTAL, "dispute_fees:sandbox": FEE, **EARNED}


async def disputes(shop, purchase, status):
    await shop.hears(
        purchase, EventKind.DISPUTE, event_id=f"dispute-{status}", dispute_ref="dp_1",
        dispute_status=status, fee_minor=FEE, charge_ref=f"charge of {purchase.key}",
    )  # fmt: skip
    await shop.settles()


@pytest.mark.parametrize(
    ("told", "books"),
    [
        ([DisputeStatus.OPENED], OPENED),
        ([DisputeStatus.OPENED, DisputeStatus.WON], WON),
        ([DisputeStatus.OPENED, DisputeStatus.LOST], LOST),
        ([DisputeStatus.OPENED, DisputeStatus.WON, DisputeStatus.LOST], LOST),
        *((list(order), LOST) for order in permutations(DisputeStatus)),
    ],
)
async def test_the_books_follow_a_dispute_in_any_order_of_its_news(shop, told, books):
    purchase = await shop.bought()
    for status in told:
        await disputes(shop, purchase, status)

    assert await shop.books() == books
    assert await shop.ends(purchase) == ("paid", "claimed", "completed")

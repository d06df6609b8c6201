"""Cash at the door: the pieces are sold on a promise, which is kept or broken days later."""

from __future__ import annotations

from commerce.kernel.clock import DAY
from commerce.payments import EventKind
from tests.checkout.shop import EARNED, HOLD_SECONDS, TOTAL

PROMISED = {"receivable:sandbox": TOTAL, **EARNED}
COLLECTED = {"clearing:sandbox": TOTAL, **EARNED}


async def promised(shop):
    shop.provider.captures_later = True
    purchase = await shop.buys()
    await shop.settles()
    return purchase


async def test_the_pieces_are_sold_on_the_promise(shop):
    purchase = await promised(shop)

    assert await shop.ends(purchase) == ("confirmed", "claimed", "completed")
    assert await shop.stock() == (10, 0, 2)
    assert await shop.books() == PROMISED
    assert [name for name, _ in shop.provider.calls] == ["open"]


async def test_what_is_collected_pays_for_the_order(shop):
    purchase = await promised(shop)
    shop.clock.advance(5 * DAY)
    for number in range(2):
        await shop.hears(purchase, EventKind.PAID, event_id=f"collected-{number}")
        await shop.settles()

    assert await shop.ends(purchase) == ("paid", "claimed", "completed")
    assert await shop.books() == COLLECTED


async def test_a_parcel_refused_at_the_door_comes_back_on_the_shelf(shop):
    purchase = await promised(shop)
    shop.clock.advance(5 * DAY)
    for number in range(2):
        await shop.hears(purchase, EventKind.VOIDED, event_id=f"refused-{number}")
        await shop.settles()

    assert await shop.ends(purchase) == ("cancelled", "returned", "completed")
    assert await shop.stock() == (10, 0, 0)
    assert await shop.books() == {}


async def test_money_that_turns_up_for_a_refused_parcel_goes_back(shop):
    purchase = await promised(shop)
    await shop.hears(purchase, EventKind.VOIDED)
    await shop.settles()
    await shop.hears(purchase, EventKind.PAID, charge_ref=f"charge of {purchase.key}")
    await shop.settles()

    assert (await shop.order(purchase)).status == "cancelled"
    assert shop.provider.refunds == {f"{purchase.key}:late": TOTAL}
    assert await shop.books() == {}


async def test_a_promise_is_not_closed_because_nobody_pays_for_days(shop):
    purchase = await promised(shop)
    for _ in range(3):
        await shop.waits(HOLD_SECONDS * 10)

    assert await shop.ends(purchase) == ("confirmed", "claimed", "completed")
    assert {name for name, _ in shop.provider.calls} <= {"open", "ask"}

"""A provider that is away, loses answers or refuses, and workers that forget everything."""

from __future__ import annotations

import pytest

from commerce.checkout import CheckoutClosed
from commerce.checkout.model import CheckoutData
from commerce.kernel.clock import DAY
from commerce.payments import EventKind, Stands
from tests.checkout.shop import EARNED, HOLD_SECONDS, TOTAL, Shop

PAID = ("paid", "claimed", "completed")
GONE = ("cancelled", "released", "reverted")
SOLD = {"clearing:sandbox": TOTAL, **EARNED}


async def patiently(shop, seconds=300):
    """Long enough for retries, too short for the hold to run out."""
    for _ in range(seconds // 10):
        await shop.waits(10)


@pytest.mark.parametrize("trouble", ["outage", "lost"])
@pytest.mark.parametrize("times", [1, 3])
async def test_a_provider_that_stumbles_while_opening_makes_one_page(shop, trouble, times):
    shop.provider.trouble["open"] = [trouble] * times
    purchase = await shop.buys()
    await patiently(shop, 60)
    assert list(shop.provider.pages) == [purchase.key]

    await shop.is_paid(purchase)
    await shop.settles()
    assert await shop.ends(purchase) == PAID
    assert await shop.books() == SOLD


async def test_a_provider_that_refuses_lets_everything_go(shop):
    shop.provider.trouble["open"] = ["refused"]
    purchase = await shop.buys()
    await shop.settles()

    assert await shop.ends(purchase) == GONE
    assert (await shop.saga(purchase.id)).failure == "payment_refused"
    assert await shop.stock() == (10, 0, 0)
    assert shop.provider.pages == {}


async def test_a_provider_that_is_away_for_good_lets_everything_go(shop):
    shop.provider.trouble["open"] = ["outage"] * 1_000
    purchase = await shop.buys()
    for _ in range(60):
        await shop.waits(60)

    assert await shop.ends(purchase) == GONE
    assert await shop.stock() == (10, 0, 0)


@pytest.mark.parametrize("trouble", ["outage", "lost"])
async def test_a_page_is_closed_also_by_a_provider_that_stumbles(shop, trouble):
    purchase = await shop.buys()
    await shop.settles()
    shop.provider.trouble["close"] = [trouble] * 3
    await shop.cancels(purchase)
    await patiently(shop, 60)

    assert await shop.ends(purchase) == GONE
    assert shop.provider.pages[purchase.key].status is Stands.EXPIRED


async def test_money_is_found_when_the_answer_to_closing_was_lost(shop):
    purchase = await shop.buys()
    await shop.settles()
    shop.provider.pay(purchase.key)
    shop.provider.trouble["close"] = ["lost"] * 3
    await shop.cancels(purchase)
    await patiently(shop, 60)

    assert await shop.ends(purchase) == PAID
    assert await shop.books() == SOLD


async def test_a_page_that_could_not_be_closed_is_closed_later_and_its_money_found(shop):
    purchase = await shop.buys()
    await shop.settles()
    shop.provider.trouble["close"] = ["outage"] * 10
    await shop.cancels(purchase)
    for _ in range(40):
        await shop.waits(60)
    assert (await shop.ends(purchase))[0] == "cancelled"
    assert shop.provider.pages[purchase.key].status is Stands.EXPIRED

    await shop.is_paid(purchase)
    await shop.settles()
    assert (await shop.ends(purchase))[:2] == ("paid", "claimed")


async def test_the_link_is_worthless_before_anybody_else_gets_the_pieces(shop):
    purchase = await shop.buys()
    await shop.settles()
    for _ in range(HOLD_SECONDS // 30 + 10):
        page = shop.provider.pages[purchase.key]
        if page.status is Stands.OPEN:
            assert (await shop.hold(purchase)).status == "held"
        await shop.waits(30)

    assert await shop.ends(purchase) == GONE


async def end_of(shop: Shop, fan: str, ending: str, *, forgetful: bool) -> tuple[object, ...]:
    purchase = await shop.buys(fan)

    async def runs():
        if forgetful:
            while await shop.steps() or await shop.delivers():
                pass
        await shop.settles()

    await runs()
    if ending == "paid":
        await shop.hears(purchase, EventKind.PAID)
    elif ending == "cancelled":
        await shop.cancels(purchase)
    elif ending == "paid while closing":
        shop.provider.paid_while_closing = True
        await shop.cancels(purchase)
    await runs()
    shop.clock.advance(DAY)
    await runs()
    shop.provider.paid_while_closing = False
    calls = [call for call, key in shop.provider.calls if key == purchase.key]
    saga = await shop.saga(purchase.id)
    outputs = {k: v for k, v in saga.data.items() if k not in CheckoutData.__dataclass_fields__}
    named = str(outputs).replace(purchase.key, "KEY")
    return await shop.ends(purchase), calls, saga.step, saga.failure, named


@pytest.mark.parametrize("ending", ["paid", "cancelled", "paid while closing", "nobody pays"])
async def test_workers_that_forget_everything_after_every_step_change_nothing(shop, ending):
    at_once = await end_of(shop, "1", ending, forgetful=False)
    suspended = await end_of(shop, "2", ending, forgetful=True)

    assert at_once == suspended


def test_a_closed_checkout_says_why():
    assert CheckoutClosed(reason="expired").facts == {"reason": "expired"}

"""Money that is only set aside: it is taken for pieces that are secured, or let go untouched."""

from __future__ import annotations

import pytest

from commerce.inventory.jobs import expire_holds
from commerce.kernel.clock import DAY, HOUR, SECOND
from commerce.payments import CaptureMode, EventKind, Stands
from tests.checkout.fakes import LOST, OUTAGE, REFUSED
from tests.checkout.shop import EARNED, HOLD_SECONDS, TOTAL

SOLD = {"clearing:sandbox": TOTAL, **EARNED}
PAID = ("paid", "claimed", "completed")
GONE = ("cancelled", "released", "reverted")


async def buys(shop, fan="1"):
    purchase = await shop.buys(fan, capture=CaptureMode.MANUAL)
    await shop.settles()
    return purchase


async def everything_sold_to_others(shop):
    shop.clock.advance((HOLD_SECONDS + 600) * SECOND)
    await expire_holds(shop.database)
    await shop.holds("2", quantity=10)


async def test_what_is_authorised_is_captured_once_and_sold(shop):
    purchase = await buys(shop)
    await shop.is_authorised(purchase)
    await shop.settles()

    assert await shop.ends(purchase) == PAID
    assert await shop.books() == SOLD
    assert [name for name, _ in shop.provider.calls] == ["open", "capture"]
    payment = await shop.payment(purchase)
    assert (payment.status, payment.authorised_minor, payment.captured_minor) == (
        "paid", TOTAL, TOTAL,
    )  # fmt: skip


async def test_what_the_provider_took_by_itself_is_not_captured_again(shop):
    purchase = await buys(shop)
    await shop.is_authorised(purchase)
    await shop.is_paid(purchase)
    await shop.settles()

    assert await shop.ends(purchase) == PAID
    assert await shop.books() == SOLD
    assert "capture" not in [name for name, _ in shop.provider.calls]


async def test_who_comes_too_late_is_not_charged_at_all(shop):
    purchase = await buys(shop)
    await everything_sold_to_others(shop)
    await shop.is_authorised(purchase)
    await shop.settles()

    assert (await shop.ends(purchase))[0] == "cancelled"
    assert shop.provider.pages[purchase.key].status is Stands.VOIDED
    assert "capture" not in [name for name, _ in shop.provider.calls]
    assert (await shop.payment(purchase)).captured_minor == 0
    assert await shop.books() == {}


async def test_a_hold_never_runs_out_while_its_money_is_being_taken(shop):
    shop.provider.captures_slowly = True
    purchase = await buys(shop)
    await shop.is_authorised(purchase)
    await shop.settles()
    await shop.waits(3 * HOUR // SECOND)
    assert await shop.ends(purchase) == ("pending", "claiming", "waiting")

    await shop.is_paid(purchase)
    await shop.settles()

    assert await shop.ends(purchase) == PAID
    assert await shop.books() == SOLD


@pytest.mark.parametrize("trouble", [[LOST], [OUTAGE, LOST], [LOST, LOST, OUTAGE]])
async def test_a_capture_whose_answer_is_lost_is_asked_for_and_taken_once(shop, trouble):
    shop.provider.trouble["capture"] = list(trouble)
    purchase = await buys(shop)
    await shop.is_authorised(purchase)
    await shop.settles()
    for _ in range(6):
        await shop.waits(30)

    assert await shop.ends(purchase) == PAID
    assert await shop.books() == SOLD


async def test_a_capture_that_is_refused_lets_pieces_and_money_go(shop):
    shop.provider.trouble["capture"] = [REFUSED]
    purchase = await buys(shop)
    await shop.is_authorised(purchase)
    await shop.settles()

    assert await shop.ends(purchase) == GONE
    assert shop.provider.pages[purchase.key].status is Stands.VOIDED
    assert (await shop.payment(purchase)).status == "voided"
    assert await shop.books() == {}
    assert await shop.stock() == (10, 0, 0)


async def test_an_authorisation_that_runs_out_releases_everything(shop):
    shop.provider.captures_slowly = True
    purchase = await buys(shop)
    await shop.is_authorised(purchase)
    await shop.settles()
    await shop.hears(purchase, EventKind.VOIDED)
    await shop.settles()

    assert await shop.ends(purchase) == GONE
    assert await shop.books() == {}


async def test_who_cancels_before_the_money_is_taken_keeps_it(shop):
    purchase = await buys(shop)
    assert await shop.cancels(purchase)
    await shop.is_authorised(purchase)
    await shop.settles()

    assert await shop.ends(purchase) == GONE
    assert shop.provider.pages[purchase.key].status is Stands.VOIDED


async def test_after_it_is_authorised_it_is_too_late_to_cancel(shop):
    purchase = await buys(shop)
    await shop.is_authorised(purchase)

    assert not await shop.cancels(purchase)
    await shop.settles()
    assert await shop.ends(purchase) == PAID


@pytest.mark.parametrize("days", [0, 2])
async def test_what_is_authorised_after_the_end_is_let_go(shop, days):
    purchase = await buys(shop)
    await shop.waits(HOLD_SECONDS)
    shop.clock.advance(days * DAY)
    await shop.is_authorised(purchase)
    await shop.settles()
    for _ in range(3):
        await shop.waits(HOUR // SECOND)

    assert (await shop.ends(purchase))[0] == "cancelled"
    assert shop.provider.pages[purchase.key].status is Stands.VOIDED
    assert await shop.books() == {}

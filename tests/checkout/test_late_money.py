"""Money never disappears: whenever it comes, it buys the pieces or goes back."""

from __future__ import annotations

import pytest

from commerce.inventory.jobs import expire_holds
from commerce.kernel import jsons
from commerce.kernel.clock import DAY, SECOND
from commerce.kernel.tables import OUTBOX
from commerce.payments import EventKind, RefundStatus, Stands
from tests.checkout.shop import EARNED, HOLD_SECONDS, TOTAL

PAID = ("paid", "claimed", "completed")
SOLD = {"clearing:sandbox": TOTAL, **EARNED}
REVIVED = ("paid", "claimed", "reverted")


async def nobody_pays(shop):
    purchase = await shop.buys()
    await shop.settles()
    await shop.waits(HOLD_SECONDS)
    return purchase


async def reasons(shop, purchase):
    rows = await shop.database.read(lambda tx: tx.all(OUTBOX.select().order_by(OUTBOX.c.seq)))
    moves = [(row["name"], jsons.loads(row["payload"])) for row in rows]
    return [
        (name, fact["reason"])
        for name, fact in moves
        if name.startswith("order.") and fact["order_id"] == purchase.data.order_id
    ]


@pytest.mark.parametrize("days", [0, 1, 7])
async def test_late_money_revives_the_order_while_the_pieces_are_there(shop, days):
    purchase = await nobody_pays(shop)
    shop.clock.advance(days * DAY)
    await shop.is_paid(purchase)
    await shop.settles()

    assert await shop.ends(purchase) == REVIVED
    assert await shop.stock() == (10, 0, 2)
    assert await shop.books() == SOLD
    assert shop.provider.refunds == {}


async def test_late_money_goes_back_when_everything_is_sold(shop):
    purchase = await nobody_pays(shop)
    await shop.holds("2", quantity=9)
    await shop.is_paid(purchase)
    await shop.settles()

    assert await shop.ends(purchase) == ("cancelled", "released", "reverted")
    assert shop.provider.refunds == {f"{purchase.key}:late": TOTAL}
    assert (await shop.payment(purchase)).status == "refunded"
    assert await shop.books() == {}
    assert await shop.stock() == (10, 9, 0)
    shop.clock.advance(DAY)
    await shop.agrees()


async def test_until_it_went_back_we_owe_it(shop):
    purchase = await nobody_pays(shop)
    await shop.holds("2", quantity=9)
    shop.provider.trouble["refund"] = ["outage"]
    await shop.is_paid(purchase)
    await shop.settles()

    assert await shop.books() == {"clearing:sandbox": TOTAL, "customer_payable": -TOTAL}
    await shop.waits(60)
    assert await shop.books() == {}
    assert shop.provider.refunds == {f"{purchase.key}:late": TOTAL}


async def test_a_refund_whose_answer_is_lost_is_paid_once(shop):
    purchase = await nobody_pays(shop)
    await shop.holds("2", quantity=9)
    shop.provider.trouble["refund"] = ["lost", "lost"]
    await shop.is_paid(purchase)
    await shop.settles()
    for _ in range(5):
        await shop.waits(120)

    assert shop.provider.refunds == {f"{purchase.key}:late": TOTAL}
    assert await shop.books() == {}
    assert (await shop.order(purchase)).status == "cancelled"


async def test_money_that_comes_after_the_fan_cancelled_revives_the_order(shop):
    purchase = await shop.buys()
    await shop.settles()
    await shop.cancels(purchase)
    await shop.settles()
    await shop.is_paid(purchase)
    await shop.settles()

    assert await shop.ends(purchase) == REVIVED
    assert await reasons(shop, purchase) == [
        ("order.placed", ""), ("order.cancelled", "cancelled"), ("order.paid", ""),
    ]  # fmt: skip


async def test_a_page_that_is_paid_while_it_is_closed_is_money_in_time(shop):
    shop.provider.paid_while_closing = True
    purchase = await nobody_pays(shop)

    assert await shop.ends(purchase) == PAID
    assert await shop.books() == SOLD
    await shop.is_paid(purchase)
    await shop.settles()
    assert await shop.ends(purchase) == PAID
    assert await shop.books() == SOLD


async def test_money_nobody_told_us_of_is_found(shop):
    purchase = await shop.buys()
    await shop.settles()
    shop.provider.pay(purchase.key)
    await shop.waits(HOLD_SECONDS)

    assert await shop.ends(purchase) == PAID
    assert await shop.books() == SOLD


async def test_money_on_its_way_back_is_not_sold_for_when_new_pieces_come(shop):
    """The saga sees the money while it unwinds; the news of it arrives later still."""
    purchase = await shop.buys()
    await shop.settles()
    await shop.cancels(purchase)
    while (await shop.saga(purchase.id)).status != "compensating":
        assert await shop.steps()
    await empty(shop)
    await shop.is_paid(purchase)
    while await shop.steps():
        pass
    assert (await shop.payment(purchase)).status in ("refunding", "refunded")
    await shop.receives(10)

    await shop.settles()

    assert (await shop.order(purchase)).status == "cancelled"
    assert await shop.books() == {}
    assert (await shop.stock())[2] == 0
    shop.clock.advance(DAY)
    await shop.agrees()


async def empty(shop):
    """The hold runs out early and somebody takes all there is."""
    shop.clock.advance((HOLD_SECONDS + 600) * SECOND)
    await expire_holds(shop.database)
    await shop.holds("2", quantity=10)


async def test_money_given_back_by_hand_before_we_sold_for_it(shop):
    purchase = await shop.buys()
    await shop.settles()
    await shop.hears(purchase, EventKind.PAID)
    await refunded_at_the_provider(shop, purchase)
    await shop.settles()

    assert await shop.ends(purchase) == ("cancelled", "released", "completed")
    assert await shop.books() == {}
    await shop.waits(HOLD_SECONDS * 3)
    await shop.agrees()


async def refunded_at_the_provider(shop, purchase):
    await shop.hears(
        purchase,
        EventKind.REFUND,
        refund_ref="re_1",
        refund_status=RefundStatus.SUCCEEDED,
        charge_ref=f"charge of {purchase.key}",
    )


@pytest.mark.parametrize("times", [2, 5])
async def test_news_that_comes_often_counts_once(shop, times):
    purchase = await shop.buys()
    await shop.settles()
    for number in range(times):
        await shop.hears(purchase, EventKind.PAID, event_id=f"e{number // 2}")
        await shop.settles()

    assert await shop.ends(purchase) == PAID
    assert await shop.books() == SOLD


async def test_money_of_another_amount_pays_for_nothing(shop):
    purchase = await shop.buys()
    await shop.settles()
    await shop.hears(purchase, EventKind.PAID, amount_minor=TOTAL - 1)
    await shop.hears(purchase, EventKind.PAID, currency="USD", event_id="dollars")
    await shop.settles()
    assert await shop.ends(purchase) == ("pending", "held", "waiting")

    await shop.waits(HOLD_SECONDS)
    assert await shop.ends(purchase) == ("cancelled", "released", "reverted")
    assert await shop.books() == {}


STEPS = range(6)
MOMENTS = [(paid, heard) for paid in STEPS for heard in STEPS if paid <= heard]


@pytest.mark.parametrize("ending", ["cancelled", "expired"])
@pytest.mark.parametrize(("paid_after", "heard_after"), MOMENTS)
async def test_money_at_any_step_of_the_way_back_buys_the_pieces(
    shop, ending, paid_after, heard_after
):
    """The money comes after so many steps of the saga, the relay tells of it after so many."""
    purchase = await shop.buys()
    await shop.steps()
    if ending == "cancelled":
        await shop.cancels(purchase)
    else:
        shop.clock.at = purchase.data.expires_at
    for step in STEPS:
        if step == paid_after:
            await shop.hears(purchase, EventKind.PAID)
        if step >= heard_after:
            await shop.delivers()
        await shop.steps()
    await shop.settles()

    assert (await shop.ends(purchase))[:2] == ("paid", "claimed")
    assert await shop.books() == SOLD
    assert await shop.stock() == (10, 0, 2)
    assert [name for name, _ in await reasons(shop, purchase)].count("order.paid") == 1
    assert shop.provider.refunds == {}


@pytest.mark.parametrize(("paid_after", "heard_after"), MOMENTS)
async def test_money_at_any_step_goes_back_when_the_pieces_are_gone(shop, paid_after, heard_after):
    purchase = await shop.buys()
    await shop.steps()
    await shop.cancels(purchase)
    await empty(shop)
    for step in STEPS:
        if step == paid_after:
            await shop.hears(purchase, EventKind.PAID)
        if step >= heard_after:
            await shop.delivers()
        await shop.steps()
    await shop.receives(10)
    await shop.settles()
    await shop.settles()

    order = await shop.order(purchase)
    books = await shop.books()
    if order.status == "paid":  # the money came when new pieces had come
        assert books == SOLD
        assert shop.provider.refunds == {}
    else:
        assert order.status == "cancelled"
        assert books == {}
        assert shop.provider.refunds == {f"{purchase.key}:late": TOTAL}
    shop.clock.advance(DAY)
    await shop.agrees()


EVENTS = (EventKind.PAID, EventKind.EXPIRED, EventKind.FAILED, EventKind.DECLINED)


PAIRS = [(a, b) for a in EVENTS for b in EVENTS if EventKind.PAID in (a, b)]


@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.parametrize("told", ["each", "both"])
async def test_the_order_of_the_providers_news_does_not_matter(shop, first, second, told):
    purchase = await shop.buys()
    await shop.settles()
    await shop.hears(purchase, first)
    if told == "each":
        await shop.settles()
    await shop.hears(purchase, second)
    await shop.settles()

    assert (await shop.ends(purchase))[:2] == ("paid", "claimed")
    assert await shop.books() == SOLD


async def test_money_that_comes_before_there_is_a_link(shop):
    purchase = await shop.buys()
    await shop.hears(purchase, EventKind.PAID)
    await shop.settles()

    assert await shop.ends(purchase) == PAID
    assert await shop.books() == SOLD
    assert shop.provider.pages[purchase.key].status is Stands.OPEN

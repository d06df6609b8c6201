"""From a held piece to a paid order, or back to where it was: nothing in between survives."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from commerce import checkout, inventory, orders, payments, pricing
from commerce.checkout import model
from commerce.inventory import HoldGone
from commerce.kernel import jsons
from commerce.kernel.clock import SECOND
from commerce.kernel.idempotency import KeyReused
from commerce.kernel.tables import OUTBOX
from commerce.orders.tables import ORDERS
from commerce.payments import EventKind, Stands
from tests.accounts.factories import an_address
from tests.catalog.factories import a_product, a_variant
from tests.checkout.shop import EARNED, HOLD_SECONDS, TAX, TOTAL

PAID = ("paid", "claimed", "completed")
GONE = ("cancelled", "released", "reverted")
SOLD = {"clearing:sandbox": TOTAL, **EARNED}


async def announced(shop, name):
    rows = await shop.database.read(lambda tx: tx.all(select(OUTBOX).order_by(OUTBOX.c.seq)))
    return [jsons.loads(row["payload"]) for row in rows if row["name"] == name]


async def how_many_orders(shop):
    return await shop.database.read(lambda tx: tx.scalar(select(func.count()).select_from(ORDERS)))


async def test_a_fan_pays_and_everything_agrees(shop):
    purchase = await shop.buys()
    await shop.settles()
    await shop.is_paid(purchase)
    await shop.settles()

    assert await shop.ends(purchase) == PAID
    assert await shop.stock() == (10, 0, 2)
    assert await shop.books() == SOLD
    assert shop.provider.calls == [("open", purchase.key)]


async def test_the_fan_is_given_the_link_once_it_can_be_paid(shop):
    purchase = await shop.buys()
    assert await announced(shop, "checkout.ready") == []
    await shop.settles()

    assert await announced(shop, "checkout.ready") == [
        {
            "checkout_id": purchase.id,
            "order_id": purchase.data.order_id,
            "order_code": purchase.code,
            "conversation_id": "telegram:platform:1",
            "url": f"https://pay.example/{purchase.key}",
            "expires_at": purchase.data.expires_at,
        }
    ]


async def test_the_order_is_pending_until_the_money_is_proven(shop):
    purchase = await shop.buys()
    await shop.settles()

    assert await shop.ends(purchase) == ("pending", "held", "waiting")
    assert await shop.stock() == (10, 2, 0)
    assert await shop.books() == {}


async def test_the_fan_cancels(shop):
    purchase = await shop.buys()
    await shop.settles()

    assert await shop.cancels(purchase)
    await shop.settles()
    assert await shop.ends(purchase) == GONE
    assert await shop.stock() == (10, 0, 0)
    assert shop.provider.pages[purchase.key].status is Stands.EXPIRED
    [fact] = await announced(shop, "order.cancelled")
    assert fact["reason"] == "cancelled"
    assert await shop.books() == {}


async def test_the_fan_cancels_before_there_is_a_link(shop):
    purchase = await shop.buys()

    assert await shop.cancels(purchase)
    await shop.settles()
    assert await shop.ends(purchase) == GONE


async def test_cancelling_comes_too_late(shop):
    purchase = await shop.buys()
    await shop.settles()
    await shop.hears(purchase, EventKind.PAID)

    assert not await shop.cancels(purchase)
    await shop.settles()
    assert not await shop.cancels(purchase)
    assert await shop.ends(purchase) == PAID


async def test_there_is_nothing_to_cancel(shop):
    assert not await shop.database.unit_of_work(lambda tx: checkout.cancel_checkout(tx, "x"))
    purchase = await shop.buys()
    await shop.cancels(purchase)
    await shop.settles()
    assert not await shop.cancels(purchase)


async def test_nobody_pays(shop):
    purchase = await shop.buys()
    await shop.settles()
    await shop.waits(HOLD_SECONDS - 1)
    assert await shop.ends(purchase) == ("pending", "held", "waiting")

    await shop.waits(1)
    assert await shop.ends(purchase) == GONE
    assert await shop.stock() == (10, 0, 0)
    assert shop.provider.pages[purchase.key].status is Stands.EXPIRED
    [fact] = await announced(shop, "order.cancelled")
    assert fact["reason"] == "expired"


async def test_the_provider_says_no_for_good(shop):
    purchase = await shop.buys()
    await shop.settles()
    await shop.hears(purchase, EventKind.FAILED, reason="fraud")
    await shop.settles()

    assert await shop.ends(purchase) == GONE
    [fact] = await announced(shop, "order.cancelled")
    assert fact["reason"] == "failed"


async def test_a_declined_card_may_be_tried_again(shop):
    purchase = await shop.buys()
    await shop.settles()
    await shop.hears(purchase, EventKind.DECLINED, reason="no funds")
    await shop.settles()
    assert await shop.ends(purchase) == ("pending", "held", "waiting")

    await shop.is_paid(purchase)
    await shop.settles()
    assert await shop.ends(purchase) == PAID


async def test_the_link_dies_before_the_hold(shop):
    purchase = await shop.buys()
    hold, payment = await shop.hold(purchase), await shop.payment(purchase)

    assert payment.expires_at == purchase.data.expires_at
    assert hold.expires_at - payment.expires_at == model.GRACE


async def test_a_slow_fan_still_has_time_to_pay(shop, clock):
    hold, quote = await shop.holds(), await shop.prices()
    clock.advance((HOLD_SECONDS - 10) * SECOND)
    purchase = await shop.checks_out(shop.asks(hold, quote))

    assert purchase.data.expires_at == clock.at + model.PAY_SECONDS_MIN * SECOND
    await shop.settles()
    await shop.waits(model.PAY_SECONDS_MIN - 1)
    await shop.is_paid(purchase)
    await shop.settles()
    assert await shop.ends(purchase) == PAID


@pytest.mark.parametrize(("hold_ends", "link_ends"), [(1_000, 1_000), (301, 301), (10, 300)])
def test_when_a_link_ends(hold_ends, link_ends):
    now = 1_000_000 * SECOND

    ends = model.link_ends_at(now + hold_ends * SECOND, now)
    assert ends == now + link_ends * SECOND


def test_money_wins_over_everything_that_came_beside_it():
    ends = {name: {} for name in ("failed", "expired", "cancelled", "paid")}
    found = []
    while ends:
        found.append(str(model.ending(ends)))
        del ends[found[-1]]

    assert found == ["paid", "cancelled", "failed", "expired"]
    assert model.ending({"hello": {}}) is None


async def test_the_same_key_again_is_the_same_checkout(shop):
    hold, quote = await shop.holds(), await shop.prices()
    request = shop.asks(hold, quote)

    found = await asyncio.gather(*(shop.checks_out(request) for _ in range(20)))
    assert len({(purchase.id, purchase.code) for purchase in found}) == 1
    assert await how_many_orders(shop) == 1
    await shop.settles()
    assert [call for call, _ in shop.provider.calls] == ["open"]


async def test_the_key_of_a_checkout_opens_no_other_one(shop):
    hold, quote = await shop.holds(), await shop.prices()
    purchase = await shop.checks_out(shop.asks(hold, quote))

    with pytest.raises(KeyReused):
        await shop.checks_out(shop.asks(hold, quote, address=an_address(name="Eva Gil")))
    again = await shop.checks_out(shop.asks(hold, quote, capture=payments.CaptureMode.MANUAL))
    assert again.id == purchase.id
    assert await how_many_orders(shop) == 1


async def test_a_hold_is_good_for_its_own_fan_only(shop):
    hold, quote = await shop.holds("1"), await shop.prices("1")

    with pytest.raises(HoldGone):
        await shop.checks_out(
            shop.asks(hold, quote, conversation_id="telegram:platform:2", key="theft")
        )
    assert await how_many_orders(shop) == 0
    assert (await shop.holds("1")).status is inventory.HoldStatus.HELD


@pytest.mark.parametrize("quantity", [1, 3])
async def test_a_price_of_another_quantity_buys_nothing(shop, quantity):
    hold, quote = await shop.holds("1"), await shop.prices("1", quantity)

    with pytest.raises(HoldGone):
        await shop.checks_out(shop.asks(hold, quote))
    assert await how_many_orders(shop) == 0


@pytest.mark.parametrize("elsewhere", [{"country": "US"}, {"postcode": "07001"}])
async def test_a_price_of_another_way_buys_nothing(shop, elsewhere):
    hold, quote = await shop.holds(), await shop.prices()

    with pytest.raises(pricing.NoSuchQuote):
        await shop.checks_out(shop.asks(hold, quote, address=an_address(**elsewhere)))
    assert await how_many_orders(shop) == 0


async def test_a_price_of_something_cheaper_buys_nothing(shop):
    async def offer_a_mug(tx):
        from commerce import catalog, inventory

        mug = a_product(id="mug", variants=(a_variant(sku="mug", price_minor=100),))
        made = await catalog.create_product(
            tx, product_id=mug.id, supplier_id="sol", title="Mug", description="",
            image="/media/mug.svg", currency="EUR", variants=mug.variants,
        )  # fmt: skip
        await inventory.open_shelf(tx, "mug")
        await catalog.publish(tx, made.id)

    await shop.database.unit_of_work(offer_a_mug)
    hold, quote = await shop.holds("1"), await shop.prices("1", sku="mug")

    with pytest.raises(HoldGone):
        await shop.checks_out(shop.asks(hold, quote))
    assert await how_many_orders(shop) == 0


async def test_a_price_that_ran_out_or_never_was_buys_nothing(shop, clock):
    hold, quote = await shop.holds(), await shop.prices()

    with pytest.raises(pricing.NoSuchQuote):
        await shop.checks_out(shop.asks(hold, quote, quote_id="x"))
    clock.at = quote.expires_at
    with pytest.raises(pricing.QuoteExpired):
        await shop.checks_out(shop.asks(hold, quote))
    assert await how_many_orders(shop) == 0


async def test_a_hold_that_is_gone_buys_nothing(shop):
    hold, quote = await shop.holds(), await shop.prices()
    await shop.database.unit_of_work(lambda tx: inventory.release(tx, hold.id))

    with pytest.raises(HoldGone):
        await shop.checks_out(shop.asks(hold, quote))
    with pytest.raises(HoldGone):
        await shop.checks_out(shop.asks(hold, quote, hold_id="x"))
    assert await how_many_orders(shop) == 0
    assert await shop.stock() == (10, 0, 0)


async def test_all_of_the_money_goes_back(shop):
    purchase = await shop.buys()
    await shop.settles()
    await shop.is_paid(purchase)
    await shop.settles()
    await give_back(shop, purchase, TOTAL)

    assert (await shop.order(purchase)).status is orders.Status.REFUNDED
    assert await shop.books() == {
        "sales": TAX - 5_000, "delivery_income": -490, "refunds": TOTAL - TAX
    }  # fmt: skip
    await shop.agrees()


async def test_some_of_the_money_goes_back(shop):
    purchase = await shop.buys()
    await shop.settles()
    await shop.is_paid(purchase)
    await shop.settles()
    await give_back(shop, purchase, 490)

    assert (await shop.order(purchase)).status is orders.Status.PAID
    assert await shop.books() == SOLD | {
        "clearing:sandbox": 5_000, "refunds": 490 - 85, "tax_payable:ES": 85 - TAX
    }  # fmt: skip
    await give_back(shop, purchase, 5_000)
    assert (await shop.order(purchase)).status is orders.Status.REFUNDED
    await shop.agrees()


async def give_back(shop, purchase, amount):
    async def work(tx):
        await payments.request_refund(
            tx, key=f"by hand {amount}", payment_id=purchase.data.payment_id,
            amount_minor=amount, reason="asked",
        )  # fmt: skip

    await shop.database.unit_of_work(work)
    await shop.waits(120)  # no saga asks for this one, so a job does when it takes long


async def test_more_fans_than_pieces_buy_at_once(shop):
    fans = [str(number) for number in range(12)]
    results = await asyncio.gather(*(shop.buys(fan) for fan in fans), return_exceptions=True)
    bought = [r for r in results if not isinstance(r, BaseException)]
    refused = [r for r in results if isinstance(r, BaseException)]
    assert [type(refusal) for refusal in refused] == [inventory.OutOfStock] * 7

    await shop.settles()
    await asyncio.gather(*(shop.is_paid(purchase) for purchase in bought))
    await shop.settles()

    assert [await shop.ends(purchase) for purchase in bought] == [PAID] * 5
    assert await shop.stock() == (10, 0, 10)
    assert (await shop.books())["clearing:sandbox"] == 5 * TOTAL

"""Codes, flash prices and what a fan bought before, through the whole life of a checkout."""

import asyncio

import pytest

from commerce import loyalty, orders, pricing, promotions
from commerce.kernel.clock import MINUTE
from commerce.payments import EventKind
from commerce.pricing import Buying
from commerce.promotions import Fixed, UseStatus
from commerce.promotions import jobs as promotions_jobs
from commerce.promotions.tables import USES
from tests.accounts.factories import an_address
from tests.checkout.shop import HOLD_SECONDS, SKU, Shop
from tests.conftest import NOON
from tests.promotions.factories import SOL, Office, a_rule

FIVE_OFF = Fixed(amounts_minor={"EUR": 500})
TOTAL = 4_990
TAX = 866  # 781 of the goods, 85 of the delivery


class Till(Shop):
    """A shop where fans use a code."""

    code = "SUN10"

    async def prices(self, fan="1", quantity=2, sku=SKU):
        async def work(tx):
            return await pricing.price(
                tx, key=f"{fan}:quote", items=[pricing.Wanted(sku, quantity)],
                address=an_address(), buying=Buying(fan_id=f"fan-{fan}", coupon=self.code),
            )  # fmt: skip

        return await self.database.unit_of_work(work)

    async def uses(self):
        rows = await self.database.read(lambda tx: tx.all(USES.select()))
        return sorted(row["status"] for row in rows)

    async def standing(self, fan="1"):
        return await self.database.read(lambda tx: loyalty.standing(tx, f"fan-{fan}"))


@pytest.fixture
async def till(database, clock):
    till = Till(database, clock)
    office = Office(database)
    await office.opens()
    await till.receives(600)
    till.promotion = await office.coupon(
        till.code, rule=a_rule(id="", starts_at=NOON, effect=FIVE_OFF), total_limit=3
    )
    till.office = office
    return till


async def test_a_code_is_kept_aside_with_the_order_and_used_up_by_the_money(till):
    purchase = await till.buys()
    assert await till.uses() == [UseStatus.RESERVED]

    await till.settles()
    await till.is_paid(purchase)
    await till.settles()

    assert await till.uses() == [UseStatus.CONFIRMED]
    order = await till.order(purchase)
    assert order.total_minor == TOTAL
    assert [(line.kind, line.amount_minor, line.contained_minor) for line in order.lines] == [
        ("goods", 5_000, 0), ("discount", -500, 0), ("delivery", 490, 0), ("tax", 0, TAX),
    ]  # fmt: skip
    assert await till.books() == {
        "clearing:sandbox": TOTAL, "sales": TAX - 5_000, "discounts": 500,
        "delivery_income": -490, "tax_payable:ES": -TAX,
    }  # fmt: skip
    assert (await till.standing()).orders == 1
    await till.agrees()


@pytest.mark.parametrize("way", ["cancelled", "expired"])
async def test_without_money_the_code_is_free_for_others(till, way):
    purchase = await till.buys()
    await till.settles()
    if way == "cancelled":
        await till.cancels(purchase)
        await till.settles()
    else:
        await till.waits(HOLD_SECONDS * 2)

    assert await till.uses() == [UseStatus.RELEASED]
    assert (await till.standing()).orders == 0
    await till.agrees()


async def test_money_that_comes_late_takes_the_code_again_or_honours_it(till):
    late = await till.buys()
    await till.settles()
    await till.waits(HOLD_SECONDS * 2)
    for fan in ("2", "3", "4"):
        await till.bought(fan)

    await till.hears(late, EventKind.PAID)
    await till.settles()

    assert (await till.order(late)).status is orders.Status.PAID
    assert await till.uses() == [UseStatus.CONFIRMED] * 3 + [UseStatus.HONOURED]
    await till.agrees()


async def test_when_all_of_the_money_went_back_the_fan_is_new_again(till):
    purchase = await till.bought()
    await till.refunds(purchase, TOTAL)
    await till.settles()

    assert (await till.standing()).orders == 0
    assert (await till.books()).get("tax_payable:ES", 0) == 0
    await till.agrees()


async def test_a_code_that_others_used_up_meanwhile_opens_no_checkout(till):
    hold, quote = await till.holds("9"), await till.prices("9")
    for fan in ("1", "2", "3"):
        await till.buys(fan)

    with pytest.raises(promotions.LimitReached):
        await till.checks_out(till.asks(hold, quote))

    assert await till.uses() == [UseStatus.RESERVED] * 3
    found = await till.database.read(lambda tx: orders.order_of(tx, "9:checkout"))
    assert found is None


async def test_of_twenty_checkouts_at_once_as_many_as_the_limit_have_the_code(till):
    ready = [(await till.holds(str(fan), 1), await till.prices(str(fan), 1)) for fan in range(20)]

    answers = await asyncio.gather(
        *(till.checks_out(till.asks(*one)) for one in ready), return_exceptions=True
    )

    refused = [answer for answer in answers if isinstance(answer, promotions.LimitReached)]
    assert len(refused) == 17
    assert await till.uses() == [UseStatus.RESERVED] * 3
    await till.agrees()


async def test_a_rule_that_changes_meanwhile_changes_nothing_for_who_has_a_price(till):
    hold, quote = await till.holds(), await till.prices()
    await promotions_jobs.move_promotions(till.database)
    await till.office.moves(promotions.pause, SOL, till.promotion)
    await till.office.does(
        pricing.set_price, sku=SKU, currency="EUR", amount_minor=9_900, by="sol",
        valid_from=NOON + MINUTE,
    )  # fmt: skip
    till.clock.advance(2 * MINUTE)

    purchase = await till.checks_out(till.asks(hold, quote))
    await till.settles()
    await till.is_paid(purchase)
    await till.settles()

    assert (await till.order(purchase)).total_minor == TOTAL
    kept = await till.database.read(lambda tx: pricing.frozen(tx, quote.id))
    assert pricing.quote(kept.basis).lines == kept.lines == quote.lines
    assert (await till.prices("2")).total_minor == 2 * 9_900

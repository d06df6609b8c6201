"""What was broken by hand is finished by the jobs, once; what is healthy is not touched."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import delete, select, update

from commerce.kernel.clock import HOUR, MINUTE
from commerce.kernel.columns import metadata
from commerce.kernel.tables import OUTBOX, SAGAS
from commerce.payments import EventKind, RefundStatus
from commerce.payments.tables import PAYMENTS
from deploy import healing
from tests.checkout.fakes import REFUSED
from tests.checkout.shop import SKU, TOTAL, Shop

PART = 490


@pytest.fixture
async def shop(database, clock):
    shop = Shop(database, clock)
    await shop.opens()
    return shop


async def lose_news(shop):
    """Everything announced and not yet heard is never heard."""
    await shop.database.unit_of_work(
        lambda tx: tx.run(
            update(OUTBOX).where(OUTBOX.c.status == "waiting").values(status="sent", next_at=0)
        )
    )


async def heals(shop):
    done = (
        await healing.finish_payments(shop.database, shop.gateways),
        await healing.cancel_abandoned(shop.database),
        await healing.conclude_refunds(shop.database),
    )
    await shop.settles()
    return done


async def set_saga(shop, purchase, **values):
    change = update(SAGAS).where(SAGAS.c.id == purchase.id).values(**values)
    await shop.database.unit_of_work(lambda tx: tx.run(change))


async def is_paid_unheard(shop, purchase):
    await shop.is_paid(purchase)
    await lose_news(shop)
    shop.clock.advance(3 * MINUTE)


async def test_a_payment_whose_news_was_lost_pays_its_order(shop):
    purchase = await shop.buys()
    await shop.settles()
    await is_paid_unheard(shop, purchase)
    assert (await shop.order(purchase)).status == "pending"

    assert await heals(shop) == (1, 0, 0)

    assert await shop.ends(purchase) == ("paid", "claimed", "completed")
    assert await heals(shop) == (0, 0, 0)


async def test_late_money_whose_news_was_lost_revives_the_order(shop):
    purchase = await shop.buys()
    await shop.settles()
    await shop.waits(30 * 60)
    assert await shop.ends(purchase) == ("cancelled", "expired", "reverted")
    await is_paid_unheard(shop, purchase)

    assert await heals(shop) == (1, 0, 0)

    assert await shop.ends(purchase) == ("paid", "claimed", "reverted")


async def test_late_money_for_what_is_sold_out_goes_back(shop):
    purchase = await shop.buys()
    await shop.settles()
    await shop.waits(30 * 60)
    await shop.holds("2", 10)
    await is_paid_unheard(shop, purchase)

    assert await heals(shop) == (1, 0, 0)

    assert (await shop.order(purchase)).status == "cancelled"
    assert shop.provider.refunds == {f"{purchase.key}:late": TOTAL}
    await shop.agrees()
    assert await heals(shop) == (0, 0, 0)


async def test_healed_by_several_at_once_it_is_healed_once(shop):
    purchase = await shop.buys()
    await shop.settles()
    await is_paid_unheard(shop, purchase)

    await asyncio.gather(*[healing.finish_payments(shop.database, shop.gateways) for _ in range(4)])
    await shop.settles()

    assert await shop.ends(purchase) == ("paid", "claimed", "completed")
    assert await shop.stock() == (10, 0, 2)


async def test_an_order_whose_checkout_ended_without_it_is_cancelled_and_its_pieces_are_free(shop):
    purchase = await shop.buys()
    await shop.settles()
    await expire_by_hand(shop, purchase)
    await set_saga(shop, purchase, status="reverted")
    shop.clock.advance(2 * HOUR)

    assert await heals(shop) == (0, 1, 0)

    assert await shop.ends(purchase) == ("cancelled", "released", "reverted")
    assert await shop.stock() == (10, 0, 0)
    assert await heals(shop) == (0, 0, 0)


async def test_an_order_whose_checkout_is_gone_is_cancelled(shop):
    purchase = await shop.buys()
    await shop.settles()
    await expire_by_hand(shop, purchase)
    gone = delete(SAGAS).where(SAGAS.c.id == purchase.id)
    await shop.database.unit_of_work(lambda tx: tx.run(gone))
    shop.clock.advance(2 * HOUR)

    assert await heals(shop) == (0, 1, 0)

    assert (await shop.order(purchase)).status == "cancelled"


async def expire_by_hand(shop, purchase):
    change = update(PAYMENTS).where(PAYMENTS.c.key == purchase.key).values(status="expired")
    await shop.database.unit_of_work(lambda tx: tx.run(change))


async def test_a_refund_whose_news_was_lost_reaches_books_and_order(shop):
    purchase = await shop.bought()
    await shop.refunds(purchase, TOTAL)
    await shop.engine.settle()
    await lose_news(shop)
    assert (await shop.order(purchase)).status == "paid"

    assert await heals(shop) == (0, 0, 1)

    assert await shop.ends(purchase) == ("refunded", "claimed", "completed")
    assert (await shop.books()).get("clearing:sandbox", 0) == 0
    assert await heals(shop) == (0, 0, 0)


async def test_a_refused_refund_whose_news_was_lost_leaves_the_books(shop):
    purchase = await shop.bought()
    before = await shop.books()
    shop.provider.trouble["refund"] = [REFUSED]
    await shop.refunds(purchase, TOTAL)
    await shop.engine.settle()
    await lose_news(shop)

    assert await heals(shop) == (0, 0, 1)

    assert await shop.books() == before
    assert (await shop.order(purchase)).status == "paid"
    assert await heals(shop) == (0, 0, 0)


async def everything(database):
    """All rows of all tables."""
    found = {}
    for table in metadata.sorted_tables:
        rows = await database.read(lambda tx, t=table: tx.all(select(t)))
        found[table.name] = sorted(str([row[name] for name in row.keys()]) for row in rows)  # noqa: SIM118
    return found


async def test_a_till_in_the_middle_of_its_work_is_not_touched(shop):
    await shop.receives(20)
    held = await shop.holds("held")
    waiting = await shop.buys("waiting")
    await shop.settles()
    refunding = await shop.bought("refunding")
    shop.provider.refunds_as = RefundStatus.PENDING
    await shop.refunds(refunding, PART)
    await shop.settles()
    late = await shop.buys("late")
    await shop.settles()
    await shop.cancels(late)
    await shop.settles()
    just_paid = await shop.buys("just-paid")
    await shop.settles()
    await shop.hears(just_paid, EventKind.PAID)
    shop.clock.advance(5 * MINUTE)
    before = await everything(shop.database)

    assert await healing.finish_payments(shop.database, shop.gateways) == 0
    assert await healing.cancel_abandoned(shop.database) == 0
    assert await healing.conclude_refunds(shop.database) == 0

    assert await everything(shop.database) == before
    assert held.sku == SKU
    assert (await shop.order(waiting)).status == "pending"

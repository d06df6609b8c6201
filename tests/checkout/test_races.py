"""What happens at the same moment: each purchase has one end, and its money the same."""

from __future__ import annotations

import asyncio

import pytest

from commerce.inventory.jobs import expire_holds
from commerce.kernel.clock import SECOND
from commerce.payments import CaptureMode, EventKind, Stands
from commerce.payments import jobs as payments_jobs
from tests.checkout.shop import HOLD_SECONDS

FANS = 8


async def buying(shop, **changes):
    await shop.receives(10)
    purchases = [await shop.buys(str(fan), **changes) for fan in range(FANS)]
    await shop.settles()
    return purchases


async def till_works(shop):
    """The loops of a till, beside what else happens."""
    for _ in range(6):
        await asyncio.gather(
            shop.engine.take_due(),
            shop.relay.relay_due(),
            expire_holds(shop.database),
            payments_jobs.reconcile_open(shop.database, shop.gateways),
        )
        await asyncio.sleep(0)


async def all_ended(shop, purchases):
    for _ in range(4):
        await shop.waits(90)
    return [await shop.ends(purchase) for purchase in purchases]


@pytest.mark.parametrize("lateness_seconds", [-1, 0, 121])
async def test_money_that_comes_at_the_moment_of_expiry_buys_the_pieces(shop, lateness_seconds):
    purchases = await buying(shop)
    shop.clock.advance((HOLD_SECONDS + lateness_seconds) * SECOND)
    await asyncio.gather(till_works(shop), *(shop.is_paid(one) for one in purchases))

    ends = await all_ended(shop, purchases)
    assert {end[:2] for end in ends} == {("paid", "claimed")}
    assert await shop.stock() == (20, 0, 2 * FANS)
    assert shop.provider.refunds == {}


async def test_a_cancel_against_a_capture_ends_as_one_of_the_two(shop):
    purchases = await buying(shop, capture=CaptureMode.MANUAL)
    answers = await asyncio.gather(
        *(one for p in purchases for one in (shop.cancels(p), shop.is_authorised(p))),
        till_works(shop),
    )

    ends = await all_ended(shop, purchases)
    stopped = answers[0:-1:2]
    for purchase, (order, hold, _), gone in zip(purchases, ends, stopped, strict=True):
        page = shop.provider.pages[purchase.key].status
        assert (order, hold, page) in {
            ("paid", "claimed", Stands.PAID), ("cancelled", "released", Stands.VOIDED),
        }  # fmt: skip
        assert gone == (order == "cancelled")


async def test_fifty_equal_commands_at_once_open_one_checkout_and_one_link(shop):
    hold = await shop.holds()
    request = shop.asks(hold, await shop.prices())
    opened = await asyncio.gather(*(shop.checks_out(request) for _ in range(50)))
    await shop.settles()

    assert len({one.id for one in opened}) == 1
    assert shop.provider.calls == [("open", opened[0].key)]


async def test_the_same_money_told_fifty_times_at_once_is_sold_for_once(shop):
    (purchase, *_) = await buying(shop)
    shop.provider.pay(purchase.key)
    await asyncio.gather(
        *(shop.hears(purchase, EventKind.PAID, event_id=f"e{number % 5}") for number in range(50)),
        till_works(shop),
    )
    await shop.settles()

    assert (await shop.ends(purchase))[:2] == ("paid", "claimed")
    books = await shop.books()
    assert books["clearing:sandbox"] == (await shop.payment(purchase)).amount_minor

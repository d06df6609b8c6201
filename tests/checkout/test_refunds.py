"""A refund is pending in the books until the provider did it, and never more than was taken."""

from __future__ import annotations

import asyncio

import pytest

from commerce import ledger, payments
from commerce.checkout import refunding
from commerce.kernel import saga
from commerce.payments import EventKind, NotPaid, RefundDiffers, RefundStatus, RefundTooLarge
from tests.checkout.fakes import LOST, OUTAGE, REFUSED
from tests.checkout.shop import EARNED, TAX, TOTAL

SOLD = {"clearing:sandbox": TOTAL, **EARNED}


def given_back(amount_minor):
    """With its part of the tax, which is owed to nobody any more."""
    tax = TAX * amount_minor // TOTAL
    return SOLD | {
        "clearing:sandbox": TOTAL - amount_minor, "refunds": amount_minor - tax,
        "tax_payable:ES": tax - TAX,
    }  # fmt: skip


async def refund_saga(shop, key="refund-1"):
    return await shop.database.read(lambda tx: saga.begun_by(tx, refunding.KIND, key))


async def pending(shop):
    found = await shop.database.read(lambda tx: ledger.pending(tx, "refunds"))
    return [entry.amount_minor for entry in found]


async def refunds_of(shop, purchase):
    found = await shop.database.read(lambda tx: payments.refunds_of(tx, purchase.data.payment_id))
    return [(one.amount_minor, str(one.status)) for one in found]


async def test_all_of_it_goes_back_and_the_order_says_so(shop):
    purchase = await shop.bought()
    await shop.refunds(purchase, TOTAL)
    await shop.settles()

    assert await shop.ends(purchase) == ("refunded", "claimed", "completed")
    assert shop.provider.refunds == {"refund-1": TOTAL}
    assert (await shop.books()).get("clearing:sandbox", 0) == 0
    assert (await refund_saga(shop)).status == "completed"


async def test_a_part_goes_back_and_the_order_stays_paid(shop):
    purchase = await shop.bought()
    await shop.refunds(purchase, 490)
    await shop.settles()

    assert await shop.ends(purchase) == ("paid", "claimed", "completed")
    assert await shop.books() == given_back(490)


async def test_until_the_provider_did_it_it_is_pending_and_counts_in_no_balance(shop):
    purchase = await shop.bought()
    shop.provider.refunds_as = RefundStatus.PENDING
    await shop.refunds(purchase, 490)
    await shop.settles()

    assert await pending(shop) == [490 - 85]
    assert await shop.books() == SOLD
    await shop.hears(
        purchase, EventKind.REFUND, refund_key="refund-1", refund_ref="back refund-1",
        refund_status=RefundStatus.SUCCEEDED, amount_minor=490,
    )  # fmt: skip
    await shop.settles()
    assert await pending(shop) == []
    assert await shop.books() == given_back(490)
    assert (await refund_saga(shop)).status == "completed"


async def test_returned_pieces_can_be_sold_again_once(shop):
    purchase = await shop.bought()
    await shop.refunds(purchase, TOTAL, restock=True)
    await shop.settles()
    await shop.refunds(purchase, TOTAL, restock=True)
    await shop.settles()

    assert await shop.ends(purchase) == ("refunded", "returned", "completed")
    assert await shop.stock() == (10, 0, 0)


@pytest.mark.parametrize("trouble", [[LOST], [OUTAGE], [LOST, OUTAGE, LOST]])
async def test_a_refund_whose_answer_is_lost_is_paid_once(shop, trouble):
    purchase = await shop.bought()
    shop.provider.trouble["refund"] = list(trouble)
    await shop.refunds(purchase, 490)
    await shop.settles()
    for _ in range(5):
        await shop.waits(60)

    assert shop.provider.refunds == {"refund-1": 490}
    assert await shop.books() == given_back(490)
    assert await refunds_of(shop, purchase) == [(490, "succeeded")]


async def test_a_refund_that_is_refused_waits_for_a_person_and_frees_its_money(shop):
    purchase = await shop.bought()
    shop.provider.trouble["refund"] = [REFUSED]
    await shop.refunds(purchase, TOTAL)
    await shop.settles()

    assert (await refund_saga(shop)).status == "parked"
    assert await refunds_of(shop, purchase) == [(TOTAL, "failed")]
    assert await pending(shop) == []
    assert await shop.books() == SOLD
    assert (await shop.order(purchase)).status == "paid"
    await shop.refunds(purchase, TOTAL, key="refund-2")
    await shop.settles()
    assert (await shop.order(purchase)).status == "refunded"


async def test_a_refund_that_the_bank_returns_is_taken_out_of_the_books_again(shop):
    purchase = await shop.bought()
    await shop.refunds(purchase, 490)
    await shop.settles()
    for number in range(2):
        await shop.hears(
            purchase, EventKind.REFUND, event_id=f"returned-{number}", refund_key="refund-1",
            refund_ref="back refund-1", refund_status=RefundStatus.FAILED, amount_minor=490,
        )  # fmt: skip
        await shop.settles()

    assert await shop.books() == SOLD
    assert await refunds_of(shop, purchase) == [(490, "failed")]


async def test_the_same_key_refunds_once_and_with_another_amount_is_refused(shop):
    purchase = await shop.bought()
    first = await shop.refunds(purchase, 490)
    again = await shop.refunds(purchase, 490)
    with pytest.raises(RefundDiffers):
        await shop.refunds(purchase, 491)
    await shop.settles()

    assert first.id == again.id
    assert shop.provider.refunds == {"refund-1": 490}


async def test_an_unpaid_order_is_not_refunded(shop):
    purchase = await shop.buys()
    await shop.settles()

    with pytest.raises(NotPaid):
        await shop.refunds(purchase, 490)
    assert await refund_saga(shop) is None
    assert await refunds_of(shop, purchase) == []


async def test_fifty_partial_refunds_at_once_give_back_no_more_than_was_taken(shop):
    purchase = await shop.bought()
    answers = await asyncio.gather(
        *(shop.refunds(purchase, 500, key=f"part-{number}") for number in range(50)),
        return_exceptions=True,
    )
    await shop.settles()

    refused = [answer for answer in answers if isinstance(answer, RefundTooLarge)]
    assert len(refused) == 40
    assert sum(shop.provider.refunds.values()) == 5_000
    assert await shop.books() == given_back(5_000)
    assert (await shop.order(purchase)).status == "paid"

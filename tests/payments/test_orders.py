"""The same events in every order and number leave the same payment, refunds and disputes."""

from __future__ import annotations

from functools import partial
from itertools import permutations

import pytest

from commerce.kernel.database import Database
from commerce.payments import Payment, Standing, Stands, Status, model
from tests.payments import stories
from tests.payments.factories import a_payment

pytestmark = pytest.mark.usefixtures("clock")

PROOF = Standing(status=Stands.PAID, charge_ref="charge-1", amount_minor=5_000, currency="EUR")
DECISIONS = {
    Status.OPEN: partial(model.decline, reason="no_funds"),  # leaves it open
    Status.EXPIRED: model.expire,
    Status.FAILED: partial(model.fail, reason="gone"),
    Status.AUTHORISED: partial(model.authorise, proof=PROOF, now=7),
    Status.VOIDED: model.void,
    Status.PAID: partial(model.pay, proof=PROOF, now=7),
}


def after(order: tuple[Status, ...], times: int) -> Payment:
    payment = a_payment(status=Status.OPEN)
    for status in order:
        for _ in range(times):
            payment = DECISIONS[status](payment).payment
    return payment


@pytest.mark.parametrize("size", range(1, len(DECISIONS) + 1))
def test_the_strongest_word_decides_in_every_order(size: int) -> None:
    for count, order in enumerate(permutations(DECISIONS, size)):
        payment = after(order, times=1 + count % 5)

        assert payment.status is max(order, key=model.RANK.index), order
        assert payment.authorised_minor == 5_000 * (Status.AUTHORISED in order)
        assert payment.captured_minor == 5_000 * (Status.PAID in order)


SIX = {
    "paid and given back": (
        "authorised", "paid", "declined", "expired", "refund pending", "refund succeeded",
    ),
    "given back, and bounced": (
        "paid", "failed", "refund succeeded", "refund failed", "rest succeeded", "rest failed",
    ),
    "disputed": (
        "paid", "voided", "refund succeeded", "dispute opened", "dispute won", "dispute lost",
    ),
    "never paid": (
        "authorised", "declined", "failed", "expired", "voided", "refund pending",
    ),
}  # fmt: skip
CAPTURING = ("captured in part", "voided", "failed", "expired", "refund succeeded")


@pytest.mark.parametrize("story", SIX)
async def test_a_sample_of_the_orders_of_six_events_ends_the_same(
    database: Database, story: str
) -> None:
    await same_end(database, list(permutations(SIX[story]))[::37])


async def test_every_order_of_five_events_ends_the_same(sqlite: Database) -> None:
    five = ("authorised", "paid", "refund succeeded", "dispute opened", "dispute lost")
    await same_end(sqlite, list(permutations(five)))


async def test_money_captured_in_part_counts_in_every_order(sqlite: Database) -> None:
    await same_end(sqlite, list(permutations(CAPTURING))[::5], capture_minor=3_000)


async def same_end(
    database: Database, orders: list[tuple[str, ...]], *, capture_minor: int = 0
) -> None:
    ends = []
    for count, order in enumerate(orders):
        payment = await stories.told(
            database, order, times=1 + count % 5, capture_minor=capture_minor
        )
        await stories.said_once(database, payment)
        ends.append(await stories.end(database, payment))
    for order, end in zip(orders, ends, strict=True):
        assert end == ends[0], order

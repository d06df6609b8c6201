from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from commerce import payments
from commerce.kernel.database import Database
from commerce.kernel.errors import Refusal
from commerce.payments import (
    EventKind,
    NotPaid,
    Payment,
    PaymentDiffers,
    PaymentNotFound,
    Refund,
    RefundDiffers,
    RefundStatus,
    RefundTooLarge,
    Standing,
    Stands,
    Status,
    refunds,
)
from tests.payments import factories
from tests.payments.factories import announced, news_of, record, refund_news

pytestmark = pytest.mark.usefixtures("clock")


async def request(database: Database, payment: Payment, amount_minor: int, key: str) -> Refund:
    return await database.unit_of_work(
        lambda tx: payments.request_refund(
            tx, key=key, payment_id=payment.id, amount_minor=amount_minor, reason="returned"
        )
    )


async def test_the_same_key_gives_the_same_payment(database: Database) -> None:
    first = await factories.created(database, key="checkout-1:pay")
    again = await factories.created(database, key="checkout-1:pay")

    assert again == first


async def test_of_fifty_equal_commands_at_once_one_payment_comes(database: Database) -> None:
    made = await asyncio.gather(
        *(factories.created(database, key="checkout-1:pay") for _ in range(50))
    )

    assert len({payment.id for payment in made}) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("amount_minor", 5_001), ("currency", "USD"), ("order_id", "order-2"), ("provider", "x")],
)
async def test_the_same_key_with_another_body_is_refused(
    database: Database, field: str, value: Any
) -> None:
    first = await factories.created(database, key="checkout-1:pay")

    with pytest.raises(PaymentDiffers) as refused:
        await factories.created(database, key="checkout-1:pay", **{field: value})

    assert refused.value.facts == {"key": "checkout-1:pay", "field": field}
    assert await factories.get(database, first) == first


async def test_an_unknown_payment_is_refused_by_its_id(database: Database) -> None:
    with pytest.raises(PaymentNotFound):
        await database.read(lambda tx: payments.get(tx, "nobody"))


async def test_a_payment_expires_once_and_never_after_it_was_paid(database: Database) -> None:
    payment = await factories.opened(database)
    for _ in range(2):
        await database.unit_of_work(lambda tx: payments.expired(tx, payment.id))
    assert await announced(database, payment) == ["payment.expired"]

    paid = await factories.paid(database)
    after = await database.unit_of_work(lambda tx: payments.expired(tx, paid.id))
    assert after.status is Status.PAID


async def test_pay_against_expire_at_once_ends_paid(database: Database) -> None:
    payment = await factories.opened(database)

    await asyncio.gather(
        database.unit_of_work(lambda tx: payments.expired(tx, payment.id)),
        record(database, news_of(payment, EventKind.PAID)),
    )

    assert (await factories.get(database, payment)).status is Status.PAID


async def test_the_providers_answer_is_proof_once(database: Database) -> None:
    payment = await factories.opened(database)
    standing = Standing(
        status=Stands.PAID,
        provider_ref=payment.provider_ref,
        charge_ref=f"charge:{payment.key}",
        amount_minor=5_000,
        currency="EUR",
    )

    for _ in range(2):
        await database.unit_of_work(lambda tx: payments.record_standing(tx, payment.id, standing))
    await record(database, news_of(payment, EventKind.PAID))

    assert await announced(database, payment) == ["payment.succeeded"]


async def test_a_second_charge_for_the_same_payment_is_shown(database: Database) -> None:
    payment = await factories.paid(database)

    second = news_of(payment, EventKind.PAID, event_id="again", charge_ref="charge-2")
    await record(database, second)

    assert await announced(database, payment) == ["payment.succeeded", "payment.mismatched"]


async def test_a_refund_is_asked_for_once_per_key(database: Database) -> None:
    payment = await factories.paid(database)
    first = await request(database, payment, 2_000, "return-1")
    again = await request(database, payment, 2_000, "return-1")

    assert again == first
    assert (await factories.get(database, payment)).refund_minor == 2_000
    with pytest.raises(RefundDiffers):
        await request(database, payment, 2_001, "return-1")


async def test_of_fifty_partial_refunds_at_once_no_more_than_paid_is_given(
    database: Database,
) -> None:
    payment = await factories.paid(database)

    answers = await asyncio.gather(
        *(request(database, payment, 700, f"return-{n}") for n in range(50)),
        return_exceptions=True,
    )

    assert sum(isinstance(answer, Refund) for answer in answers) == 7
    assert sum(isinstance(answer, RefundTooLarge) for answer in answers) == 43
    assert (await factories.get(database, payment)).refund_minor == 4_900


async def test_an_unpaid_payment_is_not_refunded(database: Database) -> None:
    payment = await factories.opened(database)

    with pytest.raises(NotPaid):
        await request(database, payment, 100, "return-1")

    assert await database.read(lambda tx: payments.refunds_of(tx, payment.id)) == ()


async def test_a_refund_that_fails_frees_its_amount(database: Database) -> None:
    payment = await factories.paid(database)
    refund = await request(database, payment, 5_000, "return-1")
    failed = refunds.RefundStanding(status=RefundStatus.FAILED, provider_ref="", reason="closed")

    await database.unit_of_work(lambda tx: refunds.record_refund(tx, refund, failed))

    after = await factories.get(database, payment)
    assert (after.status, after.refund_minor) == (Status.PAID, 0)
    assert "payment.refund_failed" in await announced(database, payment)


async def test_news_of_our_own_refund_is_known_by_its_key(database: Database) -> None:
    payment = await factories.paid(database)
    await request(database, payment, 5_000, "return-1")

    await record(
        database,
        refund_news(
            payment, RefundStatus.SUCCEEDED, ref="re-1", amount_minor=5_000, key="return-1"
        ),
    )

    (refund,) = await database.read(lambda tx: payments.refunds_of(tx, payment.id))
    assert (refund.status, refund.provider_ref) == (RefundStatus.SUCCEEDED, "re-1")
    assert (await factories.get(database, payment)).status is Status.REFUNDED


async def test_a_refund_by_hand_waits_while_ours_is_in_its_way(database: Database) -> None:
    payment = await factories.paid(database)
    ours = await request(database, payment, 5_000, "return-1")
    by_hand = refund_news(payment, RefundStatus.SUCCEEDED, ref="re-9", amount_minor=5_000)
    await record(database, by_hand)
    assert (await factories.get(database, payment)).status is Status.REFUNDING

    no = refunds.RefundStanding(status=RefundStatus.FAILED, provider_ref="", reason="refunded")
    await database.unit_of_work(lambda tx: refunds.record_refund(tx, ours, no))
    await database.unit_of_work(lambda tx: payments.service.apply_waiting(tx, payment.id))

    after = await factories.get(database, payment)
    assert (after.status, after.refund_minor) == (Status.REFUNDED, 5_000)


async def test_a_refund_without_our_key_may_be_ours_until_ours_has_its_name(
    database: Database,
) -> None:
    """Else the same money would be counted twice: once by its news, once by its answer."""
    payment = await factories.paid(database)
    ours = await request(database, payment, 2_000, "return-1")
    for ref in ("re-1", "re-9"):
        news = refund_news(payment, RefundStatus.SUCCEEDED, ref=ref, amount_minor=2_000)
        await record(database, news)
    assert (await factories.get(database, payment)).refund_minor == 2_000

    answer = refunds.RefundStanding(status=RefundStatus.SUCCEEDED, provider_ref="re-1")
    await database.unit_of_work(lambda tx: refunds.record_refund(tx, ours, answer))
    await database.unit_of_work(lambda tx: payments.service.apply_waiting(tx, payment.id))

    found = await database.read(lambda tx: payments.refunds_of(tx, payment.id))
    assert sorted((one.provider_ref, one.amount_minor) for one in found) == [
        ("re-1", 2_000),
        ("re-9", 2_000),
    ]
    after = await factories.get(database, payment)
    assert (after.status, after.refund_minor) == (Status.PARTLY_REFUNDED, 4_000)


async def test_a_refund_that_names_one_of_another_payment_is_shown(database: Database) -> None:
    payment, other = await factories.paid(database), await factories.paid(database)
    await request(database, other, 2_000, "return-1")

    await record(
        database,
        refund_news(
            payment, RefundStatus.SUCCEEDED, ref="re-1", amount_minor=2_000, key="return-1"
        ),
    )

    assert await database.read(lambda tx: payments.refunds_of(tx, payment.id)) == ()
    assert (await announced(database, payment))[-1] == "payment.mismatched"


async def test_an_answer_that_says_nothing_changes_nothing(database: Database) -> None:
    payment = await factories.paid(database)
    ours = await request(database, payment, 2_000, "return-1")
    nothing = refunds.RefundStanding(status=RefundStatus.ASKED, provider_ref="")

    after = await database.unit_of_work(lambda tx: refunds.record_refund(tx, ours, nothing))

    assert after == ours
    assert (await factories.get(database, payment)).status is Status.REFUNDING


@pytest.mark.parametrize(
    "change",
    [
        "refund_minor = captured_minor + 1",
        "refund_minor = -1",
        "captured_minor = amount_minor - 1",
        "captured_minor = amount_minor + 1",
        "captured_minor = -1",
        "authorised_minor = 1",
        "capture = 'later'",
        "status = 'settled'",
        "amount_minor = 4999",
        "currency = 'USD'",
        "provider = 'stripe'",
        "key = 'other'",
    ],
)
async def test_the_database_itself_refuses_what_cannot_be(database: Database, change: str) -> None:
    payment = await factories.paid(database)
    name = "payments.payments" if database.dialect == "postgresql" else "payments"

    refused = (asyncpg.CheckViolationError, asyncpg.RaiseError, sqlite3.IntegrityError)
    with pytest.raises(refused):
        await database.unit_of_work(lambda tx: tx.run(text(f"UPDATE {name} SET {change}")))

    assert await factories.get(database, payment) == payment


def test_every_refusal_has_a_code_of_its_own() -> None:
    refusals = [
        value
        for value in vars(payments).values()
        if isinstance(value, type) and issubclass(value, Refusal)
    ]

    assert len({refusal.code for refusal in refusals}) == len(refusals)

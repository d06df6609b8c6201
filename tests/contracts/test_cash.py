"""Cash on delivery: the fan's word opens it, people at the desk say how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from commerce import payments
from commerce.kernel.database import Database, Tx
from commerce.payments import (
    BadAmount,
    BadSignature,
    CaptureMode,
    CaptureRefused,
    Outcome,
    Payment,
    PaymentDiffers,
    PaymentRefused,
    Refund,
    RefundStatus,
    Stands,
    Status,
    UnknownProvider,
    cash_desk,
)
from commerce.payments.gateways.cash import CashGateway
from tests.contracts.hand_paypal import a_capture
from tests.payments import factories

pytestmark = pytest.mark.usefixtures("clock")

ME = "clerk-1"
Told = Callable[[Tx], Awaitable[Payment]]


@pytest.fixture
def gateway(database: Database) -> CashGateway:
    return CashGateway(database, amount_max_minor=5_000)


@pytest.fixture
async def payment(database: Database, gateway: CashGateway) -> Payment:
    """Confirmed by the fan: the parcel may go."""
    created = await factories.created(database, provider="cash")
    opened = await payments.open_at_gateway({"cash": gateway}, created)
    standing = opened.standing
    assert standing is not None

    async def record(tx: Tx) -> Payment:
        await payments.opened(tx, created.id, opened.provider_ref, opened.pay_url)
        return await payments.record_standing(tx, created.id, standing)

    return await database.unit_of_work(record)


def collected(payment: Payment, amount_minor: int = 5_000, key: str = "door-1") -> Told:
    return lambda tx: cash_desk.collected(tx, payment.id, amount_minor, ME, key)


def not_collected(payment: Payment, key: str = "door-2") -> Told:
    return lambda tx: cash_desk.not_collected(tx, payment.id, "nobody_opened", ME, key)


async def asked_back(database: Database, payment: Payment, amount_minor: int = 2_000) -> Refund:
    return await database.unit_of_work(
        lambda tx: payments.request_refund(
            tx, key="return-1", payment_id=payment.id, amount_minor=amount_minor, reason=""
        )
    )


async def test_the_fans_word_is_enough_and_there_is_nothing_to_click(
    gateway: CashGateway, payment: Payment
) -> None:
    again = await gateway.open(payment)

    assert (payment.status, payment.pay_url) == (Status.AUTHORISED, None)
    assert (payment.authorised_minor, payment.captured_minor) == (5_000, 0)
    assert again.standing == await gateway.ask(payment)


@pytest.mark.parametrize(
    ("amount_max_minor", "refused"), [(4_999, True), (5_000, False), (0, False)]
)
async def test_an_order_above_the_limit_is_not_paid_in_cash(
    database: Database, amount_max_minor: int, refused: bool
) -> None:
    gateway = CashGateway(database, amount_max_minor=amount_max_minor)
    payment = await factories.created(database, provider="cash", capture=CaptureMode.MANUAL)

    if not refused:
        await payments.open_at_gateway({"cash": gateway}, payment)
        return
    with pytest.raises(PaymentRefused) as no:
        await payments.open_at_gateway({"cash": gateway}, payment)
    assert no.value.facts == {"provider": "cash", "reason": "amount_too_large"}
    assert (await gateway.ask(payment)).status is Stands.ABSENT


async def test_what_is_collected_is_paid_once_per_key(
    database: Database, gateway: CashGateway, payment: Payment
) -> None:
    for key in ("door-1", "door-1", "another clerk tells it too"):
        await database.unit_of_work(collected(payment, key=key))

    after = await factories.get(database, payment)
    standing = await gateway.ask(payment)
    assert (after.status, after.captured_minor) == (Status.PAID, 5_000)
    assert (standing.status, standing.amount_minor) == (Stands.PAID, 5_000)
    news = await factories.announcements(database, payment)
    assert [name for name, _ in news] == ["payment.authorised", "payment.succeeded"]
    assert news[-1][1]["late"] is False


@pytest.mark.parametrize(
    "other",
    [
        lambda payment: collected(payment, 4_000),
        lambda payment: not_collected(payment, key="door-1"),
    ],
)
async def test_a_key_stands_for_one_piece_of_news(
    database: Database, payment: Payment, other: Callable[[Payment], Told]
) -> None:
    await database.unit_of_work(collected(payment))

    with pytest.raises(PaymentDiffers):
        await database.unit_of_work(other(payment))

    assert (await factories.get(database, payment)).status is Status.PAID


async def test_another_sum_is_kept_for_a_person_and_pays_nothing(
    database: Database, payment: Payment
) -> None:
    await database.unit_of_work(collected(payment, 4_500))

    assert (await factories.get(database, payment)).status is Status.AUTHORISED
    kept = await database.read(lambda tx: payments.events_with(tx, Outcome.MISMATCHED))
    assert len(kept) == 1


@pytest.mark.parametrize("amount_minor", [0, -5_000, 10**15])
async def test_no_sum_is_no_news(database: Database, payment: Payment, amount_minor: int) -> None:
    with pytest.raises(BadAmount):
        await database.unit_of_work(collected(payment, amount_minor))

    assert (await factories.get(database, payment)).status is Status.AUTHORISED


async def test_who_does_not_pay_at_the_door_owes_nothing(
    database: Database, gateway: CashGateway, payment: Payment
) -> None:
    for _ in range(2):
        await database.unit_of_work(not_collected(payment))

    assert (await factories.get(database, payment)).status is Status.VOIDED
    assert (await gateway.ask(payment)).status is Stands.VOIDED
    assert await factories.announced(database, payment) == ["payment.authorised", "payment.voided"]


async def test_money_that_comes_after_the_end_is_still_money(
    database: Database, gateway: CashGateway, payment: Payment
) -> None:
    assert (await gateway.close(payment)).status is Stands.VOIDED
    assert (await gateway.close(payment)).status is Stands.VOIDED

    await database.unit_of_work(collected(payment))

    assert (await factories.get(database, payment)).status is Status.PAID
    assert (await factories.announcements(database, payment))[-1][1]["late"] is True
    assert (await gateway.close(payment)).status is Stands.PAID


async def test_collected_and_closed_at_once_is_paid_in_every_order(
    database: Database, gateway: CashGateway, payment: Payment
) -> None:
    told, closed = await asyncio.gather(
        database.unit_of_work(collected(payment)), gateway.close(payment)
    )

    assert told.status is Status.PAID
    assert closed.status in (Stands.PAID, Stands.VOIDED)
    assert (await factories.get(database, payment)).status is Status.PAID


async def test_nobody_captures_it_but_who_stands_at_the_door(
    database: Database, gateway: CashGateway, payment: Payment
) -> None:
    with pytest.raises(CaptureRefused):
        await gateway.capture(payment, a_capture())
    await database.unit_of_work(collected(payment))

    assert (await gateway.capture(payment, a_capture())).status is Stands.PAID


async def test_a_refund_is_pending_until_the_desk_confirms_it(
    database: Database, gateway: CashGateway, payment: Payment
) -> None:
    await database.unit_of_work(collected(payment))
    refund = await asked_back(database, payment)
    for _ in range(2):
        standing = await payments.refund_at_gateway({"cash": gateway}, payment, refund)
        assert standing.status is RefundStatus.PENDING
        await database.unit_of_work(
            lambda tx: payments.record_refund(tx, refund, standing)  # noqa: B023
        )

    for _ in range(2):
        await database.unit_of_work(
            lambda tx: cash_desk.refund_confirmed(tx, refund.id, ME, "given-1")
        )

    told = await gateway.ask_refund(payment, refund)
    assert told is not None
    assert told.status is RefundStatus.SUCCEEDED
    assert (await factories.get(database, payment)).status is Status.PARTLY_REFUNDED
    assert (await factories.announced(database, payment)).count("payment.refunded") == 1


async def test_a_refund_nobody_could_hand_over_stays_with_us(
    database: Database, gateway: CashGateway, payment: Payment
) -> None:
    await database.unit_of_work(collected(payment))
    refund = await asked_back(database, payment)

    await database.unit_of_work(
        lambda tx: cash_desk.refund_impossible(tx, refund.id, "moved_away", ME, "given-1")
    )

    told = await gateway.ask_refund(payment, refund)
    assert told is not None
    assert (told.status, told.reason) == (RefundStatus.FAILED, "moved_away")
    after = await factories.get(database, payment)
    assert (after.status, after.refund_minor) == (Status.PAID, 0)


async def test_the_desk_takes_no_news_of_other_payments_and_refunds(database: Database) -> None:
    card = await factories.paid(database)
    refund = await asked_back(database, card)

    calls: list[tuple[Told, type[Exception]]] = [
        (collected(card), UnknownProvider),
        (not_collected(card), UnknownProvider),
        (lambda tx: cash_desk.refund_confirmed(tx, refund.id, ME, "k"), UnknownProvider),
        (lambda tx: cash_desk.refund_confirmed(tx, "nowhere", ME, "k"), cash_desk.NoSuchRefund),
    ]
    for tell, refusal in calls:
        with pytest.raises(refusal):
            await database.unit_of_work(tell)

    assert (await factories.get(database, card)).status is Status.REFUNDING


async def test_nobody_sends_webhooks_about_cash(gateway: CashGateway) -> None:
    headers: dict[str, Any] = {"Stripe-Signature": "t=1,v1=00"}

    with pytest.raises(BadSignature):
        gateway.verify(headers, b'{"type": "collected"}')

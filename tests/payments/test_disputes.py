"""Disputes are recorded as the provider tells them, whole and once."""

from __future__ import annotations

from typing import Any

import pytest

from commerce import payments
from commerce.kernel.database import Database
from commerce.payments import (
    DisputeStatus,
    EventKind,
    Outcome,
    Payment,
    RefundTooLarge,
    Status,
)
from tests.payments import factories
from tests.payments.factories import (
    announced,
    announcements,
    dispute_news,
    news_of,
    record,
    refund_news,
)

pytestmark = pytest.mark.usefixtures("clock")

OPENED, WON, LOST = DisputeStatus


async def disputed(database: Database, *said: DisputeStatus, **changes: Any) -> Payment:
    payment = await factories.paid(database)
    for status in said:
        await record(database, dispute_news(payment, status, amount_minor=5_000, **changes))
    return payment


async def test_a_dispute_is_recorded_with_all_its_facts(database: Database) -> None:
    payment = await disputed(database, OPENED, LOST, fee_minor=1_500)

    (dispute,) = await database.read(lambda tx: payments.disputes_of(tx, payment.id))

    assert (dispute.amount_minor, dispute.currency, dispute.fee_minor) == (5_000, "EUR", 1_500)
    assert (dispute.status, dispute.reason) == (LOST, "fraudulent")
    assert dispute.closed_at is not None
    assert await database.read(payments.disputes) == [dispute]
    assert (await factories.get(database, payment)).status is Status.PAID


@pytest.mark.parametrize(
    ("said", "announced_as"),
    [
        ((OPENED, WON), ["opened", "won"]),
        ((OPENED, LOST), ["opened", "lost"]),
        ((LOST, OPENED), ["opened", "lost"]),
        ((OPENED, WON, LOST), ["opened", "won", "lost"]),
        ((WON, LOST, OPENED), ["opened", "won", "lost"]),
        ((LOST, WON, OPENED), ["opened", "lost"]),
    ],
)
async def test_a_dispute_is_announced_from_its_beginning(
    database: Database, said: tuple[DisputeStatus, ...], announced_as: list[str]
) -> None:
    payment = await disputed(database, *said)

    names = await announced(database, payment)

    assert names == ["payment.succeeded", *(f"payment.dispute_{word}" for word in announced_as)]


async def test_one_lost_after_it_was_won_says_so(database: Database) -> None:
    first = await disputed(database, OPENED, WON, LOST)
    second = await disputed(database, OPENED, LOST)

    assert (await announcements(database, first))[-1][1]["after_won"] is True
    assert (await announcements(database, second))[-1][1]["after_won"] is False


async def test_a_dispute_waits_for_its_money(database: Database) -> None:
    payment = await factories.opened(database)
    await record(
        database, dispute_news(payment, OPENED, amount_minor=5_000, payment_key=payment.key)
    )
    assert await announced(database, payment) == []

    await record(database, news_of(payment, EventKind.PAID))

    assert await announced(database, payment) == ["payment.succeeded", "payment.dispute_opened"]


@pytest.mark.parametrize(("refunded", "exceeds"), [(None, False), (1, True), (5_000, True)])
async def test_a_dispute_of_more_than_is_left_is_recorded_and_flagged(
    database: Database, refunded: int | None, exceeds: bool
) -> None:
    payment = await factories.paid(database)
    if refunded is not None:
        back = refund_news(
            payment, payments.RefundStatus.SUCCEEDED, ref="re-1", amount_minor=refunded
        )
        await record(database, back)

    await record(database, dispute_news(payment, OPENED, amount_minor=5_000))

    _, said = (await announcements(database, payment))[-1]
    assert (said["amount_minor"], said["exceeds_left"]) == (5_000, exceeds)
    (dispute,) = await database.read(lambda tx: payments.disputes_of(tx, payment.id))
    after = await factories.get(database, payment)
    assert payments.exceeds_left(after, dispute) is exceeds


@pytest.mark.parametrize(("status", "left_minor"), [(OPENED, 1_000), (LOST, 1_000), (WON, 5_000)])
async def test_what_a_bank_took_back_is_not_given_back_once_more(
    database: Database, status: DisputeStatus, left_minor: int
) -> None:
    payment = await factories.paid(database)
    await record(database, dispute_news(payment, status, amount_minor=4_000))

    with pytest.raises(RefundTooLarge) as refused:
        await ask_back(database, payment, left_minor + 1)

    assert refused.value.facts["left_minor"] == left_minor
    assert (await ask_back(database, payment, left_minor)).amount_minor == left_minor


@pytest.mark.parametrize(
    "changes",
    [{"currency": "USD"}, {"amount_minor": 0}, {"amount_minor": -5}, {"charge_ref": "another"}],
)
async def test_a_dispute_of_other_money_is_shown_and_not_recorded(
    database: Database, changes: dict[str, Any]
) -> None:
    payment = await factories.paid(database)
    facts = {"amount_minor": 5_000, "payment_key": payment.key} | changes

    await record(database, dispute_news(payment, OPENED, **facts))

    assert await database.read(lambda tx: payments.disputes_of(tx, payment.id)) == ()
    name, said = (await announcements(database, payment))[-1]
    assert (name, said["reason"]) == ("payment.mismatched", "wrong_dispute")
    (kept,) = await database.read(lambda tx: payments.kept_events(tx, Outcome.MISMATCHED))
    assert (kept.note, kept.provider, kept.payment_id) == ("wrong_dispute", "sandbox", payment.id)
    assert (kept.order_id, kept.asked_minor, kept.asked_currency) == ("order-1", 5_000, "EUR")


async def ask_back(database: Database, payment: Payment, amount_minor: int) -> payments.Refund:
    return await database.unit_of_work(
        lambda tx: payments.request_refund(
            tx, key=f"back-{amount_minor}", payment_id=payment.id,
            amount_minor=amount_minor, reason="",
        )
    )  # fmt: skip

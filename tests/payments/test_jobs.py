"""Refunds are carried out once, and payments nothing is heard of are asked about."""

from __future__ import annotations

import pytest

from commerce import payments
from commerce.kernel.clock import HOUR, MINUTE, FakeClock
from commerce.kernel.database import Database
from commerce.payments import (
    EventKind,
    Payment,
    RefundStatus,
    Standing,
    Stands,
    Status,
    jobs,
)
from commerce.payments.model import RefundStanding
from tests.payments import factories
from tests.payments.factories import announced, news_of, record
from tests.payments.scripted import ScriptedProvider, money_of

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def provider() -> ScriptedProvider:
    return ScriptedProvider()


@pytest.fixture
def gateways(provider: ScriptedProvider) -> dict[str, ScriptedProvider]:
    return {"sandbox": provider}


async def ask_back(
    database: Database, payment: Payment, clock: FakeClock, amount_minor: int = 5_000
) -> None:
    """A refund whose saga died before it asked the provider."""
    await database.unit_of_work(
        lambda tx: payments.request_refund(
            tx, key="return-1", payment_id=payment.id, amount_minor=amount_minor, reason=""
        )
    )
    clock.advance(2 * MINUTE)


async def test_a_refund_nobody_carried_out_is_carried_out_and_announced(
    database: Database, gateways: dict[str, ScriptedProvider], clock: FakeClock
) -> None:
    payment = await factories.paid(database)
    await ask_back(database, payment, clock)

    assert await jobs.settle_refunds(database, gateways) == 1
    assert await jobs.settle_refunds(database, gateways) == 0

    assert (await factories.get(database, payment)).status is Status.REFUNDED
    assert await announced(database, payment) == ["payment.succeeded", "payment.refunded"]


async def test_a_refund_whose_answer_got_lost_is_asked_for_and_not_repeated(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.paid(database)
    await ask_back(database, payment, clock)
    provider.answers_lost = 1
    assert await jobs.settle_refunds(database, gateways) == 0

    clock.advance(MINUTE)
    assert await jobs.settle_refunds(database, gateways) == 1

    assert len(provider.refunds) == 1
    assert (await factories.get(database, payment)).status is Status.REFUNDED


async def test_a_refund_the_provider_refuses_frees_its_amount(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.paid(database)
    await ask_back(database, payment, clock)
    provider.refuses = True

    assert await jobs.settle_refunds(database, gateways) == 1

    after = await factories.get(database, payment)
    assert (after.status, after.refund_minor) == (Status.PAID, 0)
    assert (await announced(database, payment))[-1] == "payment.refund_failed"


async def test_a_pending_refund_is_asked_about_until_it_is_done(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.paid(database)
    await ask_back(database, payment, clock, 1_000)
    provider.refund_status = RefundStatus.PENDING
    await jobs.settle_refunds(database, gateways)
    assert (await factories.get(database, payment)).status is Status.REFUNDING

    provider.refunds["return-1"] = RefundStanding(
        status=RefundStatus.SUCCEEDED, provider_ref="re:return-1"
    )
    clock.advance(HOUR)
    await jobs.settle_refunds(database, gateways)

    assert (await factories.get(database, payment)).status is Status.PARTLY_REFUNDED


async def test_a_hint_of_the_provider_makes_the_job_ask_at_once(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.paid(database)
    await ask_back(database, payment, clock)
    provider.answers_lost = 1
    await jobs.settle_refunds(database, gateways)

    await record(database, news_of(payment, EventKind.REFUNDS_CHANGED))

    assert await jobs.settle_refunds(database, gateways) == 1


async def test_a_payment_past_its_end_is_closed_and_expires(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.opened(database)
    assert await jobs.reconcile_open(database, gateways) == 0
    clock.advance(11 * MINUTE)

    assert await jobs.reconcile_open(database, gateways) == 1

    assert provider.closed == [payment.key]
    assert (await factories.get(database, payment)).status is Status.EXPIRED


async def test_money_whose_webhook_got_lost_is_found(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.opened(database)
    provider.standing = money_of(payment)
    clock.advance(11 * MINUTE)

    assert await jobs.reconcile_open(database, gateways) == 1

    assert (await factories.get(database, payment)).status is Status.PAID
    assert await announced(database, payment) == ["payment.succeeded"]


async def test_wrong_money_found_is_shown_once_and_the_payment_expires(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.opened(database)
    provider.standing = money_of(payment, amount_minor=4_999)
    clock.advance(11 * MINUTE)

    await jobs.reconcile_open(database, gateways)

    assert (await factories.get(database, payment)).status is Status.EXPIRED
    assert await announced(database, payment) == ["payment.mismatched", "payment.expired"]


async def test_an_opening_with_unknown_outcome_is_asked_about(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.created(database)
    provider.standing = Standing(
        status=Stands.OPEN, provider_ref="ref-1", pay_url="https://pay.example/1"
    )
    clock.advance(2 * MINUTE)

    await jobs.reconcile_open(database, gateways)

    after = await factories.get(database, payment)
    assert (after.status, after.pay_url) == (Status.OPEN, "https://pay.example/1")


async def test_a_provider_that_does_not_answer_is_asked_again_a_minute_later(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.opened(database)
    provider.answers_lost = 1
    clock.advance(11 * MINUTE)

    assert await jobs.reconcile_open(database, gateways) == 0
    assert await jobs.reconcile_open(database, gateways) == 0
    clock.advance(MINUTE)
    assert await jobs.reconcile_open(database, gateways) == 1

    assert (await factories.get(database, payment)).status is Status.EXPIRED


async def test_a_payment_the_bank_still_works_on_is_left_alone(
    database: Database,
    gateways: dict[str, ScriptedProvider],
    provider: ScriptedProvider,
    clock: FakeClock,
) -> None:
    payment = await factories.opened(database)
    provider.standing = Standing(status=Stands.PROCESSING)
    clock.advance(11 * MINUTE)

    assert await jobs.reconcile_open(database, gateways) == 0

    assert (await factories.get(database, payment)).status is Status.OPEN


async def test_a_payment_of_a_gateway_no_longer_in_use_stops_nobody(
    database: Database, gateways: dict[str, ScriptedProvider], clock: FakeClock
) -> None:
    gone = await factories.opened(database, provider="stripe")
    other = await factories.opened(database)
    clock.advance(11 * MINUTE)

    assert await jobs.reconcile_open(database, gateways) == 1

    assert (await factories.get(database, gone)).status is Status.OPEN
    assert (await factories.get(database, other)).status is Status.EXPIRED


async def test_an_event_that_crossed_with_the_birth_of_its_payment_is_applied(
    database: Database,
) -> None:
    payment = await factories.opened(database)
    stored = news_of(payment, EventKind.PAID)
    await database.unit_of_work(
        lambda tx: payments.store.add_event(tx, "sandbox", stored, now=payment.created_at)
    )

    assert await jobs.apply_waiting_events(database) == 1
    assert await jobs.apply_waiting_events(database) == 0

    assert (await factories.get(database, payment)).status is Status.PAID

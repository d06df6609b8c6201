"""One body over every gateway that holds money, or hears that a bank took it back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from commerce import payments
from commerce.kernel.clock import FakeClock
from commerce.kernel.database import Database
from commerce.payments import (
    Capture,
    CaptureMode,
    CaptureRefused,
    CaptureStatus,
    DisputeStatus,
    EventKind,
    Payment,
    RefundRefused,
    Stands,
    Status,
)
from tests.contracts.hands import CAPTURING, CAPTURING_PARTS, DISPUTED, HANDS, Hand, heard
from tests.contracts.stripe_values import a_refund
from tests.payments import factories

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

MONEY = (EventKind.AUTHORISED, EventKind.PAID, EventKind.VOIDED)


@pytest.fixture
async def provider(
    request: pytest.FixtureRequest, database: Database, clock: FakeClock
) -> AsyncIterator[Hand]:
    async with HANDS[request.param].hand(database) as hand:
        yield hand


def a_capture(amount_minor: int, key: str = "take-1") -> Capture:
    return Capture(
        id=key,
        key=key,
        payment_id="payment-1",
        amount_minor=amount_minor,
        status=CaptureStatus.ASKED,
        reason="",
        tries=0,
        version=1,
    )


async def agreed(
    provider: Hand, database: Database, capture: CaptureMode = CaptureMode.MANUAL
) -> Payment:
    """A payment the fan agreed to, as the database knows it: authorised, or paid."""
    created = await factories.created(database, provider=provider.gateway.name, capture=capture)
    opened = await provider.gateway.open(created)
    await database.unit_of_work(
        lambda tx: payments.opened(tx, created.id, opened.provider_ref, opened.pay_url)
    )
    await provider.pay(opened)
    standing = await provider.gateway.ask(await factories.get(database, created))
    return await database.unit_of_work(
        lambda tx: payments.record_standing(tx, created.id, standing)
    )


async def kinds(provider: Hand) -> set[EventKind]:
    return {event.kind for event in await heard(provider) if event.kind in MONEY}


def gateways(provider: Hand) -> dict[str, Any]:
    return {provider.gateway.name: provider.gateway}


@pytest.mark.parametrize("provider", CAPTURING, indirect=True)
async def test_what_is_held_is_promised_and_not_paid(provider: Hand, database: Database) -> None:
    payment = await agreed(provider, database)

    assert (payment.status, payment.authorised_minor) == (Status.AUTHORISED, 5_000)
    assert payment.captured_minor == 0
    told = [event for event in await heard(provider) if event.kind in MONEY]
    assert {event.kind for event in told} == {EventKind.AUTHORISED}
    assert {(e.payment_key, e.amount_minor, e.currency) for e in told} == {
        (payment.key, 5_000, "EUR")
    }
    assert {event.charge_ref for event in told} == {payment.charge_ref} != {None}


@pytest.mark.parametrize("provider", CAPTURING, indirect=True)
async def test_what_was_held_is_taken_once_per_key(provider: Hand, database: Database) -> None:
    payment = await agreed(provider, database)
    await heard(provider)
    first = await provider.gateway.capture(payment, a_capture(5_000))
    again = await provider.gateway.capture(payment, a_capture(5_000))
    asked = await provider.gateway.ask(payment)

    for standing in (first, again, asked):
        assert (standing.status, standing.amount_minor) == (Stands.PAID, 5_000)
    assert first.charge_ref == again.charge_ref == asked.charge_ref is not None
    if not HANDS[provider.gateway.name].renames:
        assert first.charge_ref == payment.charge_ref
    told = [event for event in await heard(provider) if event.kind in MONEY]
    assert {(event.kind, event.amount_minor) for event in told} == {(EventKind.PAID, 5_000)}


@pytest.mark.parametrize("provider", CAPTURING_PARTS, indirect=True)
async def test_a_part_is_taken_and_the_rest_let_go_of(provider: Hand, database: Database) -> None:
    payment = await agreed(provider, database)
    await heard(provider)
    taken = await provider.gateway.capture(payment, a_capture(3_000))
    more = await provider.gateway.capture(payment, a_capture(2_000, "take-2"))

    assert (taken.status, taken.amount_minor) == (Stands.PAID, 3_000)
    assert (more.status, more.amount_minor) == (Stands.PAID, 3_000)
    assert {event.amount_minor for event in await heard(provider) if event.kind in MONEY} == {3_000}
    with pytest.raises(RefundRefused):
        await provider.gateway.refund(payment, a_refund(3_001))


@pytest.mark.parametrize("provider", CAPTURING, indirect=True)
async def test_more_than_is_held_is_not_taken(provider: Hand, database: Database) -> None:
    payment = await agreed(provider, database)

    with pytest.raises(CaptureRefused):
        await provider.gateway.capture(payment, a_capture(5_001))

    assert (await provider.gateway.ask(payment)).status is Stands.AUTHORISED


@pytest.mark.parametrize("provider", CAPTURING_PARTS, indirect=True)
async def test_closing_lets_go_of_what_is_held(provider: Hand, database: Database) -> None:
    payment = await agreed(provider, database)
    await heard(provider)
    closed = [(await provider.gateway.close(payment)).status for _ in range(2)]

    assert closed == [Stands.VOIDED, Stands.VOIDED]
    assert await kinds(provider) == {EventKind.VOIDED}
    assert (await provider.gateway.capture(payment, a_capture(5_000))).status is Stands.VOIDED


@pytest.mark.parametrize("provider", CAPTURING, indirect=True)
async def test_closing_what_was_taken_takes_nothing_back(
    provider: Hand, database: Database
) -> None:
    payment = await agreed(provider, database)
    await provider.gateway.capture(payment, a_capture(5_000))

    standing = await provider.gateway.close(payment)

    assert (standing.status, standing.amount_minor) == (Stands.PAID, 5_000)


@pytest.mark.parametrize("provider", CAPTURING, indirect=True)
async def test_what_lapsed_is_not_taken(provider: Hand, database: Database) -> None:
    payment = await agreed(provider, database)
    await provider.lapse(payment)

    assert (await provider.gateway.ask(payment)).status is Stands.VOIDED
    assert (await provider.gateway.capture(payment, a_capture(5_000))).status is Stands.VOIDED


@pytest.mark.parametrize("provider", CAPTURING, indirect=True)
async def test_the_whole_story_of_a_held_payment(provider: Hand, database: Database) -> None:
    payment = await agreed(provider, database)
    amount_minor = 5_000 if HANDS[provider.gateway.name].whole_only else 3_500
    capture = await database.unit_of_work(
        lambda tx: payments.request_capture(
            tx, key="take-1", payment_id=payment.id, amount_minor=amount_minor
        )
    )
    tried = await database.unit_of_work(lambda tx: payments.try_capture(tx, capture.id))
    standing = await payments.capture_at_gateway(gateways(provider), payment, tried)
    for event in reversed(await heard(provider)):
        for _ in range(2):
            await factories.record(database, event, provider.gateway.name)
    await database.unit_of_work(lambda tx: payments.record_standing(tx, payment.id, standing))

    after = await factories.get(database, payment)
    assert (after.status, after.captured_minor) == (Status.PAID, amount_minor)
    assert sorted(await factories.announced(database, payment)) == [
        "payment.authorised",
        "payment.succeeded",
    ]
    captures = await database.read(lambda tx: payments.captures_of(tx, payment.id))
    assert [one.status for one in captures] == [CaptureStatus.SUCCEEDED]


@pytest.mark.parametrize("won", [True, False])
@pytest.mark.parametrize("provider", DISPUTED, indirect=True)
async def test_a_bank_that_takes_money_back_is_heard(
    provider: Hand, database: Database, won: bool
) -> None:
    payment = await agreed(provider, database, CaptureMode.AUTOMATIC)
    await heard(provider)
    await provider.dispute(payment, 4_000)
    await provider.end_dispute(payment, won=won)

    events = [event for event in await heard(provider) if event.kind is EventKind.DISPUTE]
    for event in reversed(events):
        await factories.record(database, event, provider.gateway.name)

    end = DisputeStatus.WON if won else DisputeStatus.LOST
    assert {event.dispute_status for event in events} == {DisputeStatus.OPENED, end}
    assert {(event.amount_minor, event.currency) for event in events} == {(4_000, "EUR")}
    (dispute,) = await database.read(lambda tx: payments.disputes_of(tx, payment.id))
    assert (dispute.status, dispute.amount_minor) == (end, 4_000)

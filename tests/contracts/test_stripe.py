"""What only Stripe does: its failures, its banks that take their time, its amounts and events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer, unused_port

from commerce.kernel.clock import MINUTE, FakeClock
from commerce.kernel.errors import Outage
from commerce.kernel.money import exponent
from commerce.payments import EventKind, PaymentRefused, Refund, RefundStatus, Stands, calls
from commerce.payments.gateways import stripe_wire
from commerce.payments.gateways.stripe import StripeGateway
from tests.contracts.stripe_stand_in import KEY, WEBHOOK_SECRET, Fault, StripeStandIn
from tests.payments.factories import a_payment

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
    pytest.mark.usefixtures("clock"),
]

OUTAGES = [Fault.FAIL_BEFORE, Fault.LOSE_ANSWER, Fault.CONFLICT, Fault.RATE_LIMIT, Fault.HTML]
REFUND = Refund(
    id="refund-1",
    key="return-1",
    payment_id="payment-1",
    amount_minor=2_000,
    reason="",
    status=RefundStatus.ASKED,
    provider_ref=None,
    tries=0,
    version=1,
)


def a_gateway(url: str) -> StripeGateway:
    return StripeGateway(
        secret_key=KEY,
        webhook_secrets=["whsec_older", WEBHOOK_SECRET],
        return_url="https://till.example/pay/return",
        api_base=url,
        retries=0,
    )


@pytest.fixture
def stand_in() -> StripeStandIn:
    return StripeStandIn()


@pytest.fixture
async def gateway(stand_in: StripeStandIn) -> AsyncIterator[StripeGateway]:
    async with TestServer(stand_in.app()) as server:
        gateway = a_gateway(str(server.make_url("")).rstrip("/"))
        yield gateway
        await gateway.aclose()


@pytest.mark.parametrize("fault", [*OUTAGES, Fault.BAD_KEY])
async def test_an_unknown_outcome_is_an_outage_and_the_repetition_opens_one_page(
    gateway: StripeGateway, stand_in: StripeStandIn, fault: Fault
) -> None:
    stand_in.faults.append(fault)

    with pytest.raises(Outage):
        await gateway.open(a_payment())
    await gateway.open(a_payment())

    assert len(stand_in.sessions) == 1


async def test_a_rate_limit_says_when_to_come_again(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    stand_in.faults.append(Fault.RATE_LIMIT)

    with pytest.raises(Outage) as outage:
        await gateway.open(a_payment())

    assert outage.value.retry_after_seconds == 3


async def test_nobody_at_the_address_is_an_outage() -> None:
    gateway = a_gateway(f"http://127.0.0.1:{unused_port()}")

    with pytest.raises(Outage):
        await gateway.open(a_payment())
    await gateway.aclose()


@pytest.mark.parametrize("fault", OUTAGES)
async def test_a_refund_whose_answer_got_lost_is_found_again(
    gateway: StripeGateway, stand_in: StripeStandIn, fault: Fault
) -> None:
    opened = await gateway.open(a_payment())
    stand_in.pay(opened.provider_ref)
    charge = stand_in.sessions[opened.provider_ref]["payment_intent"]
    paid = a_payment(provider="stripe", provider_ref=opened.provider_ref, charge_ref=charge)
    stand_in.faults.append(fault)

    with pytest.raises(Outage):
        await calls.refund_at_gateway({"stripe": gateway}, paid, REFUND)
    await calls.refund_at_gateway({"stripe": gateway}, paid, replace(REFUND, tries=1))

    assert [refund["amount"] for refund in stand_in.refunds.values()] == [2_000]


async def test_a_page_whose_link_got_lost_is_closed_by_its_key(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    stand_in.faults.append(Fault.LOSE_ANSWER)
    with pytest.raises(Outage):
        await gateway.open(a_payment())

    standing = await gateway.close(a_payment())

    assert standing.status is Stands.EXPIRED
    assert [session["status"] for session in stand_in.sessions.values()] == ["expired"]


async def test_what_never_reached_stripe_is_absent_once_it_is_too_late(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    payment = a_payment()
    clock.advance(20 * MINUTE)

    assert (await gateway.close(payment)).status is Stands.ABSENT
    assert stand_in.sessions == {}


async def test_the_call_repeated_minutes_later_is_the_same_call(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    payment = a_payment()
    first = await gateway.open(payment)
    clock.advance(14 * MINUTE)

    assert await gateway.open(payment) == first


async def test_a_no_of_stripe_is_a_refusal_with_its_reason(gateway: StripeGateway) -> None:
    with pytest.raises(PaymentRefused) as refused:
        await gateway.open(a_payment(amount_minor=49))

    assert refused.value.facts == {"provider": "stripe", "reason": "amount_too_small"}


async def test_a_key_used_for_other_money_opens_nothing(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    await gateway.open(a_payment())

    with pytest.raises(PaymentRefused) as refused:
        await gateway.open(a_payment(amount_minor=6_000))

    assert refused.value.facts["reason"] == "key_reused"
    assert len(stand_in.sessions) == 1


@pytest.mark.parametrize(
    ("succeeded", "stands", "kind"),
    [(True, Stands.PAID, EventKind.PAID), (False, Stands.PROCESSING, EventKind.FAILED)],
)
async def test_a_bank_that_takes_its_time_has_not_paid_yet(
    gateway: StripeGateway,
    stand_in: StripeStandIn,
    succeeded: bool,
    stands: Stands,
    kind: EventKind,
) -> None:
    opened = await gateway.open(a_payment())
    known = a_payment(provider_ref=opened.provider_ref)
    stand_in.pay(opened.provider_ref, payment_status="unpaid")
    assert (await gateway.close(known)).status is Stands.PROCESSING

    stand_in.settle_bank_payment(opened.provider_ref, succeeded=succeeded)

    completed, settled = [gateway.verify(*stand_in.webhook(e)) for e in stand_in.events]
    assert (completed.kind, settled.kind) == (EventKind.OTHER, kind)
    assert (await gateway.ask(known)).status is stands


async def test_a_refund_made_in_the_dashboard_is_known_by_its_charge(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    opened = await gateway.open(a_payment())
    stand_in.pay(opened.provider_ref)
    charge = stand_in.sessions[opened.provider_ref]["payment_intent"]
    stand_in.refund_by_hand(charge, 500)

    _, refund, hint = [gateway.verify(*stand_in.webhook(e)) for e in stand_in.events]

    assert (refund.kind, refund.charge_ref, refund.refund_key) == (EventKind.REFUND, charge, None)
    assert (hint.kind, hint.charge_ref) == (EventKind.REFUNDS_CHANGED, charge)


async def test_nothing_personal_is_kept_of_an_event(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    opened = await gateway.open(a_payment())
    stand_in.pay(opened.provider_ref)
    headers, body = stand_in.webhook(stand_in.events[0])
    assert b"fan@example.com" in body

    assert "fan@example.com" not in str(gateway.verify(headers, body))


async def test_other_events_and_other_shops_are_of_no_interest(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    opened = await gateway.open(a_payment())
    stand_in.pay(opened.provider_ref)
    event = stand_in.events[0]
    session = event["data"]["object"]

    for changes in (
        {"type": "customer.created"},
        {"data": {"object": session | {"metadata": {}}}},
        {"data": {"object": session | {"metadata": None}}},
    ):
        assert gateway.verify(*stand_in.webhook(event | changes)).kind is EventKind.OTHER


@pytest.mark.parametrize(
    ("currency", "amount_minor", "amount"),
    [("EUR", 1_234, 1_234), ("JPY", 500, 500), ("ISK", 500, 50_000), ("UGX", 7_000, 700_000)],
)
def test_amounts_are_counted_as_stripe_counts(
    currency: str, amount_minor: int, amount: int
) -> None:
    assert stripe_wire.to_stripe(amount_minor, currency) == amount
    assert stripe_wire.from_stripe(amount, currency) == amount_minor


def test_three_digits_must_end_in_zero() -> None:
    assert exponent("KWD") == 3
    assert stripe_wire.to_stripe(1_230, "KWD") == 1_230
    with pytest.raises(PaymentRefused):
        stripe_wire.to_stripe(1_234, "KWD")


def test_an_amount_we_cannot_express_equals_nothing() -> None:
    assert stripe_wire.from_stripe(50_001, "ISK") == -1

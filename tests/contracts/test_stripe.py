"""What only Stripe does with a payment: its failures, its keys, its banks, its held amounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import unused_port

from commerce.kernel.clock import DAY, MINUTE, FakeClock
from commerce.kernel.errors import Outage
from commerce.kernel.money import exponent
from commerce.payments import EventKind, PaymentRefused, RefundRefused, RefundStatus, Stands, calls
from commerce.payments.gateways import stripe_wire
from commerce.payments.gateways.stripe import StripeGateway
from commerce.payments.model import CaptureMode
from commerce.payments.refusals import CaptureRefused
from tests.contracts.stripe_stand_in import OUTAGES, Fault, StripeStandIn
from tests.contracts.stripe_values import (
    a_capture,
    a_gateway,
    a_refund,
    heard,
    held,
    opened,
    paid,
    serving,
)
from tests.payments.factories import a_payment

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
    pytest.mark.usefixtures("clock"),
]


@pytest.fixture
def stand_in() -> StripeStandIn:
    return StripeStandIn()


@pytest.fixture
async def gateway(stand_in: StripeStandIn) -> AsyncIterator[StripeGateway]:
    async with serving(stand_in) as gateway:
        yield gateway


@pytest.mark.parametrize("fault", OUTAGES)
async def test_an_unknown_outcome_is_an_outage_and_the_repetition_opens_one_page(
    gateway: StripeGateway, stand_in: StripeStandIn, fault: Fault
) -> None:
    stand_in.faults.append(fault)

    with pytest.raises(Outage):
        await gateway.open(a_payment())
    known = await gateway.open(a_payment())

    # A page whose link Stripe answered with a failure is a page that nobody has the link of.
    assert len(stand_in.sessions) == (2 if fault is Fault.FAIL_AFTER else 1)
    assert await gateway.open(a_payment()) == known


@pytest.mark.parametrize("fault", OUTAGES)
async def test_money_taken_in_an_unknown_way_is_taken_once(
    gateway: StripeGateway, stand_in: StripeStandIn, fault: Fault
) -> None:
    payment = await held(gateway, stand_in)
    stand_in.faults.append(fault)

    with pytest.raises(Outage):
        await gateway.capture(payment, a_capture(4_000))
    standing = await calls.capture_at_gateway(
        {"stripe": gateway}, payment, a_capture(4_000, tries=1)
    )

    assert (standing.status, standing.amount_minor) == (Stands.PAID, 4_000)
    assert len(stand_in.all("balance_transaction")) == 1


@pytest.mark.parametrize("fault", OUTAGES)
async def test_money_given_back_in_an_unknown_way_is_given_back_once(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock, fault: Fault
) -> None:
    payment = await paid(gateway, stand_in)
    stand_in.faults.append(fault)

    with pytest.raises(Outage):
        await calls.refund_at_gateway({"stripe": gateway}, payment, a_refund())
    clock.advance(2 * DAY)  # by then Stripe has forgotten the key
    await calls.refund_at_gateway({"stripe": gateway}, payment, a_refund(tries=1))

    assert [refund["amount"] for refund in stand_in.refunds.values()] == [2_000]


async def test_a_failure_kept_under_every_key_stays_an_outage(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    for known_to_fail in range(
        4
    ):  # each is found to fail, and looked for, before the next is tried
        stand_in.faults.extend([None, None] * known_to_fail + [Fault.FAIL_KEPT])
        with pytest.raises(Outage):
            await gateway.refund(payment, a_refund())

    assert stand_in.refunds == {}


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


async def test_stripe_that_never_answers_is_an_outage(stand_in: StripeStandIn) -> None:
    async with serving(stand_in, timeout_seconds=0.05) as impatient:
        stand_in.faults.append(Fault.SILENT)

        with pytest.raises(Outage):
            await impatient.open(a_payment())

    assert len(stand_in.sessions) == 1


async def test_two_at_once_under_one_key_move_money_once(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await held(gateway, stand_in)

    standings = await asyncio.gather(
        *(gateway.capture(payment, a_capture(5_000)) for _ in range(3))
    )

    assert {standing.status for standing in standings} == {Stands.PAID}
    assert len(stand_in.all("balance_transaction")) == 1


async def test_a_key_used_for_another_refund_moves_nothing_and_says_nothing(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    await gateway.refund(payment, a_refund(2_000))

    with pytest.raises(Outage):
        await gateway.refund(payment, a_refund(1_000))

    assert [refund["amount"] for refund in stand_in.refunds.values()] == [2_000]


async def test_what_stripe_does_not_know_is_not_taken_for_a_payment_never_made(
    gateway: StripeGateway,
) -> None:
    of_another_account = a_payment(provider_ref="cs_live_1", charge_ref="pi_live_1")

    for asking in (gateway.ask(of_another_account), gateway.close(of_another_account)):
        with pytest.raises(Outage):
            await asking


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


# Money that is held.


async def test_only_what_is_to_be_captured_by_hand_is_held(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    taken = await paid(gateway, stand_in)
    promised = await held(gateway, stand_in, key="key-2")

    assert (await gateway.ask(taken)).status is Stands.PAID
    assert (await gateway.ask(promised)).status is Stands.AUTHORISED
    assert len(stand_in.all("balance_transaction")) == 1


async def test_a_held_amount_says_until_when_it_can_be_taken(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    payment = await held(gateway, stand_in)

    standing = await gateway.ask(payment)

    assert (standing.amount_minor, standing.currency) == (5_000, "EUR")
    assert standing.charge_ref == payment.charge_ref
    assert standing.capture_before == clock.now() + 7 * DAY


async def test_what_is_not_captured_in_time_is_released(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    payment = await held(gateway, stand_in)
    clock.advance(7 * DAY)

    assert (await gateway.ask(payment)).status is Stands.VOIDED
    assert (await gateway.capture(payment, a_capture())).status is Stands.VOIDED
    assert stand_in.all("balance_transaction") == {}


async def test_a_captured_payment_is_not_captured_again(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await held(gateway, stand_in)
    await gateway.capture(payment, a_capture(3_000))

    again = await gateway.capture(payment, a_capture(2_000, key="take-2"))

    assert (again.status, again.amount_minor) == (Stands.PAID, 3_000)


async def test_more_than_is_held_is_refused_and_stays_held(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await held(gateway, stand_in)

    with pytest.raises(CaptureRefused) as refused:
        await gateway.capture(payment, a_capture(5_001))

    assert refused.value.facts["reason"] == "amount_too_large"
    assert (await gateway.ask(payment)).status is Stands.AUTHORISED


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.FAIL_BEFORE, Fault.RATE_LIMIT])
async def test_a_release_with_an_unknown_outcome_is_repeated(
    gateway: StripeGateway, stand_in: StripeStandIn, fault: Fault
) -> None:
    payment = await held(gateway, stand_in)
    stand_in.faults.extend([None, None, fault])  # expire, retrieve, cancel

    with pytest.raises(Outage):
        await gateway.close(payment)

    assert (await gateway.close(payment)).status is Stands.VOIDED


async def test_money_that_stripe_does_not_let_go_of_is_not_said_to_be_released(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await held(gateway, stand_in)
    stand_in.faults.extend([None, None, Fault.REFUSED])  # expire, retrieve, cancel

    with pytest.raises(Outage):
        await gateway.close(payment)


async def test_a_page_completed_while_it_is_closed_is_let_go_of(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await opened(gateway, capture=CaptureMode.MANUAL)
    assert payment.provider_ref is not None
    stand_in.pay(payment.provider_ref)

    assert (await gateway.close(payment)).status is Stands.VOIDED
    assert [intent["status"] for intent in stand_in.all("payment_intent").values()] == ["canceled"]


async def test_a_declined_page_that_is_closed_was_never_held(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await opened(gateway, capture=CaptureMode.MANUAL)
    assert payment.provider_ref is not None
    stand_in.decline(payment.provider_ref)

    assert (await gateway.close(payment)).status is Stands.EXPIRED
    kinds = [event.kind for event in heard(gateway, stand_in)]
    assert kinds == [EventKind.DECLINED, EventKind.EXPIRED, EventKind.EXPIRED]


# Banks.


@pytest.mark.parametrize(("succeeded", "stands"), [(True, Stands.PAID), (False, Stands.FAILED)])
async def test_a_bank_that_takes_its_time_has_not_paid_yet(
    gateway: StripeGateway, stand_in: StripeStandIn, succeeded: bool, stands: Stands
) -> None:
    payment = await opened(gateway)
    assert payment.provider_ref is not None
    stand_in.pay(payment.provider_ref, payment_status="unpaid")
    assert (await gateway.close(payment)).status is Stands.PROCESSING
    assert heard(gateway, stand_in) == []

    stand_in.settle_bank_payment(payment.provider_ref, succeeded=succeeded)

    assert (await gateway.ask(payment)).status is stands


async def test_a_voucher_nobody_paid_yet_is_unpaid_and_worthless_once_it_is_closed(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await opened(gateway)
    stand_in.pay(str(payment.provider_ref), payment_status="unpaid")
    (intent,) = stand_in.all("payment_intent").values()
    intent["status"] = "requires_action"

    assert (await gateway.ask(payment)).status is Stands.PROCESSING
    assert (await gateway.close(payment)).status is Stands.EXPIRED
    assert intent["status"] == "canceled"
    assert [event.kind for event in heard(gateway, stand_in)] == [EventKind.EXPIRED]


async def test_a_refund_pending_at_the_bank_succeeds_and_comes_back(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    stand_in.refund_status = "pending"
    made = await gateway.refund(payment, a_refund())
    known = a_refund(provider_ref=made.provider_ref)
    stands = [made.status]

    for status in ("succeeded", "failed"):
        stand_in.settle_refund(made.provider_ref, status)
        asked = await gateway.ask_refund(payment, known)
        assert asked is not None
        stands.append(asked.status)

    assert stands == [RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.FAILED]
    assert asked.reason == "expired_or_canceled_card"


async def test_a_refund_of_money_the_bank_took_back_is_refused(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    stand_in.dispute(str(payment.charge_ref))

    with pytest.raises(RefundRefused) as refused:
        await gateway.refund(payment, a_refund())

    assert refused.value.facts["reason"] == "charge_disputed"
    assert stand_in.refunds == {}


async def test_a_refund_is_found_on_any_page_of_the_list(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in, amount_minor=20_000)
    made = await gateway.refund(payment, a_refund())
    for _ in range(101):
        stand_in.refund_by_hand(str(payment.charge_ref), 10)

    assert await gateway.ask_refund(payment, a_refund()) == made


# Amounts.


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


async def test_a_part_that_stripe_cannot_count_is_refused_in_the_words_of_its_call(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await held(gateway, stand_in, currency="KWD")

    with pytest.raises(CaptureRefused):
        await gateway.capture(payment, a_capture(1_234))
    with pytest.raises(RefundRefused):
        await gateway.refund(payment, a_refund(1_234))


def test_an_amount_we_cannot_express_equals_nothing() -> None:
    assert stripe_wire.from_stripe(50_001, "ISK") == -1

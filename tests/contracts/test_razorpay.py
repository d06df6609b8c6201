"""What only Razorpay does: references for keys, orders for holding money, its events and digits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestServer, unused_port

from commerce.kernel.clock import DAY, MINUTE, FakeClock
from commerce.kernel.errors import Outage
from commerce.kernel.money import exponent
from commerce.payments import (
    BadSignature,
    Capture,
    CaptureMode,
    CaptureRefused,
    CaptureStatus,
    DisputeStatus,
    EventKind,
    Payment,
    PaymentRefused,
    ProviderEvent,
    Refund,
    RefundRefused,
    RefundStatus,
    Stands,
    calls,
)
from commerce.payments.gateways import razorpay_wire
from commerce.payments.gateways.razorpay import RazorpayGateway
from tests.contracts.faults import OUTAGES, Fault
from tests.contracts.hand_razorpay import a_gateway
from tests.contracts.razorpay_stand_in import KEY_SECRET, RazorpayStandIn
from tests.payments import factories

pytestmark = pytest.mark.usefixtures("clock")

REFUND = Refund(
    id="refund-1",
    key="return-1",
    payment_id="payment-1",
    amount_minor=2_000,
    reason="",
    status=RefundStatus.ASKED,
    failure="",
    provider_ref=None,
    tries=0,
    version=1,
)
CAPTURE = Capture(
    id="capture-1",
    key="capture-1",
    payment_id="payment-1",
    amount_minor=5_000,
    status=CaptureStatus.ASKED,
    reason="",
    tries=0,
    version=1,
)


def a_payment(**changes: Any) -> Payment:
    return factories.a_payment(**{"provider": "razorpay", "currency": "INR"} | changes)


def held(**changes: Any) -> Payment:
    return a_payment(capture=CaptureMode.MANUAL, **changes)


@pytest.fixture
def stand_in() -> RazorpayStandIn:
    return RazorpayStandIn()


@pytest.fixture
async def url(stand_in: RazorpayStandIn) -> AsyncIterator[str]:
    async with TestServer(stand_in.app()) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
async def gateway(url: str) -> AsyncIterator[RazorpayGateway]:
    gateway = a_gateway(url)
    yield gateway
    await gateway.aclose()


async def paid(gateway: RazorpayGateway, stand_in: RazorpayStandIn, payment: Payment) -> Payment:
    opened = await gateway.open(payment)
    charge = stand_in.pay(opened.provider_ref)["id"]
    return replace(payment, provider_ref=opened.provider_ref, charge_ref=charge)


@pytest.mark.parametrize("fault", OUTAGES)
@pytest.mark.parametrize("capture", CaptureMode)
async def test_an_unknown_outcome_is_an_outage_and_the_repetition_opens_one_page(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn, fault: Fault, capture: CaptureMode
) -> None:
    payment = a_payment(capture=capture)
    stand_in.line.faults.append(fault)

    with pytest.raises(Outage):
        await gateway.open(payment)
    opened = await gateway.open(payment)

    assert [opened.provider_ref] == [*stand_in.links, *stand_in.orders]


async def test_no_answer_in_time_is_an_outage(url: str, stand_in: RazorpayStandIn) -> None:
    gateway = a_gateway(url, timeout_seconds=0.1)
    stand_in.line.faults.append(Fault.HANG)

    with pytest.raises(Outage):
        await gateway.open(a_payment())
    await gateway.aclose()


async def test_nobody_at_the_address_is_an_outage() -> None:
    gateway = a_gateway(f"http://127.0.0.1:{unused_port()}")

    with pytest.raises(Outage):
        await gateway.open(a_payment())
    await gateway.aclose()


async def test_a_rate_limit_says_when_to_come_again(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    stand_in.line.faults.append(Fault.RATE_LIMIT)

    with pytest.raises(Outage) as outage:
        await gateway.open(a_payment())

    assert outage.value.retry_after_seconds == 3


@pytest.mark.parametrize("fault", OUTAGES)
async def test_a_refund_whose_answer_got_lost_is_found_again(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn, fault: Fault
) -> None:
    payment = await paid(gateway, stand_in, a_payment())
    stand_in.line.faults.append(fault)

    with pytest.raises(Outage):
        await calls.refund_at_gateway({"razorpay": gateway}, payment, REFUND)
    await calls.refund_at_gateway({"razorpay": gateway}, payment, replace(REFUND, tries=1))

    assert [refund["amount"] for refund in stand_in.refunds.values()] == [2_000]


async def test_a_refund_repeated_blindly_is_made_once(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    payment = await paid(gateway, stand_in, a_payment())

    first, again = [await gateway.refund(payment, REFUND) for _ in range(2)]

    assert first == again
    assert len(stand_in.refunds) == 1


@pytest.mark.parametrize("fault", OUTAGES)
async def test_a_capture_whose_answer_got_lost_is_found_again(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn, fault: Fault
) -> None:
    payment = await paid(gateway, stand_in, held())
    stand_in.line.faults.append(fault)

    with pytest.raises(Outage):
        await calls.capture_at_gateway({"razorpay": gateway}, payment, CAPTURE)
    again = replace(CAPTURE, tries=1)
    standing = await calls.capture_at_gateway({"razorpay": gateway}, payment, again)

    assert (standing.status, standing.amount_minor) == (Stands.PAID, 5_000)
    assert [event["event"] for event in stand_in.events].count("payment.captured") == 1


async def test_a_link_whose_answer_got_lost_is_closed_by_its_reference(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    stand_in.line.faults.append(Fault.LOSE_ANSWER)
    with pytest.raises(Outage):
        await gateway.open(a_payment())

    assert (await gateway.close(a_payment())).status is Stands.EXPIRED
    assert [link["status"] for link in stand_in.links.values()] == ["cancelled"]


@pytest.mark.parametrize("capture", CaptureMode)
async def test_what_never_reached_razorpay_is_absent(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn, capture: CaptureMode
) -> None:
    payment = a_payment(capture=capture)

    assert (await gateway.ask(payment)).status is Stands.ABSENT
    assert (await gateway.close(payment)).status is Stands.ABSENT
    assert (stand_in.links, stand_in.orders) == ({}, {})


async def test_a_page_that_another_account_does_not_know_says_nothing_of_the_money(
    gateway: RazorpayGateway,
) -> None:
    with pytest.raises(Outage):
        await gateway.close(a_payment(provider_ref="plink_of_another_account"))


async def test_a_no_of_razorpay_is_a_refusal_with_its_reason(gateway: RazorpayGateway) -> None:
    with pytest.raises(PaymentRefused) as refused:
        await gateway.open(a_payment(amount_minor=99))

    assert refused.value.facts == {"provider": "razorpay", "reason": "amount_too_small"}


@pytest.mark.parametrize("capture", CaptureMode)
async def test_a_key_used_for_other_money_opens_nothing(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn, capture: CaptureMode
) -> None:
    await gateway.open(a_payment(capture=capture))

    with pytest.raises(PaymentRefused) as refused:
        await gateway.open(a_payment(capture=capture, amount_minor=6_000))

    assert refused.value.facts["reason"] == "key_reused"
    assert len(stand_in.links) + len(stand_in.orders) == 1


async def test_a_long_key_is_cut_to_a_reference_and_found_by_all_of_itself(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    payment = a_payment(key="checkout:" + "k" * 60)
    opened = await gateway.open(payment)

    (link,) = stand_in.links.values()
    assert len(link["reference_id"]) == 40
    assert await gateway.open(payment) == opened
    other = a_payment(key="checkout:" + "k" * 59 + "j")
    assert (await gateway.ask(other)).status is Stands.ABSENT


async def test_held_money_is_captured_whole_and_once(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn, clock: FakeClock
) -> None:
    payment = await paid(gateway, stand_in, held())
    standing = await gateway.ask(payment)
    assert (standing.status, standing.charge_ref) == (Stands.AUTHORISED, payment.charge_ref)
    assert standing.capture_before == clock.now() + 3 * DAY

    with pytest.raises(CaptureRefused):
        await gateway.capture(payment, replace(CAPTURE, amount_minor=4_000))
    captured = [await gateway.capture(payment, CAPTURE) for _ in range(2)]

    assert [(c.status, c.amount_minor) for c in captured] == [(Stands.PAID, 5_000)] * 2
    assert (await gateway.ask(payment)).status is Stands.PAID


async def test_what_a_closed_page_holds_is_never_captured(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    payment = await paid(gateway, stand_in, held())

    assert (await gateway.close(payment)).status is Stands.VOIDED

    assert (await gateway.ask(payment)).status is Stands.VOIDED
    (charge,) = stand_in.payments.values()
    assert charge["status"] == "authorized"  # and goes back by itself


async def test_a_promise_that_ran_out_cannot_be_captured(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn, clock: FakeClock
) -> None:
    payment = await paid(gateway, stand_in, held())
    clock.advance(3 * DAY)
    stand_in.lapse(str(payment.charge_ref))

    assert (await gateway.capture(payment, CAPTURE)).status is Stands.VOIDED
    assert (await gateway.ask(payment)).status is Stands.VOIDED


async def test_an_account_that_holds_the_money_of_links_has_it_captured(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    stand_in.captures_links = False
    payment = await paid(gateway, stand_in, a_payment())

    assert (await gateway.ask(payment)).status is Stands.AUTHORISED
    assert (await gateway.capture(payment, CAPTURE)).status is Stands.PAID


async def told(gateway: RazorpayGateway, stand_in: RazorpayStandIn) -> list[ProviderEvent]:
    """As the edge hears it."""
    return [await gateway.complete(gateway.verify(*stand_in.webhook(e))) for e in stand_in.events]


async def test_every_event_of_one_payment_tells_the_same_money(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    payment = await paid(gateway, stand_in, a_payment())

    events = await told(gateway, stand_in)

    assert [(e.type, e.kind, e.payment_key) for e in events] == [
        ("payment.authorized", EventKind.AUTHORISED, "key-1"),
        ("payment.captured", EventKind.OTHER, None),
        ("order.paid", EventKind.OTHER, None),  # of the link's own order
        ("payment_link.paid", EventKind.PAID, "key-1"),
    ]
    money = {(e.charge_ref, e.amount_minor, e.currency) for e in events if e.payment_key}
    assert money == {(payment.charge_ref, 5_000, "INR")}


async def test_the_money_of_an_order_is_told_by_the_order(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    payment = await paid(gateway, stand_in, held())
    await gateway.capture(payment, CAPTURE)

    authorised, _, captured = await told(gateway, stand_in)

    assert (authorised.kind, captured.kind) == (EventKind.AUTHORISED, EventKind.PAID)
    for event in (authorised, captured):
        assert (event.payment_key, event.provider_ref) == ("key-1", None)
        assert (event.charge_ref, event.amount_minor) == (payment.charge_ref, 5_000)


@pytest.mark.parametrize("capture", CaptureMode)
async def test_who_writes_another_key_into_a_payment_pays_nothing_but_the_page_they_paid(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn, capture: CaptureMode
) -> None:
    mine = await gateway.open(a_payment(capture=capture))
    await gateway.open(a_payment(key="key-2", capture=capture))

    charge = stand_in.pay(mine.provider_ref, payment_key="key-2")
    if capture is CaptureMode.MANUAL:
        stand_in.take(charge)

    assert {event.payment_key for event in await told(gateway, stand_in) if _counts(event)} == {
        "key-1"
    }
    assert (await gateway.ask(a_payment(key="key-2", capture=capture))).status is Stands.OPEN


def _counts(event: ProviderEvent) -> bool:
    return event.kind is not EventKind.OTHER


@pytest.mark.parametrize("fault", OUTAGES)
async def test_whose_a_payment_is_is_asked_again_after_an_outage(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn, fault: Fault
) -> None:
    await paid(gateway, stand_in, held())
    event = gateway.verify(*stand_in.webhook(stand_in.events[0]))
    stand_in.line.faults.append(fault)

    with pytest.raises(Outage):
        await gateway.complete(event)

    assert (await gateway.complete(event)).payment_key == "key-1"


async def test_the_browser_is_taken_to_an_order_as_long_as_it_can_be_paid(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn, clock: FakeClock
) -> None:
    opened = await gateway.open(held())
    form = await gateway.form(opened.provider_ref)
    assert form is not None
    assert form.action.endswith("/v1/checkout/embedded")
    assert form.fields["order_id"] == opened.provider_ref
    assert (form.amount_minor, form.currency) == (5_000, "INR")
    assert KEY_SECRET not in str(form)

    clock.advance(45 * MINUTE)

    assert await gateway.form(opened.provider_ref) is None
    for unknown in ("order_of_nobody", "plink_1"):
        assert await gateway.form(unknown) is None


async def test_an_event_keeps_its_identity_under_any_header(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    opened = await gateway.open(a_payment())
    stand_in.decline(opened.provider_ref)
    stand_in.decline(opened.provider_ref)
    headers, body = stand_in.webhook(stand_in.events[0])
    _, other = stand_in.webhook(stand_in.events[1])

    first = gateway.verify(headers, body).event_id
    again = gateway.verify({**headers, "x-razorpay-event-id": "forged"}, body).event_id
    second = gateway.verify(*stand_in.webhook(stand_in.events[1])).event_id

    assert first == again != second
    assert other != body


async def test_a_webhook_is_believed_under_the_old_secret_and_under_no_other(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    await paid(gateway, stand_in, a_payment())
    event = stand_in.events[0]

    gateway.verify(*stand_in.webhook(event, "an older webhook secret"))
    headers, body = stand_in.webhook(event)
    for forged in (
        stand_in.webhook(event, ""),
        stand_in.webhook(event, "another"),
        ({**headers, "X-Razorpay-Signature": "é" * 64}, body),
        ({**headers, "X-Razorpay-Signature": headers["X-Razorpay-Signature"].upper()}, body),
    ):
        with pytest.raises(BadSignature):
            gateway.verify(*forged)


async def test_a_part_of_the_sum_is_told_as_the_money_it_is(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    await paid(gateway, stand_in, a_payment())
    told = stand_in.events[-1] | {"event": "payment_link.partially_paid"}
    told["payload"]["payment"]["entity"]["amount"] = 1_000

    event = gateway.verify(*stand_in.webhook(told))

    assert (event.kind, event.amount_minor) == (EventKind.PAID, 1_000)


async def test_other_events_and_other_shops_are_of_no_interest(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    opened = await gateway.open(a_payment())
    stand_in.links[opened.provider_ref]["notes"] = []
    stand_in.decline(opened.provider_ref)
    stand_in.pay(opened.provider_ref)
    stand_in.events.append({"event": "settlement.processed", "payload": {}, "created_at": 1})

    assert {event.kind for event in await told(gateway, stand_in)} == {EventKind.OTHER}


async def test_nothing_personal_is_kept_of_an_event(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    await paid(gateway, stand_in, a_payment())
    headers, body = stand_in.webhook(stand_in.events[-1])
    assert b"fan@example.com" in body

    kept = str(gateway.verify(headers, body))

    assert not any(word in kept for word in ("fan@example.com", "+9199", "fan@upi"))


async def test_a_refund_made_in_the_dashboard_is_known_by_its_charge(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    payment = await paid(gateway, stand_in, a_payment())
    stand_in.events.clear()
    stand_in.refund_by_hand(str(payment.charge_ref), 500)

    event = gateway.verify(*stand_in.webhook(stand_in.events[0]))

    assert (event.kind, event.charge_ref) == (EventKind.REFUND, payment.charge_ref)
    assert (event.refund_key, event.amount_minor) == (None, 500)


@pytest.mark.parametrize(
    ("how", "status"), [("processed", RefundStatus.SUCCEEDED), ("failed", RefundStatus.FAILED)]
)
async def test_a_refund_that_takes_its_time_is_pending_until_razorpay_says_more(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn, how: str, status: RefundStatus
) -> None:
    stand_in.refund_status = "pending"
    payment = await paid(gateway, stand_in, a_payment())
    made = await gateway.refund(payment, REFUND)
    assert made.status is RefundStatus.PENDING

    stand_in.settle_refund(made.provider_ref, how)

    known = replace(REFUND, provider_ref=made.provider_ref)
    asked = await gateway.ask_refund(payment, known)
    assert asked is not None
    told = gateway.verify(*stand_in.webhook(stand_in.events[-1]))
    assert (asked.status, told.refund_status) == (status, status)


async def test_a_refund_of_what_is_only_held_is_refused(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn
) -> None:
    payment = await paid(gateway, stand_in, held())

    with pytest.raises(RefundRefused) as refused:
        await gateway.refund(payment, REFUND)

    assert refused.value.facts["reason"] == "payment_not_captured"
    assert stand_in.refunds == {}


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("created", DisputeStatus.OPENED),
        ("won", DisputeStatus.WON),
        ("closed", DisputeStatus.WON),
        ("lost", DisputeStatus.LOST),
    ],
)
async def test_a_dispute_is_told_with_its_charge_and_its_end(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn, how: str, status: DisputeStatus
) -> None:
    payment = await paid(gateway, stand_in, a_payment())
    stand_in.dispute(str(payment.charge_ref), how, 3_000)

    event = gateway.verify(*stand_in.webhook(stand_in.events[-1]))

    assert (event.kind, event.dispute_status) == (EventKind.DISPUTE, status)
    assert (event.charge_ref, event.amount_minor) == (payment.charge_ref, 3_000)


@pytest.mark.parametrize(
    ("currency", "amount_minor", "amount"),
    [("INR", 1_234, 1_234), ("JPY", 500, 500), ("KWD", 1_230, 1_230), ("UYI", 7, 700)],
)
def test_amounts_are_counted_as_razorpay_counts(
    currency: str, amount_minor: int, amount: int
) -> None:
    assert razorpay_wire.to_razorpay(amount_minor, currency) == amount
    assert razorpay_wire.from_razorpay(amount, currency) == amount_minor


def test_three_digits_must_end_in_zero_and_what_we_cannot_express_equals_nothing() -> None:
    assert (exponent("KWD"), exponent("UYI")) == (3, 0)
    with pytest.raises(PaymentRefused):
        razorpay_wire.to_razorpay(1_234, "KWD")
    assert razorpay_wire.from_razorpay(701, "UYI") == -1


async def test_a_page_lives_long_enough_and_not_longer(
    gateway: RazorpayGateway, stand_in: RazorpayStandIn, clock: FakeClock
) -> None:
    payment = a_payment()
    await gateway.open(payment)
    clock.advance(44 * MINUTE)
    assert (await gateway.ask(payment)).status is Stands.OPEN

    clock.advance(1 * MINUTE)

    assert (await gateway.ask(payment)).status is Stands.EXPIRED

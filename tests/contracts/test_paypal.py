"""What only PayPal does: tokens, approvals that we capture, orders nobody can cancel, decimals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestServer, unused_port

from commerce import payments
from commerce.kernel.clock import DAY, HOUR, MINUTE, SECOND, FakeClock
from commerce.kernel.database import Database
from commerce.kernel.errors import Outage
from commerce.payments import (
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
    Status,
    calls,
)
from commerce.payments.gateways.paypal import PayPalGateway
from tests.contracts.faults import OUTAGES, Fault
from tests.contracts.hand_paypal import a_capture, a_gateway
from tests.contracts.paypal_stand_in import TOKEN_SECONDS, PayPalStandIn
from tests.payments import factories

pytestmark = pytest.mark.usefixtures("clock")

GATEWAY_FAULTS = [fault for fault in OUTAGES if fault is not Fault.BAD_KEY]
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


def a_payment(**changes: Any) -> Payment:
    return factories.a_payment(**{"provider": "paypal"} | changes)


@pytest.fixture
def stand_in() -> PayPalStandIn:
    return PayPalStandIn()


@pytest.fixture
async def gateway(stand_in: PayPalStandIn) -> AsyncIterator[PayPalGateway]:
    async with TestServer(stand_in.app()) as server:
        stand_in.url = str(server.make_url("")).rstrip("/")
        gateway = a_gateway(stand_in.url)
        yield gateway
        await gateway.aclose()


async def approved(
    gateway: PayPalGateway, stand_in: PayPalStandIn, payment: Payment | None = None
) -> Payment:
    payment = payment or a_payment()
    opened = await gateway.open(payment)
    stand_in.approve(opened.provider_ref)
    return replace(payment, provider_ref=opened.provider_ref)


async def authorised(gateway: PayPalGateway, stand_in: PayPalStandIn, **changes: Any) -> Payment:
    payment = await approved(gateway, stand_in, a_payment(capture=CaptureMode.MANUAL, **changes))
    standing = await gateway.ask(payment)
    return replace(payment, charge_ref=standing.charge_ref, authorised_minor=payment.amount_minor)


async def paid(gateway: PayPalGateway, stand_in: PayPalStandIn) -> Payment:
    payment = await approved(gateway, stand_in)
    standing = await gateway.capture(payment, a_capture())
    return replace(payment, charge_ref=standing.charge_ref)


async def told(gateway: PayPalGateway, stand_in: PayPalStandIn) -> list[ProviderEvent]:
    webhooks = [stand_in.webhook(event) for event in stand_in.events]
    for headers, _ in webhooks:
        await gateway.prepare(headers)
    return [await gateway.complete(gateway.verify(*webhook)) for webhook in webhooks]


@pytest.mark.parametrize("fault", GATEWAY_FAULTS)
async def test_an_unknown_outcome_is_an_outage_and_the_repetition_opens_one_page(
    gateway: PayPalGateway, stand_in: PayPalStandIn, fault: Fault
) -> None:
    await gateway.open(a_payment(key="one before, for the token"))
    stand_in.line.faults.append(fault)

    with pytest.raises(Outage):
        await gateway.open(a_payment())
    await gateway.open(a_payment())

    assert len(stand_in.orders) == 2


async def test_an_order_without_a_page_is_not_an_order_without_anything_to_do(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    stand_in.links = False

    with pytest.raises(Outage):
        await gateway.open(a_payment())


@pytest.mark.parametrize("fault", [*OUTAGES, Fault.BAD_KEY])
async def test_no_token_is_an_outage_too(
    gateway: PayPalGateway, stand_in: PayPalStandIn, fault: Fault
) -> None:
    stand_in.line.faults.append(fault)

    with pytest.raises(Outage):
        await gateway.open(a_payment())
    assert stand_in.orders == {}


async def test_no_answer_in_time_and_nobody_at_the_address_are_outages(
    stand_in: PayPalStandIn,
) -> None:
    async with TestServer(stand_in.app()) as server:
        stand_in.line.faults.append(Fault.HANG)
        for url in (str(server.make_url("")), f"http://127.0.0.1:{unused_port()}"):
            gateway = a_gateway(url, timeout_seconds=0.1)
            with pytest.raises(Outage):
                await gateway.open(a_payment())
            await gateway.aclose()


async def test_one_token_serves_until_shortly_before_its_end(
    gateway: PayPalGateway, stand_in: PayPalStandIn, clock: FakeClock
) -> None:
    for _ in range(3):
        await gateway.open(a_payment())
    assert len(stand_in.tokens) == 1

    clock.advance((TOKEN_SECONDS - 60) * SECOND)
    await gateway.open(a_payment(key="key-2"))

    assert len(stand_in.tokens) == 2


async def test_calls_that_begin_at_once_share_one_token(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    await asyncio.gather(*(gateway.open(a_payment(key=f"key-{n}")) for n in range(5)))

    assert (len(stand_in.tokens), len(stand_in.orders)) == (1, 5)


async def test_captures_that_come_at_once_take_the_money_once(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    payment = await approved(gateway, stand_in)

    taken = await asyncio.gather(*(gateway.capture(payment, a_capture()) for _ in range(3)))

    assert {standing.status for standing in taken} == {Stands.PAID}
    names = [event["event_type"] for event in stand_in.events]
    assert names.count("PAYMENT.CAPTURE.COMPLETED") == 1


async def test_a_token_taken_back_is_renewed_once_for_all_calls(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    await gateway.open(a_payment())
    stand_in.tokens.clear()

    await gateway.open(a_payment(key="key-2"))
    await gateway.open(a_payment(key="key-3"))

    assert len(stand_in.tokens) == 1
    assert len(stand_in.orders) == 3


async def test_keys_that_paypal_refuses_are_an_outage_and_not_asked_forever(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    await gateway.open(a_payment())
    stand_in.line.requests.clear()
    stand_in.line.faults += [Fault.BAD_KEY, Fault.BAD_KEY]

    with pytest.raises(Outage):
        await gateway.open(a_payment())

    assert stand_in.line.requests == ["POST /v2/checkout/orders", "POST /v1/oauth2/token"]


async def test_an_approval_is_a_promise_and_the_money_is_taken_once(
    gateway: PayPalGateway, stand_in: PayPalStandIn, clock: FakeClock
) -> None:
    payment = await approved(gateway, stand_in)
    standing = await gateway.ask(payment)
    assert (standing.status, standing.amount_minor) == (Stands.AUTHORISED, 5_000)
    assert standing.capture_before == clock.now() + 3 * HOUR

    captured = [await gateway.capture(payment, a_capture()) for _ in range(2)]

    assert [(c.status, c.amount_minor) for c in captured] == [(Stands.PAID, 5_000)] * 2
    assert [(e.type, e.kind) for e in await told(gateway, stand_in)] == [
        ("CHECKOUT.ORDER.APPROVED", EventKind.AUTHORISED),
        ("PAYMENT.CAPTURE.COMPLETED", EventKind.PAID),
    ]


@pytest.mark.parametrize("fault", GATEWAY_FAULTS)
@pytest.mark.parametrize("mode", CaptureMode)
async def test_a_capture_whose_answer_got_lost_is_found_again(
    gateway: PayPalGateway, stand_in: PayPalStandIn, fault: Fault, mode: CaptureMode
) -> None:
    payment = await approved(gateway, stand_in, a_payment(capture=mode))
    await gateway.ask(payment)
    known = stand_in.line.requests.count(f"GET /v2/checkout/orders/{payment.provider_ref}")
    assert known

    stand_in.line.faults += [None, fault]  # the capture first looks at the order
    with pytest.raises(Outage):
        await calls.capture_at_gateway({"paypal": gateway}, payment, a_capture())
    again = replace(a_capture(), tries=1)
    standing = await calls.capture_at_gateway({"paypal": gateway}, payment, again)

    assert (standing.status, standing.amount_minor) == (Stands.PAID, 5_000)
    names = [event["event_type"] for event in stand_in.events]
    assert names.count("PAYMENT.CAPTURE.COMPLETED") == 1


async def test_a_declined_capture_takes_nothing_and_may_be_repeated(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    payment = await approved(gateway, stand_in)
    stand_in.declines.append("INSTRUMENT_DECLINED")

    with pytest.raises(CaptureRefused) as refused:
        await gateway.capture(payment, a_capture())
    again = await gateway.capture(payment, a_capture(key="capture-2"))

    assert refused.value.facts["reason"] == "instrument_declined"
    assert again.status is Stands.PAID


@pytest.mark.parametrize(
    ("how", "stands", "kind"),
    [
        ("COMPLETED", Stands.PAID, EventKind.PAID),
        ("DECLINED", Stands.VOIDED, EventKind.VOIDED),
        ("DENIED", Stands.VOIDED, EventKind.VOIDED),
    ],
)
async def test_a_capture_that_paypal_thinks_over_is_no_money_yet(
    gateway: PayPalGateway, stand_in: PayPalStandIn, how: str, stands: Stands, kind: EventKind
) -> None:
    stand_in.capture_status = "PENDING"
    payment = await approved(gateway, stand_in)
    assert (await gateway.capture(payment, a_capture())).status is Stands.PROCESSING
    assert (await gateway.close(payment)).status is Stands.PROCESSING

    stand_in.settle_capture(str(payment.provider_ref), how)

    assert (await gateway.ask(payment)).status is stands
    assert [e.kind for e in await told(gateway, stand_in)][1:] == [EventKind.OTHER, kind]


async def test_an_approval_to_hold_money_is_made_an_authorisation_when_it_is_told(
    gateway: PayPalGateway, stand_in: PayPalStandIn, clock: FakeClock
) -> None:
    payment = await approved(gateway, stand_in, a_payment(capture=CaptureMode.MANUAL))

    (event,) = await told(gateway, stand_in)

    standing = await gateway.ask(payment)
    assert (event.kind, standing.status) == (EventKind.AUTHORISED, Stands.AUTHORISED)
    assert event.charge_ref == standing.charge_ref is not None
    assert (event.amount_minor, event.capture_before) == (5_000, clock.now() + 3 * DAY)
    assert [e["event_type"] for e in stand_in.events].count("PAYMENT.AUTHORIZATION.CREATED") == 1


async def test_an_approval_the_bank_does_not_honour_is_a_decline(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    payment = await approved(gateway, stand_in, a_payment(capture=CaptureMode.MANUAL))
    stand_in.declines.append("INSTRUMENT_DECLINED")

    (event,) = await told(gateway, stand_in)

    assert (event.kind, event.reason) == (EventKind.DECLINED, "instrument_declined")
    assert event.payment_key == payment.key


@pytest.mark.parametrize("fault", GATEWAY_FAULTS)
async def test_an_approval_is_told_again_where_the_authorisation_got_lost(
    gateway: PayPalGateway, stand_in: PayPalStandIn, fault: Fault
) -> None:
    await approved(gateway, stand_in, a_payment(capture=CaptureMode.MANUAL))
    headers, body = stand_in.webhook(stand_in.events[0])
    await gateway.prepare(headers)
    stand_in.line.faults.append(fault)

    with pytest.raises(Outage):
        await gateway.complete(gateway.verify(headers, body))
    event = await gateway.complete(gateway.verify(headers, body))

    assert event.kind is EventKind.AUTHORISED


async def test_a_part_of_what_is_held_can_be_taken(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    payment = await authorised(gateway, stand_in)

    standing = await gateway.capture(payment, a_capture(3_000))

    assert (standing.status, standing.amount_minor) == (Stands.PAID, 3_000)


async def test_a_part_of_an_approval_cannot(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    payment = await approved(gateway, stand_in)

    with pytest.raises(CaptureRefused):
        await gateway.capture(payment, a_capture(3_000))
    assert (await gateway.ask(payment)).status is Stands.AUTHORISED


async def test_closing_voids_what_is_held(gateway: PayPalGateway, stand_in: PayPalStandIn) -> None:
    payment = await authorised(gateway, stand_in)

    closed = [(await gateway.close(payment)).status for _ in range(2)]

    assert closed == [Stands.VOIDED, Stands.VOIDED]
    assert (await gateway.capture(payment, a_capture())).status is Stands.VOIDED
    assert [e.kind for e in await told(gateway, stand_in)][1:] == [
        EventKind.AUTHORISED,
        EventKind.VOIDED,
    ]


async def test_what_is_approved_after_the_closing_is_never_captured(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    opened = await gateway.open(a_payment())
    payment = a_payment(provider_ref=opened.provider_ref)
    assert (await gateway.close(payment)).status is Stands.EXPIRED

    stand_in.approve(opened.provider_ref)

    assert [e.kind for e in await told(gateway, stand_in)] == [EventKind.OTHER]
    assert (await gateway.ask(payment)).status is Stands.VOIDED
    assert (await gateway.capture(payment, a_capture())).status is Stands.VOIDED


async def test_an_order_that_cannot_be_marked_is_closed_all_the_same(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    stand_in.patchable = False
    opened = await gateway.open(a_payment())
    assert (await gateway.close(a_payment())).status is Stands.EXPIRED

    stand_in.approve(opened.provider_ref)

    assert (await gateway.close(a_payment())).status is Stands.VOIDED


async def test_closing_what_was_captured_meanwhile_says_so(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    payment = await paid(gateway, stand_in)

    closed = await gateway.close(payment)

    assert (closed.status, closed.amount_minor) == (Stands.PAID, 5_000)


async def test_an_order_whose_answer_got_lost_is_closed_by_its_key(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    stand_in.line.faults += [None, Fault.LOSE_ANSWER]
    with pytest.raises(Outage):
        await gateway.open(a_payment())

    assert (await gateway.close(a_payment())).status is Stands.EXPIRED
    (order,) = stand_in.orders.values()
    assert order["purchase_units"][0]["custom_id"] == "closed:key-1"


async def test_orders_that_came_to_nothing_are_forgotten_after_three_hours_and_not_before(
    gateway: PayPalGateway, stand_in: PayPalStandIn, clock: FakeClock
) -> None:
    opened = await gateway.open(a_payment())
    payment = a_payment(provider_ref=opened.provider_ref)
    stand_in.orders.clear()
    with pytest.raises(Outage):
        await gateway.ask(payment)

    clock.advance(3 * HOUR)

    assert (await gateway.ask(payment)).status is Stands.EXPIRED
    held = replace(payment, authorised_minor=5_000)
    assert (await gateway.ask(held)).status is Stands.VOIDED


async def test_an_approval_that_ran_out_is_told(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    payment = await approved(gateway, stand_in)
    stand_in.lapse(str(payment.provider_ref))

    event = (await told(gateway, stand_in))[-1]

    assert (event.kind, event.payment_key) == (EventKind.VOIDED, "key-1")
    assert (await gateway.ask(payment)).status is Stands.VOIDED


@pytest.mark.parametrize("fault", GATEWAY_FAULTS)
async def test_a_refund_whose_answer_got_lost_is_found_again(
    gateway: PayPalGateway, stand_in: PayPalStandIn, fault: Fault
) -> None:
    payment = await paid(gateway, stand_in)
    stand_in.line.faults.append(fault)

    with pytest.raises(Outage):
        await calls.refund_at_gateway({"paypal": gateway}, payment, REFUND)
    await calls.refund_at_gateway({"paypal": gateway}, payment, replace(REFUND, tries=1))

    assert [r["amount"]["value"] for r in stand_in.refunds.values()] == ["20.00"]


@pytest.mark.parametrize(
    ("how", "status"), [("COMPLETED", RefundStatus.SUCCEEDED), ("FAILED", RefundStatus.FAILED)]
)
async def test_a_refund_that_takes_its_time_is_pending_until_paypal_says_more(
    gateway: PayPalGateway, stand_in: PayPalStandIn, how: str, status: RefundStatus
) -> None:
    stand_in.refund_status = "PENDING"
    payment = await paid(gateway, stand_in)
    made = await gateway.refund(payment, REFUND)
    assert made.status is RefundStatus.PENDING

    stand_in.settle_refund(made.provider_ref, how)

    asked = await gateway.ask_refund(payment, replace(REFUND, provider_ref=made.provider_ref))
    assert asked is not None
    event = (await told(gateway, stand_in))[-1]
    assert (asked.status, event.refund_status) == (status, status)
    assert event.refund_key == "return-1"


async def test_a_refund_made_by_hand_is_known_by_its_charge(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    stand_in.refund_by_hand(str(payment.charge_ref), "5.00")

    event = (await told(gateway, stand_in))[-1]

    assert (event.kind, event.charge_ref) == (EventKind.REFUND, payment.charge_ref)
    assert (event.refund_key, event.amount_minor) == (None, 500)


async def test_more_than_was_paid_is_refused_with_the_issue(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    payment = await paid(gateway, stand_in)

    with pytest.raises(RefundRefused) as refused:
        await gateway.refund(payment, replace(REFUND, amount_minor=5_001))

    assert refused.value.facts == {"provider": "paypal", "reason": "refund_amount_exceeded"}


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (None, DisputeStatus.OPENED),
        ("RESOLVED_SELLER_FAVOUR", DisputeStatus.WON),
        ("RESOLVED_BUYER_FAVOUR", DisputeStatus.LOST),
        ("SOMETHING_NEW", DisputeStatus.OPENED),
    ],
)
async def test_a_dispute_is_told_with_its_charge_and_its_end(
    gateway: PayPalGateway, stand_in: PayPalStandIn, outcome: str | None, status: DisputeStatus
) -> None:
    payment = await paid(gateway, stand_in)
    stand_in.dispute(str(payment.provider_ref), "30.00", outcome)

    event = (await told(gateway, stand_in))[-1]

    assert (event.kind, event.dispute_status) == (EventKind.DISPUTE, status)
    assert (event.payment_key, event.charge_ref) == (payment.key, payment.charge_ref)
    assert (event.amount_minor, event.currency) == (3_000, "EUR")


async def test_other_events_and_other_shops_are_of_no_interest(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    await paid(gateway, stand_in)
    approval, capture = stand_in.events
    del approval["resource"]["purchase_units"][0]["custom_id"]
    del capture["resource"]["custom_id"]
    stand_in.events.append({**capture, "event_type": "CHECKOUT.ORDER.COMPLETED"})

    assert {e.kind for e in await told(gateway, stand_in)} == {EventKind.OTHER}


async def test_nothing_personal_is_kept_of_an_event(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    await approved(gateway, stand_in)
    assert "fan@example.com" in str(stand_in.events)

    assert "fan@example.com" not in str(await told(gateway, stand_in))


async def test_a_key_used_for_other_money_opens_nothing(
    gateway: PayPalGateway, stand_in: PayPalStandIn
) -> None:
    await gateway.open(a_payment())

    with pytest.raises(PaymentRefused) as refused:
        await gateway.open(a_payment(amount_minor=6_000))

    assert refused.value.facts["reason"] == "duplicate_request_id"
    assert len(stand_in.orders) == 1


async def test_the_approval_lasts_three_hours_from_the_making_of_the_order(
    gateway: PayPalGateway, stand_in: PayPalStandIn, clock: FakeClock
) -> None:
    opened = await gateway.open(a_payment())
    made_at = clock.now()
    clock.advance(40 * MINUTE)
    stand_in.approve(opened.provider_ref)

    assert (await gateway.ask(a_payment())).capture_before == made_at + 3 * HOUR


async def test_an_approval_told_captured_and_told_again_is_one_payment(
    gateway: PayPalGateway, stand_in: PayPalStandIn, database: Database
) -> None:
    created = await factories.created(database, provider="paypal")
    opened = await gateway.open(created)
    stand_in.approve(opened.provider_ref)
    for event in await told(gateway, stand_in):
        await factories.record(database, event, "paypal")

    held = await factories.get(database, created)
    capture = await database.unit_of_work(
        lambda tx: payments.request_capture(
            tx, key="take-1", payment_id=created.id, amount_minor=5_000
        )
    )
    standing = await calls.capture_at_gateway({"paypal": gateway}, held, capture)
    await database.unit_of_work(lambda tx: payments.record_standing(tx, created.id, standing))
    for event in await told(gateway, stand_in):
        await factories.record(database, event, "paypal")

    after = await factories.get(database, created)
    assert (after.status, after.captured_minor) == (Status.PAID, 5_000)
    assert await factories.announced(database, created) == [
        "payment.authorised",
        "payment.succeeded",
    ]
    (taken,) = await database.read(lambda tx: payments.captures_of(tx, created.id))
    assert (taken.id, taken.status) == (capture.id, CaptureStatus.SUCCEEDED)

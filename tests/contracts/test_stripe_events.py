"""What Stripe tells by webhook, in our words: payments, refunds, disputes; and what it may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from commerce.kernel.clock import DAY, MINUTE, SECOND, FakeClock
from commerce.kernel.database import Database
from commerce.payments import (
    BadSignature,
    CaptureMode,
    DisputeStatus,
    EventKind,
    MalformedEvent,
    RefundStatus,
    Status,
)
from commerce.payments.gateways.stripe import StripeGateway
from tests.contracts.stripe_account import DISPUTE_FEE, FAN
from tests.contracts.stripe_stand_in import WEBHOOK_SECRET, StripeStandIn
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
from tests.payments import factories

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


def told(gateway: StripeGateway, stand_in: StripeStandIn) -> list[tuple[str, str]]:
    return [(event.type, str(event.kind)) for event in heard(gateway, stand_in)]


async def test_a_payment_is_proved_by_its_session_and_by_its_intent(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)

    by_intent, by_session = heard(gateway, stand_in)

    assert (by_intent.type, by_session.type) == (
        "payment_intent.succeeded",
        "checkout.session.completed",
    )
    for event in (by_intent, by_session):
        assert (event.kind, event.payment_key) == (EventKind.PAID, payment.key)
        assert (event.amount_minor, event.currency) == (5_000, "EUR")
        assert event.charge_ref == payment.charge_ref
    assert (by_intent.provider_ref, by_session.provider_ref) == (None, payment.provider_ref)


async def test_a_held_amount_is_told_and_is_no_payment(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    payment = await held(gateway, stand_in)

    by_charge, by_intent = heard(gateway, stand_in)

    for event in (by_charge, by_intent):
        assert (event.kind, event.payment_key) == (EventKind.AUTHORISED, payment.key)
        assert (event.amount_minor, event.currency) == (5_000, "EUR")
        assert event.charge_ref == payment.charge_ref
    assert by_charge.capture_before == clock.now() + 7 * DAY
    assert by_intent.capture_before is None  # only the charge says it


async def test_a_capture_tells_what_was_taken(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await held(gateway, stand_in)
    heard(gateway, stand_in)
    await gateway.capture(payment, a_capture(3_200))

    (event,) = heard(gateway, stand_in)

    assert (event.kind, event.type) == (EventKind.PAID, "payment_intent.succeeded")
    assert (event.amount_minor, event.charge_ref) == (3_200, payment.charge_ref)


async def test_what_is_released_and_what_lapses_is_voided(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    released = await held(gateway, stand_in)
    lapsing = await held(gateway, stand_in, key="key-2")
    heard(gateway, stand_in)
    await gateway.close(released)
    clock.advance(7 * DAY)
    await gateway.ask(lapsing)

    events = heard(gateway, stand_in)

    assert [(event.kind, event.payment_key, event.reason) for event in events] == [
        (EventKind.VOIDED, "key-1", ""),
        (EventKind.VOIDED, "key-2", "expired"),
    ]


@pytest.mark.parametrize(
    ("succeeded", "told_then"),
    [
        (
            True,
            [
                ("payment_intent.succeeded", "paid"),
                ("checkout.session.async_payment_succeeded", "paid"),
            ],
        ),
        (
            False,
            [
                ("payment_intent.payment_failed", "declined"),
                ("checkout.session.async_payment_failed", "failed"),
            ],
        ),
    ],
)
async def test_a_bank_that_takes_its_time_tells_nothing_first(
    gateway: StripeGateway,
    stand_in: StripeStandIn,
    succeeded: bool,
    told_then: list[tuple[str, str]],
) -> None:
    payment = await opened(gateway)
    assert payment.provider_ref is not None
    stand_in.pay(payment.provider_ref, payment_status="unpaid")
    assert told(gateway, stand_in) == []

    stand_in.settle_bank_payment(payment.provider_ref, succeeded=succeeded)

    assert told(gateway, stand_in) == told_then


async def test_a_decline_says_why(gateway: StripeGateway, stand_in: StripeStandIn) -> None:
    payment = await opened(gateway)
    assert payment.provider_ref is not None
    stand_in.decline(payment.provider_ref)

    (event,) = heard(gateway, stand_in)

    assert (event.kind, event.reason) == (EventKind.DECLINED, "insufficient_funds")


# Refunds.


async def test_a_refund_is_told_until_its_bank_is_done(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    heard(gateway, stand_in)
    stand_in.refund_status = "pending"
    made = await gateway.refund(payment, a_refund())
    stand_in.settle_refund(made.provider_ref, "succeeded")
    stand_in.settle_refund(made.provider_ref, "failed")

    events = [e for e in heard(gateway, stand_in) if e.kind is EventKind.REFUND]

    assert [event.refund_status for event in events] == [
        RefundStatus.PENDING,
        RefundStatus.SUCCEEDED,
        RefundStatus.FAILED,
        RefundStatus.FAILED,
    ]
    assert {(e.refund_key, e.refund_ref, e.amount_minor) for e in events} == {
        ("return-1", made.provider_ref, 2_000)
    }
    assert events[-1].reason == "expired_or_canceled_card"


async def test_a_refund_made_in_the_dashboard_is_known_by_its_charge(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    heard(gateway, stand_in)
    stand_in.refund_by_hand(str(payment.charge_ref), 500)

    refund, hint = heard(gateway, stand_in)

    assert (refund.kind, refund.refund_key) == (EventKind.REFUND, None)
    assert refund.charge_ref == payment.charge_ref
    assert (hint.kind, hint.charge_ref) == (EventKind.REFUNDS_CHANGED, payment.charge_ref)


# Disputes.


async def test_a_dispute_tells_what_the_bank_took_and_what_that_costs(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    heard(gateway, stand_in)
    dispute = stand_in.dispute(str(payment.charge_ref), amount=4_000)

    (event,) = heard(gateway, stand_in)  # before the money is gone there is no dispute

    assert (event.kind, event.dispute_status) == (EventKind.DISPUTE, DisputeStatus.OPENED)
    assert (event.amount_minor, event.currency, event.fee_minor) == (4_000, "EUR", DISPUTE_FEE)
    assert (event.dispute_ref, event.charge_ref) == (dispute["id"], payment.charge_ref)
    assert event.reason == "fraudulent"


@pytest.mark.parametrize(
    ("status", "ends"), [("won", DisputeStatus.WON), ("lost", DisputeStatus.LOST)]
)
async def test_a_dispute_is_won_or_lost(
    gateway: StripeGateway, stand_in: StripeStandIn, status: str, ends: DisputeStatus
) -> None:
    payment = await paid(gateway, stand_in)
    dispute = stand_in.dispute(str(payment.charge_ref))
    heard(gateway, stand_in)
    stand_in.close_dispute(dispute, status)

    assert {event.dispute_status for event in heard(gateway, stand_in)} == {ends}


async def test_an_inquiry_that_takes_no_money_is_no_dispute_until_it_does(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    heard(gateway, stand_in)
    closed = stand_in.dispute(str(payment.charge_ref), status="warning_needs_response")
    stand_in.close_dispute(closed, "warning_closed")
    assert heard(gateway, stand_in) == []

    grown = stand_in.dispute(str(payment.charge_ref), status="warning_needs_response")
    stand_in.escalate(grown)

    events = heard(gateway, stand_in)
    assert {event.dispute_status for event in events} == {DisputeStatus.OPENED}
    assert {event.dispute_ref for event in events} == {grown["id"]}


@pytest.mark.parametrize(
    ("moved", "status", "ends"),
    [
        ([], "prevented", None),
        ([-5_000], "prevented", DisputeStatus.LOST),
        ([-5_000, 5_000], "prevented", DisputeStatus.WON),
        ([-5_000], "appeal_under_review", DisputeStatus.OPENED),
        ([-5_000], "a_status_of_tomorrow", DisputeStatus.OPENED),
        ([], "a_status_of_tomorrow", None),
    ],
)
async def test_where_the_word_is_not_clear_the_money_decides(
    gateway: StripeGateway,
    stand_in: StripeStandIn,
    moved: list[int],
    status: str,
    ends: DisputeStatus | None,
) -> None:
    payment = await paid(gateway, stand_in)
    stand_in.dispute(str(payment.charge_ref))
    event = stand_in.news("charge.dispute.funds_withdrawn")
    lines = [{"amount": amount, "fee": 0, "currency": "eur"} for amount in moved]
    event["data"]["object"] |= {"status": status, "balance_transactions": lines}

    assert gateway.verify(*stand_in.webhook(event)).dispute_status is ends


async def test_a_dispute_fee_in_another_currency_is_left_to_the_report(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    stand_in.dispute(str(payment.charge_ref))
    event = stand_in.news("charge.dispute.funds_withdrawn")
    event["data"]["object"]["balance_transactions"][0] |= {"currency": "usd", "amount": -5_400}

    read = gateway.verify(*stand_in.webhook(event))

    assert (read.amount_minor, read.currency, read.fee_minor) == (5_000, "EUR", 0)


# Whom it may not come from, and what is not kept.


async def test_while_a_secret_is_replaced_both_are_good(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    await paid(gateway, stand_in)
    event = stand_in.events[-1]
    rotating = a_gateway("http://stripe.example", webhook_secrets=["whsec_new", WEBHOOK_SECRET])
    rotated = a_gateway("http://stripe.example", webhook_secrets=["whsec_new"])

    for secrets in (["whsec_new"], [WEBHOOK_SECRET], [WEBHOOK_SECRET, "whsec_new"]):
        assert rotating.verify(*stand_in.webhook(event, *secrets)).event_id == event["id"]
    # Stripe signs with both for a day, so that either side may change first.
    assert rotated.verify(*stand_in.webhook(event, WEBHOOK_SECRET, "whsec_new")).event_id
    for gone in ([WEBHOOK_SECRET], ["whsec_older"]):
        with pytest.raises(BadSignature):
            rotated.verify(*stand_in.webhook(event, *gone))


async def test_an_event_sent_again_later_than_it_may_be_is_refused(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    await paid(gateway, stand_in)
    event = stand_in.events[-1]

    for at in (clock.now() - 5 * MINUTE - SECOND, clock.now() + 5 * MINUTE + SECOND):
        with pytest.raises(BadSignature):
            gateway.verify(*stand_in.webhook(event, at=at))


async def test_nothing_personal_is_kept_of_any_event(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    await _every_kind_of_event(gateway, stand_in)
    personal = (FAN["email"], FAN["name"], FAN["phone"], "4242", "Xt5EWLLDS7FJjR1c", "12345")
    seen: set[str] = set()

    for event in stand_in.events:
        thing = _expanded(stand_in, event["data"]["object"])
        note = {
            **(thing.get("metadata") or {}),
            "note": f"for {FAN['name']}",
        }  # of a shop beside us
        expanded = {**event, "data": {"object": thing | {"metadata": note}}}
        headers, body = stand_in.webhook(expanded)
        seen |= {word for word in personal if word.encode() in body}
        kept = str(gateway.verify(headers, body))
        assert not [word for word in personal if str(word) in kept], event["type"]

    assert seen == set(personal)  # it was all there


async def _every_kind_of_event(gateway: StripeGateway, stand_in: StripeStandIn) -> None:
    declined = await opened(gateway, key="key-2")
    stand_in.decline(str(declined.provider_ref))
    await gateway.close(declined)
    await gateway.close(await held(gateway, stand_in, key="key-3"))
    payment = await paid(gateway, stand_in)
    made = await gateway.refund(payment, a_refund())
    stand_in.settle_refund(made.provider_ref, "failed")
    stand_in.close_dispute(stand_in.dispute(str(payment.charge_ref)), "won")


def _expanded(stand_in: StripeStandIn, thing: dict[str, Any]) -> dict[str, Any]:
    """The thing with the things it names in the place of their ids."""
    names = [n for n in ("payment_intent", "latest_charge", "charge") if thing.get(n) is not None]
    return thing | {name: stand_in.things[thing[name]] for name in names}


async def test_other_events_and_other_shops_are_of_no_interest(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    await held(gateway, stand_in)
    await paid(gateway, stand_in, key="key-2")

    for event in stand_in.events:
        thing = event["data"]["object"]
        for changes in (
            {"type": "customer.created"},
            {"data": {"object": thing | {"metadata": {}}}},
            {"data": {"object": thing | {"metadata": None}}},
        ):
            read = gateway.verify(*stand_in.webhook(event | changes))
            assert read.kind is EventKind.OTHER, event["type"]


async def test_a_signed_event_with_a_part_missing_is_malformed(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    stand_in.dispute(str(payment.charge_ref))

    for event in stand_in.events:
        if gateway.verify(*stand_in.webhook(event)).kind is EventKind.OTHER:
            continue
        broken = {**event, "data": {"object": {**event["data"]["object"], "currency": None}}}
        del broken["data"]["object"]["currency"]
        with pytest.raises(MalformedEvent):
            gateway.verify(*stand_in.webhook(broken))


# Into the database, in any order.


async def test_the_story_of_a_held_payment_ends_alike_in_every_order(
    gateway: StripeGateway, stand_in: StripeStandIn, database: Database
) -> None:
    for number, order in enumerate(permutations(range(3))):
        payment = await factories.created(
            database, key=f"key-{number}", provider="stripe", capture=CaptureMode.MANUAL
        )
        made = await gateway.open(payment)
        stand_in.pay(made.provider_ref)
        charge = stand_in.sessions[made.provider_ref]["payment_intent"]
        promised = replace(payment, provider_ref=made.provider_ref, charge_ref=charge)
        await gateway.capture(promised, a_capture(5_000, key=f"take-{number}"))
        events = heard(gateway, stand_in)
        for index in order:
            await factories.record(database, events[index], "stripe")

        after = await factories.get(database, payment)
        assert [event.kind for event in events] == ["authorised", "authorised", "paid"]
        assert (after.status, after.captured_minor) == (Status.PAID, 5_000)
        assert (after.charge_ref, after.capture_before) == (charge, events[0].capture_before)

"""One body over every gateway: what the port promises, whatever the provider's wire format."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from commerce import payments
from commerce.kernel import ids
from commerce.kernel.clock import MINUTE, FakeClock
from commerce.kernel.database import Database
from commerce.payments import (
    BadSignature,
    EventKind,
    MalformedEvent,
    Payment,
    Refund,
    RefundRefused,
    RefundStatus,
    Stands,
    Status,
    jobs,
)
from tests.contracts.hands import ENDING, FRANK, HANDS, PAGED, REFUNDING, TELLING, Hand, heard
from tests.payments import factories

# Stripe's SDK hands its form to httpx in a way that httpx has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

NONSENSE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"{}",
    b'{"id":"x","type":"session.paid"}',
    b"\xff",
    b"[" * 5000,
]


@pytest.fixture(params=HANDS)
async def provider(
    request: pytest.FixtureRequest, database: Database, clock: FakeClock
) -> AsyncIterator[Hand]:
    async with HANDS[request.param].hand(database) as hand:
        yield hand


@pytest.fixture
async def payment(provider: Hand, database: Database) -> Payment:
    return await factories.created(database, provider=provider.gateway.name)


def a_refund(amount_minor: int, key: str = "return-1") -> Refund:
    return Refund(
        id=ids.new_id(),
        key=key,
        payment_id="payment-1",
        amount_minor=amount_minor,
        reason="",
        status=RefundStatus.ASKED,
        failure="",
        provider_ref=None,
        tries=0,
        version=1,
    )


def of_those(names: list[str]) -> pytest.MarkDecorator:
    """What the others cannot do, by nature, stands in hands.py."""
    return pytest.mark.parametrize("provider", names, indirect=True)


async def test_opening_twice_gives_the_same_page(provider: Hand, payment: Payment) -> None:
    first = await provider.gateway.open(payment)
    again = await provider.gateway.open(payment)

    assert again == first
    has_page = provider.gateway.name in PAGED
    assert (first.pay_url or "").startswith("https://") is has_page
    assert (first.standing is None) is has_page


@of_those(PAGED)
async def test_an_open_page_stands_open(provider: Hand, payment: Payment) -> None:
    opened = await provider.gateway.open(payment)

    standing = await provider.gateway.ask(payment)

    assert (standing.status, standing.provider_ref) == (Stands.OPEN, opened.provider_ref)
    assert standing.pay_url == opened.pay_url


@of_those(TELLING)
async def test_money_is_seen_by_asking_and_by_webhook_alike(
    provider: Hand, payment: Payment
) -> None:
    opened = await provider.gateway.open(payment)
    await provider.pay(opened)

    standing = await provider.gateway.ask(payment)
    told = [event for event in await heard(provider) if event.kind is EventKind.PAID]

    assert standing.status is Stands.PAID
    assert standing.provider_ref == opened.provider_ref
    assert {event.payment_key for event in told} == {payment.key}
    assert {event.charge_ref for event in told} == {standing.charge_ref} != {None}
    for money in (standing, *told):
        assert (money.amount_minor, money.currency) == (payment.amount_minor, payment.currency)
        assert money.provider_ref in (opened.provider_ref, None)


@of_those(FRANK)
async def test_a_decline_is_told_and_the_fan_may_still_pay(
    provider: Hand, payment: Payment
) -> None:
    opened = await provider.gateway.open(payment)
    await provider.decline(opened)
    await provider.pay(opened)

    events = {event.kind: event for event in await heard(provider)}

    assert {EventKind.DECLINED, EventKind.PAID} <= set(events)
    declined = events[EventKind.DECLINED]
    assert declined.payment_key == payment.key
    assert declined.reason


@of_those(PAGED)
async def test_closing_ends_the_page_however_often(provider: Hand, payment: Payment) -> None:
    await provider.gateway.open(payment)

    closed = [(await provider.gateway.close(payment)).status for _ in range(2)]

    assert closed == [Stands.EXPIRED, Stands.EXPIRED]
    assert (await provider.gateway.ask(payment)).status is Stands.EXPIRED
    told = [event.kind for event in await heard(provider)]
    assert told == ([EventKind.EXPIRED] if provider.gateway.name in FRANK else [])


async def test_closing_what_was_paid_says_so(provider: Hand, payment: Payment) -> None:
    await provider.pay(await provider.gateway.open(payment))

    closed = await payments.close_at_gateway({provider.gateway.name: provider.gateway}, payment)

    assert closed.standing.status is Stands.PAID
    assert closed.standing.amount_minor == payment.amount_minor


@of_those(ENDING)
async def test_a_page_past_its_end_stands_expired(
    provider: Hand, payment: Payment, clock: FakeClock
) -> None:
    opened = await provider.gateway.open(payment)
    clock.advance(50 * MINUTE)

    known = factories.a_payment(key=payment.key, provider_ref=opened.provider_ref)
    assert (await provider.gateway.ask(known)).status is Stands.EXPIRED


@of_those(REFUNDING)
async def test_a_refund_is_made_once_per_key(provider: Hand, payment: Payment) -> None:
    paid = await _paid(provider, payment)
    first = await provider.gateway.refund(paid, a_refund(2_000))
    again = await provider.gateway.refund(paid, a_refund(2_000))
    asked = await provider.gateway.ask_refund(paid, a_refund(2_000))

    assert first == again == asked
    assert first.status is RefundStatus.SUCCEEDED
    (event,) = [e for e in await heard(provider) if e.kind is EventKind.REFUND]
    assert (event.refund_key, event.refund_ref) == ("return-1", first.provider_ref)
    assert (event.amount_minor, event.currency) == (2_000, "EUR")
    assert event.charge_ref in (paid.charge_ref, None)


@of_those(REFUNDING)
async def test_no_more_than_paid_is_given_back(provider: Hand, payment: Payment) -> None:
    paid = await _paid(provider, payment)
    await provider.gateway.refund(paid, a_refund(3_000, "return-1"))

    with pytest.raises(RefundRefused):
        await provider.gateway.refund(paid, a_refund(2_001, "return-2"))

    assert await provider.gateway.ask_refund(paid, a_refund(2_001, "return-2")) is None


@of_those(TELLING)
async def test_a_forged_webhook_is_refused(provider: Hand, payment: Payment) -> None:
    await provider.pay(await provider.gateway.open(payment))
    headers, body = (await provider.webhooks())[0]

    middle = len(body) // 2
    for forged in (
        ({}, body),
        (dict.fromkeys(headers, "t=1,v1=00"), body),
        (headers, body + b" "),
        (headers, body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]),
    ):
        with pytest.raises(BadSignature):
            provider.gateway.verify(*forged)


@of_those(TELLING)
async def test_signed_nonsense_is_malformed(provider: Hand) -> None:
    for body in NONSENSE:
        with pytest.raises(MalformedEvent):
            provider.gateway.verify(provider.sign(body), body)


async def test_the_whole_story_of_a_payment(
    provider: Hand, payment: Payment, database: Database, clock: FakeClock
) -> None:
    name = provider.gateway.name
    gateways = {name: provider.gateway}
    opened = await payments.open_at_gateway(gateways, payment)
    await database.unit_of_work(
        lambda tx: payments.opened(tx, payment.id, opened.provider_ref, opened.pay_url)
    )

    await provider.decline(opened)
    await provider.pay(opened)
    for event in reversed(await heard(provider)):
        for _ in range(3):
            await factories.record(database, event, name)
    assert (await factories.get(database, payment)).status is Status.PAID

    for number, amount_minor in enumerate((1_500, 3_500)):
        await _ask_back(database, payment, f"return-{number}", amount_minor)
    clock.advance(2 * MINUTE)
    assert await jobs.settle_refunds(database, gateways) == 2
    for event in await heard(provider):
        await factories.record(database, event, name)

    after = await factories.get(database, payment)
    assert (after.status, after.refund_minor) == (Status.REFUNDED, 5_000)
    news = await factories.announced(database, payment)
    assert sorted(name for name in news if name != "payment.authorised") == [
        "payment.refunded",
        "payment.refunded",
        "payment.succeeded",
    ]


async def _paid(provider: Hand, payment: Payment) -> Payment:
    opened = await provider.gateway.open(payment)
    await provider.pay(opened)
    standing = await provider.gateway.ask(payment)
    return factories.a_payment(
        key=payment.key, provider_ref=opened.provider_ref, charge_ref=standing.charge_ref
    )


async def _ask_back(database: Database, payment: Payment, key: str, amount_minor: int) -> None:
    await database.unit_of_work(
        lambda tx: payments.request_refund(
            tx, key=key, payment_id=payment.id, amount_minor=amount_minor, reason=""
        )
    )

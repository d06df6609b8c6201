"""One body over every gateway: what the port promises, whatever the provider's wire format."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import pytest
from aiohttp.test_utils import TestServer

from commerce import payments
from commerce.kernel import ids
from commerce.kernel.clock import MINUTE, FakeClock
from commerce.kernel.database import Database
from commerce.payments import (
    BadSignature,
    EventKind,
    Gateway,
    MalformedEvent,
    Opened,
    Payment,
    ProviderEvent,
    Refund,
    RefundRefused,
    RefundStatus,
    Stands,
    Status,
    jobs,
    sandbox_desk,
)
from commerce.payments.gateways import signatures
from commerce.payments.gateways.sandbox import SandboxGateway
from commerce.payments.gateways.sandbox_delivery import SandboxDeliverer
from commerce.payments.gateways.stripe import StripeGateway
from tests.contracts.stripe_stand_in import KEY, WEBHOOK_SECRET, StripeStandIn
from tests.payments import factories

# Stripe's SDK hands its form to httpx in a way that httpx has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

Webhook = tuple[dict[str, str], bytes]
SANDBOX_SECRET = "sandbox secret"


class Provider(Protocol):
    """A gateway, and the hand of the fan at its provider."""

    gateway: Gateway
    header: str
    secret: str

    async def pay(self, opened: Opened) -> None: ...
    async def decline(self, opened: Opened) -> None: ...
    async def webhooks(self) -> list[Webhook]:
        """Those not seen yet."""


class Sandbox:
    header = "Sandbox-Signature"
    secret = SANDBOX_SECRET

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sent: list[Webhook] = []
        self._deliverer = SandboxDeliverer(database, self._post, secret=SANDBOX_SECRET)
        self.gateway = SandboxGateway(
            database,
            public_url="https://till.example",
            secrets=[SANDBOX_SECRET],
            return_url="https://till.example/pay/return",
        )

    async def pay(self, opened: Opened) -> None:
        await self._press(opened, sandbox_desk.Button.APPROVE)

    async def decline(self, opened: Opened) -> None:
        await self._press(opened, sandbox_desk.Button.DECLINE)

    async def webhooks(self) -> list[Webhook]:
        await self._deliverer.deliver_due()
        sent, self._sent = self._sent, []
        return sent

    async def _press(self, opened: Opened, button: sandbox_desk.Button) -> None:
        token = opened.pay_url.rpartition("/")[2]
        await self._database.unit_of_work(lambda tx: sandbox_desk.press(tx, token, button))

    async def _post(self, body: bytes, headers: object) -> int:
        self._sent.append((dict(headers), body))  # type: ignore[call-overload]
        return 200


class Stripe:
    header = "Stripe-Signature"
    secret = WEBHOOK_SECRET

    def __init__(self, stand_in: StripeStandIn, url: str) -> None:
        self._stand_in = stand_in
        self.gateway = StripeGateway(
            secret_key=KEY,
            webhook_secrets=[WEBHOOK_SECRET],
            return_url="https://till.example/pay/return",
            api_base=url,
            retries=0,
        )

    async def pay(self, opened: Opened) -> None:
        self._stand_in.pay(opened.provider_ref)

    async def decline(self, opened: Opened) -> None:
        self._stand_in.decline(opened.provider_ref)

    async def webhooks(self) -> list[Webhook]:
        events, self._stand_in.events = self._stand_in.events, []
        return [self._stand_in.webhook(event) for event in events]


@pytest.fixture(params=["sandbox", "stripe"])
async def provider(
    request: pytest.FixtureRequest, database: Database, clock: FakeClock
) -> AsyncIterator[Provider]:
    if request.param == "sandbox":
        yield Sandbox(database)
        return
    stand_in = StripeStandIn()
    async with TestServer(stand_in.app()) as server:
        stripe = Stripe(stand_in, str(server.make_url("")).rstrip("/"))
        yield stripe
        await stripe.gateway.aclose()


@pytest.fixture
async def payment(provider: Provider, database: Database) -> Payment:
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


async def seen(provider: Provider) -> list[ProviderEvent]:
    return [provider.gateway.verify(*webhook) for webhook in await provider.webhooks()]


async def test_opening_twice_gives_the_same_page(provider: Provider, payment: Payment) -> None:
    first = await provider.gateway.open(payment)
    again = await provider.gateway.open(payment)

    assert again == first
    assert first.pay_url.startswith("https://")


async def test_an_open_page_stands_open(provider: Provider, payment: Payment) -> None:
    opened = await provider.gateway.open(payment)

    standing = await provider.gateway.ask(payment)

    assert (standing.status, standing.provider_ref) == (Stands.OPEN, opened.provider_ref)
    assert standing.pay_url == opened.pay_url


async def test_money_is_seen_by_asking_and_by_webhook_alike(
    provider: Provider, payment: Payment
) -> None:
    opened = await provider.gateway.open(payment)
    await provider.pay(opened)

    standing = await provider.gateway.ask(payment)
    (event,) = await seen(provider)

    assert (standing.status, event.kind) == (Stands.PAID, EventKind.PAID)
    assert event.payment_key == payment.key
    for money in (standing, event):
        assert (money.amount_minor, money.currency) == (payment.amount_minor, payment.currency)
        assert money.provider_ref == opened.provider_ref
    assert event.charge_ref == standing.charge_ref is not None


async def test_a_decline_is_told_and_the_fan_may_still_pay(
    provider: Provider, payment: Payment
) -> None:
    opened = await provider.gateway.open(payment)
    await provider.decline(opened)
    await provider.pay(opened)

    declined, paid = await seen(provider)

    assert (declined.kind, paid.kind) == (EventKind.DECLINED, EventKind.PAID)
    assert declined.payment_key == payment.key
    assert declined.reason


async def test_closing_ends_the_page_however_often(provider: Provider, payment: Payment) -> None:
    await provider.gateway.open(payment)

    closed = [(await provider.gateway.close(payment)).status for _ in range(2)]

    assert closed == [Stands.EXPIRED, Stands.EXPIRED]
    assert (await provider.gateway.ask(payment)).status is Stands.EXPIRED
    assert [event.kind for event in await seen(provider)] == [EventKind.EXPIRED]


async def test_closing_what_was_paid_says_so(provider: Provider, payment: Payment) -> None:
    await provider.pay(await provider.gateway.open(payment))

    closed = await payments.close_at_gateway({provider.gateway.name: provider.gateway}, payment)

    assert closed.was_paid
    assert closed.standing.amount_minor == payment.amount_minor


async def test_a_page_past_its_end_stands_expired(
    provider: Provider, payment: Payment, clock: FakeClock
) -> None:
    opened = await provider.gateway.open(payment)
    clock.advance(50 * MINUTE)

    known = factories.a_payment(key=payment.key, provider_ref=opened.provider_ref)
    assert (await provider.gateway.ask(known)).status is Stands.EXPIRED


async def test_a_refund_is_made_once_per_key(provider: Provider, payment: Payment) -> None:
    paid = await _paid(provider, payment)
    first = await provider.gateway.refund(paid, a_refund(2_000))
    again = await provider.gateway.refund(paid, a_refund(2_000))
    asked = await provider.gateway.ask_refund(paid, a_refund(2_000))

    assert first == again == asked
    assert first.status is RefundStatus.SUCCEEDED
    (event,) = [e for e in await seen(provider) if e.kind is EventKind.REFUND]
    assert (event.refund_key, event.refund_ref) == ("return-1", first.provider_ref)
    assert (event.amount_minor, event.currency) == (2_000, "EUR")


async def test_no_more_than_paid_is_given_back(provider: Provider, payment: Payment) -> None:
    paid = await _paid(provider, payment)
    await provider.gateway.refund(paid, a_refund(3_000, "return-1"))

    with pytest.raises(RefundRefused):
        await provider.gateway.refund(paid, a_refund(2_001, "return-2"))

    assert await provider.gateway.ask_refund(paid, a_refund(2_001, "return-2")) is None


async def test_a_forged_webhook_is_refused(provider: Provider, payment: Payment) -> None:
    await provider.pay(await provider.gateway.open(payment))
    ((headers, body),) = await provider.webhooks()

    for forged in (
        ({}, body),
        ({provider.header: "t=1,v1=00"}, body),
        (headers, body + b" "),
        (headers, body.replace(b"5000", b"5001")),
    ):
        with pytest.raises(BadSignature):
            provider.gateway.verify(*forged)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"id":"x","type":"session.paid"}', b"\xff", b"[" * 5000],
)
async def test_signed_nonsense_is_malformed(
    provider: Provider, clock: FakeClock, body: bytes
) -> None:
    headers = {provider.header: signatures.sign(body, provider.secret, at=clock.now())}

    with pytest.raises(MalformedEvent):
        provider.gateway.verify(headers, body)


async def test_the_whole_story_of_a_payment(
    provider: Provider, payment: Payment, database: Database
) -> None:
    name = provider.gateway.name
    gateways = {name: provider.gateway}
    opened = await payments.open_at_gateway(gateways, payment)
    await database.unit_of_work(
        lambda tx: payments.opened(tx, payment.id, opened.provider_ref, opened.pay_url)
    )

    await provider.decline(opened)
    await provider.pay(opened)
    for event in reversed(await seen(provider)):
        for _ in range(3):
            await factories.record(database, event, name)
    assert (await factories.get(database, payment)).status is Status.PAID

    for number, amount_minor in enumerate((1_500, 3_500)):
        await _ask_back(database, payment, f"return-{number}", amount_minor)
    assert await jobs.settle_refunds(database, gateways) == 2
    for event in await seen(provider):
        await factories.record(database, event, name)

    after = await factories.get(database, payment)
    assert (after.status, after.refund_minor) == (Status.REFUNDED, 5_000)
    assert sorted(await factories.announced(database, payment)) == [
        "payment.refunded",
        "payment.refunded",
        "payment.succeeded",
    ]


async def _paid(provider: Provider, payment: Payment) -> Payment:
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

"""The hand at PayPal: a stand-in server that speaks PayPal's wire format."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp.test_utils import TestServer

from commerce.kernel.database import Database
from commerce.payments import Capture, CaptureStatus, Opened, Payment
from commerce.payments.gateways import paypal_wire
from commerce.payments.gateways.paypal import PayPalGateway
from tests.contracts.paypal_stand_in import CLIENT_ID, CLIENT_SECRET, WEBHOOK_ID, PayPalStandIn
from tests.payments import factories

# Told, and of no interest: the capture itself says more.
SILENT = {"CHECKOUT.ORDER.COMPLETED"}
OUTCOMES = {True: "RESOLVED_SELLER_FAVOUR", False: "RESOLVED_BUYER_FAVOUR"}


class PayPalHand:
    def __init__(self, stand_in: PayPalStandIn, url: str) -> None:
        self.stand_in = stand_in
        self.gateway = a_gateway(url)

    async def pay(self, opened: Opened) -> None:
        """The buyer approves; where we capture at once, as PayPal wants it, so does this hand."""
        ref = opened.provider_ref
        self.stand_in.approve(ref)
        order = self.stand_in.orders[ref]
        if order["intent"] == "AUTHORIZE":
            await self.gateway.ask(factories.a_payment(provider_ref=ref))
            return
        amount_minor, currency = paypal_wire.from_money(order["purchase_units"][0]["amount"])
        payment = factories.a_payment(
            provider_ref=ref, amount_minor=amount_minor, currency=currency
        )
        await self.gateway.capture(payment, a_capture(amount_minor))

    async def decline(self, opened: Opened) -> None:
        """PayPal's page keeps it to itself, and lets the buyer choose another card."""

    async def lapse(self, payment: Payment) -> None:
        assert payment.provider_ref is not None
        self.stand_in.lapse(payment.provider_ref)

    async def dispute(self, payment: Payment, amount_minor: int) -> None:
        assert payment.provider_ref is not None
        value = paypal_wire.to_money(amount_minor, payment.currency)["value"]
        self.stand_in.dispute(payment.provider_ref, value)

    async def end_dispute(self, payment: Payment, *, won: bool) -> None:
        assert payment.provider_ref is not None
        self.stand_in.dispute(payment.provider_ref, outcome=OUTCOMES[won])

    async def webhooks(self) -> list[tuple[dict[str, str], bytes]]:
        events, self.stand_in.events = self.stand_in.events, []
        sent = [self.stand_in.webhook(e) for e in events if e["event_type"] not in SILENT]
        for headers, _ in sent:
            await self.gateway.prepare(headers)
        return sent

    def sign(self, body: bytes) -> dict[str, str]:
        return self.stand_in.sign(body)


def a_capture(amount_minor: int = 5_000, *, key: str = "capture-1") -> Capture:
    return Capture(
        id="capture-1",
        key=key,
        payment_id="payment-1",
        amount_minor=amount_minor,
        status=CaptureStatus.ASKED,
        reason="",
        tries=0,
        version=1,
    )


def a_gateway(url: str, *, timeout_seconds: float = 5) -> PayPalGateway:
    return PayPalGateway(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        webhook_id=WEBHOOK_ID,
        return_url="https://till.example/pay/return",
        api_base=url,
        timeout_seconds=timeout_seconds,
    )


@asynccontextmanager
async def paypal(database: Database) -> AsyncIterator[PayPalHand]:
    stand_in = PayPalStandIn()
    async with TestServer(stand_in.app()) as server:
        stand_in.url = str(server.make_url("")).rstrip("/")
        hand = PayPalHand(stand_in, stand_in.url)
        await hand.gateway.prepare(hand.sign(b""))
        yield hand
        await hand.gateway.aclose()

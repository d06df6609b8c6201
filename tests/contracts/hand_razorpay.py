"""The hand at Razorpay: a stand-in server that speaks Razorpay's wire format."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp.test_utils import TestServer

from commerce.kernel.database import Database
from commerce.payments import Opened, Payment
from commerce.payments.gateways.razorpay import SIGNATURE_HEADER, RazorpayGateway
from tests.contracts.razorpay_stand_in import (
    KEY_ID,
    KEY_SECRET,
    WEBHOOK_SECRET,
    RazorpayStandIn,
    signature,
)

# Those a shop subscribes to, as the guide says; the others tell the same once more.
SUBSCRIBED = {
    *("payment.authorized", "payment.failed", "order.paid"),
    *("payment_link.paid", "payment_link.partially_paid"),
    *("payment_link.cancelled", "payment_link.expired"),
    *("refund.processed", "refund.failed"),
    *("payment.dispute.created", "payment.dispute.won", "payment.dispute.lost"),
}


class RazorpayHand:
    def __init__(self, stand_in: RazorpayStandIn, url: str) -> None:
        self.stand_in = stand_in
        self.gateway = a_gateway(url)

    async def pay(self, opened: Opened) -> None:
        self.stand_in.pay(opened.provider_ref)

    async def decline(self, opened: Opened) -> None:
        self.stand_in.decline(opened.provider_ref)

    async def lapse(self, payment: Payment) -> None:
        assert payment.charge_ref is not None
        self.stand_in.lapse(payment.charge_ref)

    async def dispute(self, payment: Payment, amount_minor: int) -> None:
        assert payment.charge_ref is not None
        self.stand_in.dispute(payment.charge_ref, "created", amount_minor)

    async def end_dispute(self, payment: Payment, *, won: bool) -> None:
        assert payment.charge_ref is not None
        self.stand_in.dispute(payment.charge_ref, "won" if won else "lost")

    async def webhooks(self) -> list[tuple[dict[str, str], bytes]]:
        events, self.stand_in.events = self.stand_in.events, []
        return [self.stand_in.webhook(e) for e in events if e["event"] in SUBSCRIBED]

    def sign(self, body: bytes) -> dict[str, str]:
        return {SIGNATURE_HEADER: signature(body, WEBHOOK_SECRET)}


def a_gateway(url: str, *, timeout_seconds: float = 5) -> RazorpayGateway:
    return RazorpayGateway(
        key_id=KEY_ID,
        key_secret=KEY_SECRET,
        webhook_secrets=["an older webhook secret", "", WEBHOOK_SECRET],
        public_url="https://till.example",
        return_url="https://till.example/pay/return",
        api_base=f"{url}/v1",
        timeout_seconds=timeout_seconds,
    )


@asynccontextmanager
async def razorpay(database: Database) -> AsyncIterator[RazorpayHand]:
    stand_in = RazorpayStandIn()
    async with TestServer(stand_in.app()) as server:
        hand = RazorpayHand(stand_in, str(server.make_url("")).rstrip("/"))
        yield hand
        await hand.gateway.aclose()

"""The hand at Stripe: a stand-in server that speaks Stripe's wire format."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp.test_utils import TestServer

from commerce.kernel import clock
from commerce.kernel.database import Database
from commerce.payments import Opened, Payment
from commerce.payments.gateways import signatures
from commerce.payments.gateways.stripe import SIGNATURE_HEADER, StripeGateway
from tests.contracts.stripe_stand_in import KEY, WEBHOOK_SECRET, StripeStandIn


class StripeHand:
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

    async def lapse(self, payment: Payment) -> None:
        assert payment.charge_ref is not None
        self._stand_in.lapse(payment.charge_ref)

    async def dispute(self, payment: Payment, amount_minor: int) -> None:
        assert payment.charge_ref is not None
        self._stand_in.dispute(payment.charge_ref, amount=amount_minor)

    async def end_dispute(self, payment: Payment, *, won: bool) -> None:
        (dispute,) = self._stand_in.all("dispute").values()
        self._stand_in.close_dispute(dispute, "won" if won else "lost")

    async def webhooks(self) -> list[tuple[dict[str, str], bytes]]:
        events, self._stand_in.events = self._stand_in.events, []
        return [self._stand_in.webhook(event) for event in events]

    def sign(self, body: bytes) -> dict[str, str]:
        return {SIGNATURE_HEADER: signatures.sign(body, WEBHOOK_SECRET, at=clock.now())}


@asynccontextmanager
async def stripe(database: Database) -> AsyncIterator[StripeHand]:
    stand_in = StripeStandIn()
    async with TestServer(stand_in.app()) as server:
        hand = StripeHand(stand_in, str(server.make_url("")).rstrip("/"))
        yield hand
        await hand.gateway.aclose()

"""The gateway before its stand-in, and what is asked of it, with defaults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp.test_utils import TestServer

from commerce.payments import (
    Capture,
    CaptureMode,
    CaptureStatus,
    Payment,
    Payout,
    PayoutReversal,
    PayoutStatus,
    ProviderEvent,
    Refund,
    RefundStatus,
    ReversalStatus,
)
from commerce.payments.gateways.stripe import StripeGateway
from tests.contracts.stripe_stand_in import KEY, WEBHOOK_SECRET, StripeStandIn
from tests.payments.factories import a_payment


def a_gateway(url: str, **options: Any) -> StripeGateway:
    given: dict[str, Any] = {"secret_key": KEY, "webhook_secrets": [WEBHOOK_SECRET], "retries": 0}
    return StripeGateway(
        return_url="https://till.example/pay/return", api_base=url, **given | options
    )


@asynccontextmanager
async def serving(stand_in: StripeStandIn, **options: Any) -> AsyncIterator[StripeGateway]:
    async with TestServer(stand_in.app()) as server:
        gateway = a_gateway(str(server.make_url("")).rstrip("/"), **options)
        yield gateway
        await gateway.aclose()


def a_capture(amount_minor: int = 5_000, **changes: Any) -> Capture:
    values: dict[str, Any] = {
        "id": "capture-1",
        "key": "take-1",
        "payment_id": "payment-1",
        "amount_minor": amount_minor,
        "status": CaptureStatus.ASKED,
        "reason": "",
        "tries": 0,
        "version": 1,
    }
    return Capture(**values | changes)


def a_refund(amount_minor: int = 2_000, **changes: Any) -> Refund:
    values: dict[str, Any] = {
        "id": "refund-1",
        "key": "return-1",
        "payment_id": "payment-1",
        "amount_minor": amount_minor,
        "reason": "",
        "status": RefundStatus.ASKED,
        "failure": "",
        "provider_ref": None,
        "tries": 0,
        "version": 1,
    }
    return Refund(**values | changes)


async def opened(gateway: StripeGateway, **changes: Any) -> Payment:
    """A payment with its page."""
    payment = a_payment(**{"provider": "stripe"} | changes)
    made = await gateway.open(payment)
    return a_payment(
        **{"provider": "stripe", "provider_ref": made.provider_ref, "pay_url": made.pay_url}
        | changes
    )


async def paid(gateway: StripeGateway, stand_in: StripeStandIn, **changes: Any) -> Payment:
    """Paid or, where capture is manual, authorised."""
    payment = await opened(gateway, **changes)
    assert payment.provider_ref is not None
    stand_in.pay(payment.provider_ref)
    charge = stand_in.sessions[payment.provider_ref]["payment_intent"]
    return a_payment(
        **{"provider": "stripe", "provider_ref": payment.provider_ref, "charge_ref": charge}
        | changes
    )


async def held(gateway: StripeGateway, stand_in: StripeStandIn, **changes: Any) -> Payment:
    return await paid(gateway, stand_in, **{"capture": CaptureMode.MANUAL} | changes)


def heard(gateway: StripeGateway, stand_in: StripeStandIn) -> list[ProviderEvent]:
    """What Stripe told so far and is of interest; it is told once."""
    events, stand_in.events = stand_in.events, []
    told = [gateway.verify(*stand_in.webhook(event)) for event in events]
    return [event for event in told if event.kind != "other"]


def a_payout(amount_minor: int = 1_500, **changes: Any) -> Payout:
    """Out of our balance; of a payment with its key as reference and its charge."""
    values: dict[str, Any] = {
        "id": "payout-1",
        "key": "share-1",
        "provider": "stripe",
        "payment_id": None,
        "account": "acct_mia",
        "amount_minor": amount_minor,
        "currency": "EUR",
        "reference": "share-1",
        "charge_ref": None,
        "status": PayoutStatus.ASKED,
        "failure": "",
        "provider_ref": None,
        "reversed_minor": 0,
        "tries": 0,
        "version": 1,
    }
    return Payout(**values | changes)


def a_share(payment: Payment, amount_minor: int = 1_500, **changes: Any) -> Payout:
    of_payment = {
        "payment_id": payment.id,
        "reference": payment.key,
        "charge_ref": payment.charge_ref,
    }
    return a_payout(amount_minor, **of_payment | changes)


def a_reversal(amount_minor: int = 500, **changes: Any) -> PayoutReversal:
    values: dict[str, Any] = {
        "id": "reversal-1",
        "key": "back-1",
        "payout_id": "payout-1",
        "amount_minor": amount_minor,
        "status": ReversalStatus.ASKED,
        "failure": "",
        "provider_ref": None,
        "tries": 0,
        "version": 1,
    }
    return PayoutReversal(**values | changes)

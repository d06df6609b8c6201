"""The calls to payment providers: never inside a transaction, each between two crash points."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from commerce.kernel import clock, crashpoints, metrics
from commerce.kernel.errors import Outage, Refusal
from commerce.payments.gateways.port import Gateway, Gateways, Payouts
from commerce.payments.lives import CaptureMode, Stands
from commerce.payments.refusals import PaymentRefused, PayoutRefused, UnknownProvider
from commerce.payments.values import (
    Capture,
    Closed,
    Opened,
    Payment,
    Payout,
    PayoutReversal,
    PayoutStanding,
    Refund,
    RefundStanding,
    Standing,
)

T = TypeVar("T")

SECONDS = metrics.histogram(
    "livetill_payment_call_seconds",
    "Calls to payment providers",
    ["provider", "call", "outcome"],
)


def gateway_of(gateways: Gateways, provider: str) -> Gateway:
    try:
        return gateways[provider]
    except KeyError:
        raise UnknownProvider(provider=provider) from None


async def open_at_gateway(gateways: Gateways, payment: Payment) -> Opened:
    """Outage: unknown outcome, call again. PaymentRefused: no link, nothing to close."""
    gateway = gateway_of(gateways, payment.provider)
    if payment.capture is CaptureMode.MANUAL and not gateway.manual_capture:
        raise PaymentRefused(provider=gateway.name, reason="no_manual_capture")
    return await _between_crash_points(gateway, "open", gateway.open(payment))


async def close_at_gateway(gateways: Gateways, payment: Payment) -> Closed:
    """After this nobody can pay under the link any more; whether somebody did is the answer."""
    gateway = gateway_of(gateways, payment.provider)
    standing = await _between_crash_points(gateway, "close", gateway.close(payment))
    return Closed(standing=standing)


async def ask_gateway(gateways: Gateways, payment: Payment) -> Standing:
    gateway = gateway_of(gateways, payment.provider)
    return await _between_crash_points(gateway, "ask", gateway.ask(payment))


async def capture_at_gateway(gateways: Gateways, payment: Payment, capture: Capture) -> Standing:
    """A capture tried before is asked for first: its outcome may only have got lost."""
    gateway = gateway_of(gateways, payment.provider)
    if capture.tries > 0:
        known = await _between_crash_points(gateway, "ask", gateway.ask(payment))
        if known.status is not Stands.AUTHORISED:
            return known
    return await _between_crash_points(gateway, "capture", gateway.capture(payment, capture))


async def refund_at_gateway(gateways: Gateways, payment: Payment, refund: Refund) -> RefundStanding:
    """A refund tried before is asked for first: its outcome may only have got lost."""
    gateway = gateway_of(gateways, payment.provider)
    if refund.tries > 0 or refund.provider_ref is not None:
        asking = gateway.ask_refund(payment, refund)
        known = await _between_crash_points(gateway, "ask_refund", asking)
        if known is not None:
            return known
    return await _between_crash_points(gateway, "refund", gateway.refund(payment, refund))


async def transfer_at_gateway(gateways: Gateways, payout: Payout) -> PayoutStanding:
    """Asked for first where it was tried before, as refunds are."""
    gateway = gateway_of(gateways, payout.provider)
    if not isinstance(gateway, Payouts):
        raise PayoutRefused(provider=gateway.name, reason="no_payouts")
    if payout.tries > 0 or payout.provider_ref is not None:
        asking = gateway.ask_transfer(payout)
        known = await _between_crash_points(gateway, "ask_transfer", asking)
        if known is not None:
            return known
    return await _between_crash_points(gateway, "transfer", gateway.transfer(payout))


async def reverse_at_gateway(
    gateways: Gateways, payout: Payout, reversal: PayoutReversal
) -> PayoutStanding:
    gateway = gateway_of(gateways, payout.provider)
    if not isinstance(gateway, Payouts):
        raise PayoutRefused(provider=gateway.name, reason="no_payouts")
    if reversal.tries > 0 or reversal.provider_ref is not None:
        asking = gateway.ask_reversal(payout, reversal)
        known = await _between_crash_points(gateway, "ask_reversal", asking)
        if known is not None:
            return known
    return await _between_crash_points(gateway, "reverse", gateway.reverse(payout, reversal))


async def _between_crash_points(gateway: Gateway, call: str, work: Awaitable[T]) -> T:
    started = clock.monotonic()
    outcome = "bug"
    crashpoints.hit(f"before {gateway.name}.{call}")
    try:
        result = await work
        outcome = "done"
    except Refusal:
        outcome = "refused"
        raise
    except Outage:
        outcome = "outage"
        raise
    finally:
        SECONDS.labels(gateway.name, call, outcome).observe(clock.monotonic() - started)
        crashpoints.hit(f"after {gateway.name}.{call}")
    return result

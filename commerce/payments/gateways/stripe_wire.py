"""Stripe's words and ours: amounts, sessions, refunds and webhook events. Pure, without its SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commerce.kernel.clock import HOUR, MINUTE, SECOND
from commerce.kernel.money import exponent
from commerce.payments.model import (
    EventKind,
    Payment,
    ProviderEvent,
    RefundStanding,
    RefundStatus,
    Standing,
    Stands,
)
from commerce.payments.refusals import MalformedEvent, PaymentRefused

NAME = "stripe"

# docs.stripe.com/currencies: ISK and UGX have no minor unit and are still sent with two digits.
ZERO_DIGITS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV"}
    | {"XAF", "XOF", "XPF"}
)
THREE_DIGITS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})  # of which the last must be zero

# Stripe wants at least 30 minutes; the rest is room to repeat a call whose outcome got lost, since
# a repeated call must be equal. Our own deadline is kept by closing the session through the API.
LIFETIME_MIN = 45 * MINUTE
LIFETIME_MAX = 23 * HOUR

PAID = frozenset({"paid", "no_payment_required"})
REFUND_STATUSES = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
SESSION_KINDS = {
    "checkout.session.completed": EventKind.PAID,
    "checkout.session.async_payment_succeeded": EventKind.PAID,
    "checkout.session.async_payment_failed": EventKind.FAILED,
    "checkout.session.expired": EventKind.EXPIRED,
}
REFUND_TYPES = frozenset(
    {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"}
)
# What is kept of an object: the facts of the payment, never the person's name or address.
KEPT = (
    *("id", "object", "created", "expires_at", "status", "payment_status", "failure_reason"),
    *("client_reference_id", "metadata", "payment_intent"),
    *("amount", "amount_total", "amount_refunded", "currency"),
)


def to_stripe(amount_minor: int, currency: str) -> int:
    """Our minor units as Stripe counts them; PaymentRefused where it cannot."""
    shift = _digits(currency) - exponent(currency)
    scaled, rest = _shifted(amount_minor, shift)
    if rest or (currency in THREE_DIGITS and scaled % 10):
        raise PaymentRefused(provider=NAME, reason="amount_not_chargeable")
    return scaled


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's amount in our minor units; what we cannot express becomes -1, equal to nothing."""
    shift = _digits(currency) - exponent(currency)
    scaled, rest = _shifted(amount, -shift)
    return -1 if rest else scaled


def expires_at_seconds(payment: Payment) -> int:
    """From facts of the payment alone: the same for every repetition of the call."""
    at = max(payment.expires_at, payment.created_at + LIFETIME_MIN)
    return min(at, payment.created_at + LIFETIME_MAX) // SECOND


def standing(session: Mapping[str, Any]) -> Standing:
    currency = str(session["currency"]).upper()
    return Standing(
        status=_stands(session),
        provider_ref=str(session["id"]),
        charge_ref=reference(session.get("payment_intent")),
        amount_minor=from_stripe(int(session["amount_total"]), currency),
        currency=currency,
        pay_url=session.get("url"),
    )


def refund_standing(refund: Mapping[str, Any]) -> RefundStanding:
    return RefundStanding(
        status=REFUND_STATUSES[refund["status"]],
        provider_ref=str(refund["id"]),
        reason=str(refund.get("failure_reason") or ""),
    )


def reference(value: object) -> str | None:
    """The id of an object that Stripe may give as an id or, when expanded, whole."""
    if isinstance(value, Mapping):
        value = value["id"]
    return None if value is None else str(value)


def event(body: Mapping[str, Any]) -> ProviderEvent:
    try:
        return _event(body)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise MalformedEvent(provider=NAME) from error


def _event(body: Mapping[str, Any]) -> ProviderEvent:
    name = str(body["type"])
    thing: Mapping[str, Any] = body["data"]["object"]
    if name in SESSION_KINDS:
        facts = _of_session(SESSION_KINDS[name], thing)
    elif name in REFUND_TYPES:
        facts = _of_refund(thing)
    elif name == "payment_intent.payment_failed":
        facts = _of_decline(thing)
    elif name == "charge.refunded":
        facts = _of_charge(thing)
    else:
        facts = {"kind": EventKind.OTHER}
    kept = {field: thing[field] for field in KEPT if field in thing}
    return ProviderEvent(event_id=str(body["id"]), type=name, payload=kept, **facts)


def _of_session(kind: EventKind, session: Mapping[str, Any]) -> dict[str, Any]:
    ours = _metadata(session).get("payment_key")
    unpaid = kind is EventKind.PAID and session["payment_status"] not in PAID
    if ours is None or unpaid:  # another shop on this account, or a bank that takes its time
        return {"kind": EventKind.OTHER}
    now = standing(session)
    return {
        "kind": kind,
        "payment_key": ours,
        "provider_ref": now.provider_ref,
        "charge_ref": now.charge_ref,
        "amount_minor": now.amount_minor,
        "currency": now.currency,
        "reason": "async_payment_failed" if kind is EventKind.FAILED else "",
    }


def _of_refund(refund: Mapping[str, Any]) -> dict[str, Any]:
    currency = str(refund["currency"]).upper()
    now = refund_standing(refund)
    return {
        "kind": EventKind.REFUND,
        "payment_key": _metadata(refund).get("payment_key"),
        "charge_ref": reference(refund["payment_intent"]),
        "amount_minor": from_stripe(int(refund["amount"]), currency),
        "currency": currency,
        "reason": now.reason,
        "refund_key": _metadata(refund).get("refund_key"),
        "refund_ref": now.provider_ref,
        "refund_status": now.status,
    }


def _of_decline(intent: Mapping[str, Any]) -> dict[str, Any]:
    ours = _metadata(intent).get("payment_key")
    if ours is None:
        return {"kind": EventKind.OTHER}
    error: Mapping[str, Any] = intent.get("last_payment_error") or {}
    return {
        "kind": EventKind.DECLINED,
        "payment_key": ours,
        "charge_ref": str(intent["id"]),
        "reason": str(error.get("decline_code") or error.get("code") or ""),
    }


def _of_charge(charge: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": EventKind.REFUNDS_CHANGED,
        "payment_key": _metadata(charge).get("payment_key"),
        "charge_ref": reference(charge["payment_intent"]),
    }


def _metadata(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    return thing.get("metadata") or {}


def _stands(session: Mapping[str, Any]) -> Stands:
    if session["status"] == "complete":
        return Stands.PAID if session["payment_status"] in PAID else Stands.PROCESSING
    return Stands.EXPIRED if session["status"] == "expired" else Stands.OPEN


def _digits(currency: str) -> int:
    if currency in ZERO_DIGITS:
        return 0
    return 3 if currency in THREE_DIGITS else 2


def _shifted(amount: int, digits: int) -> tuple[int, int]:
    """The amount with so many more digits after the point, and what cannot be expressed."""
    if digits >= 0:
        return amount * int("1" + "0" * digits), 0
    return divmod(amount, int("1" + "0" * -digits))

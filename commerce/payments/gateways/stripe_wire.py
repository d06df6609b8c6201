"""Stripe's words and ours: amounts, sessions, intents and refunds. Pure, without its SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commerce.kernel.clock import HOUR, MINUTE, SECOND
from commerce.kernel.errors import Refusal
from commerce.kernel.money import exponent
from commerce.payments.model import (
    Opened,
    Payment,
    RefundStanding,
    RefundStatus,
    Standing,
    Stands,
)
from commerce.payments.refusals import PaymentRefused

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
INTENT_STANDS = {
    "succeeded": Stands.PAID,
    "requires_capture": Stands.AUTHORISED,
    "processing": Stands.PROCESSING,
    "requires_action": Stands.PROCESSING,
    "requires_confirmation": Stands.PROCESSING,
    # The page is over: the fan cannot try another card there.
    "requires_payment_method": Stands.FAILED,
    "canceled": Stands.EXPIRED,
}
RELEASABLE = frozenset({"requires_capture", "requires_action", "requires_confirmation"})
AMOUNTS = {Stands.PAID: "amount_received", Stands.AUTHORISED: "amount_capturable"}
REFUND_STATUSES = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


def to_stripe(amount_minor: int, currency: str, refusal: type[Refusal] = PaymentRefused) -> int:
    """Our minor units as Stripe counts them; refused where it cannot."""
    shift = _digits(currency) - exponent(currency)
    scaled, rest = _shifted(amount_minor, shift)
    if rest or (currency in THREE_DIGITS and scaled % 10):
        raise refusal(provider=NAME, reason="amount_not_chargeable")
    return scaled


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's amount in our minor units; what we cannot express becomes -1, equal to nothing."""
    scaled = counted(amount, currency)
    return -1 if scaled is None else scaled


def counted(amount: int, currency: str) -> int | None:
    """The same for amounts that may be below zero; None where we cannot express it."""
    shift = _digits(currency) - exponent(currency)
    scaled, rest = _shifted(amount, -shift)
    return None if rest else scaled


def expires_at_seconds(payment: Payment) -> int:
    """From facts of the payment alone: the same for every repetition of the call."""
    at = max(payment.expires_at, payment.created_at + LIFETIME_MIN)
    return min(at, payment.created_at + LIFETIME_MAX) // SECOND


def opened(session: Mapping[str, Any]) -> Opened:
    return Opened(provider_ref=str(session["id"]), pay_url=session["url"])


def standing(session: Mapping[str, Any]) -> Standing:
    """Of a session; once it is complete, what its intent says, where that was expanded."""
    intent = session.get("payment_intent")
    if session["status"] == "complete" and isinstance(intent, Mapping):
        return intent_standing(intent, provider_ref=str(session["id"]))
    currency = str(session["currency"]).upper()
    return Standing(
        status=_stands(session),
        provider_ref=str(session["id"]),
        charge_ref=reference(intent),
        amount_minor=from_stripe(int(session["amount_total"]), currency),
        currency=currency,
        pay_url=session.get("url"),
    )


def intent_standing(intent: Mapping[str, Any], *, provider_ref: str | None) -> Standing:
    status = INTENT_STANDS[intent["status"]]
    currency = str(intent["currency"]).upper()
    return Standing(
        status=Stands.VOIDED if was_released(intent) else status,
        provider_ref=provider_ref,
        charge_ref=str(intent["id"]),
        amount_minor=from_stripe(int(intent[AMOUNTS.get(status, "amount")]), currency),
        currency=currency,
        capture_before=capture_before(intent.get("latest_charge")),
    )


def was_released(intent: Mapping[str, Any]) -> bool:
    """Cancelled after the fan had agreed; of one cancelled before, nothing was ever held."""
    held = intent.get("latest_charge") is not None and intent.get("last_payment_error") is None
    return bool(intent["status"] == "canceled" and intent["capture_method"] == "manual" and held)


def releasable(session: Mapping[str, Any]) -> str | None:
    """The intent of a complete session that no money has come of yet, and that can be cancelled."""
    intent = session["payment_intent"]
    if session["status"] != "complete" or not isinstance(intent, Mapping):
        return None
    return str(intent["id"]) if intent["status"] in RELEASABLE else None


def capture_before(charge: object) -> int | None:
    """When the promise of a charge runs out; cards say it, and some other ways to pay do not."""
    if not isinstance(charge, Mapping):
        return None
    details = charge.get("payment_method_details") or {}
    seconds = (details.get("card") or {}).get("capture_before")
    return None if seconds is None else int(seconds) * SECOND


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


def metadata(thing: Mapping[str, Any]) -> Mapping[str, Any]:
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

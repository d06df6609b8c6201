"""Razorpay's words and ours: amounts, links, orders, payments and refunds. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from commerce.kernel.clock import DAY, MINUTE, SECOND
from commerce.kernel.money import exponent
from commerce.payments.gateways import amounts
from commerce.payments.model import (
    Payment,
    RefundStanding,
    RefundStatus,
    Standing,
    Stands,
)
from commerce.payments.refusals import PaymentRefused

NAME = "razorpay"
Thing = Mapping[str, Any]

# Razorpay counts two digits wherever a currency has a smaller unit, and wants the last of three
# digits to be zero; ISO 4217, from which our own minor units come, differs for some currencies.
ZERO_DIGITS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV"}
    | {"XAF", "XOF", "XPF"}
)
THREE_DIGITS = frozenset({"BHD", "IQD", "JOD", "KWD", "OMR", "TND"})

REFERENCE_CHARS_MAX = 40  # of a reference_id and of a receipt
DESCRIPTION_CHARS_MAX = 2048
NOTE_CHARS_MAX = 256
# Razorpay wants a quarter of an hour at least; the rest is room to repeat a call whose outcome got
# lost. Our own deadline is kept by cancelling the link through the API.
LIFETIME_MIN = 45 * MINUTE
LIFETIME_MAX = 180 * DAY
# What is not captured in this time goes back to the fan by itself. There is no call for it.
CAPTURE_WITHIN = 3 * DAY

REFUND_STATUSES = {
    "pending": RefundStatus.PENDING,
    "processed": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
}


def reference(key: str) -> str:
    """Our key as Razorpay takes it: the same for the same key, and another for another."""
    if len(key) <= REFERENCE_CHARS_MAX:
        return key
    return hashlib.sha256(key.encode()).hexdigest()[:REFERENCE_CHARS_MAX]


def idempotency_key(key: str) -> str:
    """At least ten characters, letters and digits only, whatever our key is made of."""
    return hashlib.sha256(key.encode()).hexdigest()


def to_razorpay(amount_minor: int, currency: str) -> int:
    """Our minor units as Razorpay counts them; PaymentRefused where it cannot."""
    scaled = amounts.rescaled(amount_minor, exponent(currency), _digits(currency))
    if scaled is None or (currency in THREE_DIGITS and scaled % 10):
        raise PaymentRefused(provider=NAME, reason="amount_not_chargeable")
    return scaled


def from_razorpay(amount: int, currency: str) -> int:
    scaled = amounts.rescaled(amount, _digits(currency), exponent(currency))
    return amounts.NOT_OURS if scaled is None else scaled


def expire_by_seconds(payment: Payment) -> int:
    """From facts of the payment alone: the same for every repetition of the call."""
    at = max(payment.expires_at, payment.created_at + LIFETIME_MIN)
    return min(at, payment.created_at + LIFETIME_MAX) // SECOND


def link_of(payment: Payment, return_url: str) -> dict[str, Any]:
    return {
        "amount": to_razorpay(payment.amount_minor, payment.currency),
        "currency": payment.currency,
        "accept_partial": False,
        "description": payment.description[:DESCRIPTION_CHARS_MAX],
        "reference_id": reference(payment.key),
        "expire_by": expire_by_seconds(payment),
        "notify": {"sms": False, "email": False},
        "reminder_enable": False,
        "notes": _notes_of(payment),
        "callback_url": return_url,
        "callback_method": "get",
    }


def order_of(payment: Payment) -> dict[str, Any]:
    """An order keeps the fan's agreement; a link takes the money at once."""
    return {
        "amount": to_razorpay(payment.amount_minor, payment.currency),
        "currency": payment.currency,
        "receipt": reference(payment.key),
        "notes": {
            **_notes_of(payment),
            "description": payment.description[:NOTE_CHARS_MAX],
            "expire_by": str(expire_by_seconds(payment)),
        },
        "payment": {
            "capture": "manual",
            "capture_options": {
                "manual_expiry_period": CAPTURE_WITHIN // MINUTE,
                "refund_speed": "normal",
            },
        },
    }


def standing(page: Thing, payments: Sequence[Thing], pay_url: str, *, now: int) -> Standing:
    """Of a link or an order, and what was paid under it."""
    taken = next((p for p in payments if _captured(p)), None)
    if taken is not None:
        return money(Stands.PAID, page, taken)
    promised = next((p for p in payments if p["status"] == "authorized"), None)
    if promised is not None and not is_closed(page):
        return money(Stands.AUTHORISED, page, promised)
    if page["status"] == "paid":
        raise ValueError("paid by no payment")
    # Nothing releases an authorisation but time: under a closed page it will never be captured.
    if promised is not None or any(p["status"] == "refunded" for p in payments):
        return Standing(status=Stands.VOIDED, provider_ref=str(page["id"]))
    if is_closed(page) or has_ended(page, now=now):
        return Standing(status=Stands.EXPIRED, provider_ref=str(page["id"]))
    return _open(page, pay_url)


def is_closed(page: Thing) -> bool:
    """By us: a link is cancelled, an order, which cannot be, is marked."""
    return page["status"] == "cancelled" or "closed" in notes(page)


def has_ended(page: Thing, *, now: int) -> bool:
    """By time: a link says so, an order has no end of its own."""
    if page["status"] in ("created", "attempted", "partially_paid"):
        return int(notes(page).get("expire_by", now // SECOND + 1)) <= now // SECOND
    return bool(page["status"] == "expired")


def paid_under(link: Thing) -> list[Thing]:
    """The payments a link itself lists, in the form of payments."""
    return [
        {**paid, "id": paid["payment_id"], "currency": link["currency"]}
        for paid in link.get("payments") or ()
    ]


def payment_standing(payment: Thing, page_ref: str | None) -> Standing:
    """Of one payment, as after its capture."""
    page = {"id": page_ref}
    if _captured(payment):
        return money(Stands.PAID, page, payment)
    if payment["status"] == "authorized":
        return money(Stands.AUTHORISED, page, payment)
    return Standing(status=Stands.VOIDED, provider_ref=page_ref)


def refund_standing(refund: Thing) -> RefundStanding:
    return RefundStanding(
        status=REFUND_STATUSES[refund["status"]],
        provider_ref=str(refund["id"]),
        reason="razorpay_failed" if refund["status"] == "failed" else "",
    )


def notes(thing: Thing) -> dict[str, Any]:
    """Razorpay writes no notes as an empty list."""
    given = thing.get("notes")
    return dict(given) if isinstance(given, Mapping) else {}


def _open(page: Thing, pay_url: str) -> Standing:
    currency = str(page["currency"])
    return Standing(
        status=Stands.OPEN,
        provider_ref=str(page["id"]),
        amount_minor=from_razorpay(int(page["amount"]), currency),
        currency=currency,
        pay_url=pay_url,
    )


def money(stands: Stands, page: Thing, paid: Thing) -> Standing:
    currency = str(paid["currency"])
    before = int(paid["created_at"]) * SECOND + CAPTURE_WITHIN
    return Standing(
        status=stands,
        provider_ref=page["id"],
        charge_ref=str(paid["id"]),
        amount_minor=from_razorpay(int(paid["amount"]), currency),
        currency=currency,
        capture_before=before if stands is Stands.AUTHORISED else None,
    )


def _captured(paid: Thing) -> bool:
    """Also what was given back since; what went back uncaptured never was ours."""
    if paid["status"] == "refunded":
        return bool(paid.get("captured", True))
    return bool(paid["status"] == "captured")


def _notes_of(payment: Payment) -> dict[str, str]:
    return {"payment_key": payment.key, "order_id": payment.order_id}


def _digits(currency: str) -> int:
    if currency in ZERO_DIGITS:
        return 0
    return 3 if currency in THREE_DIGITS else 2

"""PayPal's words and ours: decimal amounts, orders and what hangs on them, refunds. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from commerce.kernel.clock import DAY, HOUR, SECOND
from commerce.kernel.money import exponent
from commerce.payments.gateways import amounts
from commerce.payments.model import (
    CaptureMode,
    Payment,
    Refund,
    RefundStanding,
    RefundStatus,
    Standing,
    Stands,
)
from commerce.payments.refusals import PaymentRefused

NAME = "paypal"
Thing = Mapping[str, Any]

# developer.paypal.com/reference/currency-codes: two digits, and none for three of them.
WHOLE_ONLY = frozenset({"HUF", "JPY", "TWD"})
CURRENCIES = WHOLE_ONLY | {
    *("AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "ILS", "MXN", "MYR"),
    *("NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "USD"),
}

CUSTOM_CHARS_MAX = 127
REQUEST_ID_CHARS_MAX = 108
DESCRIPTION_CHARS_MAX = 127
# An order cannot be cancelled. One that is marked is never captured, and no fan loses money by it.
CLOSED = "closed:"
REFUND = "refund:"
# What a buyer approved must be captured in three hours, what is authorised is sure for three days.
APPROVAL_LASTS = 3 * HOUR
AUTHORISATION_LASTS = 3 * DAY

UNAPPROVED = frozenset({"CREATED", "SAVED", "PAYER_ACTION_REQUIRED"})
TAKEN = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
REFUND_STATUSES = {
    "PENDING": RefundStatus.PENDING,
    "COMPLETED": RefundStatus.SUCCEEDED,
    "FAILED": RefundStatus.FAILED,
    "CANCELLED": RefundStatus.FAILED,
}
AUTHORISATIONS = {
    "CREATED": Stands.AUTHORISED,
    "PENDING": Stands.PROCESSING,
    "CAPTURED": Stands.PROCESSING,  # the capture itself says when it is complete
    "PARTIALLY_CAPTURED": Stands.PROCESSING,
    "VOIDED": Stands.VOIDED,
    "EXPIRED": Stands.VOIDED,
    "DENIED": Stands.VOIDED,
}


def request_id(key: str) -> str:
    """Our key as PayPal takes it: the same for the same key, and another for another."""
    return key if len(key) <= REQUEST_ID_CHARS_MAX else hashlib.sha256(key.encode()).hexdigest()


def to_money(amount_minor: int, currency: str) -> dict[str, str]:
    """PaymentRefused where PayPal does not have the currency, or not so small a part of it."""
    if currency not in CURRENCIES:
        raise PaymentRefused(provider=NAME, reason="currency_not_supported")
    digits = _digits(currency)
    scaled = amounts.rescaled(amount_minor, exponent(currency), digits)
    if scaled is None:
        raise PaymentRefused(provider=NAME, reason="amount_not_chargeable")
    return {"currency_code": currency, "value": amounts.to_decimal(scaled, digits)}


def from_money(money: Thing) -> tuple[int, str]:
    currency = str(money["currency_code"])
    amount = amounts.from_decimal(str(money["value"]), exponent(currency))
    return amounts.NOT_OURS if amount is None else amount, currency


def order_of(payment: Payment, return_url: str) -> dict[str, Any]:
    intent = "AUTHORIZE" if payment.capture is CaptureMode.MANUAL else "CAPTURE"
    return {
        "intent": intent,
        "purchase_units": [
            {
                "reference_id": "default",
                "custom_id": payment.key,
                "invoice_id": payment.key,
                "description": payment.description[:DESCRIPTION_CHARS_MAX],
                "amount": to_money(payment.amount_minor, payment.currency),
            }
        ],
        "payment_source": {
            "paypal": {
                "experience_context": {
                    "return_url": return_url,
                    "cancel_url": return_url,
                    "user_action": "PAY_NOW",
                    "shipping_preference": "NO_SHIPPING",
                }
            }
        },
    }


def closing(key: str) -> list[dict[str, Any]]:
    path = "/purchase_units/@reference_id=='default'/custom_id"
    return [{"op": "replace", "path": path, "value": f"{CLOSED}{key}"}]


def refund_of(payment: Payment, refund: Refund) -> dict[str, Any]:
    return {
        "amount": to_money(refund.amount_minor, payment.currency),
        "custom_id": f"{REFUND}{refund.key}",
    }


def standing(order: Thing) -> Standing:
    """Of an order with all that hangs on it: captures before authorisations before the buyer."""
    found = _of_captures(order) or _of_authorisations(order)
    if found is not None:
        return found
    ref, status = str(order["id"]), order["status"]
    if status == "VOIDED" or is_closed(order):
        stands = Stands.EXPIRED if status in UNAPPROVED else Stands.VOIDED
        return Standing(status=stands, provider_ref=ref)
    if status == "COMPLETED":
        raise ValueError("completed by nothing")
    amount_minor, currency = from_money(unit(order)["amount"])
    held = status == "APPROVED" and not awaits_authorisation(order)
    return Standing(
        status=Stands.AUTHORISED if held else Stands.OPEN,
        provider_ref=ref,
        amount_minor=amount_minor,
        currency=currency,
        pay_url=pay_url(order),
        capture_before=at(order["create_time"]) + APPROVAL_LASTS if held else None,
    )


def awaits_authorisation(order: Thing) -> bool:
    """Approved, and no money held: for that, the approval must be made an authorisation."""
    approved = order["status"] == "APPROVED" and order["intent"] == "AUTHORIZE"
    return approved and not authorisations(order) and not is_closed(order)


def unit(order: Thing) -> Thing:
    (only,) = order["purchase_units"]
    known: Thing = only
    return known


def authorisations(order: Thing) -> Sequence[Thing]:
    return (unit(order).get("payments") or {}).get("authorizations") or ()


def refunds(order: Thing) -> Sequence[Thing]:
    return (unit(order).get("payments") or {}).get("refunds") or ()


def pay_url(order: Thing) -> str | None:
    """None once it is approved."""
    links = {link["rel"]: str(link["href"]) for link in order.get("links") or ()}
    return links.get("payer-action") or links.get("approve")


def is_closed(order: Thing) -> bool:
    return str(unit(order).get("custom_id") or "").startswith(CLOSED)


def capture_standing(capture: Thing, order_ref: str | None) -> Standing:
    amount_minor, currency = from_money(capture["amount"])
    if capture["status"] in TAKEN:
        stands = Stands.PAID
    else:
        stands = Stands.PROCESSING if capture["status"] == "PENDING" else Stands.VOIDED
    return Standing(
        status=stands,
        provider_ref=order_ref,
        charge_ref=str(capture["id"]),
        amount_minor=amount_minor,
        currency=currency,
    )


def authorisation_standing(authorisation: Thing, order_ref: str | None) -> Standing:
    amount_minor, currency = from_money(authorisation["amount"])
    return Standing(
        status=AUTHORISATIONS[authorisation["status"]],
        provider_ref=order_ref,
        charge_ref=str(authorisation["id"]),
        amount_minor=amount_minor,
        currency=currency,
        capture_before=at(authorisation["create_time"]) + AUTHORISATION_LASTS,
    )


def refund_standing(refund: Thing) -> RefundStanding:
    status = REFUND_STATUSES[refund["status"]]
    details = refund.get("status_details") or {}
    reason = str(details.get("reason") or "paypal_failed") if status is RefundStatus.FAILED else ""
    return RefundStanding(status=status, provider_ref=str(refund["id"]), reason=reason.lower())


def _of_captures(order: Thing) -> Standing | None:
    captures = (unit(order).get("payments") or {}).get("captures") or ()
    found = [capture_standing(capture, str(order["id"])) for capture in captures]
    for wanted in (Stands.PAID, Stands.PROCESSING):
        for now in found:
            if now.status is wanted:
                return now
    # A decline leaves the order approved, and the next capture may go through.
    return found[0] if found and order["status"] == "COMPLETED" else None


def _of_authorisations(order: Thing) -> Standing | None:
    found = [authorisation_standing(a, str(order["id"])) for a in authorisations(order)]
    for wanted in (Stands.AUTHORISED, Stands.PROCESSING, Stands.VOIDED):
        for now in found:
            if now.status is wanted:
                return now
    return found[0] if found and order["status"] == "COMPLETED" else None


def at(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp()) * SECOND


def _digits(currency: str) -> int:
    return 0 if currency in WHOLE_ONLY else 2

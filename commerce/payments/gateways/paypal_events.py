"""What PayPal tells, as what it means to us. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from commerce.payments.gateways import paypal_wire
from commerce.payments.gateways.paypal_wire import NAME, REFUND, Thing
from commerce.payments.model import DisputeStatus, EventKind, ProviderEvent, Standing, Stands
from commerce.payments.refusals import MalformedEvent

APPROVED = "CHECKOUT.ORDER.APPROVED"
# Money comes after the buyer's approval, so that what fails then is a promise that is gone.
MONEY: dict[str, tuple[EventKind, Callable[[Thing, str | None], Standing]]] = {
    "PAYMENT.CAPTURE.COMPLETED": (EventKind.PAID, paypal_wire.capture_standing),
    "PAYMENT.CAPTURE.DENIED": (EventKind.VOIDED, paypal_wire.capture_standing),
    "PAYMENT.CAPTURE.DECLINED": (EventKind.VOIDED, paypal_wire.capture_standing),
    "PAYMENT.AUTHORIZATION.CREATED": (EventKind.AUTHORISED, paypal_wire.authorisation_standing),
    "PAYMENT.AUTHORIZATION.VOIDED": (EventKind.VOIDED, paypal_wire.authorisation_standing),
}
REFUNDS = frozenset({"PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.PENDING", "PAYMENT.REFUND.FAILED"})
DISPUTES = frozenset(
    {"CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.UPDATED", "CUSTOMER.DISPUTE.RESOLVED"}
)
OUTCOMES = {
    "RESOLVED_BUYER_FAVOUR": DisputeStatus.LOST,
    "RESOLVED_WITH_PAYOUT": DisputeStatus.WON,  # PayPal paid the buyer, not we
    "RESOLVED_SELLER_FAVOUR": DisputeStatus.WON,
    "CANCELED_BY_BUYER": DisputeStatus.WON,
    "DENIED": DisputeStatus.WON,
    "ACCEPTED": DisputeStatus.LOST,
}
# What is kept of an object: the facts of the payment, never the person's name or address.
KEPT = (
    *("id", "intent", "status", "status_details", "amount", "custom_id", "invoice_id"),
    *("final_capture", "create_time", "update_time", "expiration_time", "supplementary_data"),
    *("dispute_id", "dispute_amount", "dispute_outcome", "reason"),
)


def event(body: Thing) -> ProviderEvent:
    try:
        return _event(body)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise MalformedEvent(provider=NAME) from error


def _event(body: Thing) -> ProviderEvent:
    name, event_id = str(body["event_type"]), str(body["id"])
    thing: Thing = body["resource"]
    kept = {field: thing[field] for field in KEPT if field in thing}
    return ProviderEvent(event_id=event_id, type=name, payload=kept, **_facts(name, thing))


def _facts(name: str, thing: Thing) -> dict[str, Any]:
    if name in MONEY:
        kind, read = MONEY[name]
        return _of_money(kind, read(thing, _order_ref(thing)), thing)
    if name == APPROVED:
        return _of_order(thing)
    if name == "CHECKOUT.PAYMENT-APPROVAL.REVERSED":
        return _of_reversal(thing)
    if name in REFUNDS:
        return _of_refund(thing)
    if name in DISPUTES:
        return _of_dispute(thing)
    return {"kind": EventKind.OTHER}


def _of_order(order: Thing) -> dict[str, Any]:
    unit = paypal_wire.unit(order)
    if not paypal_wire.awaits_authorisation(order):
        return _of_money(EventKind.AUTHORISED, paypal_wire.standing(order), unit)
    return {
        "kind": EventKind.OTHER,  # until the gateway has completed it
        "payment_key": _key(unit),
        "provider_ref": str(order["id"]),
    }


def _of_reversal(approval: Thing) -> dict[str, Any]:
    key = _key(paypal_wire.unit(approval))
    if key is None:
        return {"kind": EventKind.OTHER}
    ref = str(approval["order_id"])
    return {"kind": EventKind.VOIDED, "payment_key": key, "provider_ref": ref}


def _of_money(kind: EventKind, now: Standing, thing: Thing) -> dict[str, Any]:
    key = _key(thing)
    held = kind is not EventKind.AUTHORISED or now.status is Stands.AUTHORISED
    if key is None or not held:  # another shop on this account, or PayPal still thinks
        return {"kind": EventKind.OTHER}
    details = thing.get("status_details") or {}
    return {
        "kind": kind,
        "payment_key": key,
        "provider_ref": now.provider_ref,
        "charge_ref": now.charge_ref,
        "amount_minor": now.amount_minor,
        "currency": now.currency,
        "reason": str(details.get("reason") or "").lower(),
        "capture_before": now.capture_before if kind is EventKind.AUTHORISED else None,
    }


def _of_refund(refund: Thing) -> dict[str, Any]:
    now = paypal_wire.refund_standing(refund)
    amount_minor, currency = paypal_wire.from_money(refund["amount"])
    ours = str(refund.get("custom_id") or "")
    return {
        "kind": EventKind.REFUND,
        "charge_ref": _capture_ref(refund),
        "amount_minor": amount_minor,
        "currency": currency,
        "reason": now.reason,
        # A refund made by hand may bear the custom_id of its payment.
        "refund_key": ours.removeprefix(REFUND) if ours.startswith(REFUND) else None,
        "refund_ref": now.provider_ref,
        "refund_status": now.status,
    }


def _of_dispute(dispute: Thing) -> dict[str, Any]:
    disputed: Thing = dispute["disputed_transactions"][0]
    amount_minor, currency = paypal_wire.from_money(dispute["dispute_amount"])
    return {
        "kind": EventKind.DISPUTE,
        "payment_key": str(disputed["custom"]) if disputed.get("custom") else None,
        "charge_ref": str(disputed["seller_transaction_id"]),
        "amount_minor": amount_minor,
        "currency": currency,
        "reason": str(dispute.get("reason") or "").lower(),
        "dispute_ref": str(dispute["dispute_id"]),
        "dispute_status": _dispute_status(dispute),
    }


def _dispute_status(dispute: Thing) -> DisputeStatus:
    if dispute["status"] != "RESOLVED":
        return DisputeStatus.OPENED
    outcome = (dispute.get("dispute_outcome") or {}).get("outcome_code")
    return OUTCOMES.get(str(outcome), DisputeStatus.OPENED)  # a person must look


def _key(thing: Thing) -> str | None:
    custom = thing.get("custom_id")
    return None if custom is None else str(custom).removeprefix(paypal_wire.CLOSED)


def _order_ref(thing: Thing) -> str | None:
    related = (thing.get("supplementary_data") or {}).get("related_ids") or {}
    order_id = related.get("order_id")
    return None if order_id is None else str(order_id)


def _capture_ref(refund: Thing) -> str:
    """The refund says of which capture it is only by a link."""
    links = {link["rel"]: link["href"] for link in refund["links"]}
    return str(links["up"]).rstrip("/").rpartition("/")[2]

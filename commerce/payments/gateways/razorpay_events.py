"""What Razorpay tells, as what it means to us. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commerce.payments.gateways import razorpay_wire
from commerce.payments.gateways.razorpay_wire import NAME, Thing, notes
from commerce.payments.model import DisputeStatus, EventKind, ProviderEvent, Stands
from commerce.payments.refusals import MalformedEvent

LINK_ENDS = frozenset({"payment_link.expired", "payment_link.cancelled"})
# A payment's own notes come from the fan's browser: who pays one order could write another's key
# into them. So money counts where Razorpay names our link or our order beside it, and what is told
# of a payment alone counts once Razorpay was asked whose it is. (`payment.captured` is told again,
# by one of the former.) A part of the sum is money too, so that it is seen to be the wrong sum.
MONEY = {
    "order.paid": "order",
    "payment_link.paid": "payment_link",
    "payment_link.partially_paid": "payment_link",
}
UNPROVEN = {
    "payment.authorized": EventKind.AUTHORISED,
    "payment.failed": EventKind.DECLINED,
}
REFUND_EVENTS = frozenset(
    {"refund.created", "refund.processed", "refund.failed", "refund.speed_changed"}
)
# Razorpay takes the money only when a dispute is lost; until then it is a question, not a debit.
DISPUTES = {
    "payment.dispute.created": DisputeStatus.OPENED,
    "payment.dispute.won": DisputeStatus.WON,
    "payment.dispute.closed": DisputeStatus.WON,  # the question was answered; nothing was taken
    "payment.dispute.lost": DisputeStatus.LOST,
}
KNOWN = {*MONEY, *UNPROVEN, *DISPUTES} | LINK_ENDS | REFUND_EVENTS
# What is kept of an object: the facts of the payment, never the person's address or account.
KEPT = (
    *("id", "entity", "status", "amount", "currency", "amount_paid", "amount_refunded", "captured"),
    *("order_id", "payment_id", "reference_id", "receipt", "method", "created_at"),
    *("error_code", "error_reason", "fee", "tax", "reason_code", "amount_deducted", "phase"),
)


def event(body: Thing) -> ProviderEvent:
    try:
        return _event(body)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise MalformedEvent(provider=NAME) from error


def _event(body: Thing) -> ProviderEvent:
    name, at = str(body["event"]), int(body["created_at"])
    if name not in KNOWN:
        return ProviderEvent(event_id=f"{name}:{at}", kind=EventKind.OTHER, type=name)
    things = {kind: holder["entity"] for kind, holder in body["payload"].items()}
    main = things["dispute" if name in DISPUTES else name.partition(".")[0]]
    return ProviderEvent(
        # Razorpay's own event id is in a header that is not signed. This one is made of what is:
        # nobody who saw an event can have it counted again under another id.
        event_id=f"{name}:{main['id']}:{at}",
        type=name,
        payload={kind: _kept(thing) for kind, thing in things.items()},
        **_facts(name, things),
    )


def _facts(name: str, things: Mapping[str, Thing]) -> dict[str, Any]:
    if name in MONEY:
        return _of_money(MONEY[name], things)
    if name in UNPROVEN:
        return _of_payment(things["payment"])
    if name in LINK_ENDS:
        return _of_end(things["payment_link"])
    if name in REFUND_EVENTS:
        return _of_refund(things["refund"])
    return _of_dispute(DISPUTES[name], things["dispute"])


def _of_money(holder: str, things: Mapping[str, Thing]) -> dict[str, Any]:
    page, paid = things[holder], things["payment"]
    key = notes(page).get("payment_key")
    if key is None:  # another shop on this account
        return {"kind": EventKind.OTHER}
    # The order of a link is none that we know by its name.
    ref = str(page["id"]) if holder == "payment_link" else None
    now = razorpay_wire.money(Stands.PAID, {"id": ref}, paid)
    return {
        "kind": EventKind.PAID,
        "payment_key": str(key),
        "provider_ref": now.provider_ref,
        "charge_ref": now.charge_ref,
        "amount_minor": now.amount_minor,
        "currency": now.currency,
    }


def _of_payment(paid: Thing) -> dict[str, Any]:
    """Of no kind until the gateway has completed it; the key is only said to be it."""
    now = razorpay_wire.money(Stands.AUTHORISED, {"id": None}, paid)
    said = notes(paid).get("payment_key")
    return {
        "kind": EventKind.OTHER,
        "payment_key": None if said is None else str(said),
        "charge_ref": now.charge_ref,
        "amount_minor": now.amount_minor,
        "currency": now.currency,
        "capture_before": now.capture_before,
        "reason": str(paid.get("error_reason") or paid.get("error_code") or ""),
    }


def _of_end(link: Thing) -> dict[str, Any]:
    key = notes(link).get("payment_key")
    if key is None:
        return {"kind": EventKind.OTHER}
    return {
        "kind": EventKind.EXPIRED,
        "payment_key": str(key),
        "provider_ref": str(link["id"]),
    }


def _of_refund(refund: Thing) -> dict[str, Any]:
    now = razorpay_wire.refund_standing(refund)
    currency = str(refund["currency"])
    return {
        "kind": EventKind.REFUND,
        "payment_key": notes(refund).get("payment_key"),
        "charge_ref": str(refund["payment_id"]),
        "amount_minor": razorpay_wire.from_razorpay(int(refund["amount"]), currency),
        "currency": currency,
        "reason": now.reason,
        "refund_key": notes(refund).get("refund_key"),
        "refund_ref": now.provider_ref,
        "refund_status": now.status,
    }


def _of_dispute(status: DisputeStatus, dispute: Thing) -> dict[str, Any]:
    currency = str(dispute["currency"])
    return {
        "kind": EventKind.DISPUTE,
        "charge_ref": str(dispute["payment_id"]),
        "amount_minor": razorpay_wire.from_razorpay(int(dispute["amount"]), currency),
        "currency": currency,
        "reason": str(dispute.get("reason_code") or ""),
        "dispute_ref": str(dispute["id"]),
        "dispute_status": status,
    }


def _kept(thing: Thing) -> dict[str, Any]:
    return {field: thing[field] for field in KEPT if field in thing}

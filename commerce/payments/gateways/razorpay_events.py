"""What Razorpay tells, as what it means to us. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commerce.payments.gateways import razorpay_wire
from commerce.payments.gateways.razorpay_wire import NAME, Thing, notes
from commerce.payments.model import DisputeStatus, EventKind, ProviderEvent, Stands
from commerce.payments.refusals import MalformedEvent

LINK_ENDS = frozenset({"payment_link.expired", "payment_link.cancelled"})
# A part of the sum is told as what it is, money, so that it is seen to be the wrong sum.
MONEY = frozenset(
    {"payment.captured", "order.paid", "payment_link.paid", "payment_link.partially_paid"}
)
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
KNOWN = {"payment.authorized", "payment.failed"} | MONEY | LINK_ENDS | REFUND_EVENTS | {*DISPUTES}
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
        return _of_money(EventKind.PAID, things)
    if name == "payment.authorized":
        return _of_money(EventKind.AUTHORISED, things)
    if name == "payment.failed":
        return _of_decline(things["payment"])
    if name in LINK_ENDS:
        return _of_end(things["payment_link"])
    if name in REFUND_EVENTS:
        return _of_refund(things)
    return _of_dispute(DISPUTES[name], things)


def _of_money(kind: EventKind, things: Mapping[str, Thing]) -> dict[str, Any]:
    paid = things["payment"]
    key = _key(things)
    if key is None:  # another shop on this account
        return {"kind": EventKind.OTHER}
    page = things.get("payment_link") or {"id": None}
    now = razorpay_wire.money(
        Stands.PAID if kind is EventKind.PAID else Stands.AUTHORISED, page, paid
    )
    return {
        "kind": kind,
        "payment_key": key,
        "provider_ref": now.provider_ref,
        "charge_ref": now.charge_ref,
        "amount_minor": now.amount_minor,
        "currency": now.currency,
        "capture_before": now.capture_before,
    }


def _of_decline(paid: Thing) -> dict[str, Any]:
    key = notes(paid).get("payment_key")
    if key is None:
        return {"kind": EventKind.OTHER}
    return {
        "kind": EventKind.DECLINED,
        "payment_key": str(key),
        "charge_ref": str(paid["id"]),
        "reason": str(paid.get("error_reason") or paid.get("error_code") or "declined"),
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


def _of_refund(things: Mapping[str, Thing]) -> dict[str, Any]:
    refund = things["refund"]
    now = razorpay_wire.refund_standing(refund)
    currency = str(refund["currency"])
    return {
        "kind": EventKind.REFUND,
        "payment_key": _key(things),
        "charge_ref": str(refund["payment_id"]),
        "amount_minor": razorpay_wire.from_razorpay(int(refund["amount"]), currency),
        "currency": currency,
        "reason": now.reason,
        "refund_key": notes(refund).get("refund_key"),
        "refund_ref": now.provider_ref,
        "refund_status": now.status,
    }


def _of_dispute(status: DisputeStatus, things: Mapping[str, Thing]) -> dict[str, Any]:
    dispute = things["dispute"]
    currency = str(dispute["currency"])
    return {
        "kind": EventKind.DISPUTE,
        "payment_key": _key(things),
        "charge_ref": str(dispute["payment_id"]),
        "amount_minor": razorpay_wire.from_razorpay(int(dispute["amount"]), currency),
        "currency": currency,
        "reason": str(dispute.get("reason_code") or ""),
        "dispute_ref": str(dispute["id"]),
        "dispute_status": status,
    }


def _key(things: Mapping[str, Thing]) -> str | None:
    keys = [notes(thing).get("payment_key") for thing in things.values()]
    return next((str(key) for key in keys if key is not None), None)


def _kept(thing: Thing) -> dict[str, Any]:
    return {field: thing[field] for field in KEPT if field in thing}

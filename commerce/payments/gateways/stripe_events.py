"""Stripe's webhooks in our words. Pure; of each object the facts of the payment, no person's data.

A payment is told of more than once, by its session, its intent and its charge: each is proof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from commerce.payments.gateways.stripe_wire import (
    NAME,
    PAID,
    capture_before,
    counted,
    from_stripe,
    intent_standing,
    metadata,
    reference,
    refund_standing,
    standing,
    was_released,
)
from commerce.payments.model import DisputeStatus, EventKind, ProviderEvent, Standing, Stands
from commerce.payments.refusals import MalformedEvent

Thing = Mapping[str, Any]
Facts = dict[str, Any]

# What is kept of an object: the facts of the payment, never the person's name or address.
KEPT = (
    *("id", "object", "created", "expires_at", "status", "payment_status", "client_reference_id"),
    *("amount", "amount_total", "amount_received", "amount_capturable", "amount_captured"),
    *("amount_refunded", "currency", "capture_method", "captured", "canceled_at", "reason"),
    *("cancellation_reason", "failure_reason"),
)
REFERENCES = ("payment_intent", "latest_charge", "charge")  # ids, even where they come expanded
OUR_METADATA = ("payment_key", "order_id", "refund_key")
NOTHING: Facts = {"kind": EventKind.OTHER}
CLOSED = {"won": DisputeStatus.WON, "lost": DisputeStatus.LOST}


def event(body: Thing) -> ProviderEvent:
    try:
        return _event(body)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise MalformedEvent(provider=NAME) from error


def _event(body: Thing) -> ProviderEvent:
    name = str(body["type"])
    thing: Thing = body["data"]["object"]
    of = OF_TYPE.get(name)
    facts = NOTHING if of is None else of(thing)
    return ProviderEvent(event_id=str(body["id"]), type=name, payload=_kept(thing), **facts)


def _kept(thing: Thing) -> Facts:
    ours = {key: value for key, value in metadata(thing).items() if key in OUR_METADATA}
    return (
        {field: thing[field] for field in KEPT if field in thing}
        | {field: reference(thing[field]) for field in REFERENCES if field in thing}
        | {"metadata": ours}
    )


def _paid_session(session: Thing) -> Facts:
    """Complete is not paid: a bank may take its time, and a held amount is told by its intent."""
    return _of_session(EventKind.PAID, session) if session["payment_status"] in PAID else NOTHING


def _failed_session(session: Thing) -> Facts:
    return _of_session(EventKind.FAILED, session, reason="async_payment_failed")


def _expired_session(session: Thing) -> Facts:
    return _of_session(EventKind.EXPIRED, session)


def _of_session(kind: EventKind, session: Thing, *, reason: str = "") -> Facts:
    return _of_payment(kind, session, standing(session), reason=reason)


def _held_intent(intent: Thing) -> Facts:
    held = intent["status"] == "requires_capture"
    return _of_intent(EventKind.AUTHORISED, intent) if held else NOTHING


def _paid_intent(intent: Thing) -> Facts:
    return _of_intent(EventKind.PAID, intent)


def _declined_intent(intent: Thing) -> Facts:
    error: Thing = intent.get("last_payment_error") or {}
    reason = str(error.get("decline_code") or error.get("code") or "")
    return _of_intent(EventKind.DECLINED, intent, reason=reason)


def _cancelled_intent(intent: Thing) -> Facts:
    kind = EventKind.VOIDED if was_released(intent) else EventKind.EXPIRED
    return _of_intent(kind, intent, reason=str(intent.get("cancellation_reason") or ""))


def _of_intent(kind: EventKind, intent: Thing, *, reason: str = "") -> Facts:
    return _of_payment(kind, intent, intent_standing(intent, provider_ref=None), reason=reason)


def _held_charge(charge: Thing) -> Facts:
    """The one event that says until when the money can be captured."""
    if charge["captured"]:
        return NOTHING
    currency = str(charge["currency"]).upper()
    held = Standing(
        status=Stands.AUTHORISED,
        charge_ref=reference(charge["payment_intent"]),
        amount_minor=from_stripe(int(charge["amount"]), currency),
        currency=currency,
        capture_before=capture_before(charge),
    )
    return _of_payment(EventKind.AUTHORISED, charge, held)


def _of_payment(kind: EventKind, thing: Thing, now: Standing, *, reason: str = "") -> Facts:
    ours = metadata(thing).get("payment_key")
    if ours is None:  # another shop on this account
        return NOTHING
    return {
        "kind": kind,
        "payment_key": str(ours),
        "provider_ref": now.provider_ref,
        "charge_ref": now.charge_ref,
        "amount_minor": now.amount_minor,
        "currency": now.currency,
        "capture_before": now.capture_before,
        "reason": reason,
    }


def _refund(refund: Thing) -> Facts:
    currency = str(refund["currency"]).upper()
    now = refund_standing(refund)
    return {
        "kind": EventKind.REFUND,
        "payment_key": metadata(refund).get("payment_key"),
        "charge_ref": reference(refund["payment_intent"]),
        "amount_minor": from_stripe(int(refund["amount"]), currency),
        "currency": currency,
        "reason": now.reason,
        "refund_key": metadata(refund).get("refund_key"),
        "refund_ref": now.provider_ref,
        "refund_status": now.status,
    }


def _refunded_charge(charge: Thing) -> Facts:
    """Of a charge that was only held, it tells the release, which the intent tells better."""
    if not charge["captured"]:
        return NOTHING
    return {
        "kind": EventKind.REFUNDS_CHANGED,
        "payment_key": metadata(charge).get("payment_key"),
        "charge_ref": reference(charge["payment_intent"]),
    }


def _dispute(dispute: Thing) -> Facts:
    """By the money, not by the word: an inquiry that took none is no dispute to our books."""
    status = _dispute_status(dispute)
    if status is None:
        return NOTHING
    currency = str(dispute["currency"]).upper()
    return {
        "kind": EventKind.DISPUTE,
        "charge_ref": reference(dispute["payment_intent"]),
        "amount_minor": from_stripe(int(dispute["amount"]), currency),
        "currency": currency,
        "reason": str(dispute["reason"]),
        "dispute_ref": str(dispute["id"]),
        "dispute_status": status,
        "fee_minor": _dispute_fee(dispute, currency),
    }


def _dispute_status(dispute: Thing) -> DisputeStatus | None:
    moved = [int(line["amount"]) for line in dispute["balance_transactions"]]
    if not any(amount < 0 for amount in moved):
        return None
    if dispute["status"] in CLOSED:
        return CLOSED[dispute["status"]]
    # Prevented or closed as a warning, after money had been taken: what is back decides.
    if dispute["status"] in ("prevented", "warning_closed"):
        return DisputeStatus.LOST if sum(moved) < 0 else DisputeStatus.WON
    return DisputeStatus.OPENED


def _dispute_fee(dispute: Thing, currency: str) -> int:
    """Of an account that settles in another currency, the report of the provider tells the fee."""
    lines = [t for t in dispute["balance_transactions"] if t["currency"].upper() == currency]
    fee = counted(sum(int(line["fee"]) for line in lines), currency)
    return max(fee or 0, 0)


OF_TYPE: Mapping[str, Callable[[Thing], Facts]] = {
    "checkout.session.completed": _paid_session,
    "checkout.session.async_payment_succeeded": _paid_session,
    "checkout.session.async_payment_failed": _failed_session,
    "checkout.session.expired": _expired_session,
    "payment_intent.amount_capturable_updated": _held_intent,
    "payment_intent.succeeded": _paid_intent,
    "payment_intent.payment_failed": _declined_intent,
    "payment_intent.canceled": _cancelled_intent,
    "charge.succeeded": _held_charge,
    "charge.refunded": _refunded_charge,
    "charge.refund.updated": _refund,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
}

"""Where people tell what became of cash on delivery: collected, not collected, given back."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import bindparam, select

from commerce.kernel import jsons
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal
from commerce.payments import model, refund_store, service, store
from commerce.payments.gateways.cash import NAME, charge_ref
from commerce.payments.lives import EventKind, RefundStatus
from commerce.payments.refusals import PaymentDiffers, UnknownProvider
from commerce.payments.tables import EVENTS
from commerce.payments.values import Payment, ProviderEvent

__all__ = ["NoSuchRefund", "collected", "not_collected", "refund_confirmed", "refund_impossible"]

PREFIX = "desk:"
TOLD_BEFORE = select(EVENTS.c.payload).where(
    EVENTS.c.provider == NAME, EVENTS.c.event_id == bindparam("of_event")
)


class NoSuchRefund(Refusal):
    code = "no_such_refund"


async def collected(tx: Tx, payment_id: str, amount_minor: int, by: str, key: str) -> Payment:
    """So much cash is with us. Another sum than was asked for is kept, for a person to look at.

    Idempotent on the key; also once the order was given up, because money is money.
    """
    payment = await _in_cash(tx, payment_id)
    model.check_amount(amount_minor, payment.currency)
    return await _tell(
        tx,
        payment,
        ProviderEvent(
            event_id=f"{PREFIX}{key}",
            kind=EventKind.PAID,
            type="collected",
            amount_minor=amount_minor,
            payload={"by": by},
        ),
    )


async def not_collected(tx: Tx, payment_id: str, reason: str, by: str, key: str) -> Payment:
    """The parcel came back, or nobody opened: the fan owes nothing. Idempotent on the key."""
    return await _tell(
        tx,
        await _in_cash(tx, payment_id),
        ProviderEvent(
            event_id=f"{PREFIX}{key}",
            kind=EventKind.VOIDED,
            type="not_collected",
            reason=reason,
            payload={"by": by},
        ),
    )


async def refund_confirmed(tx: Tx, refund_id: str, by: str, key: str) -> Payment:
    """The fan has the cash back. Idempotent on the key."""
    return await _tell_of_refund(tx, refund_id, RefundStatus.SUCCEEDED, "", by, key)


async def refund_impossible(tx: Tx, refund_id: str, reason: str, by: str, key: str) -> Payment:
    """The cash could not be given back, and is with us. Idempotent on the key."""
    return await _tell_of_refund(tx, refund_id, RefundStatus.FAILED, reason, by, key)


async def _tell_of_refund(
    tx: Tx, refund_id: str, status: RefundStatus, reason: str, by: str, key: str
) -> Payment:
    refund = await refund_store.get(tx, refund_id)
    if refund is None:
        raise NoSuchRefund(refund_id=refund_id)
    return await _tell(
        tx,
        await _in_cash(tx, refund.payment_id),
        ProviderEvent(
            event_id=f"{PREFIX}{key}",
            kind=EventKind.REFUND,
            type=f"refund_{status}",
            amount_minor=refund.amount_minor,
            reason=reason,
            refund_key=refund.key,
            refund_ref=refund.id,
            refund_status=status,
            payload={"by": by},
        ),
    )


async def _in_cash(tx: Tx, payment_id: str) -> Payment:
    payment = await store.lock(tx, payment_id)
    if payment.provider != NAME:
        raise UnknownProvider(provider=payment.provider)
    return payment


async def _tell(tx: Tx, payment: Payment, told: ProviderEvent) -> Payment:
    event = replace(
        told,
        payment_key=payment.key,
        provider_ref=payment.id,
        charge_ref=charge_ref(payment),
        currency=payment.currency,
    )
    if not await service.record_event(tx, NAME, event):
        await _check_same(tx, event)
    return await store.get(tx, payment.id)


async def _check_same(tx: Tx, event: ProviderEvent) -> None:
    """A key that was used before was used for the very same news."""
    before = jsons.loads(await tx.scalar(TOLD_BEFORE, of_event=event.event_id))
    for field in ("payment_key", "kind", "amount_minor", "refund_key", "refund_status"):
        if before[field] != getattr(event, field):
            raise PaymentDiffers(key=event.event_id.removeprefix(PREFIX), field=field)

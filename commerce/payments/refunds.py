"""Refunds: set aside under the payment's lock, given back by a job, told by the provider."""

from __future__ import annotations

from dataclasses import replace

from commerce.kernel import ids
from commerce.kernel.clock import MINUTE
from commerce.kernel.database import Tx
from commerce.kernel.events import Event
from commerce.payments import dispute_store, events, model, refund_store, store
from commerce.payments.lives import Outcome, RefundStatus, Stands, Status
from commerce.payments.refusals import RefundDiffers, RefundTooLarge
from commerce.payments.values import Decision, Payment, ProviderEvent, Refund, RefundStanding

# A refund whose outcome nobody recorded after this time is asked about.
ASKING_TAKES_AT_MOST = 2 * MINUTE
REFUNDS_LISTED = 200


async def request_refund(
    tx: Tx, *, key: str, payment_id: str, amount_minor: int, reason: str
) -> Refund:
    """Promise a refund, before the provider is asked. Idempotent on the key."""
    payment = await store.lock(tx, payment_id)
    known = await refund_store.by_key(tx, key)
    if known is not None:
        return _same_as_before(known, payment_id, amount_minor)
    # What a bank took back already is not given back once more.
    gone_minor = await dispute_store.gone_minor(tx, payment_id)
    refund = _asked(key, payment_id, amount_minor, reason)
    await store.save(tx, model.reserve_refund(payment, amount_minor, gone_minor=gone_minor))
    now = await tx.now()
    await refund_store.add(tx, refund, now=now, ask_at=now + ASKING_TAKES_AT_MOST)
    return refund


async def try_refund(tx: Tx, refund_id: str) -> Refund:
    """Note that the provider is asked now. The answer is the refund as it was before: one that
    was tried already is asked for before it is repeated."""
    refund = await refund_store.get(tx, refund_id)
    assert refund is not None, refund_id
    await refund_store.ask_again(tx, refund_id, await tx.now() + ASKING_TAKES_AT_MOST)
    return refund


async def record_refund(tx: Tx, refund: Refund, standing: RefundStanding) -> Refund:
    """Take over the provider's own answer about a refund."""
    payment = await store.lock(tx, refund.payment_id)
    current = await refund_store.get(tx, refund.id)
    assert current is not None, refund.id
    after, _ = await _change(tx, payment, current, standing)
    return after


async def refund_was_refused(tx: Tx, refund: Refund, reason: str) -> Refund:
    """The provider gave nothing back, for good: the amount is free again."""
    standing = RefundStanding(status=RefundStatus.FAILED, provider_ref="", reason=reason)
    return await record_refund(tx, refund, standing)


async def failed_refunds(tx: Tx, *, at_most: int = REFUNDS_LISTED) -> list[Refund]:
    """Money that was promised back and is still with us: for a person. The newest first."""
    return await refund_store.failed(tx, at_most=at_most)


async def apply(tx: Tx, payment: Payment, event: ProviderEvent) -> Decision:
    """Take over a webhook about a refund, also of one made by hand at the provider."""
    assert event.refund_status is not None, event.event_id
    if payment.status not in model.WITH_MONEY:
        return Decision(payment=payment, outcome=Outcome.WAITING)
    if not model.concerns(payment, event):
        return await _wrong(tx, payment, event)
    refunds = await refund_store.of_payment(tx, payment.id)
    refund = _refund_of(refunds, event)
    if refund is None and any(_may_be(one, event) for one in refunds):
        return Decision(payment=payment, outcome=Outcome.WAITING)
    if refund is None and await _is_of_another(tx, event):
        return await _wrong(tx, payment, event)
    if refund is None and event.refund_status is RefundStatus.FAILED:
        return await _adopt_failed(tx, payment, event)
    if refund is None:
        try:
            payment, refund = await _adopt(tx, payment, event)
        except RefundTooLarge:
            # One of ours is in its way and will fail at the provider; then there is room.
            return Decision(payment=payment, outcome=Outcome.WAITING)
    standing = RefundStanding(
        status=event.refund_status, provider_ref=event.refund_ref or "", reason=event.reason
    )
    after, payment = await _change(tx, payment, refund, standing)
    outcome = Outcome.UNCHANGED if after == refund else Outcome.APPLIED
    return Decision(payment=payment, outcome=outcome)


async def _wrong(tx: Tx, payment: Payment, event: ProviderEvent) -> Decision:
    wrong = model.mismatch(payment, model.proof(event, Stands.PAID), reason="wrong_refund")
    await tx.emit(*wrong.events)
    return wrong


def _asked(key: str, payment_id: str, amount_minor: int, reason: str) -> Refund:
    return Refund(
        id=ids.new_id(),
        key=key,
        payment_id=payment_id,
        amount_minor=amount_minor,
        reason=reason,
        status=model.REFUND_LIFE.start,
        failure="",
        provider_ref=None,
        tries=0,
        version=1,
    )


def _same_as_before(known: Refund, payment_id: str, amount_minor: int) -> Refund:
    if known.payment_id != payment_id:
        raise RefundDiffers(key=known.key, field="payment_id")
    if known.amount_minor != amount_minor:
        raise RefundDiffers(key=known.key, field="amount_minor")
    return known


def _refund_of(refunds: tuple[Refund, ...], event: ProviderEvent) -> Refund | None:
    for refund in refunds:
        if refund.key == event.refund_key:
            return refund
        if refund.provider_ref is not None and refund.provider_ref == event.refund_ref:
            return refund
    return None


def _may_be(refund: Refund, event: ProviderEvent) -> bool:
    """One of ours whose name there we do not know yet; its answer will tell."""
    unnamed = refund.status is RefundStatus.ASKED and refund.provider_ref is None
    return unnamed and event.refund_key is None and refund.amount_minor == event.amount_minor


async def _is_of_another(tx: Tx, event: ProviderEvent) -> bool:
    """It names a refund of ours, and a payment that is not the refund's."""
    key = event.refund_key
    return key is not None and await refund_store.by_key(tx, key) is not None


def _made_outside(payment: Payment, event: ProviderEvent) -> Refund:
    key = event.refund_key or f"outside:{payment.provider}:{event.refund_ref}"
    return _asked(key, payment.id, event.amount_minor, "made at the provider")


async def _adopt_failed(tx: Tx, payment: Payment, event: ProviderEvent) -> Decision:
    """It never took anything out of the payment, so it needs no room there."""
    refund = replace(
        _made_outside(payment, event),
        status=RefundStatus.FAILED,
        failure=event.reason,
        provider_ref=event.refund_ref,
    )
    now = await tx.now()
    await refund_store.add(tx, refund, now=now, ask_at=now)
    await tx.emit(_failed(payment, refund, event.reason))
    return Decision(payment=payment)


async def _adopt(tx: Tx, payment: Payment, event: ProviderEvent) -> tuple[Payment, Refund]:
    refund = _made_outside(payment, event)
    reserved = model.reserve_refund(payment, event.amount_minor)
    await store.save(tx, reserved)
    now = await tx.now()
    await refund_store.add(tx, refund, now=now, ask_at=now)
    return reserved, refund


async def _change(
    tx: Tx, payment: Payment, refund: Refund, standing: RefundStanding
) -> tuple[Refund, Payment]:
    after = model.refund_after(refund, standing)
    if after == refund:
        return refund, payment
    await refund_store.save(tx, after)
    settled = model.settle_refunds(payment, await refund_store.of_payment(tx, payment.id))
    await store.save(tx, settled)
    await tx.emit(*_news(settled, after, standing.reason))
    return after, settled


def _news(payment: Payment, refund: Refund, reason: str) -> tuple[Event, ...]:
    if refund.status is RefundStatus.SUCCEEDED:
        return (_refunded(payment, refund),)
    if refund.status is RefundStatus.FAILED:
        return (_failed(payment, refund, reason),)
    return ()


def _refunded(payment: Payment, refund: Refund) -> Event:
    return events.PaymentRefunded(
        payment_id=payment.id,
        order_id=payment.order_id,
        reference=payment.reference,
        refund_id=refund.id,
        refund_key=refund.key,
        amount_minor=refund.amount_minor,
        currency=payment.currency,
        whole=payment.status is Status.REFUNDED,
    )


def _failed(payment: Payment, refund: Refund, reason: str) -> Event:
    return events.RefundFailed(
        payment_id=payment.id,
        order_id=payment.order_id,
        reference=payment.reference,
        refund_id=refund.id,
        refund_key=refund.key,
        amount_minor=refund.amount_minor,
        currency=payment.currency,
        reason=reason,
    )

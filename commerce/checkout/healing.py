"""Finishing what news that got lost left unfinished; each may be called at any time, on anything.

Nothing here decides anew: it does what hearing the news would have done.
"""

from __future__ import annotations

from commerce import orders, payments
from commerce.checkout import flow, handlers, settling
from commerce.checkout.model import CheckoutData, Ending
from commerce.kernel import clock, ids, logs, saga
from commerce.kernel.database import Tx
from commerce.kernel.events import Envelope
from commerce.kernel.tables import SagaStatus
from commerce.payments import Payment, Refund, RefundStatus

log = logs.get(__name__)
ENDED = (SagaStatus.COMPLETED, SagaStatus.REVERTED)
DECIDED = (orders.Status.PAID, orders.Status.REFUNDED)
NEVER_PAID = (payments.Status.EXPIRED, payments.Status.FAILED, payments.Status.VOIDED)


async def finish(tx: Tx, payment_id: str) -> bool:
    """Money is here, and its order neither got it nor gives it back: tell its checkout, or settle.

    False where there was nothing to do, or only a person can.
    """
    payment = await payments.get(tx, payment_id)
    checkout = await saga.find_locked(tx, payment.reference)
    payment = await payments.get(tx, payment_id)
    if not payment.captured_minor or payment.refund_minor or checkout is None:
        return False
    if (await orders.order(tx, payment.order_id)).status in DECIDED or checkout.kind != flow.KIND:
        return False
    if checkout.status in ENDED:
        await settling.settle(tx, checkout.id, CheckoutData.of(checkout.data))
    elif checkout.status is SagaStatus.PARKED or Ending.PAID in await saga.signals(tx, checkout.id):
        return False
    else:
        await saga.signal(tx, checkout.id, Ending.PAID, {})
    log.warning("payment_finished", payment_id=payment_id, order_id=payment.order_id)
    return True


async def abandon(tx: Tx, order_id: str) -> bool:
    """Nobody can pay it any more, and no checkout looks after it: cancelled, its pieces freed."""
    order = await orders.order(tx, order_id)
    checkout = await saga.find_locked(tx, order.reference)
    order = await orders.order(tx, order_id)
    paying = await payments.of_order(tx, order_id)
    lives = checkout is not None and checkout.status not in ENDED
    if order.status is not orders.Status.PENDING or lives:
        return False
    if any(payment.captured_minor or payment.status not in NEVER_PAID for payment in paying):
        return False
    if checkout is None:
        await orders.cancel(tx, order_id, "checkout_gone")
    else:
        await settling.let_go(tx, CheckoutData.of(checkout.data), "checkout_gone")
    log.warning("order_abandoned", order_id=order_id)
    return True


async def conclude_refund(tx: Tx, refund_id: str, payment_id: str) -> None:
    """A refund is over at the provider: books, order and saga hear it once more."""
    payment = await payments.get(tx, payment_id)
    found = [one for one in await payments.refunds_of(tx, payment_id) if one.id == refund_id]
    for refund in found:
        if refund.status is RefundStatus.SUCCEEDED:
            await handlers.refunded(tx, _news(payment, refund, "payment.refunded"))
        if refund.status is RefundStatus.FAILED:
            await handlers.refund_failed(tx, _news(payment, refund, "payment.refund_failed"))
        log.warning("refund_concluded", refund_id=refund_id, order_id=payment.order_id)


def _news(payment: Payment, refund: Refund, name: str) -> Envelope:
    return Envelope(
        id=ids.new_id(),
        name=name,
        version=1,
        aggregate_id=payment.id,
        payload={
            "payment_id": payment.id,
            "order_id": payment.order_id,
            "reference": payment.reference,
            "refund_id": refund.id,
            "refund_key": refund.key,
            "amount_minor": refund.amount_minor,
            "currency": payment.currency,
            "whole": payment.status is payments.Status.REFUNDED,
            "reason": refund.failure,
        },
        correlation_id=logs.correlation.get(),
        occurred_at=clock.now(),
    )

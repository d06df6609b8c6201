"""What becomes of pieces and money together: sold, promised, given back, let go."""

from __future__ import annotations

from commerce import inventory, ledger, orders, payments
from commerce.checkout import favours, postings, refunding
from commerce.checkout.model import CheckoutData
from commerce.kernel.database import Tx


async def settle(tx: Tx, checkout_id: str, data: CheckoutData) -> None:
    """The money is here: sell the pieces, or give it back where they are gone. Repeatable."""
    payment = await payments.get(tx, data.payment_id)
    order = await orders.order(tx, data.order_id)
    if order.status in (orders.Status.PAID, orders.Status.REFUNDED):
        return
    if order.status is orders.Status.CONFIRMED:
        await _collected(tx, payment, order, data.hold_id)
        return
    await ledger.post(tx, postings.received(payment))
    if payment.refund_minor:  # it is on its way back already, and buys nothing any more
        if order.status is orders.Status.PENDING:
            await let_go(tx, data, "refunded")
        return
    try:
        await inventory.reclaim(tx, data.hold_id, reference=data.order_id)
    except (inventory.OutOfStock, inventory.HoldGone):
        await _give_back(tx, payment, order, data.hold_id)
        return
    await orders.confirm_paid(tx, data.order_id)
    await ledger.post(tx, postings.sold(order))
    await favours.use_up(tx, order, data.hold_id)


async def promise(tx: Tx, data: CheckoutData) -> None:
    """Nothing to pay before the parcel is there: the pieces are sold, and the money is owed."""
    payment = await payments.get(tx, data.payment_id)
    order = await orders.order(tx, data.order_id)
    await inventory.claim(tx, data.hold_id, reference=data.order_id)
    await orders.confirm(tx, data.order_id)
    await ledger.post(tx, postings.promised(payment, order))


async def refused_at_the_door(tx: Tx, data: CheckoutData) -> None:
    """The parcel comes back unpaid: its pieces can be sold again, and nobody owes for them."""
    payment = await payments.get(tx, data.payment_id)
    order = await orders.order(tx, data.order_id)
    if order.status is not orders.Status.CONFIRMED:
        return
    await inventory.give_back(
        tx, data.hold_id, reference=data.order_id, reason="refused at the door"
    )
    await orders.cancel(tx, data.order_id, "refused_at_the_door")
    await ledger.post(tx, postings.promise_broken(payment, order))
    await favours.give_back(tx, order, data.hold_id)


async def let_go(tx: Tx, data: CheckoutData, reason: str) -> None:
    await inventory.release(tx, data.hold_id)
    order = await orders.cancel(tx, data.order_id, reason)
    await favours.give_back(tx, order, data.hold_id)


async def _collected(tx: Tx, payment: payments.Payment, order: orders.Order, hold_id: str) -> None:
    await ledger.post(tx, postings.collected(payment))
    await orders.confirm_paid(tx, order.id)
    await favours.use_up(tx, order, hold_id)


async def _give_back(tx: Tx, payment: payments.Payment, order: orders.Order, hold_id: str) -> None:
    await orders.cancel(tx, order.id, "sold_out")
    await favours.give_back(tx, order, hold_id)
    await refunding.begin(
        tx,
        key=f"{payment.key}:late",
        payment=payment,
        order=order,
        amount_minor=payment.captured_minor,
        reason="sold_out",
    )

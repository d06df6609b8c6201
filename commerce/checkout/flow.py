"""The checkout saga: open the pay link, wait, close the link, settle; or release everything.

Each payment has one end. Money in time claims the hold; money that comes late revives the order if
the pieces are still free and is given back at once if they are not.
"""

from __future__ import annotations

from dataclasses import asdict

from commerce import inventory, ledger, orders, payments
from commerce.checkout import model, postings
from commerce.checkout.events import CheckoutReady
from commerce.checkout.model import CheckoutClosed, CheckoutData, Ending
from commerce.kernel.database import Database, Tx
from commerce.kernel.events import Envelope
from commerce.kernel.saga import Definition, Output, Saga, Signals, Step, Wait

KIND = "checkout"


def definition(database: Database, gateways: payments.Gateways) -> Definition:
    async def payment_of(saga: Saga) -> payments.Payment:
        payment_id = CheckoutData.of(saga.data).payment_id
        return await database.read(lambda tx: payments.get(tx, payment_id))

    async def open_link(saga: Saga, key: str) -> Output:
        opened = await payments.open_at_gateway(gateways, await payment_of(saga))
        return {"provider_ref": opened.provider_ref, "pay_url": opened.pay_url}

    async def close_link(saga: Saga, key: str) -> Output:
        closed = await payments.close_at_gateway(gateways, await payment_of(saga))
        return {"standing": asdict(closed.standing)}

    return (
        Step(name="link", call=open_link, record=_link_open, undo=_release),
        Step(name="payment", wait=Wait(decide=_decide, deadline=_deadline)),
        Step(name="close", call=close_link, record=_link_closed, applies=_unpaid),
        Step(name="settle", do=_settle),
    )


async def _link_open(tx: Tx, saga: Saga, output: Output) -> None:
    data = CheckoutData.of(saga.data)
    await payments.opened(tx, data.payment_id, output["provider_ref"], output["pay_url"])
    await tx.emit(
        CheckoutReady(
            checkout_id=saga.id,
            order_id=data.order_id,
            order_code=data.order_code,
            conversation_id=data.conversation_id,
            url=output["pay_url"],
            expires_at=data.expires_at,
        )
    )


def _decide(saga: Saga, signals: Signals) -> Output | None:
    ending = model.ending(signals)
    return None if ending is None else {"ending": ending}


def _deadline(saga: Saga) -> int:
    return CheckoutData.of(saga.data).expires_at


def _unpaid(saga: Saga) -> bool:
    return saga.data.get("ending") != Ending.PAID


async def _link_closed(tx: Tx, saga: Saga, output: Output) -> Output:
    """The provider's last word: it may have been paid while we were closing."""
    told = output["standing"]
    standing = payments.Standing(**{**told, "status": payments.Stands(told["status"])})
    payment = await payments.record_standing(tx, CheckoutData.of(saga.data).payment_id, standing)
    if payment.paid_at is not None:
        return {"ending": Ending.PAID}
    return {"ending": saga.data.get("ending", Ending.EXPIRED)}


async def _settle(tx: Tx, saga: Saga) -> None:
    if saga.data["ending"] != Ending.PAID:
        raise CheckoutClosed(reason=saga.data["ending"])
    await settle(tx, saga.id, CheckoutData.of(saga.data))


async def _release(tx: Tx, saga: Saga) -> None:
    """The way back. Money that arrived on the way turns it into a late payment."""
    data = CheckoutData.of(saga.data)
    payment = await payments.get(tx, data.payment_id)
    if payment.paid_at is not None:
        await settle(tx, saga.id, data)
        return
    if payment.pay_url is None:
        await payments.failed(tx, data.payment_id, str(saga.failure))
    await inventory.release(tx, data.hold_id)
    await orders.cancel(tx, data.order_id, str(saga.data.get("ending", "no_link")))


async def settle(tx: Tx, checkout_id: str, data: CheckoutData) -> None:
    """The money is here: sell the pieces, or give it back where they are gone."""
    payment = await payments.get(tx, data.payment_id)
    order = await orders.order(tx, data.order_id)
    await ledger.post(tx, postings.received(payment))
    if payment.refund_minor:  # it is on its way back already, and buys nothing any more
        await _let_go(tx, order, data)
        return
    try:
        await inventory.reclaim(tx, data.hold_id, reference=data.order_id)
    except inventory.OutOfStock:
        await _give_back(tx, payment, order)
        return
    await orders.confirm_paid(tx, data.order_id)
    await ledger.post(tx, postings.sold(order))


async def _let_go(tx: Tx, order: orders.Order, data: CheckoutData) -> None:
    if order.status is orders.Status.PENDING:
        await inventory.release(tx, data.hold_id)
        await orders.cancel(tx, order.id, "refunded")


async def _give_back(tx: Tx, payment: payments.Payment, order: orders.Order) -> None:
    await orders.cancel(tx, order.id, "sold_out")
    await payments.request_refund(
        tx,
        key=f"{payment.key}:late",
        payment_id=payment.id,
        amount_minor=payment.captured_minor,
        reason="sold_out",
    )


async def refunded(tx: Tx, event: Envelope) -> None:
    """Money went back: to the ledger, and to the order once all of it is back."""
    fact = event.payload
    order = await orders.order(tx, fact["order_id"])
    payment = await payments.get(tx, fact["payment_id"])
    await ledger.post(tx, postings.refunded(payment, order, fact))
    if fact["whole"] and order.status is orders.Status.PAID:
        await orders.mark_refunded(tx, order.id)

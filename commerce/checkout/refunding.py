"""The refund saga: money set aside, given back by the provider, and pieces put on the shelf again.

The books show a refund as pending from the moment it is asked for until the provider has done it.
"""

from __future__ import annotations

from dataclasses import asdict

from commerce import inventory, ledger, orders, payments
from commerce.checkout import postings
from commerce.checkout.model import REFUND_WAIT, CheckoutData, RefundData
from commerce.kernel import ids, saga
from commerce.kernel.database import Database, Tx
from commerce.kernel.saga import Definition, NeedsPerson, Output, Saga, Signals, Step, Wait

KIND = "refund"
SUCCEEDED, FAILED = "succeeded", "failed"


async def request_refund(
    tx: Tx, *, key: str, order_id: str, amount_minor: int, reason: str, restock: bool = False
) -> payments.Refund:
    """Give money of an order back, whole or in part. Idempotent on the key.

    Raises not_paid, refund_too_large, bad_amount, no_such_order; refund_differs for a used key.
    """
    order = await orders.order(tx, order_id)
    paid = [p for p in await payments.of_order(tx, order_id) if p.captured_minor]
    if not paid:
        raise payments.NotPaid(order_id=order_id, status=str(order.status))
    return await begin(
        tx,
        key=key,
        payment=paid[0],
        order=order,
        amount_minor=amount_minor,
        reason=reason,
        restock=await _hold_of(tx, order) if restock else "",
    )


async def _hold_of(tx: Tx, order: orders.Order) -> str:
    found = await saga.find_locked(tx, order.reference)
    assert found is not None, order.reference
    return CheckoutData.of(found.data).hold_id


async def begin(
    tx: Tx,
    *,
    key: str,
    payment: payments.Payment,
    order: orders.Order,
    amount_minor: int,
    reason: str,
    restock: str = "",
) -> payments.Refund:
    """`restock` is the hold whose pieces go back on the shelf."""
    refund = await payments.request_refund(
        tx, key=key, payment_id=payment.id, amount_minor=amount_minor, reason=reason
    )
    if await saga.begun_by(tx, KIND, key) is not None:
        return refund
    payment = await payments.get(tx, payment.id)  # with this refund among those it knows of
    await ledger.pend(tx, postings.refunded(payment, order, refund.id, amount_minor))
    data = RefundData(
        order_id=order.id,
        payment_id=payment.id,
        refund_id=refund.id,
        hold_id=restock,
        give_up_at=await tx.now() + REFUND_WAIT,
    )
    await saga.start(tx, KIND, key, data.to_json(), saga_id=ids.new_id())
    return refund


def definition(database: Database, gateways: payments.Gateways) -> Definition:
    async def give_back(current: Saga, key: str) -> Output:
        data = RefundData.of(current.data)
        payment = await database.read(lambda tx: payments.get(tx, data.payment_id))
        refund = await database.unit_of_work(lambda tx: payments.try_refund(tx, data.refund_id))
        try:
            standing = await payments.refund_at_gateway(gateways, payment, refund)
        except payments.RefundRefused as refusal:
            return {"refused": str(refusal.facts.get("reason", ""))}
        return {"standing": asdict(standing)}

    return (
        Step(name="give_back", call=give_back, record=_told),
        Step(name="outcome", wait=Wait(decide=_decide, deadline=_deadline)),
        Step(name="settle", do=_settle),
    )


async def _told(tx: Tx, current: Saga, output: Output) -> None:
    data = RefundData.of(current.data)
    found = await payments.refunds_of(tx, data.payment_id)
    refund = next(one for one in found if one.id == data.refund_id)
    if "refused" in output:
        await payments.refund_was_refused(tx, refund, output["refused"])
        return
    told = output["standing"]
    standing = payments.RefundStanding(**{**told, "status": payments.RefundStatus(told["status"])})
    await payments.record_refund(tx, refund, standing)


def _decide(current: Saga, signals: Signals) -> Output | None:
    """A bank may return what it took: the failure that follows a success is the last word."""
    for outcome in (FAILED, SUCCEEDED):
        if outcome in signals:
            return {"outcome": outcome, **signals[outcome]}
    return None


def _deadline(current: Saga) -> int:
    return RefundData.of(current.data).give_up_at


async def _settle(tx: Tx, current: Saga) -> None:
    data = RefundData.of(current.data)
    if current.data.get("outcome") != SUCCEEDED:
        raise NeedsPerson("refund_failed", why=current.data.get("why", "no answer"))
    if data.hold_id:
        await inventory.give_back(tx, data.hold_id, reference=data.order_id, reason="refunded")


async def heard(tx: Tx, refund_key: str, outcome: str, why: str = "") -> None:
    """Tell the saga of this refund, if it has one: some are made by hand at the provider."""
    found = await saga.begun_by(tx, KIND, refund_key)
    if found is not None:
        await saga.signal(tx, found.id, outcome, {"why": why} if why else {})

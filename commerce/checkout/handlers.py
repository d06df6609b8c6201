"""What the checkout does when payments say how it went."""

from __future__ import annotations

from commerce import ledger, orders, payments
from commerce.checkout import favours, flow, postings, refunding, settling
from commerce.checkout.model import CheckoutData, Ending
from commerce.kernel import saga
from commerce.kernel.database import Tx
from commerce.kernel.events import Envelope, Handlers
from commerce.kernel.saga import Saga
from commerce.kernel.tables import SagaStatus


async def paid(tx: Tx, event: Envelope) -> None:
    """In time: tell the saga. After it ended: sell, revive the order, or give the money back."""
    found = await _checkout(tx, event)
    if found is None:
        return
    if found.status in (SagaStatus.REVERTED, SagaStatus.COMPLETED):
        await settling.settle(tx, found.id, CheckoutData.of(found.data))
    else:  # a saga that is unwinding looks at the payment itself before it cancels
        await saga.signal(tx, found.id, Ending.PAID, {})


async def authorised(tx: Tx, event: Envelope) -> None:
    """After the saga ended nobody takes the money any more: the provider is told to let it go."""
    found = await _checkout(tx, event)
    if found is not None:
        await saga.signal(tx, found.id, Ending.AUTHORISED, {})


async def voided(tx: Tx, event: Envelope) -> None:
    found = await _checkout(tx, event)
    if found is not None and found.status is SagaStatus.COMPLETED:
        await settling.refused_at_the_door(tx, CheckoutData.of(found.data))
    elif found is not None:
        await saga.signal(tx, found.id, Ending.FAILED, {})


async def failed(tx: Tx, event: Envelope) -> None:
    await _end(tx, event, Ending.FAILED)


async def expired(tx: Tx, event: Envelope) -> None:
    await _end(tx, event, Ending.EXPIRED)


async def refunded(tx: Tx, event: Envelope) -> None:
    """Money went back: to the ledger, and to the order once all of it is back."""
    fact = event.payload
    posting_id = postings.refund_posting(fact["refund_id"])
    order = await orders.order(tx, fact["order_id"])
    if await ledger.status(tx, posting_id) is None:  # made by hand at the provider
        payment = await payments.get(tx, fact["payment_id"])
        refund_id, amount_minor = fact["refund_id"], fact["amount_minor"]
        await ledger.post(tx, postings.refunded(payment, order, refund_id, amount_minor))
    else:
        await ledger.settle(tx, posting_id)
    if fact["whole"] and order.status is orders.Status.PAID:
        await orders.mark_refunded(tx, order.id)
        await favours.forget(tx, order.id)
    await refunding.heard(tx, fact["refund_key"], refunding.SUCCEEDED)


async def refund_failed(tx: Tx, event: Envelope) -> None:
    """It never went, or the bank returned it: the books say so, and a person decides."""
    fact = event.payload
    posting_id = postings.refund_posting(fact["refund_id"])
    match await ledger.status(tx, posting_id):
        case ledger.Status.PENDING:
            await ledger.void(tx, posting_id)
        case ledger.Status.POSTED:
            await ledger.correct(tx, posting_id, reason="refund returned")
    await refunding.heard(tx, fact["refund_key"], refunding.FAILED, fact["reason"])


async def dispute_opened(tx: Tx, event: Envelope) -> None:
    await ledger.post(tx, postings.dispute_opened(await _provider(tx, event), event.payload))


async def dispute_won(tx: Tx, event: Envelope) -> None:
    await ledger.post(tx, postings.dispute_won(await _provider(tx, event), event.payload))


async def dispute_lost(tx: Tx, event: Envelope) -> None:
    """Perhaps in a second round, after it was won in the first."""
    won = postings.dispute_won(await _provider(tx, event), event.payload)
    if await ledger.status(tx, won.id) is not None:
        await ledger.correct(tx, won.id, reason="dispute lost after all")
    await ledger.post(tx, postings.dispute_lost(await _provider(tx, event), event.payload))


async def payout_sent(tx: Tx, event: Envelope) -> None:
    payout = await payments.get_payout(tx, event.payload["payout_id"])
    await ledger.post(tx, postings.sent_on(payout.provider, event.payload))


async def payout_reversed(tx: Tx, event: Envelope) -> None:
    payout = await payments.get_payout(tx, event.payload["payout_id"])
    await ledger.post(tx, postings.sent_back(payout.provider, event.payload))


async def _provider(tx: Tx, event: Envelope) -> str:
    return (await payments.get(tx, event.payload["payment_id"])).provider


async def _checkout(tx: Tx, event: Envelope) -> Saga | None:
    found = await saga.find_locked(tx, event.payload["reference"])
    return found if found is not None and found.kind == flow.KIND else None


async def _end(tx: Tx, event: Envelope, ending: Ending) -> None:
    found = await _checkout(tx, event)
    if found is not None:
        await saga.signal(tx, found.id, ending, {})


HANDLERS: Handlers = {
    "payment.succeeded": [paid],
    "payment.authorised": [authorised],
    "payment.voided": [voided],
    "payment.failed": [failed],
    "payment.expired": [expired],
    "payment.refunded": [refunded],
    "payment.refund_failed": [refund_failed],
    "payment.dispute_opened": [dispute_opened],
    "payment.dispute_won": [dispute_won],
    "payment.dispute_lost": [dispute_lost],
    "payout.sent": [payout_sent],
    "payout.reversed": [payout_reversed],
}

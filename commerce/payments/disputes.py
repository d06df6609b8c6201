"""Disputes: a bank takes a fan's money back, and the provider tells how it goes on."""

from __future__ import annotations

from commerce.kernel import ids
from commerce.kernel.database import Tx
from commerce.payments import dispute_model, dispute_store, model
from commerce.payments.lives import WITH_MONEY, Outcome, Stands
from commerce.payments.values import Decision, Dispute, Payment, ProviderEvent

DISPUTES_LISTED = 200


async def apply(tx: Tx, payment: Payment, event: ProviderEvent) -> Decision:
    """Take over a webhook about a dispute; one of money not known yet waits for it."""
    assert event.dispute_ref is not None, event.event_id
    if payment.status not in WITH_MONEY:
        return Decision(payment=payment, outcome=Outcome.WAITING)
    known = await dispute_store.by_ref(tx, payment.provider, event.dispute_ref)
    another = known is not None and known.payment_id != payment.id
    if another or not model.concerns(payment, event):
        wrong = model.mismatch(payment, model.proof(event, Stands.PAID), reason="wrong_dispute")
        await tx.emit(*wrong.events)
        return wrong
    now = await tx.now()
    told = known or dispute_model.opened(payment, event, dispute_id=ids.new_id(), now=now)
    after = dispute_model.after(told, event, now=now)
    if after == known:
        return Decision(payment=payment, outcome=Outcome.UNCHANGED)
    if known is None:
        await dispute_store.add(tx, after)
    else:
        await dispute_store.save(tx, after)
    await tx.emit(*dispute_model.news(payment, known, after))
    return Decision(payment=payment)


async def disputes_of(tx: Tx, payment_id: str) -> tuple[Dispute, ...]:
    return await dispute_store.of_payment(tx, payment_id)


async def disputes(tx: Tx, *, at_most: int = DISPUTES_LISTED) -> list[Dispute]:
    """The newest first."""
    return await dispute_store.newest(tx, at_most=at_most)

"""Every decision about disputes; no I/O, no clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from commerce.kernel.events import Event
from commerce.payments import events
from commerce.payments.lives import DISPUTE_LIFE, DisputeAct, DisputeStatus
from commerce.payments.values import Dispute, Payment, ProviderEvent

ACTS = {DisputeStatus.WON: DisputeAct.WIN, DisputeStatus.LOST: DisputeAct.LOSE}


def opened(payment: Payment, event: ProviderEvent, *, dispute_id: str, now: int) -> Dispute:
    assert event.dispute_ref is not None, event.event_id
    return Dispute(
        id=dispute_id,
        payment_id=payment.id,
        provider=payment.provider,
        provider_ref=event.dispute_ref,
        amount_minor=event.amount_minor,
        currency=payment.currency,
        fee_minor=max(event.fee_minor, 0),
        reason=event.reason,
        status=DISPUTE_LIFE.start,
        opened_at=now,
        closed_at=None,
        version=1,
    )


def after(dispute: Dispute, event: ProviderEvent, *, now: int) -> Dispute:
    """The dispute after news of it. Amount and fee only grow, so old news takes nothing away."""
    told = replace(
        dispute,
        amount_minor=max(dispute.amount_minor, event.amount_minor),
        fee_minor=max(dispute.fee_minor, event.fee_minor),
        reason=dispute.reason or event.reason,
    )
    act = ACTS.get(event.dispute_status or DisputeStatus.OPENED)
    if act is not None and DISPUTE_LIFE.allows(dispute.status, act):
        status = DISPUTE_LIFE.after(dispute.status, act)
        told = replace(told, status=status, closed_at=dispute.closed_at or now)
    return dispute if told == dispute else replace(told, version=dispute.version + 1)


def news(payment: Payment, before: Dispute | None, dispute: Dispute) -> tuple[Event, ...]:
    """What is announced, in its true order, even where the end was told before the beginning."""
    said: list[Event] = []
    if before is None:
        said.append(
            events.DisputeOpened(
                **_facts(payment, dispute),
                reason=dispute.reason,
                exceeds_left=exceeds_left(payment, dispute),
            )
        )
    if before is None or before.status is not dispute.status:
        if dispute.status is DisputeStatus.WON:
            said.append(events.DisputeWon(**_facts(payment, dispute)))
        if dispute.status is DisputeStatus.LOST:
            after_won = before is not None and before.status is DisputeStatus.WON
            said.append(events.DisputeLost(**_facts(payment, dispute), after_won=after_won))
    return tuple(said)


def exceeds_left(payment: Payment, dispute: Dispute) -> bool:
    """The bank took more than was left: part of it had been given back already."""
    return dispute.amount_minor > payment.captured_minor - payment.refund_minor


def _facts(payment: Payment, dispute: Dispute) -> dict[str, Any]:
    return {
        "payment_id": payment.id,
        "order_id": payment.order_id,
        "reference": payment.reference,
        "dispute_id": dispute.id,
        "amount_minor": dispute.amount_minor,
        "currency": dispute.currency,
        "fee_minor": dispute.fee_minor,
    }

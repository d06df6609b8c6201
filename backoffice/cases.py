"""Payment cases: money and news of money that no rule of ours can settle, until a person closes it.

A case is closed by an entry in the audit under its subject; what it is about stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from backoffice import pages
from commerce import payments
from commerce.kernel import audit
from commerce.kernel.audit import Entry, Intervention
from commerce.kernel.clock import MINUTE
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal
from commerce.payments import DisputeStatus, KeptEvent, Outcome

CLOSED = "case.closed"
PATIENCE = 10 * MINUTE  # news may come before the payment it is about


class Kind(StrEnum):
    MISMATCHED = "mismatched"
    UNKNOWN = "unknown"
    REFUND = "refund"
    DISPUTE = "dispute"


class NoSuchCase(Refusal):
    code = "no_such_case"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    subject: str
    kind: Kind
    title: str
    sentence: str
    at: int | None = None
    order_id: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    closed: Entry | None = None


async def all_of(tx: Tx) -> list[Case]:
    """The open ones first."""
    found = [
        *[_mismatched(kept) for kept in await payments.kept_events(tx, Outcome.MISMATCHED)],
        *[_unknown(kept) for kept in await _without_payment(tx)],
        *[await _failed_refund(tx, refund) for refund in await payments.failed_refunds(tx)],
        *[await _disputed(tx, dispute) for dispute in await _open_disputes(tx)],
    ]
    closed = await audit.done_to(tx, CLOSED, [case.subject for case in found])
    seen = [replace(case, closed=closed.get(case.subject)) for case in found]
    return sorted(seen, key=lambda case: case.closed is not None)


async def count_open(tx: Tx) -> dict[Kind, int]:
    subjects = {
        Kind.MISMATCHED: [_of_event(k) for k in await payments.kept_events(tx, Outcome.MISMATCHED)],
        Kind.UNKNOWN: [_of_event(kept) for kept in await _without_payment(tx)],
        Kind.REFUND: [f"refund:{refund.id}" for refund in await payments.failed_refunds(tx)],
        Kind.DISPUTE: [f"dispute:{dispute.id}" for dispute in await _open_disputes(tx)],
    }
    everything = [subject for some in subjects.values() for subject in some]
    closed = await audit.done_to(tx, CLOSED, everything)
    return {kind: len(set(some) - set(closed)) for kind, some in subjects.items()}


async def close(tx: Tx, subject: str, will: Intervention) -> None:
    async def work() -> Mapping[str, str]:
        case = next((one for one in await all_of(tx) if one.subject == subject), None)
        if case is None:
            raise NoSuchCase(subject=subject)
        return {"kind": case.kind, "title": case.title, **case.facts}

    await audit.once(tx, will, action=CLOSED, subject=subject, work=work)


async def _without_payment(tx: Tx) -> Sequence[KeptEvent]:
    long_ago = await tx.now() - PATIENCE
    kept = await payments.kept_events(tx, Outcome.WAITING)
    return [one for one in kept if one.received_at < long_ago]


async def _open_disputes(tx: Tx) -> Sequence[payments.Dispute]:
    found = await payments.disputes(tx)
    return [dispute for dispute in found if dispute.status is DisputeStatus.OPENED]


def _of_event(kept: KeptEvent) -> str:
    return f"payment_event:{kept.provider}:{kept.event.event_id}"


def _mismatched(kept: KeptEvent) -> Case:
    event = kept.event
    got = pages.money(event.amount_minor, event.currency) if event.currency else "nothing"
    asked = (
        pages.money(kept.asked_minor, kept.asked_currency)
        if kept.asked_minor is not None and kept.asked_currency
        else "nothing"
    )
    return Case(
        subject=_of_event(kept),
        kind=Kind.MISMATCHED,
        title="Money that is not the money asked for",
        sentence=f"{kept.provider.capitalize()} says {got} came in; {asked} was asked for.",
        at=kept.received_at,
        order_id=kept.order_id,
        facts=_facts(kept),
    )


def _unknown(kept: KeptEvent) -> Case:
    about = "a payment" if kept.payment_id is None else "a refund"
    return Case(
        subject=_of_event(kept),
        kind=Kind.UNKNOWN,
        title=f"News of {about} that nobody here knows",
        sentence=(
            f"{kept.provider.capitalize()} sent “{kept.event.type}”. It is kept, and applied by"
            f" itself as soon as what it is about appears."
        ),
        at=kept.received_at,
        order_id=kept.order_id,
        facts=_facts(kept),
    )


def _facts(kept: KeptEvent) -> dict[str, str]:
    event = kept.event
    facts = {
        "provider": kept.provider,
        "event": event.event_id,
        "type": event.type,
        "our reference": event.payment_key,
        "theirs": event.provider_ref,
        "charge": event.charge_ref,
        "note": kept.note,
    }
    return {name: fact for name, fact in facts.items() if fact}


async def _failed_refund(tx: Tx, refund: payments.Refund) -> Case:
    payment = await payments.get(tx, refund.payment_id)
    amount = pages.money(refund.amount_minor, payment.currency)
    return Case(
        subject=f"refund:{refund.id}",
        kind=Kind.REFUND,
        title="A refund that the provider did not make",
        sentence=f"{amount} should have gone back and did not.",
        order_id=payment.order_id,
        facts={
            "provider": payment.provider,
            "why": refund.failure or "not said",
            "asked for because": refund.reason,
        },
    )


async def _disputed(tx: Tx, dispute: payments.Dispute) -> Case:
    payment = await payments.get(tx, dispute.payment_id)
    amount = pages.money(dispute.amount_minor, dispute.currency)
    return Case(
        subject=f"dispute:{dispute.id}",
        kind=Kind.DISPUTE,
        title="A bank took money back",
        sentence=f"{amount} is disputed. Answer at {dispute.provider.capitalize()}, in time.",
        at=dispute.opened_at,
        order_id=payment.order_id,
        facts={
            "provider": dispute.provider,
            "dispute": dispute.provider_ref,
            "why": dispute.reason or "not said",
            "fee": pages.money(dispute.fee_minor, dispute.currency),
        },
    )

"""Our books as facts that a provider's report can be compared with; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from commerce.checkout.reconciliation_values import Books, Fact, Stray
from commerce.ledger import Movement
from commerce.payments import (
    DisputeMoved,
    DisputeStatus,
    Moved,
    PayoutStatus,
    RefundMoved,
    ReportKind,
    SentMoved,
)
from commerce.payments import RefundStatus as Refund

RECEIVED, REFUNDED, DISPUTED, WON = "received:", "refunded:", "disputed:", "dispute_won:"
# A reversal that succeeded and a payout that did, whatever came back of it.
GONE = (PayoutStatus.SUCCEEDED, PayoutStatus.PARTLY_REVERSED, PayoutStatus.REVERSED)
CORRECTION, FEE, PAID_OUT = "correction:", "fee:", "paid_out:"
SENT_ON, SENT_BACK = "payout:", "payout_back:"
FEES_OF_DISPUTES = "dispute_fees:"


@dataclass(frozen=True, slots=True)
class Posted:
    """What one posting moved on a clearing account."""

    id: str
    reason: str
    amount_minor: int  # + is to us
    fee_minor: int  # kept together with it
    currency: str
    at: int


def posted_by(movements: Iterable[Movement]) -> dict[str, Posted]:
    """By posting id."""
    parts: dict[str, list[Movement]] = defaultdict(list)
    for movement in movements:
        parts[movement.posting_id].append(movement)
    return {posting_id: _posted(posting_id, found) for posting_id, found in parts.items()}


def _posted(posting_id: str, parts: Sequence[Movement]) -> Posted:
    fee_minor = -sum(m.amount_minor for m in parts if m.other.startswith(FEES_OF_DISPUTES))
    return Posted(
        id=posting_id,
        reason=parts[0].reason,
        amount_minor=sum(m.amount_minor for m in parts) + fee_minor,
        fee_minor=fee_minor,
        currency=parts[0].currency,
        at=parts[0].at,
    )


def posting_ids(moved: Moved) -> Iterator[str]:
    """Every posting on a clearing account that a payment and what followed it may have."""
    yield RECEIVED + moved.payment.id
    for refund in moved.refunds:
        yield REFUNDED + refund.id
        yield CORRECTION + REFUNDED + refund.id
    for dispute in moved.disputes:
        yield DISPUTED + dispute.id
        yield WON + dispute.id
        yield CORRECTION + WON + dispute.id


def behind(posting_ids: Iterable[str], prefix: str) -> list[str]:
    """The ids of what these postings were made for, as far as their names begin so."""
    plain = [posting_id.removeprefix(CORRECTION) for posting_id in posting_ids]
    return [name.removeprefix(prefix) for name in plain if name.startswith(prefix)]


def facts_of(moved: Moved, posted: Mapping[str, Posted], order_code: str) -> Iterator[Fact]:
    """A payment and all that followed it."""
    payment = moved.payment
    received = posted.get(RECEIVED + payment.id)
    names = (payment.key, payment.charge_ref, payment.provider_ref)
    charge = Fact(
        kind=ReportKind.CHARGE,
        id=payment.id,
        payment_id=payment.id,
        order_id=payment.order_id,
        order_code=order_code,
        refs=frozenset(name for name in names if name),
        amount_minor=payment.captured_minor,
        currency=payment.currency,
        at=payment.paid_at or 0,
        status=payment.status,
        settled=payment.captured_minor > 0,
        posted_minor=received.amount_minor if received else None,
    )
    yield charge
    for refund in moved.refunds:
        yield from _refund(charge, refund, posted)
    for dispute in moved.disputes:
        yield from _dispute(charge, dispute, posted)


def _refund(charge: Fact, refund: RefundMoved, posted: Mapping[str, Posted]) -> Iterator[Fact]:
    went = posted.get(REFUNDED + refund.id)
    returned = posted.get(CORRECTION + REFUNDED + refund.id)
    yield _following(
        charge,
        ReportKind.REFUND,
        refund.id,
        refs=frozenset({refund.provider_ref} if refund.provider_ref else ()),
        amount_minor=-refund.amount_minor,
        at=went.at if went else refund.created_at,
        status=refund.status,
        settled=refund.status == Refund.SUCCEEDED or returned is not None,
        posted=went,
    )
    if returned is not None:  # the bank sent it back to us
        yield _following(
            charge,
            ReportKind.REFUND,
            f"{refund.id}:returned",
            amount_minor=refund.amount_minor,
            at=returned.at,
            status=refund.status,
            posted=returned,
        )


def _dispute(charge: Fact, dispute: DisputeMoved, posted: Mapping[str, Posted]) -> Iterator[Fact]:
    opened, won = posted.get(DISPUTED + dispute.id), posted.get(WON + dispute.id)
    lost_after_all = posted.get(CORRECTION + WON + dispute.id)
    named = frozenset({dispute.provider_ref})
    yield _following(
        charge,
        ReportKind.DISPUTE,
        dispute.id,
        refs=named,
        amount_minor=-dispute.amount_minor,
        at=dispute.opened_at,
        status=dispute.status,
        posted=opened,
        fee_minor=opened.fee_minor if opened else dispute.fee_minor,
    )
    if won is not None or dispute.status == DisputeStatus.WON:
        yield _following(
            charge,
            ReportKind.DISPUTE_REVERSAL,
            dispute.id,
            refs=named,
            amount_minor=dispute.amount_minor,
            at=won.at if won else dispute.closed_at or dispute.opened_at,
            status=dispute.status,
            posted=won,
        )
    if lost_after_all is not None:
        yield _following(
            charge,
            ReportKind.DISPUTE,
            f"{dispute.id}:again",
            refs=named,
            amount_minor=-dispute.amount_minor,
            at=lost_after_all.at,
            status=dispute.status,
            posted=lost_after_all,
        )


def _following(
    charge: Fact,
    kind: ReportKind,
    fact_id: str,
    *,
    refs: frozenset[str] = frozenset(),
    amount_minor: int,
    at: int,
    status: str,
    settled: bool = True,
    posted: Posted | None,
    fee_minor: int = 0,
) -> Fact:
    """What followed a payment; its order is the payment's."""
    return Fact(
        kind=kind,
        id=fact_id,
        payment_id=charge.payment_id,
        order_id=charge.order_id,
        order_code=charge.order_code,
        refs=refs,
        amount_minor=amount_minor,
        currency=charge.currency,
        at=at,
        status=status,
        settled=settled,
        posted_minor=posted.amount_minor if posted else None,
        fee_minor=fee_minor,
    )


def sent_posting(sent: SentMoved) -> str:
    return (SENT_BACK if sent.back else SENT_ON) + sent.id


def sent_fact(sent: SentMoved, posted: Mapping[str, Posted]) -> Fact:
    """A share that went to a connected account, or came back from one."""
    found = posted.get(sent_posting(sent))
    return Fact(
        kind=ReportKind.PAYOUT,
        id=sent_posting(sent),
        refs=frozenset({sent.provider_ref} if sent.provider_ref else ()),
        amount_minor=sent.amount_minor if sent.back else -sent.amount_minor,
        currency=sent.currency,
        at=found.at if found else sent.created_at,
        status=sent.status,
        settled=sent.status in GONE,
        posted_minor=found.amount_minor if found else None,
    )


def books(provider: str, facts: Sequence[Fact], others: Iterable[Posted]) -> Books:
    """The facts, and what was posted besides: fees, payouts, and what nothing explains."""
    fee, paid_out = f"{FEE}{provider}:", f"{PAID_OUT}{provider}:"
    fees: dict[str, tuple[int, str]] = {}
    payouts: list[Fact] = []
    strays: list[Stray] = []
    for posted in others:
        if posted.id.startswith(fee):
            fees[posted.id.removeprefix(fee)] = (-posted.amount_minor, posted.currency)
        elif posted.id.startswith(paid_out):
            payouts.append(_payout(posted, posted.id.removeprefix(paid_out)))
        else:
            strays.append(_stray(posted))
    return Books(facts=[*facts, *payouts], fees=fees, strays=strays)


def _payout(posted: Posted, name: str) -> Fact:
    """Money that left the provider for our bank."""
    return Fact(
        kind=ReportKind.PAYOUT,
        id=name,
        refs=frozenset({name}),
        amount_minor=posted.amount_minor,
        currency=posted.currency,
        at=posted.at,
        posted_minor=posted.amount_minor,
    )


def _stray(posted: Posted) -> Stray:
    return Stray(
        posting_id=posted.id,
        reason=posted.reason,
        amount_minor=posted.amount_minor - posted.fee_minor,
        currency=posted.currency,
        at=posted.at,
    )

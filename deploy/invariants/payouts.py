"""Payouts agree with their reversals and with the payments they are shares of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, case, select

from commerce.payments import PayoutStatus, ReversalStatus
from commerce.payments.tables import PAYMENTS, PAYOUT_REVERSALS, PAYOUTS
from deploy.invariants.rule import Invariant, Part, posted_minor, quiet, total

S, B, P = PAYOUTS.c, PAYOUT_REVERSALS.c, PAYMENTS.c
ARRIVED = (PayoutStatus.SUCCEEDED, PayoutStatus.PARTLY_REVERSED, PayoutStatus.REVERSED)

_asked_back = (
    select(total(B.amount_minor))
    .where(B.payout_id == S.id, B.status != ReversalStatus.FAILED)
    .scalar_subquery()
)
_shared: Select[Any] = select(total(S.amount_minor)).where(
    S.payment_id == P.id, S.status != PayoutStatus.FAILED
)
_came_back: Select[Any] = (
    select(total(B.amount_minor))
    .select_from(PAYOUT_REVERSALS.join(PAYOUTS, S.id == B.payout_id))
    .where(S.payment_id == P.id, B.status == ReversalStatus.SUCCEEDED)
)
_out = _shared.scalar_subquery() - _came_back.scalar_subquery()


def _of_payouts(name: str, meaning: str, broken: ColumnElement[bool]) -> Invariant:
    facts = (S.id, S.payment_id, S.status, S.amount_minor, S.reversed_minor)
    return Invariant(name, meaning, select(*facts).where(broken), Part.PAYOUTS, S.id)


INVARIANTS: tuple[Invariant, ...] = (
    _of_payouts(
        "reversing_is_reversals",
        "the reversals of a payout do not add up to what it sets aside for them",
        _asked_back != S.reversed_minor,
    ),
    _of_payouts(
        "sent_payout_has_a_name",
        "a payout says that it arrived, and the provider has no name for it",
        S.status.in_(ARRIVED) & S.provider_ref.is_(None),
    ),
    _of_payouts(
        "payout_is_posted",
        "a share was sent on, but the ledger does not have exactly that",
        quiet(S.id)
        & (posted_minor("payout:", S.id) != case((S.status.in_(ARRIVED), S.amount_minor), else_=0)),
    ),
    Invariant(
        "returned_share_is_posted",
        "a share was taken back, but the ledger does not have exactly that",
        select(B.id, B.payout_id, B.amount_minor).where(
            B.status == ReversalStatus.SUCCEEDED,
            quiet(B.payout_id),
            posted_minor("payout_back:", B.id) != B.amount_minor,
        ),
        Part.REST,
    ),
    Invariant(
        "shares_are_within_their_payment",
        "more was sent on of a payment than was captured",
        select(P.id, P.order_id, P.captured_minor).where(_out > P.captured_minor),
        Part.REST,
    ),
)

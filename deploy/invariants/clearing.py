"""What providers owe us by the ledger is what payments say; asked only while nothing moves."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Select, and_, func, literal, or_, select, union_all

from commerce.kernel.columns import Amount, db_now
from commerce.kernel.tables import OUTBOX, OutboxStatus
from commerce.ledger.tables import TRANSFERS
from commerce.payments import DisputeStatus, RefundStatus
from commerce.payments.tables import DISPUTES, PAYMENTS, REFUNDS
from deploy.invariants.rule import NEVER, POSTED, STUCK_AFTER, Invariant, Part, total, word

P, R, D, T = PAYMENTS.c, REFUNDS.c, DISPUTES.c, TRANSFERS.c
CLEARING = "clearing:"
# What payments know of. Fees and payouts come from elsewhere, corrections from a person.
REASONS = (
    *("payment", "refund", "refund returned"),
    *("dispute", "dispute won", "dispute lost after all"),
)
FEES = "dispute_fees:"

_under_way = (
    select(OUTBOX.c.seq)
    .where(
        OUTBOX.c.name.startswith("payment."),
        or_(
            OUTBOX.c.status == word(OutboxStatus.WAITING),
            and_(OUTBOX.c.status == word(OutboxStatus.SENT), OUTBOX.c.next_at > NEVER),
        ),
    )
    .exists()
)
_just_paid = select(P.id).where(P.captured_minor > 0, P.paid_at >= db_now() - STUCK_AFTER).exists()


def _on_clearing(side: Column[Any], other: Column[Any], sign: int) -> Select[Any]:
    return select(
        func.substr(side, len(CLEARING) + 1).label("provider"),
        T.currency.label("currency"),
        (T.amount_minor * literal(-sign, Amount)).label("minor"),
    ).where(side.startswith(CLEARING), POSTED, T.reason.in_(REASONS), ~other.startswith(FEES))


_both = union_all(
    select(P.provider, P.currency, P.captured_minor.label("minor")).where(P.captured_minor > 0),
    select(P.provider, P.currency, (-R.amount_minor).label("minor"))
    .join(REFUNDS, R.payment_id == P.id)
    .where(R.status == RefundStatus.SUCCEEDED),
    select(D.provider, D.currency, (-D.amount_minor).label("minor")).where(
        D.status != DisputeStatus.WON
    ),
    _on_clearing(T.debit, T.credit, 1),
    _on_clearing(T.credit, T.debit, -1),
).subquery()

INVARIANTS = (
    Invariant(
        "clearing_is_what_payments_say",
        "the ledger's account of a provider is not what was captured, given back and disputed",
        select(_both.c.provider, _both.c.currency, total(_both.c.minor).label("minor"))
        .where(~_under_way, ~_just_paid)
        .group_by(_both.c.provider, _both.c.currency)
        .having(total(_both.c.minor) != 0),
        Part.REST,
    ),
)

"""What was posted to one account, read in bulk to be compared with what others say about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from commerce.kernel.columns import Instant
from commerce.kernel.database import Row, Tx, any_of
from commerce.ledger.books import SIGN, TOUCHES, total
from commerce.ledger.model import Kind
from commerce.ledger.tables import TRANSFERS

AT_ONCE = 1_000  # postings in one statement
T = TRANSFERS.c
POSTED = T.kind.in_([Kind.POST, Kind.SETTLE])

_MOVEMENTS = select(TRANSFERS, (SIGN * T.amount_minor).label("signed_minor")).where(TOUCHES, POSTED)
IN_PERIOD = _MOVEMENTS.where(
    T.at >= bindparam("since", type_=Instant), T.at < bindparam("until", type_=Instant)
).order_by(T.at, T.posting_id, T.n)
OF_POSTINGS = _MOVEMENTS.where(any_of(T.posting_id, "postings")).order_by(T.at, T.posting_id, T.n)
BY_REASON = (
    select(T.reason, T.currency, total(SIGN * T.amount_minor).label("signed_minor"))
    .where(TOUCHES, POSTED)
    .group_by(T.reason, T.currency)
    .order_by(T.currency, T.reason)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    posting_id: str
    reason: str
    reference: str
    other: str  # the account on the other side
    currency: str
    amount_minor: int  # positive = debit
    at: int


async def movements(tx: Tx, account: str, since: int, until: int) -> list[Movement]:
    """What was posted to the account with since <= at < until, the oldest first."""
    rows = await tx.all(IN_PERIOD, account=account, since=since, until=until)
    return [_movement(row, account) for row in rows]


async def movements_of(tx: Tx, account: str, posting_ids: Sequence[str]) -> list[Movement]:
    """What these postings moved on the account."""
    found: list[Movement] = []
    for at in range(0, len(posting_ids), AT_ONCE):
        some = list(posting_ids[at : at + AT_ONCE])
        rows = await tx.all(OF_POSTINGS, account=account, postings=some)
        found += [_movement(row, account) for row in rows]
    return found


async def sums_by_reason(tx: Tx, account: str) -> dict[tuple[str, str], int]:
    """(reason, currency) -> debits minus credits, of all time: how its balance came to be."""
    rows = await tx.all(BY_REASON, account=account)
    return {(row["reason"], row["currency"]): row["signed_minor"] for row in rows}


def _movement(row: Row, account: str) -> Movement:
    return Movement(
        posting_id=row["posting_id"],
        reason=row["reason"],
        reference=row["reference"],
        other=row["credit"] if row["debit"] == account else row["debit"],
        currency=row["currency"],
        amount_minor=row["signed_minor"],
        at=row["at"],
    )

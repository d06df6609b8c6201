"""Balances and statements: what is sealed was summed up already, the rest is added to it."""

from __future__ import annotations

import sys
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)

from commerce.kernel.columns import Amount, Count, Instant, Text
from commerce.kernel.database import Row, Tx
from commerce.ledger.model import EFFECTS, Balance, Entry, Kind
from commerce.ledger.tables import ACCOUNT_BALANCES, TRANSFERS, UNSEALED

T = TRANSFERS.c
ACCOUNT = bindparam("account", type_=Text)
SUMS = ("debit_minor", "credit_minor", "pending_debit_minor", "pending_credit_minor")
NOTHING = literal(0, Amount)


def total(amount: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(amount), 0), Amount)


def sides(transfers: FromClause) -> FromClause:
    """Both accounts of these transfers, each with what they change in its sums."""
    t = transfers.c
    posted, pending = (
        case({kind: t.amount_minor * times for kind, times in factors.items()}, value=t.kind)
        for factors in (
            {kind: effect.posted for kind, effect in EFFECTS.items()},
            {kind: effect.pending for kind, effect in EFFECTS.items()},
        )
    )
    debited = (posted, NOTHING, pending, NOTHING)
    credited = (NOTHING, posted, NOTHING, pending)
    return union_all(
        *(
            select(account.label("account"), t.currency, *map(_labelled, SUMS, amounts))
            for account, amounts in ((t.debit, debited), (t.credit, credited))
        )
    ).subquery()


def _labelled(name: str, amount: ColumnElement[Any]) -> ColumnElement[Any]:
    return amount.label(name)


def by_account(parts: FromClause) -> Select[Any]:
    return select(
        parts.c.account, parts.c.currency, *(total(parts.c[name]).label(name) for name in SUMS)
    ).group_by(parts.c.account, parts.c.currency)


def listed(ids: Select[Any]) -> FromClause:
    """A few transfers by their ids, found first: a condition on the account must not turn it round
    and have the whole history of the account searched for them."""
    return select(TRANSFERS).where(T.id.in_(ids)).cte("listed").prefix_with("MATERIALIZED")


_tail = sides(listed(select(UNSEALED.c.transfer_id)))
_EVERYTHING = union_all(select(ACCOUNT_BALANCES), select(_tail)).subquery()
TRIAL_BALANCE = by_account(_EVERYTHING).order_by(_EVERYTHING.c.currency, _EVERYTHING.c.account)
_OF_ACCOUNT = union_all(
    *(
        select(*(of.c[name] for name in SUMS)).where(
            of.c.account == ACCOUNT, of.c.currency == bindparam("money", type_=Text)
        )
        for of in (ACCOUNT_BALANCES, _tail)
    )
).subquery()
OF_ACCOUNT = select(*(total(_OF_ACCOUNT.c[name]).label(name) for name in SUMS))

SIGN = case((T.debit == ACCOUNT, 1), else_=-1)
TOUCHES = or_(T.debit == ACCOUNT, T.credit == ACCOUNT)
_end = TRANSFERS.alias()
WAITS = and_(
    T.kind == Kind.PEND, ~select(_end.c.id).where(_end.c.id == T.id + literal("/end")).exists()
)
NEWEST_OF_ALL = {"before_at": sys.maxsize, "before_posting": "", "before_n": 0}


def _entries(which: ColumnElement[bool]) -> Select[Any]:
    """The newest ones before a place, oldest first, each with the sum of all up to it."""
    signed = SIGN * T.amount_minor
    running = func.sum(signed).over(partition_by=T.currency, order_by=(T.at, T.posting_id, T.n))
    before = tuple_(
        bindparam("before_at", type_=Instant),
        bindparam("before_posting", type_=Text),
        bindparam("before_n", type_=Count),
    )
    newest = (
        select(TRANSFERS, signed.label("signed_minor"), cast(running, Amount).label("sum_minor"))
        .where(TOUCHES, which, tuple_(T.at, T.posting_id, T.n) < before)
        .order_by(T.at.desc(), T.posting_id.desc(), T.n.desc())
        .limit(bindparam("most", type_=Count))
        .subquery()
    )
    return select(newest).order_by(newest.c.at, newest.c.posting_id, newest.c.n)


STATEMENT = _entries(T.kind.in_([Kind.POST, Kind.SETTLE]))
PENDING = _entries(WAITS)


async def sums(tx: Tx, account: str, currency: str) -> Balance:
    row = await tx.first(OF_ACCOUNT, account=account, money=currency)
    assert row is not None
    return Balance(account, currency, *(row[name] for name in SUMS))


async def trial_balance(tx: Tx) -> list[Balance]:
    return [
        Balance(row["account"], row["currency"], *(row[name] for name in SUMS))
        for row in await tx.all(TRIAL_BALANCE)
    ]


async def statement(tx: Tx, account: str, limit: int, before: Entry | None) -> list[Entry]:
    place = NEWEST_OF_ALL
    if before is not None:
        place = {
            "before_at": before.at,
            "before_posting": before.posting_id,
            "before_n": before.n,
        }
    rows = await tx.all(STATEMENT, account=account, most=limit, **place)
    return [_entry(row, account) for row in rows]


async def pending(tx: Tx, account: str, limit: int) -> list[Entry]:
    rows = await tx.all(PENDING, account=account, most=limit, **NEWEST_OF_ALL)
    return [_entry(row, account) for row in rows]


def _entry(row: Row, account: str) -> Entry:
    return Entry(
        at=row["at"],
        posting_id=row["posting_id"],
        n=row["n"],
        reason=row["reason"],
        reference=row["reference"],
        other=row["credit"] if row["debit"] == account else row["debit"],
        currency=row["currency"],
        amount_minor=row["signed_minor"],
        balance_minor=row["sum_minor"],
    )

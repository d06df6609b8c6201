"""Every query of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
)

from commerce.kernel.columns import Amount, Count
from commerce.kernel.database import Row, Tx, insert_once
from commerce.ledger.model import Balance, Entry, Posting, Transfer
from commerce.ledger.tables import TRANSFERS

T = TRANSFERS.c
FIRST = insert_once(TRANSFERS, "id")
REST = insert(TRANSFERS)
OF_POSTING = select(TRANSFERS).where(T.posting_id == bindparam("posting")).order_by(T.n)
OF_REFERENCE = (
    select(TRANSFERS).where(T.reference == bindparam("about")).order_by(T.at, T.posting_id, T.n)
)

SIGNED = case((T.debit == bindparam("account"), T.amount_minor), else_=-T.amount_minor)


def _sum(amount: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(amount), 0), Amount)


TOUCHES = or_(T.debit == bindparam("account"), T.credit == bindparam("account"))
BALANCE = select(_sum(SIGNED)).where(TOUCHES, T.currency == bindparam("money"))
_RUNNING = select(
    TRANSFERS,
    SIGNED.label("signed_minor"),
    cast(
        func.sum(SIGNED).over(partition_by=T.currency, order_by=(T.at, T.posting_id, T.n)), Amount
    ).label("balance_minor"),
).where(TOUCHES)
_NEWEST = (
    _RUNNING.order_by(T.at.desc(), T.posting_id.desc(), T.n.desc())
    .limit(bindparam("most", type_=Count))
    .subquery()
)
STATEMENT = select(_NEWEST).order_by(_NEWEST.c.at, _NEWEST.c.posting_id, _NEWEST.c.n)


def _side(account: ColumnElement[Any], debit: Any, credit: Any) -> Select[Any]:
    return select(
        account.label("account"),
        T.currency.label("currency"),
        debit.label("debit_minor"),
        credit.label("credit_minor"),
    )


_NOTHING = literal(0, Amount)
_SIDES = union_all(
    _side(T.debit, T.amount_minor, _NOTHING), _side(T.credit, _NOTHING, T.amount_minor)
).subquery()
TRIAL_BALANCE = (
    select(
        _SIDES.c.account,
        _SIDES.c.currency,
        _sum(_SIDES.c.debit_minor).label("debit_minor"),
        _sum(_SIDES.c.credit_minor).label("credit_minor"),
    )
    .group_by(_SIDES.c.account, _SIDES.c.currency)
    .order_by(_SIDES.c.currency, _SIDES.c.account)
)


async def add(tx: Tx, posting: Posting, at: int) -> bool:
    """False where the posting exists; whoever added its first transfer adds all of them."""
    first, *rest = (_row(posting, n, at) for n in range(1, len(posting.transfers) + 1))
    if not await tx.run(FIRST, **first):
        return False
    await tx.run_many(REST, rest)
    return True


def _row(posting: Posting, n: int, at: int) -> dict[str, Any]:
    transfer = posting.transfers[n - 1]
    return {
        "id": f"{posting.id}/{n}",
        "posting_id": posting.id,
        "n": n,
        "reason": posting.reason,
        "reference": posting.reference,
        "debit": transfer.debit,
        "credit": transfer.credit,
        "currency": transfer.currency,
        "amount_minor": transfer.amount_minor,
        "at": at,
    }


async def posting(tx: Tx, posting_id: str) -> Posting | None:
    found = _postings(await tx.all(OF_POSTING, posting=posting_id))
    return found[0] if found else None


async def of_reference(tx: Tx, reference: str) -> list[Posting]:
    return _postings(await tx.all(OF_REFERENCE, about=reference))


def _postings(rows: Sequence[Row]) -> list[Posting]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["posting_id"], []).append(row)
    return [
        Posting(
            id=posting_id,
            reason=rows[0]["reason"],
            reference=rows[0]["reference"],
            transfers=tuple(_transfer(row) for row in rows),
        )
        for posting_id, rows in found.items()
    ]


def _transfer(row: Row) -> Transfer:
    return Transfer(row["debit"], row["credit"], row["currency"], row["amount_minor"])


async def balance(tx: Tx, account: str, currency: str) -> int:
    found: int = await tx.scalar(BALANCE, account=account, money=currency)
    return found


async def statement(tx: Tx, account: str, limit: int) -> list[Entry]:
    return [
        Entry(
            at=row["at"],
            posting_id=row["posting_id"],
            reason=row["reason"],
            reference=row["reference"],
            other=row["credit"] if row["debit"] == account else row["debit"],
            currency=row["currency"],
            amount_minor=row["signed_minor"],
            balance_minor=row["balance_minor"],
        )
        for row in await tx.all(STATEMENT, account=account, most=limit)
    ]


async def trial_balance(tx: Tx) -> list[Balance]:
    return [
        Balance(row["account"], row["currency"], row["debit_minor"], row["credit_minor"])
        for row in await tx.all(TRIAL_BALANCE)
    ]

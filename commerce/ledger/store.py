"""Writing postings, and reading them back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Insert, bindparam, insert, literal, select, union_all
from sqlalchemy.dialects import postgresql

from commerce.kernel.columns import Instant, Text
from commerce.kernel.database import Row, Tx, insert_once
from commerce.kernel.errors import Contended
from commerce.ledger.model import Ending, Kind, Posting, Recorded, Transfer, status_of
from commerce.ledger.tables import TRANSFERS

T = TRANSFERS.c
WRITTEN = T.kind.in_([Kind.POST, Kind.PEND])  # by posting or pending, not by ending
OF_ROW = ("id", "n", "debit", "credit", "currency", "amount_minor")
OF_ALL = ("posting_id", "kind", "reason", "reference", "at")
FIRST = insert_once(TRANSFERS, "id")
REST = insert(TRANSFERS)
ROWS_AT_ONCE = 8
NAMES = [[f"{name}_{row}" for name in OF_ROW] for row in range(ROWS_AT_ONCE)]  # of parameters
OF_POSTING = select(TRANSFERS).where(T.posting_id == bindparam("posting")).order_by(T.n)
OF_REFERENCE = (
    select(TRANSFERS)
    .where(T.reference == bindparam("about"), WRITTEN)
    .order_by(T.at, T.posting_id, T.n)
)
_COPIED = ("posting_id", "n", "reason", "reference", "debit", "credit", "currency", "amount_minor")
# In the order of n: of two endings at once, the one that gets the first row gets all of them.
END = (
    postgresql.insert(TRANSFERS)
    .from_select(
        ["id", *_COPIED, "kind", "at"],
        select(
            T.id + literal("/end"),
            *(T[name] for name in _COPIED),
            bindparam("ending", type_=Text),
            bindparam("now", type_=Instant),
        )
        .where(T.posting_id == bindparam("posting"), T.kind == Kind.PEND)
        .order_by(T.n),
    )
    .on_conflict_do_nothing(index_elements=["id"])
)


@cache
def adding(rows: int, *, first: bool) -> Insert:
    """One statement for so many rows; the `first` of a posting only where it is new."""
    selects = (
        select(
            *(
                bindparam(name, type_=T[column].type).label(column)
                for name, column in zip(names, OF_ROW, strict=True)
            ),
            *(bindparam(name, type_=T[name].type).label(name) for name in OF_ALL),
        )
        for names in NAMES[:rows]
    )
    given = select(union_all(*selects).subquery())
    if not first:
        return insert(TRANSFERS).from_select([*OF_ROW, *OF_ALL], given)
    known = select(T.id).where(T.id == bindparam("id_0", type_=Text)).exists()
    return (
        postgresql.insert(TRANSFERS)
        .from_select([*OF_ROW, *OF_ALL], given.where(~known))
        .on_conflict_do_nothing(index_elements=["id"])
    )


async def add(tx: Tx, posting: Posting, kind: Kind, at: int) -> bool:
    """False where the posting exists; whoever added its first transfer adds all of them."""
    shared = {
        "posting_id": posting.id,
        "kind": kind.value,  # SQLite's driver takes a plain text three times as fast
        "reason": posting.reason,
        "reference": posting.reference,
        "at": at,
    }
    rows = [
        (f"{posting.id}/{n}", n, t.debit, t.credit, t.currency, t.amount_minor)
        for n, t in enumerate(posting.transfers, 1)
    ]
    write = _add_together if tx.dialect == "postgresql" else _add_one_by_one
    return await write(tx, shared, rows)


async def _add_one_by_one(tx: Tx, shared: dict[str, Any], rows: Sequence[tuple[Any, ...]]) -> bool:
    """In the same process a statement more costs less than a larger one."""
    first, *others = (dict(zip(OF_ROW, row, strict=True), **shared) for row in rows)
    if not await tx.run(FIRST, **first):
        return False
    await tx.run_many(REST, others)
    return True


async def _add_together(tx: Tx, shared: dict[str, Any], rows: Sequence[tuple[Any, ...]]) -> bool:
    """For a server each statement is a way there and back, and prepares all the checks anew."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        params = dict(shared)
        for names, row in zip(NAMES, some, strict=False):
            params.update(zip(names, row, strict=True))
        added = await tx.run(adding(len(some), first=start == 0), **params)
        if not added:
            return False
        if added < len(some):
            raise Contended("another posting under this id was written at the same moment")
    return True


async def end(tx: Tx, posting_id: str, ending: Ending, at: int) -> bool:
    """False where it has ended already, or never waited."""
    return await tx.run(END, posting=posting_id, ending=ending, now=at) > 0


async def recorded(tx: Tx, posting_id: str) -> Recorded | None:
    rows = await tx.all(OF_POSTING, posting=posting_id)
    if not rows:
        return None
    kinds = {Kind(row["kind"]) for row in rows}
    kind = Kind.PEND if Kind.PEND in kinds else Kind.POST
    return Recorded(
        posting=_posting([row for row in rows if row["kind"] == kind]),
        kind=kind,
        status=status_of(kinds),
    )


async def of_reference(tx: Tx, reference: str) -> list[Posting]:
    found: dict[str, list[Row]] = {}
    for row in await tx.all(OF_REFERENCE, about=reference):
        found.setdefault(row["posting_id"], []).append(row)
    return [_posting(rows) for rows in found.values()]


def _posting(rows: Sequence[Row]) -> Posting:
    return Posting(
        id=rows[0]["posting_id"],
        reason=rows[0]["reason"],
        reference=rows[0]["reference"],
        transfers=tuple(
            Transfer(row["debit"], row["credit"], row["currency"], row["amount_minor"])
            for row in rows
        ),
    )

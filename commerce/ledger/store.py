"""Writing postings, and reading them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, insert, literal, select
from sqlalchemy.dialects import postgresql

from commerce.kernel.columns import Instant, Text
from commerce.kernel.database import Row, Tx, insert_once
from commerce.ledger.model import Ending, Kind, Posting, Recorded, Transfer, status_of
from commerce.ledger.tables import TRANSFERS

T = TRANSFERS.c
WRITTEN = T.kind.in_([Kind.POST, Kind.PEND])  # by posting or pending, not by ending
FIRST = insert_once(TRANSFERS, "id")
REST = insert(TRANSFERS)
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


async def add(tx: Tx, posting: Posting, kind: Kind, at: int) -> bool:
    """False where the posting exists; whoever added its first transfer adds all of them."""
    first, *rest = (_row(posting, kind, n, at) for n in range(1, len(posting.transfers) + 1))
    if not await tx.run(FIRST, **first):
        return False
    await tx.run_many(REST, rest)
    return True


async def end(tx: Tx, posting_id: str, ending: Ending, at: int) -> bool:
    """False where it has ended already, or never waited."""
    return await tx.run(END, posting=posting_id, ending=ending, now=at) > 0


def _row(posting: Posting, kind: Kind, n: int, at: int) -> dict[str, Any]:
    transfer = posting.transfers[n - 1]
    return {
        "id": f"{posting.id}/{n}",
        "posting_id": posting.id,
        "n": n,
        "kind": kind,
        "reason": posting.reason,
        "reference": posting.reference,
        "debit": transfer.debit,
        "credit": transfer.credit,
        "currency": transfer.currency,
        "amount_minor": transfer.amount_minor,
        "at": at,
    }


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

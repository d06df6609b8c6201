"""Seals transfers, keeps the balances of what is sealed, and proves both again."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, func, insert, or_, select, union_all, update
from sqlalchemy.dialects import postgresql

from commerce.kernel.columns import Count
from commerce.kernel.database import Tx
from commerce.ledger.accounts import CHART
from commerce.ledger.books import SUMS, by_account, listed, sides, total
from commerce.ledger.chain import BrokenLink, Link, Walk, following
from commerce.ledger.tables import ACCOUNT_BALANCES, SEAL_HEAD, SEALS, TRANSFERS, UNSEALED

AT_ONCE = 1_000
T, S, U, B = TRANSFERS.c, SEALS.c, UNSEALED.c, ACCOUNT_BALANCES.c

HEAD = select(SEAL_HEAD)
HEAD_IF_FREE = HEAD.with_for_update(skip_locked=True)
HEAD_TO_MYSELF = HEAD.with_for_update()
WAITING = (
    select(TRANSFERS, U.seq.label("waits_as"))
    .join(UNSEALED, U.transfer_id == T.id)
    .order_by(U.seq)
    .limit(AT_ONCE)
)
SEAL = insert(SEALS)
MOVE_HEAD = update(SEAL_HEAD).values(seq=bindparam("newest"), hash=bindparam("digest"))
_JUST_SEALED = select(S.transfer_id).where(
    S.seq > bindparam("after", type_=Count), S.seq <= bindparam("newest", type_=Count)
)
CROSS_OFF = delete(UNSEALED).where(
    U.seq <= bindparam("last", type_=Count), U.transfer_id.in_(_JUST_SEALED)
)
_ADDED = postgresql.insert(ACCOUNT_BALANCES).from_select(
    ["account", "currency", *SUMS], by_account(sides(listed(_JUST_SEALED)))
)
ADD_TO_BALANCES = _ADDED.on_conflict_do_update(
    index_elements=["account", "currency"],
    set_={name: B[name] + _ADDED.excluded[name] for name in SUMS},
)

FORGET_BALANCES = delete(ACCOUNT_BALANCES)
_OF_ALL_SEALED = by_account(
    sides(select(TRANSFERS).where(T.id.in_(select(S.transfer_id))).subquery())
)
SUM_UP = insert(ACCOUNT_BALANCES).from_select(["account", "currency", *SUMS], _OF_ALL_SEALED)

LINKS = (
    select(S.seq.label("seal_seq"), S.transfer_id, S.hash.label("seal_hash"), *TRANSFERS.c)
    .outerjoin_from(SEALS, TRANSFERS, T.id == S.transfer_id)
    .where(S.seq > bindparam("after", type_=Count), S.seq <= bindparam("newest", type_=Count))
    .order_by(S.seq)
    .limit(AT_ONCE)
)
_sealed = select(S.seq).where(S.transfer_id == T.id).exists()
_waits = select(U.seq).where(U.transfer_id == T.id).exists()
_there = select(T.id).where(T.id == U.transfer_id).exists()
_sealed_too = select(S.seq).where(S.transfer_id == U.transfer_id).exists()
_sealed_sums = _OF_ALL_SEALED.subquery()
_compared = union_all(
    select(ACCOUNT_BALANCES),
    select(
        _sealed_sums.c.account,
        _sealed_sums.c.currency,
        *((-_sealed_sums.c[name]).label(name) for name in SUMS),
    ),
).subquery()
_account = func.coalesce(B.account, "")
STRAYS = {
    "was added past the guards: it is neither sealed nor waiting for it": select(
        T.id.label("subject")
    ).where(~_sealed, ~_waits),
    "is gone, and was not yet sealed": select(U.transfer_id.label("subject")).where(~_there),
    "is sealed, and still counted as waiting for it": select(U.transfer_id.label("subject")).where(
        _sealed_too
    ),
    "was sealed past the head": select(S.transfer_id.label("subject")).where(
        S.seq > select(func.coalesce(func.max(SEAL_HEAD.c.seq), 0)).scalar_subquery()
    ),
    "has another balance than its sealed transfers add up to": (
        select(_compared.c.account.label("subject"))
        .group_by(_compared.c.account, _compared.c.currency)
        .having(or_(*(total(_compared.c[name]) != 0 for name in SUMS)))
        .order_by(_compared.c.account)
    ),
    "is no account of the chart": select(B.account.label("subject"))
    .distinct()
    .where(
        *(
            ~B.account.startswith(f"{head}:", autoescape=True)
            if known.detail
            else B.account != head
            for head, known in CHART.items()
        )
    ),
}


async def seal_some(tx: Tx) -> tuple[int, Link] | None:
    """How many of those that wait longest were sealed, and the newest seal; None where there was
    nothing to do or another one is at it."""
    head = await tx.first(HEAD_IF_FREE)
    waiting = await tx.all(WAITING) if head else []
    if head is None or not waiting:
        return None
    link = Link(head["seq"], head["hash"])
    seals = []
    for transfer in waiting:
        link = following(link, transfer)
        seals.append({"seq": link.seq, "transfer_id": transfer["id"], "hash": link.hash})
    await tx.run_many(SEAL, seals)
    await tx.run(ADD_TO_BALANCES, after=head["seq"], newest=link.seq)
    last = waiting[-1]["waits_as"]
    await tx.run(CROSS_OFF, last=last, after=head["seq"], newest=link.seq)
    await tx.run(MOVE_HEAD, newest=link.seq, digest=link.hash)
    return len(seals), link


async def rebuild(tx: Tx) -> None:
    await tx.first(HEAD_TO_MYSELF)
    await tx.run(FORGET_BALANCES)
    await tx.run(SUM_UP)


async def verify(tx: Tx) -> list[BrokenLink]:
    row = await tx.first(HEAD)
    head = Link(row["seq"], row["hash"]) if row else None
    walk = Walk()
    broken: list[BrokenLink] = []
    while rows := await tx.all(LINKS, after=walk.at.seq, newest=head.seq if head else 0):
        broken += walk.along(rows)
    broken += walk.end(head)
    for meaning, strays in STRAYS.items():
        broken += [BrokenLink(row["subject"], meaning) for row in await tx.all(strays)]
    return broken

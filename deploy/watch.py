"""Every minute: do the books agree? What does not raises an alert and stops the sale of its SKUs.

It never repairs anything. Each run looks at what is newest and at the next part of the rest, so
that it costs the same however long the shop has been open; what is alerted is looked at every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Select, bindparam, select, union

from commerce import inventory, orders
from commerce.inventory import HoldStatus
from commerce.inventory.tables import HOLDS, STOCK, STOCK_MOVEMENTS
from commerce.kernel import alerts, rounds
from commerce.kernel.columns import Count, Text
from commerce.kernel.database import Database, Tx
from commerce.ledger.tables import TRANSFERS, UNSEALED
from commerce.orders.tables import ORDERS
from commerce.payments.tables import DISPUTES, PAYMENTS, PAYOUTS, REFUNDS
from deploy import invariants
from deploy.invariants import Invariant, Part, Violation
from deploy.invariants.rule import word

NEWEST = 1_000  # keys of each kind in every run
ROUND = 2_000  # keys of each kind from where the last run ended
RAISED_AT_ONCE = 200  # of one invariant in one run; the others come with the next
WATCHED: Sequence[Invariant] = (*invariants.INVARIANTS, *invariants.CHORES)
CHORES = frozenset(chore.name for chore in invariants.CHORES)
HOLDS_AGAIN = "It holds again."


@dataclass(frozen=True, slots=True)
class Keys:
    """How the keys of a part are found: what is new, and what comes next in the round."""

    newest: Select[Any]
    following: Select[Any]
    cost: int = 1  # of looking at one, in others: an SKU has a long history of movements


def _following(key: Column[str]) -> Select[Any]:
    after = bindparam("after", type_=Text)
    return (
        select(key.label("key"))
        .where(key > after)
        .distinct()
        .order_by(key)
        .limit(bindparam("most", type_=Count))
    )


def _by_age(key: Column[str]) -> Keys:
    """Of rows whose ids rise with time."""
    newest = select(key.label("key")).order_by(key.desc()).limit(bindparam("most", type_=Count))
    return Keys(newest, _following(key))


_moved = (
    select(STOCK_MOVEMENTS.c.sku)
    .order_by(STOCK_MOVEMENTS.c.seq.desc())
    .limit(bindparam("most", type_=Count))
    .subquery()
)
_held = select(HOLDS.c.sku).where(HOLDS.c.status == word(HoldStatus.HELD))
_busy = union(select(_moved.c.sku), _held).subquery()
KEYS: Mapping[Part, Keys] = {
    Part.SKUS: Keys(select(_busy.c.sku.label("key")), _following(STOCK.c.sku), cost=50),
    Part.ORDERS: _by_age(ORDERS.c.id),
    Part.PAYMENTS: _by_age(PAYMENTS.c.id),
    Part.REFUNDS: _by_age(REFUNDS.c.id),
    Part.DISPUTES: _by_age(DISPUTES.c.id),
    Part.PAYOUTS: _by_age(PAYOUTS.c.id),
    Part.POSTINGS: Keys(
        select(UNSEALED.c.transfer_id.label("key"))
        .order_by(UNSEALED.c.seq.desc())
        .limit(bindparam("most", type_=Count)),
        _following(TRANSFERS.c.id),
    ),
}


@dataclass(frozen=True, slots=True)
class Beat:
    """What one run looks at."""

    asked: Sequence[Invariant]
    keys: Mapping[Part, list[str]]
    positions: Mapping[Part, str]  # where each round stands after it
    alerted: frozenset[tuple[str, str]]  # (invariant, subject)


async def watch(database: Database, *, newest: int = NEWEST, following: int = ROUND) -> int:
    """One beat; how many violations it saw."""
    beat = await database.read(lambda tx: _begin(tx, newest, following))
    found: dict[str, list[Violation]] = {}
    for invariant in beat.asked:
        keys = beat.keys.get(invariant.part)
        found[invariant.name] = await database.read(
            lambda tx, i=invariant, k=keys: invariants.asked(tx, i, k)  # type: ignore[misc]
        )
        await asyncio.sleep(0)  # an embedded database answers in this loop: let others in between
    await database.unit_of_work(lambda tx: _tell(tx, beat, found))
    return sum(map(len, found.values()))


async def _begin(tx: Tx, newest: int, following: int) -> Beat:
    stands = await rounds.positions(tx)
    watched = {invariant.name: invariant for invariant in WATCHED}
    alerted = [(a.name, a.subject) for a in await alerts.open_alerts(tx) if a.name in watched]
    keys: dict[Part, list[str]] = {}
    positions: dict[Part, str] = {}
    for part, how in KEYS.items():
        after, most = stands.get(f"watch:{part}", ""), -(-following // how.cost)
        new = [row["key"] for row in await tx.all(how.newest, most=-(-newest // how.cost))]
        next_ones = [row["key"] for row in await tx.all(how.following, after=after, most=most)]
        told = [subject for name, subject in alerted if watched[name].part is part]
        keys[part] = list(dict.fromkeys([*told, *new, *next_ones]))
        positions[part] = next_ones[-1] if len(next_ones) == most else ""
    # Sums over everything are asked for once per round over the payments.
    asked = [one for one in WATCHED if one.part is not Part.REST or not positions[Part.PAYMENTS]]
    return Beat(asked, keys, positions, frozenset(alerted))


async def _tell(tx: Tx, beat: Beat, found: Mapping[str, Sequence[Violation]]) -> None:
    for violations in found.values():
        for violation in violations[:RAISED_AT_ONCE]:
            await _raise(tx, violation)
    for name, subject in sorted(beat.alerted):
        if name in found and subject not in {one.subject for one in found[name]}:
            await alerts.resolve(tx, name, subject, HOLDS_AGAIN)
    for part, position in beat.positions.items():
        await rounds.move(tx, f"watch:{part}", position)


async def _raise(tx: Tx, violation: Violation) -> None:
    """The sale stops once per alert: a person who lets it go on is not overruled."""
    name, words = violation.invariant, violation.meaning
    new = await alerts.raise_alert(tx, name, violation.subject, words, violation.facts)
    if new and name not in CHORES:
        for sku in await _skus(tx, violation):
            await inventory.suspend(tx, sku, f"{name}: {words}")


async def _skus(tx: Tx, violation: Violation) -> list[str]:
    """In their order, as all locks of stock are taken."""
    if "sku" in violation.facts:
        return [violation.facts["sku"]]
    order_id = violation.facts.get("order_id")
    if order_id is None:
        return []
    try:
        order = await orders.order(tx, order_id)
    except orders.NoSuchOrder:
        return []
    return sorted({item.sku for item in order.items})

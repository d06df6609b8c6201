"""Queries of stock and its movements. It is locked and changed in order of SKU and warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.dialects import postgresql

from commerce.inventory.model import (
    Movement,
    MovementKind,
    Stock,
    Suspension,
)
from commerce.inventory.tables import (
    STOCK,
    STOCK_MOVEMENTS,
    STOCK_SUSPENSIONS,
)
from commerce.kernel import clock
from commerce.kernel.columns import any_of, insert_once
from commerce.kernel.database import Row, Tx

Shelf = tuple[str, str]  # SKU and warehouse

_open = (STOCK_SUSPENSIONS.c.sku == STOCK.c.sku, STOCK_SUSPENSIONS.c.lifted_at.is_(None))
_suspended = select(STOCK_SUSPENSIONS.c.seq).where(*_open).exists()
_this = (STOCK.c.sku == bindparam("which"), STOCK.c.warehouse == bindparam("place"))

STOCK_OF = (
    select(STOCK, _suspended.label("suspended"))
    .where(any_of(STOCK.c.sku, "skus"))
    .order_by(STOCK.c.sku, STOCK.c.warehouse)
)
SHELVES_IN = (
    STOCK_OF.where(STOCK.c.warehouse == bindparam("place"), STOCK.c.sku > bindparam("after"))
    .order_by(None)
    .order_by(STOCK.c.sku)
    .limit(bindparam("most"))
)
STOCK_LOCKED = STOCK_OF.with_for_update(of=STOCK)
RECEIVE = (
    postgresql.insert(STOCK)
    .values(held=0, sold=0, version=1)
    .on_conflict_do_update(
        index_elements=["sku", "warehouse"],
        set_={"on_hand": STOCK.c.on_hand + bindparam("more"), "version": STOCK.c.version + 1},
    )
)
OPEN = insert_once(STOCK, "sku", "warehouse")
CORRECT = (
    update(STOCK)
    .where(*_this)
    .values(on_hand=STOCK.c.on_hand + bindparam("more"), version=STOCK.c.version + 1)
)
SHIFT = (
    update(STOCK)
    .where(*_this)
    .values(held=STOCK.c.held + bindparam("held_more"), sold=STOCK.c.sold + bindparam("sold_more"))
)
# A suspension that committed while we waited for the lock is seen here: the lock's own snapshot
# is older than that.
PROMISE = SHIFT.where(~_suspended)
MOVEMENT = insert(STOCK_MOVEMENTS)
HISTORY = (
    select(STOCK_MOVEMENTS)
    .where(any_of(STOCK_MOVEMENTS.c.sku, "skus"), STOCK_MOVEMENTS.c.seq < bindparam("before"))
    .order_by(STOCK_MOVEMENTS.c.seq.desc())
    .limit(bindparam("most"))
)
ABOUT = (
    select(STOCK_MOVEMENTS)
    .where(STOCK_MOVEMENTS.c.reference == bindparam("reference"))
    .order_by(STOCK_MOVEMENTS.c.seq)
)
SUSPEND = postgresql.insert(STOCK_SUSPENSIONS).on_conflict_do_nothing(
    index_elements=["sku"], index_where=text("lifted_at IS NULL")
)
RESUME = (
    update(STOCK_SUSPENSIONS)
    .where(STOCK_SUSPENSIONS.c.sku == bindparam("which"), STOCK_SUSPENSIONS.c.lifted_at.is_(None))
    .values(
        lifted_at=bindparam("now"), lifted_by=bindparam("who"), lift_reason=bindparam("because")
    )
)
SUSPENDED = (
    select(STOCK_SUSPENSIONS)
    .where(STOCK_SUSPENSIONS.c.lifted_at.is_(None))
    .order_by(STOCK_SUSPENSIONS.c.seq)
)


async def stock(tx: Tx, skus: Iterable[str]) -> dict[str, list[Stock]]:
    """The shelves of each SKU that ever came in, by the name of the warehouse."""
    return _shelves(await tx.all(STOCK_OF, skus=list(skus)))


async def stock_locked(tx: Tx, skus: Iterable[str]) -> dict[str, list[Stock]]:
    return _shelves(await tx.all(STOCK_LOCKED, skus=list(skus)))


async def shelves_in(
    tx: Tx, warehouse: str, skus: Iterable[str], after: str, limit: int
) -> list[Stock]:
    rows = await tx.all(SHELVES_IN, place=warehouse, skus=list(skus), after=after, most=limit)
    return [_stock(row) for row in rows]


def _shelves(rows: Sequence[Row]) -> dict[str, list[Stock]]:
    found: dict[str, list[Stock]] = {}
    for row in rows:
        found.setdefault(row["sku"], []).append(_stock(row))
    return found


def _stock(row: Row) -> Stock:
    return Stock(
        sku=row["sku"],
        warehouse=row["warehouse"],
        on_hand=row["on_hand"],
        held=row["held"],
        sold=row["sold"],
        version=row["version"],
        suspended=bool(row["suspended"]),
    )


async def receive(tx: Tx, sku: str, warehouse: str, quantity: int) -> None:
    await tx.run(RECEIVE, sku=sku, warehouse=warehouse, on_hand=quantity, more=quantity)


async def open_shelf(tx: Tx, sku: str, warehouse: str) -> None:
    await tx.run(OPEN, sku=sku, warehouse=warehouse, on_hand=0, held=0, sold=0, version=1)


async def correct(tx: Tx, sku: str, warehouse: str, change: int) -> None:
    await tx.run(CORRECT, which=sku, place=warehouse, more=change)


async def promise(tx: Tx, sku: str, warehouse: str, pieces: int) -> bool:
    """False where the SKU was just suspended."""
    return bool(await tx.run(PROMISE, which=sku, place=warehouse, held_more=pieces, sold_more=0))


async def shift(tx: Tx, more: Mapping[Shelf, tuple[int, int]]) -> None:
    """So many more are held and sold of each shelf."""
    await tx.run_many(
        SHIFT,
        [
            {"which": sku, "place": warehouse, "held_more": held, "sold_more": sold}
            for (sku, warehouse), (held, sold) in sorted(more.items())
        ],
    )


async def add_movement(
    tx: Tx,
    sku: str,
    warehouse: str,
    kind: MovementKind,
    quantity: int,
    *,
    reason: str,
    reference: str,
    by: str = "",
) -> None:
    await tx.run(
        MOVEMENT,
        sku=sku,
        warehouse=warehouse,
        kind=kind,
        quantity=quantity,
        reason=reason,
        reference=reference,
        moved_by=by,
        moved_at=clock.now(),
    )


async def history(tx: Tx, skus: Iterable[str], before: int, limit: int) -> list[Movement]:
    rows = await tx.all(HISTORY, skus=list(skus), before=before, most=limit)
    return [_movement(row) for row in rows]


async def movements_about(tx: Tx, reference: str) -> list[Movement]:
    return [_movement(row) for row in await tx.all(ABOUT, reference=reference)]


def _movement(row: Row) -> Movement:
    return Movement(
        sku=row["sku"],
        warehouse=row["warehouse"],
        kind=MovementKind(row["kind"]),
        quantity=row["quantity"],
        reason=row["reason"],
        reference=row["reference"],
        by=row["moved_by"],
        at=row["moved_at"],
        seq=row["seq"],
    )


async def suspend(tx: Tx, sku: str, reason: str, by: str) -> bool:
    """False where it is suspended already."""
    return (
        await tx.run(SUSPEND, sku=sku, reason=reason, suspended_at=await tx.now(), suspended_by=by)
        == 1
    )


async def resume(tx: Tx, sku: str, reason: str, by: str) -> bool:
    """False where it is not suspended."""
    return await tx.run(RESUME, which=sku, now=await tx.now(), who=by, because=reason) == 1


async def suspended(tx: Tx) -> list[Suspension]:
    return [
        Suspension(
            sku=row["sku"],
            reason=row["reason"],
            since=row["suspended_at"],
            by=row["suspended_by"],
        )
        for row in await tx.all(SUSPENDED)
    ]

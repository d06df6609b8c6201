"""Every query of inventory. Stock is locked and changed in the order of SKU and warehouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects import postgresql

from commerce.inventory.model import (
    PROMISED,
    Hold,
    HoldStatus,
    Movement,
    MovementKind,
    Part,
    Stock,
    Suspension,
)
from commerce.inventory.tables import (
    HOLD_PARTS,
    HOLDS,
    STOCK,
    STOCK_MOVEMENTS,
    STOCK_SUSPENSIONS,
)
from commerce.kernel import clock
from commerce.kernel.columns import any_of, db_now, insert_once
from commerce.kernel.database import Row, Tx

Shelf = tuple[str, str]  # SKU and warehouse
SEVERAL = ""  # stands for the warehouse of a hold that has parts

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
# One statement, because a hold may be relocated between two.
_part = (
    HOLD_PARTS.c.hold_id,
    HOLD_PARTS.c.warehouse.label("part"),
    HOLD_PARTS.c.quantity.label("pieces"),
)
_whole = select(HOLDS, *_part).select_from(
    HOLDS.outerjoin(HOLD_PARTS, HOLD_PARTS.c.hold_id == HOLDS.c.id)
)
BY_KEYS = _whole.where(any_of(HOLDS.c.key, "keys"))
BY_ID = _whole.where(HOLDS.c.id == bindparam("id"))
# Two statements, because what is joined to a row that was waited for is older than that row.
LOCKED = select(HOLDS).where(HOLDS.c.id == bindparam("id")).with_for_update()
ADD = insert(HOLDS)
PARTS_OF = select(*_part).where(any_of(HOLD_PARTS.c.hold_id, "holds"))
ADD_PARTS = insert(HOLD_PARTS)
DROP_PARTS = delete(HOLD_PARTS).where(HOLD_PARTS.c.hold_id == bindparam("hold"))
MOVE = (
    update(HOLDS)
    .where(HOLDS.c.id == bindparam("hold"), HOLDS.c.status == bindparam("before"))
    .values(status=bindparam("after"), warehouse=bindparam("place"), changed_at=bindparam("now"))
)
EXTEND = (
    update(HOLDS)
    .where(HOLDS.c.id == bindparam("hold"), HOLDS.c.status.in_(PROMISED))
    .values(expires_at=bindparam("until"), changed_at=bindparam("now"))
)
_due = (
    select(HOLDS.c.id)
    .where(HOLDS.c.status == HoldStatus.HELD, HOLDS.c.expires_at <= db_now())
    .order_by(HOLDS.c.expires_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
EXPIRE = (
    update(HOLDS)
    .where(HOLDS.c.id.in_(_due.scalar_subquery()))
    .values(status=HoldStatus.EXPIRED, changed_at=db_now())
    .returning(HOLDS)
)
OF_REFERENCE = (
    select(HOLDS.c.status, HOLDS.c.sku, func.sum(HOLDS.c.quantity).label("pieces"))
    .where(HOLDS.c.reference == bindparam("reference"))
    .group_by(HOLDS.c.status, HOLDS.c.sku)
)
MOVEMENT = insert(STOCK_MOVEMENTS)
HISTORY = (
    select(STOCK_MOVEMENTS)
    .where(any_of(STOCK_MOVEMENTS.c.sku, "skus"), STOCK_MOVEMENTS.c.seq < bindparam("before"))
    .order_by(STOCK_MOVEMENTS.c.seq.desc())
    .limit(bindparam("most"))
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


async def by_keys(tx: Tx, keys: Iterable[str]) -> dict[str, Hold]:
    rows = await tx.all(BY_KEYS, keys=list(keys))
    parts = _parts(rows)
    return {row["key"]: _hold(row, parts) for row in rows}


async def hold(tx: Tx, hold_id: str) -> Hold | None:
    rows = await tx.all(BY_ID, id=hold_id)
    return _hold(rows[0], _parts(rows)) if rows else None


async def hold_locked(tx: Tx, hold_id: str) -> Hold | None:
    return next(iter(await _locked(tx, await tx.all(LOCKED, id=hold_id))), None)


async def add_holds(tx: Tx, holds: Sequence[Hold], now: int) -> bool:
    """False, with the transaction of no more use, where a SKU was just suspended."""
    for (sku, warehouse), pieces in sorted(_pieces(holds).items()):
        if not await tx.run(PROMISE, which=sku, place=warehouse, held_more=pieces, sold_more=0):
            return False
    await tx.run_many(
        ADD,
        [
            {
                "id": one.id,
                "key": one.key,
                "sku": one.sku,
                "warehouse": _place(one),
                "quantity": one.quantity,
                "owner": one.owner,
                "reference": one.reference,
                "status": one.status,
                "expires_at": one.expires_at,
                "created_at": now,
                "changed_at": now,
            }
            for one in holds
        ],
    )
    await _add_parts(tx, holds)
    return True


async def put_parts(tx: Tx, hold: Hold) -> None:
    """Where its pieces are from now on; `move` writes the rest."""
    await tx.run(DROP_PARTS, hold=hold.id)
    await _add_parts(tx, [hold])


async def _add_parts(tx: Tx, holds: Iterable[Hold]) -> None:
    await tx.run_many(
        ADD_PARTS,
        [
            {"hold_id": one.id, "warehouse": part.warehouse, "quantity": part.quantity}
            for one in holds
            if len(one.parts) > 1
            for part in one.parts
        ],
    )


def _place(hold: Hold) -> str:
    return hold.parts[0].warehouse if len(hold.parts) == 1 else SEVERAL


async def move(tx: Tx, hold: Hold, after: HoldStatus) -> bool:
    """False when the hold had moved meanwhile."""
    moved = await tx.run(
        MOVE,
        hold=hold.id,
        before=hold.status,
        after=after,
        place=_place(hold),
        now=await tx.now(),
    )
    return moved == 1


async def let_go(tx: Tx, holds: Iterable[Hold]) -> None:
    """What these held is free."""
    await shift(tx, {shelf: (-pieces, 0) for shelf, pieces in _pieces(holds).items()})


def _pieces(holds: Iterable[Hold]) -> Mapping[Shelf, int]:
    pieces = Counter[Shelf]()
    for one in holds:
        for warehouse, quantity in one.parts:
            pieces[one.sku, warehouse] += quantity
    return pieces


async def shift(tx: Tx, more: Mapping[Shelf, tuple[int, int]]) -> None:
    """So many more are held and sold of each shelf."""
    await tx.run_many(
        SHIFT,
        [
            {"which": sku, "place": warehouse, "held_more": held, "sold_more": sold}
            for (sku, warehouse), (held, sold) in sorted(more.items())
        ],
    )


async def extend(tx: Tx, hold_id: str, until: int) -> bool:
    return await tx.run(EXTEND, hold=hold_id, until=until, now=await tx.now()) == 1


async def expire_due(tx: Tx, limit: int) -> list[Hold]:
    return await _locked(tx, await tx.all(EXPIRE, most=limit))


async def pieces_of(tx: Tx, reference: str) -> list[Row]:
    return await tx.all(OF_REFERENCE, reference=reference)


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


async def _locked(tx: Tx, rows: Sequence[Row]) -> list[Hold]:
    """Holds that nobody else changes before the commit."""
    several = [row["id"] for row in rows if row["warehouse"] == SEVERAL]
    parts = _parts(await tx.all(PARTS_OF, holds=several)) if several else {}
    return [_hold(row, parts) for row in rows]


def _parts(rows: Sequence[Row]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for row in rows:
        if row["hold_id"] is not None:
            found.setdefault(row["hold_id"], []).append(Part(row["part"], row["pieces"]))
    return found


def _hold(row: Row, parts: Mapping[str, Sequence[Part]]) -> Hold:
    whole = (Part(row["warehouse"], row["quantity"]),)
    return Hold(
        id=row["id"],
        key=row["key"],
        sku=row["sku"],
        quantity=row["quantity"],
        parts=tuple(sorted(parts.get(row["id"], whole))),
        owner=row["owner"],
        reference=row["reference"],
        status=HoldStatus(row["status"]),
        expires_at=row["expires_at"],
    )

"""Every query of inventory. Stock is locked and changed in the order of SKU and warehouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.dialects import postgresql

from commerce.inventory.model import (
    PROMISED,
    Hold,
    HoldStatus,
    Movement,
    MovementKind,
    Stock,
    Suspension,
)
from commerce.inventory.tables import HOLDS, STOCK, STOCK_MOVEMENTS, STOCK_SUSPENSIONS
from commerce.kernel import clock
from commerce.kernel.columns import any_of, db_now
from commerce.kernel.database import Row, Tx

_open = (STOCK_SUSPENSIONS.c.sku == STOCK.c.sku, STOCK_SUSPENSIONS.c.lifted_at.is_(None))
_suspended = select(STOCK_SUSPENSIONS.c.seq).where(*_open).exists()
_this = (STOCK.c.sku == bindparam("which"), STOCK.c.warehouse == bindparam("place"))

STOCK_OF = (
    select(STOCK, _suspended.label("suspended"))
    .where(any_of(STOCK.c.sku, "skus"))
    .order_by(STOCK.c.sku, STOCK.c.warehouse)
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
BY_KEYS = select(HOLDS).where(any_of(HOLDS.c.key, "keys"))
BY_ID = select(HOLDS).where(HOLDS.c.id == bindparam("id"))
LOCKED = BY_ID.with_for_update()
ADD = insert(HOLDS)
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


async def correct(tx: Tx, stock: Stock, change: int) -> None:
    await tx.run(CORRECT, which=stock.sku, place=stock.warehouse, more=change)


async def by_keys(tx: Tx, keys: Iterable[str]) -> dict[str, Hold]:
    return {row["key"]: _hold(row) for row in await tx.all(BY_KEYS, keys=list(keys))}


async def hold(tx: Tx, hold_id: str) -> Hold | None:
    row = await tx.first(BY_ID, id=hold_id)
    return None if row is None else _hold(row)


async def hold_locked(tx: Tx, hold_id: str) -> Hold | None:
    row = await tx.first(LOCKED, id=hold_id)
    return None if row is None else _hold(row)


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
                "warehouse": one.warehouse,
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
    return True


async def move(tx: Tx, hold: Hold, after: HoldStatus) -> bool:
    """False when the hold had moved meanwhile."""
    moved = await tx.run(
        MOVE,
        hold=hold.id,
        before=hold.status,
        after=after,
        place=hold.warehouse,
        now=await tx.now(),
    )
    return moved == 1


async def let_go(tx: Tx, holds: Iterable[Hold]) -> None:
    """What these held is free."""
    await tx.run_many(
        SHIFT,
        [
            {"which": sku, "place": warehouse, "held_more": -pieces, "sold_more": 0}
            for (sku, warehouse), pieces in sorted(_pieces(holds).items())
        ],
    )


def _pieces(holds: Iterable[Hold]) -> Mapping[tuple[str, str], int]:
    pieces = Counter[tuple[str, str]]()
    for one in holds:
        pieces[one.sku, one.warehouse] += one.quantity
    return pieces


async def shift(tx: Tx, hold: Hold, *, held: int = 0, sold: int = 0) -> None:
    await tx.run(SHIFT, which=hold.sku, place=hold.warehouse, held_more=held, sold_more=sold)


async def extend(tx: Tx, hold_id: str, until: int) -> bool:
    return await tx.run(EXTEND, hold=hold_id, until=until, now=await tx.now()) == 1


async def expire_due(tx: Tx, limit: int) -> list[Hold]:
    return [_hold(row) for row in await tx.all(EXPIRE, most=limit)]


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


def _hold(row: Row) -> Hold:
    return Hold(
        id=row["id"],
        key=row["key"],
        sku=row["sku"],
        warehouse=row["warehouse"],
        quantity=row["quantity"],
        owner=row["owner"],
        reference=row["reference"],
        status=HoldStatus(row["status"]),
        expires_at=row["expires_at"],
    )

"""Every query of inventory. Stock rows are locked and changed in the order of their SKUs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, func, insert, select, update

from commerce.inventory.model import Hold, HoldStatus, MovementKind, Stock
from commerce.inventory.tables import HOLDS, STOCK, STOCK_MOVEMENTS
from commerce.kernel import clock
from commerce.kernel.columns import any_of, db_now, insert_once
from commerce.kernel.database import Row, Tx

STOCK_OF = select(STOCK).where(any_of(STOCK.c.sku, "skus")).order_by(STOCK.c.sku)
STOCK_LOCKED = STOCK_OF.with_for_update()
OPEN_STOCK = insert_once(STOCK, "sku")
RECEIVE = (
    update(STOCK)
    .where(STOCK.c.sku == bindparam("which"))
    .values(on_hand=STOCK.c.on_hand + bindparam("quantity"))
)
HOLD_MORE = (
    update(STOCK)
    .where(STOCK.c.sku == bindparam("which"))
    .values(held=STOCK.c.held + bindparam("quantity"))
)
SELL_HELD = (
    update(STOCK)
    .where(STOCK.c.sku == bindparam("which"))
    .values(held=STOCK.c.held - bindparam("quantity"), sold=STOCK.c.sold + bindparam("quantity"))
)
SELL_FREE = (
    update(STOCK)
    .where(
        STOCK.c.sku == bindparam("which"),
        STOCK.c.on_hand - STOCK.c.held - STOCK.c.sold >= bindparam("quantity"),
    )
    .values(sold=STOCK.c.sold + bindparam("quantity"))
)
BY_KEYS = select(HOLDS).where(any_of(HOLDS.c.key, "keys"))
BY_ID = select(HOLDS).where(HOLDS.c.id == bindparam("id"))
LOCKED = BY_ID.with_for_update()
ADD = insert(HOLDS)
MOVE = (
    update(HOLDS)
    .where(HOLDS.c.id == bindparam("hold"), HOLDS.c.status == bindparam("before"))
    .values(status=bindparam("after"), changed_at=bindparam("now"))
)
EXTEND = (
    update(HOLDS)
    .where(HOLDS.c.id == bindparam("hold"), HOLDS.c.status == HoldStatus.HELD)
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


async def stock(tx: Tx, skus: Iterable[str]) -> dict[str, Stock]:
    return _stock(await tx.all(STOCK_OF, skus=list(skus)))


async def stock_locked(tx: Tx, skus: Iterable[str]) -> dict[str, Stock]:
    return _stock(await tx.all(STOCK_LOCKED, skus=list(skus)))


def _stock(rows: Sequence[Row]) -> dict[str, Stock]:
    return {r["sku"]: Stock(r["sku"], r["on_hand"], r["held"], r["sold"]) for r in rows}


async def receive(tx: Tx, sku: str, quantity: int) -> None:
    await tx.run(OPEN_STOCK, sku=sku, on_hand=0, held=0, sold=0)
    await tx.run(RECEIVE, which=sku, quantity=quantity)


async def by_keys(tx: Tx, keys: Iterable[str]) -> dict[str, Hold]:
    return {row["key"]: _hold(row) for row in await tx.all(BY_KEYS, keys=list(keys))}


async def hold(tx: Tx, hold_id: str) -> Hold | None:
    row = await tx.first(BY_ID, id=hold_id)
    return None if row is None else _hold(row)


async def hold_locked(tx: Tx, hold_id: str) -> Hold | None:
    row = await tx.first(LOCKED, id=hold_id)
    return None if row is None else _hold(row)


async def add_holds(tx: Tx, holds: Sequence[Hold], now: int) -> None:
    taken = Counter[str]()
    for one in holds:
        taken[one.sku] += one.quantity
    await tx.run_many(HOLD_MORE, [{"which": s, "quantity": n} for s, n in sorted(taken.items())])
    await tx.run_many(
        ADD,
        [
            {
                "id": one.id,
                "key": one.key,
                "sku": one.sku,
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


async def move(tx: Tx, hold: Hold, after: HoldStatus) -> bool:
    """False when the hold had moved meanwhile."""
    moved = await tx.run(MOVE, hold=hold.id, before=hold.status, after=after, now=await tx.now())
    return moved == 1


async def give_back(tx: Tx, holds: Iterable[Hold]) -> None:
    freed = Counter[str]()
    for one in holds:
        freed[one.sku] += one.quantity
    await tx.run_many(HOLD_MORE, [{"which": s, "quantity": -n} for s, n in sorted(freed.items())])


async def sell_held(tx: Tx, hold: Hold) -> None:
    await tx.run(SELL_HELD, which=hold.sku, quantity=hold.quantity)


async def sell_free(tx: Tx, hold: Hold) -> bool:
    """False when too few are free."""
    return await tx.run(SELL_FREE, which=hold.sku, quantity=hold.quantity) == 1


async def extend(tx: Tx, hold_id: str, until: int) -> bool:
    return await tx.run(EXTEND, hold=hold_id, until=until, now=await tx.now()) == 1


async def expire_due(tx: Tx, limit: int) -> list[Hold]:
    return [_hold(row) for row in await tx.all(EXPIRE, most=limit)]


async def pieces_of(tx: Tx, reference: str) -> list[Row]:
    return await tx.all(OF_REFERENCE, reference=reference)


async def add_movement(
    tx: Tx, sku: str, kind: MovementKind, quantity: int, *, reason: str, reference: str
) -> None:
    await tx.run(
        MOVEMENT,
        sku=sku,
        kind=kind,
        quantity=quantity,
        reason=reason,
        reference=reference,
        moved_at=clock.now(),
    )


def _hold(row: Row) -> Hold:
    return Hold(
        id=row["id"],
        key=row["key"],
        sku=row["sku"],
        quantity=row["quantity"],
        owner=row["owner"],
        reference=row["reference"],
        status=HoldStatus(row["status"]),
        expires_at=row["expires_at"],
    )

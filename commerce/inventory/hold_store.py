"""Queries of holds and their parts. A hold is locked before the stock it is of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import bindparam, delete, func, insert, select, update

from commerce.inventory import store
from commerce.inventory.model import PROMISED, Hold, HoldStatus, Part
from commerce.inventory.store import Shelf
from commerce.inventory.tables import HOLD_PARTS, HOLDS
from commerce.kernel.columns import any_of, db_now
from commerce.kernel.database import Row, Tx

SEVERAL = ""  # stands for the warehouse of a hold that has parts

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
        if not await store.promise(tx, sku, warehouse, pieces):
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
    await store.shift(tx, {shelf: (-pieces, 0) for shelf, pieces in _pieces(holds).items()})


def _pieces(holds: Iterable[Hold]) -> Mapping[Shelf, int]:
    pieces = Counter[Shelf]()
    for one in holds:
        for warehouse, quantity in one.parts:
            pieces[one.sku, warehouse] += quantity
    return pieces


async def extend(tx: Tx, hold_id: str, until: int) -> bool:
    return await tx.run(EXTEND, hold=hold_id, until=until, now=await tx.now()) == 1


async def expire_due(tx: Tx, limit: int) -> list[Hold]:
    return await _locked(tx, await tx.all(EXPIRE, most=limit))


async def pieces_of(tx: Tx, reference: str) -> list[Row]:
    return await tx.all(OF_REFERENCE, reference=reference)


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

"""Every query of warehouses. A warehouse is locked before the stock in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, func, select, update

from commerce.inventory.tables import STOCK, WAREHOUSES
from commerce.inventory.warehouse_model import Area, Warehouse
from commerce.kernel import jsons
from commerce.kernel.columns import any_of, insert_once
from commerce.kernel.database import Row, Tx

_W = WAREHOUSES.c

BY_IDS = select(WAREHOUSES).where(any_of(_W.id, "ids"))
OF_SUPPLIER = (
    select(WAREHOUSES)
    .where(_W.supplier_id == bindparam("supplier_id"))
    .order_by(_W.active.desc(), _W.name, _W.id)
)
LOCKED = select(WAREHOUSES).where(_W.id == bindparam("id")).with_for_update()
# Pieces may come in together, but not while it closes.
KEPT_OPEN = LOCKED.with_for_update(read=True)
ADD = insert_once(WAREHOUSES, "id")
SAVE = (
    update(WAREHOUSES)
    .where(_W.id == bindparam("which"), _W.version == bindparam("seen"))
    .values(
        {
            name: bindparam(name)
            for name in _W.keys()  # noqa: SIM118
            if name not in ("id", "supplier_id", "created_at")
        }
    )
)
THERE = (
    select(STOCK.c.on_hand, STOCK.c.sold)
    .where(STOCK.c.warehouse == bindparam("warehouse"))
    .order_by(STOCK.c.sku)
    .with_for_update()
)
PIECES = (
    select(STOCK.c.warehouse, func.sum(STOCK.c.on_hand - STOCK.c.sold).label("pieces"))
    .where(any_of(STOCK.c.sku, "skus"))
    .group_by(STOCK.c.warehouse)
)


async def by_ids(tx: Tx, ids: Iterable[str]) -> dict[str, Warehouse]:
    return {row["id"]: _warehouse(row) for row in await tx.all(BY_IDS, ids=list(ids))}


async def of_supplier(tx: Tx, supplier_id: str) -> list[Warehouse]:
    return [_warehouse(row) for row in await tx.all(OF_SUPPLIER, supplier_id=supplier_id)]


async def locked(tx: Tx, warehouse_id: str) -> Warehouse | None:
    row = await tx.first(LOCKED, id=warehouse_id)
    return None if row is None else _warehouse(row)


async def kept_open(tx: Tx, warehouse_id: str) -> Warehouse | None:
    row = await tx.first(KEPT_OPEN, id=warehouse_id)
    return None if row is None else _warehouse(row)


async def add(tx: Tx, warehouse: Warehouse) -> bool:
    """False where there is one with this id."""
    now = await tx.now()
    return await tx.run(ADD, **_row(warehouse), created_at=now, changed_at=now) == 1


async def save(tx: Tx, warehouse: Warehouse, seen: int) -> bool:
    """False where it was changed since that version."""
    row = _row(warehouse)
    changed = await tx.run(SAVE, which=row.pop("id"), seen=seen, **row, changed_at=await tx.now())
    return changed == 1


async def unsold_locked(tx: Tx, warehouse_id: str) -> list[int]:
    """Of each thing that was ever there, how many pieces still are."""
    rows = await tx.all(THERE, warehouse=warehouse_id)
    return [row["on_hand"] - row["sold"] for row in rows]


async def pieces(tx: Tx, skus: Iterable[str]) -> dict[str, int]:
    rows = await tx.all(PIECES, skus=list(skus))
    return {row["warehouse"]: int(row["pieces"]) for row in rows}


def _row(warehouse: Warehouse) -> dict[str, Any]:
    areas = [[area.country, *area.postcode_prefixes] for area in warehouse.areas]
    return asdict(warehouse) | {"areas": jsons.dumps(areas), "active": int(warehouse.active)}


def _warehouse(row: Row) -> Warehouse:
    facts = {name: row[name] for name in row.keys()}  # noqa: SIM118
    del facts["created_at"], facts["changed_at"]
    facts["areas"] = _areas(jsons.loads(facts["areas"]))
    return Warehouse(**facts | {"active": bool(facts["active"])})


def _areas(kept: Sequence[Sequence[str]]) -> tuple[Area, ...]:
    return tuple(Area(country, tuple(prefixes)) for country, *prefixes in kept)

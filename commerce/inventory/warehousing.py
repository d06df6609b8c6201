"""Opening, changing and closing warehouses; the one called `main` is there without a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from commerce.inventory import warehouse_store as store
from commerce.inventory.model import MAIN
from commerce.inventory.warehouse_model import (
    NotYourWarehouse,
    UnknownWarehouse,
    Warehouse,
    WarehouseChanged,
    WarehouseClosed,
    WarehouseNotEmpty,
    tidy,
)
from commerce.kernel.database import Tx
from commerce.kernel.idempotency import KeyReused


async def warehouses(tx: Tx, ids: Iterable[str]) -> dict[str, Warehouse]:
    """Those of these ids that have a row; closed ones too."""
    return await store.by_ids(tx, ids)


async def warehouses_of(tx: Tx, supplier_id: str) -> list[Warehouse]:
    """All of a supplier by name, closed ones last."""
    return await store.of_supplier(tx, supplier_id)


async def pieces_by_warehouse(tx: Tx, skus: Iterable[str]) -> dict[str, int]:
    """How many pieces of these lie in each that are not sold, held ones with them."""
    return await store.pieces(tx, skus)


async def open_warehouse(tx: Tx, warehouse: Warehouse) -> Warehouse:
    """A new one under the id that the caller made; the same again changes nothing."""
    opened = tidy(warehouse)
    if await store.add(tx, opened):
        return opened
    known = await store.locked(tx, opened.id)
    if known != opened:
        raise KeyReused(scope="warehouse", key=opened.id)
    return opened


async def edit_warehouse(
    tx: Tx, warehouse: Warehouse, *, supplier_id: str, expected_version: int
) -> Warehouse:
    """What it is from now on. Refuses warehouse_changed to whoever looked before others."""
    before = await _own(tx, warehouse.id, supplier_id)
    wanted = tidy(replace(warehouse, supplier_id=before.supplier_id, active=True))
    return await _save(tx, before, wanted, expected_version)


async def close_warehouse(
    tx: Tx, warehouse_id: str, *, supplier_id: str, expected_version: int
) -> Warehouse:
    """Nothing comes in any more, for ever; refused while anything is there."""
    before = await _own(tx, warehouse_id, supplier_id)
    there = [pieces for pieces in await store.unsold_locked(tx, warehouse_id) if pieces]
    if there:
        raise WarehouseNotEmpty(warehouse=warehouse_id, skus=len(there), pieces=sum(there))
    return await _save(tx, before, replace(before, active=False), expected_version)


async def kept_open(tx: Tx, ids: Iterable[str]) -> dict[str, Warehouse]:
    """As `warehouses`; none of them closes before the commit."""
    found = [await store.kept_open(tx, one) for one in sorted(ids) if one != MAIN]
    return {one.id: one for one in found if one is not None}


def check_takes(known: Mapping[str, Warehouse], warehouse_id: str, supplier_id: str) -> None:
    """Goods of this supplier may come in there."""
    if warehouse_id != MAIN:
        _check_own(known.get(warehouse_id), warehouse_id, supplier_id)


async def _own(tx: Tx, warehouse_id: str, supplier_id: str) -> Warehouse:
    return _check_own(await store.locked(tx, warehouse_id), warehouse_id, supplier_id)


def _check_own(found: Warehouse | None, warehouse_id: str, supplier_id: str) -> Warehouse:
    if found is None:
        raise UnknownWarehouse(warehouse=warehouse_id)
    if found.supplier_id != supplier_id:
        raise NotYourWarehouse(warehouse=warehouse_id)
    if not found.active:
        raise WarehouseClosed(warehouse=warehouse_id)
    return found


async def _save(tx: Tx, before: Warehouse, wanted: Warehouse, expected_version: int) -> Warehouse:
    after = replace(wanted, version=before.version + 1)
    if replace(after, version=before.version) == before:
        return before
    if before.version != expected_version or not await store.save(tx, after, before.version):
        raise WarehouseChanged(warehouse=before.id, version=before.version)
    return after

"""Use cases of suppliers, each inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from commerce.kernel import ids
from commerce.kernel.database import Tx
from commerce.kernel.idempotency import KeyReused
from commerce.suppliers import model, store
from commerce.suppliers.events import SupplierMoved
from commerce.suppliers.model import Action, Supplier


async def create(
    tx: Tx, *, name: str, country: str, currency: str, supplier_id: str = ""
) -> Supplier:
    """With an id of the caller's it may be repeated; the same id with other facts is refused."""
    supplier = Supplier(
        id=supplier_id or ids.new_id(), name=name, country=country, currency=currency
    )
    if await store.add(tx, supplier):
        return supplier
    known = await get(tx, supplier.id)
    if field := model.difference(known, supplier):
        raise KeyReused(scope="suppliers", key=supplier.id, field=field)
    return known


async def get(tx: Tx, supplier_id: str) -> Supplier:
    supplier = await store.get(tx, supplier_id)
    if supplier is None:
        raise model.NoSuchSupplier(supplier_id=supplier_id)
    return supplier


async def suppliers(tx: Tx, supplier_ids: Sequence[str] | None = None) -> list[Supplier]:
    if supplier_ids is None:
        return await store.everyone(tx)
    return await store.some(tx, supplier_ids)


async def move(tx: Tx, supplier_id: str, action: Action) -> Supplier:
    supplier = await get(tx, supplier_id)
    status = model.LIFE.after(supplier.status, action)
    await store.save_status(tx, supplier, status)
    moved = replace(supplier, status=status, version=supplier.version + 1)
    await tx.emit(
        SupplierMoved(supplier_id=moved.id, supplier_version=moved.version, status=moved.status)
    )
    return moved

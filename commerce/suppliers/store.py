"""Every query of suppliers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select, update

from commerce.kernel import clock
from commerce.kernel.database import Row, Tx, any_of, insert_once
from commerce.kernel.errors import Contended
from commerce.suppliers.model import Status, Supplier
from commerce.suppliers.tables import SUPPLIERS

ADD = insert_once(SUPPLIERS, "id")
GET = select(SUPPLIERS).where(SUPPLIERS.c.id == bindparam("supplier"))
SOME = select(SUPPLIERS).where(any_of(SUPPLIERS.c.id, "ids"))
ALL = select(SUPPLIERS).order_by(SUPPLIERS.c.name, SUPPLIERS.c.id)
SAVE_STATUS = (
    update(SUPPLIERS)
    .where(SUPPLIERS.c.id == bindparam("supplier"), SUPPLIERS.c.version == bindparam("expected"))
    .values(status=bindparam("new_status"), version=SUPPLIERS.c.version + 1)
)


def _supplier(row: Row) -> Supplier:
    return Supplier(
        id=row["id"],
        name=row["name"],
        country=row["country"],
        currency=row["currency"],
        status=Status(row["status"]),
        version=row["version"],
    )


async def add(tx: Tx, supplier: Supplier) -> bool:
    """False where the id exists."""
    added = await tx.run(
        ADD,
        id=supplier.id,
        name=supplier.name,
        country=supplier.country,
        currency=supplier.currency,
        status=supplier.status,
        version=supplier.version,
        created_at=clock.now(),
    )
    return bool(added)


async def get(tx: Tx, supplier_id: str) -> Supplier | None:
    row = await tx.first(GET, supplier=supplier_id)
    return _supplier(row) if row else None


async def some(tx: Tx, supplier_ids: Sequence[str]) -> list[Supplier]:
    return [_supplier(row) for row in await tx.all(SOME, ids=list(supplier_ids))]


async def everyone(tx: Tx) -> list[Supplier]:
    return [_supplier(row) for row in await tx.all(ALL)]


async def save_status(tx: Tx, supplier: Supplier, status: Status) -> None:
    saved = await tx.run(
        SAVE_STATUS, supplier=supplier.id, expected=supplier.version, new_status=status
    )
    if not saved:
        raise Contended(f"supplier {supplier.id} changed meanwhile")

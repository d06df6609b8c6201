"""Imports of sheets: brought by a person, looked at, confirmed or thrown away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from commerce.catalog import category_service, sheets_store, store
from commerce.catalog.model import Product, Status
from commerce.catalog.sheets_cells import Names
from commerce.catalog.sheets_model import (
    FILE_BYTES_MAX,
    IMPORT_LIFE,
    LINES_MAX,
    Form,
    Import,
    ImportAction,
    ImportStatus,
    Item,
    ItemStatus,
    NoSuchImport,
    SheetRefused,
)
from commerce.catalog.sheets_writing import write
from commerce.kernel import ids
from commerce.kernel.database import Tx
from commerce.kernel.errors import Contended
from commerce.kernel.idempotency import KeyReused

NAME_MAX = 80
PAGE = 500
NONE_YET = dict.fromkeys(
    ("lines", "lines_read", "lines_wrong", "created", "changed", "unchanged", "wrong", "applied",
     "refused", "fence", "tries"), 0,
)  # fmt: skip


async def bring_sheet(
    tx: Tx, *, key: str, supplier_id: str, by: str, name: str, content: bytes
) -> Import:
    """A sheet to be read and compared; the same form sent again is the same import."""
    if not content.strip():
        raise SheetRefused(reason="empty")
    if len(content) > FILE_BYTES_MAX:
        raise SheetRefused(reason="too_large", maximum=FILE_BYTES_MAX)
    now, import_id = await tx.now(), ids.new_id()
    added = await tx.run(
        sheets_store.ADD,
        id=import_id,
        key=key,
        supplier_id=supplier_id,
        brought_by=by,
        name=name[-NAME_MAX:],
        status=ImportStatus.WAITING,
        problem="",
        facts="{}",
        lease_until=now,
        started_at=now,
        **NONE_YET,
    )
    if added:
        await tx.run(sheets_store.ADD_FILE, import_id=import_id, content=content)
        tx.wake("imports")
    row = await tx.first(sheets_store.BY_KEY, key=key)
    assert row is not None
    if (row["supplier_id"], row["brought_by"]) != (supplier_id, by):
        raise KeyReused(scope="imports", key=key, field="supplier_id")
    return sheets_store.import_of(row)


async def imported(tx: Tx, import_id: str, *, supplier_id: str | None) -> Import:
    """For the supplier it is of; None is somebody who may act for all of them."""
    found = await sheets_store.one(tx, import_id)
    if found is None or supplier_id not in (None, found.supplier_id):
        raise NoSuchImport(import_id=import_id)
    return found


async def imports(tx: Tx, *, supplier_id: str | None, most: int) -> list[Import]:
    """Newest first."""
    rows = await tx.all(sheets_store.RECENT, supplier=supplier_id or "", most=most)
    return [sheets_store.import_of(row) for row in rows]


async def import_items(
    tx: Tx, import_id: str, *, statuses: Sequence[ItemStatus], most: int, after: int = 0
) -> list[Item]:
    """In the order of the sheet."""
    return await sheets_store.items(tx, import_id, statuses, most, after)


async def confirm_import(tx: Tx, import_id: str, *, supplier_id: str | None) -> None:
    """Save what was shown. What is being saved already, or is, stays so."""
    found = await imported(tx, import_id, supplier_id=supplier_id)
    if found.status not in (ImportStatus.APPLYING, ImportStatus.DONE):
        await _move(tx, found, ImportAction.CONFIRM)
        tx.wake("imports")


async def cancel_import(tx: Tx, import_id: str, *, supplier_id: str | None) -> None:
    found = await imported(tx, import_id, supplier_id=supplier_id)
    if found.status is not ImportStatus.CANCELLED:
        await _move(tx, found, ImportAction.CANCEL)
        await tx.run(sheets_store.FORGET_FILE, which=import_id)


async def _move(tx: Tx, found: Import, action: ImportAction) -> None:
    now, after = await tx.now(), IMPORT_LIFE.after(found.status, action)
    ended = now if after in IMPORT_LIFE.final else None
    given = {"which": found.id, "present": found.status, "next": after, "now": now}
    if not await tx.run(sheets_store.MOVE, **given, new_ended_at=ended):
        raise Contended(f"import {found.id} moved meanwhile")


async def names(tx: Tx) -> Names:
    return Names.of(await category_service.categories(tx), await category_service.brands(tx))


async def sheet_of(
    tx: Tx, form: Form, *, supplier_id: str | None, statuses: Sequence[Status] = tuple(Status)
) -> Callable[[], bytes]:
    """Writes the products of one supplier, or of all; to be called in a thread, it takes long."""
    products: list[Product] = []
    while page := await store.page(tx, supplier_id, statuses, PAGE, len(products)):
        products += page
        if len(products) > LINES_MAX:
            raise SheetRefused(reason="too_many_lines", maximum=LINES_MAX)
    return partial(write, products, await names(tx), form)

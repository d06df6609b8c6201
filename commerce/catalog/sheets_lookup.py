"""Looks up what the catalog has of all that a sheet names, in many short reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from commerce import inventory, suppliers
from commerce.catalog import service, sheets
from commerce.catalog.model import Product
from commerce.catalog.sheets_comparing import Known
from commerce.catalog.sheets_model import Line, Sheet
from commerce.inventory import MAIN
from commerce.kernel.database import Database

AT_ONCE = 500


async def lookup(database: Database, supplier_id: str, sheet: Sheet) -> Known:
    """Everything that the sheet names, looked up a few hundred at a time."""
    skus = _named(sheet.lines, "sku")
    of_skus: dict[str, Product] = {}
    products: dict[str, Product] = {}
    in_stock: set[tuple[str, str]] = set()
    for some in _batches(skus):
        of_skus |= await database.read(partial(service.products_of_skus, skus=some))
        stock = await database.read(partial(inventory.stock_of, skus=some))
        shelves = [shelf for found in stock.values() for shelf in found]
        in_stock |= {(one.sku, one.warehouse) for one in shelves if one.on_hand or one.version > 1}
    for some in _batches(_named(sheet.lines, "product")):
        found = await database.read(partial(service.products, product_ids=some))
        products |= {product.id: product for product in found}
    supplier = await database.read(partial(suppliers.get, supplier_id=supplier_id))
    places = await database.read(partial(inventory.warehouses_of, supplier_id=supplier_id))
    return Known(
        supplier_id=supplier_id,
        currency=supplier.currency,
        home_of={sku: product.id for sku, product in of_skus.items()},
        products=products | {product.id: product for product in of_skus.values()},
        names=await database.read(sheets.names),
        warehouses={MAIN: MAIN} | {one.id: one.name for one in places if one.active},
        in_stock=frozenset(in_stock),
    )


def _named(lines: Iterable[Line], column: str) -> list[str]:
    return list(dict.fromkeys(filter(None, (line.cells.get(column) for line in lines))))


def _batches(names: Sequence[str]) -> list[Sequence[str]]:
    step = AT_ONCE
    return [names[start : start + step] for start in range(0, len(names), step)]

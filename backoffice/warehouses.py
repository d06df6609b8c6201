"""What the warehouse pages show: whose they are, what lies in them, and where it can go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backoffice import pages
from commerce import catalog, inventory, suppliers
from commerce.accounts import Action, Staff, may
from commerce.catalog import Product
from commerce.inventory import MAIN, Stock, UnknownWarehouse, Warehouse
from commerce.kernel.database import Tx
from commerce.suppliers import Supplier

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    supplier: Supplier
    others: Sequence[Supplier]  # whose warehouses this person may look at, too
    warehouses: Sequence[Warehouse]
    pieces: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Lying:
    """A shelf with what people call what lies on it."""

    shelf: Stock
    product: Product
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    supplier: Supplier
    warehouse: Warehouse | None  # None: the main one
    lying: Sequence[Lying]
    pieces: int
    next: str  # the SKU behind which the next page begins
    others: int  # open warehouses that pieces could go to


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """A variant in one warehouse, and the open ones it can go to."""

    supplier: Supplier
    product: Product
    label: str
    shelf: Stock
    known: Mapping[str, Warehouse]
    to: Sequence[str]


def _sees(staff: Staff, supplier_id: str) -> bool:
    return may(staff, Action.SEE_EVERYTHING) or staff.supplier_id == supplier_id


async def supplier_of(tx: Tx, staff: Staff, asked: str) -> tuple[Supplier, Sequence[Supplier]]:
    """Whose warehouses are looked at: one's own, or for who sees everything the one asked for."""
    if not may(staff, Action.SEE_EVERYTHING):
        if not staff.supplier_id:
            raise UnknownWarehouse(warehouse=asked)
        return await suppliers.get(tx, staff.supplier_id), ()
    known = sorted(await suppliers.suppliers(tx), key=lambda one: one.name)
    found = [one for one in known if asked in ("", one.id)]
    if not found:
        raise UnknownWarehouse(warehouse=asked)
    return found[0], known


async def overview(tx: Tx, staff: Staff, asked: str) -> Overview:
    supplier, others = await supplier_of(tx, staff, asked)
    return Overview(
        supplier=supplier,
        others=others,
        warehouses=await inventory.warehouses_of(tx, supplier.id),
        pieces=await inventory.pieces_by_warehouse(tx, await _skus(tx, supplier)),
    )


async def one(tx: Tx, staff: Staff, warehouse_id: str) -> Warehouse:
    """A warehouse of one's own, or for who sees everything anybody's."""
    found = (await inventory.warehouses(tx, [warehouse_id])).get(warehouse_id)
    if found is None or not _sees(staff, found.supplier_id):
        raise UnknownWarehouse(warehouse=warehouse_id)
    return found


async def inside(tx: Tx, staff: Staff, warehouse_id: str, asked: str, after: str) -> Inside:
    known = None if warehouse_id == MAIN else await one(tx, staff, warehouse_id)
    supplier, _ = await supplier_of(tx, staff, known.supplier_id if known else asked)
    skus = await _skus(tx, supplier)
    shelves = await inventory.shelves_in(tx, warehouse_id, skus, after=after, limit=PAGE + 1)
    shown = shelves[:PAGE]
    products = await catalog.products_of_skus(tx, [shelf.sku for shelf in shown])
    open_ones = [w for w in await inventory.warehouses_of(tx, supplier.id) if w.active]
    return Inside(
        supplier=supplier,
        warehouse=known,
        lying=[_lying(shelf, products[shelf.sku]) for shelf in shown if shelf.sku in products],
        pieces=(await inventory.pieces_by_warehouse(tx, skus)).get(warehouse_id, 0),
        next=shown[-1].sku if len(shelves) > PAGE else "",
        others=len([w for w in open_ones if w.id != warehouse_id]) + (warehouse_id != MAIN),
    )


async def moving(tx: Tx, staff: Staff, sku: str, origin: str) -> Moving:
    product = (await catalog.products_of_skus(tx, [sku])).get(sku)
    shelves = (await inventory.stock_of(tx, [sku])).get(sku, ())
    shelf = next((shelf for shelf in shelves if shelf.warehouse == origin), None)
    if product is None or shelf is None or not _sees(staff, product.supplier_id):
        raise UnknownWarehouse(warehouse=origin)
    supplier = await suppliers.get(tx, product.supplier_id)
    known = {w.id: w for w in await inventory.warehouses_of(tx, supplier.id)}
    open_ones = [MAIN, *(w.id for w in known.values() if w.active)]
    return Moving(
        supplier=supplier,
        product=product,
        label=_label(product, sku),
        shelf=shelf,
        known=known,
        to=[warehouse_id for warehouse_id in open_ones if warehouse_id != origin],
    )


async def _skus(tx: Tx, supplier: Supplier) -> list[str]:
    products = await catalog.products_of_supplier(tx, supplier.id)
    return [variant.sku for product in products for variant in product.variants]


def _lying(shelf: Stock, product: Product) -> Lying:
    return Lying(shelf, product, _label(product, shelf.sku))


def _label(product: Product, sku: str) -> str:
    labels = {variant.sku: variant.label for variant in product.variants}
    return labels.get(sku, sku) or pages.ONE_SIZE

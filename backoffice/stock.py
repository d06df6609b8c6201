"""What a stock page shows: the shelves of a product's variants, and everything that moved there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backoffice import forms, pages, words_warehouse
from commerce import accounts, catalog, inventory, orders
from commerce.accounts import Action, Staff, may
from commerce.catalog import Product
from commerce.inventory import MAIN, Movement, MovementKind, Stock, Suspension
from commerce.kernel.database import Tx

PAGE = 30
OUT = (MovementKind.SOLD, MovementKind.MOVED_OUT)  # kept as a positive number of pieces that left
OF_ORDERS = (MovementKind.SOLD, MovementKind.RETURNED)  # these name an order


@dataclass(frozen=True, slots=True)
class Shelves:
    """A variant in all its warehouses."""

    sku: str
    label: str
    shelves: tuple[Stock, ...]
    suspension: Suspension | None

    @property
    def available(self) -> int:
        """What fans can buy now, in whatever warehouse."""
        return 0 if self.suspension else sum(shelf.available for shelf in self.shelves)

    @property
    def is_kept(self) -> bool:
        """Whether anything ever came in and was not wrong."""
        return any(shelf.on_hand for shelf in self.shelves)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A movement as a row of the history."""

    seq: int
    at: int
    kind: str
    pieces: int  # with its sign
    label: str
    warehouse: str
    reason: str
    reference: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockPage:
    product: Product
    variants: tuple[Shelves, ...]
    history: Sequence[Moved]
    older: int | None  # where the next page of the history begins
    names: Mapping[str, str]  # of the warehouses it lies in
    may_lie: int  # in how many it could lie

    @property
    def available(self) -> int:
        return sum(variant.available for variant in self.variants)


async def product_of(tx: Tx, staff: Staff, product_id: str) -> Product:
    """The product, for those who may look at it; for the others there is none."""
    found = await catalog.product(tx, product_id)
    if may(staff, Action.SEE_EVERYTHING) or _is_own(staff, found):
        return found
    if may(staff, Action.RUN_SESSION) and found.sellable:
        return found
    raise catalog.NoSuchProduct(product_id=product_id)


def may_change(staff: Staff, product: Product) -> bool:
    everything = may(staff, Action.SEE_EVERYTHING)
    return may(staff, Action.MOVE_STOCK) and (everything or _is_own(staff, product))


def _is_own(staff: Staff, product: Product) -> bool:
    edits = may(staff, Action.EDIT_PRODUCTS)
    return edits and bool(staff.supplier_id) and staff.supplier_id == product.supplier_id


async def of(tx: Tx, product: Product, before: int | None) -> StockPage:
    variants = await _variants(tx, product)
    moved = await _moved(tx, product, before)
    used = {shelf.warehouse for variant in variants for shelf in variant.shelves}
    used |= {one.warehouse for one in moved}
    return StockPage(
        product=product,
        variants=variants,
        history=moved[:PAGE],
        older=moved[PAGE - 1].seq if len(moved) > PAGE else None,
        names=await names(tx, used),
        may_lie=len(await places(tx, product)),
    )


async def names(tx: Tx, warehouse_ids: Iterable[str]) -> dict[str, str]:
    """What people call these warehouses."""
    known = await inventory.warehouses(tx, warehouse_ids)
    return {one: words_warehouse.name(one, known) for one in [*known, MAIN, *warehouse_ids]}


async def places(tx: Tx, product: Product) -> dict[str, str]:
    """Where pieces of it may come in, and what people call that."""
    own = await inventory.warehouses_of(tx, product.supplier_id)
    return await names(tx, [MAIN, *(one.id for one in own if one.active)])


async def shelf_of(tx: Tx, sku: str, warehouse: str) -> Stock:
    """As it stands; empty where nothing ever came in."""
    for shelf in (await inventory.stock_of(tx, [sku])).get(sku, ()):
        if shelf.warehouse == warehouse:
            return shelf
    return Stock(sku=sku, warehouse=warehouse, on_hand=0, version=0)


async def _variants(tx: Tx, product: Product) -> tuple[Shelves, ...]:
    stock = await inventory.stock_of(tx, [variant.sku for variant in product.variants])
    stopped = {one.sku: one for one in await inventory.suspended(tx)}
    return tuple(
        Shelves(v.sku, v.label or pages.ONE_SIZE, _shelves(stock, v.sku), stopped.get(v.sku))
        for v in sorted(product.variants, key=lambda v: v.position)
    )


def _shelves(stock: Mapping[str, Sequence[Stock]], sku: str) -> tuple[Stock, ...]:
    empty = Stock(sku=sku, warehouse=MAIN, on_hand=0, version=0)
    return tuple(stock.get(sku, ())) or (empty,)


async def _moved(tx: Tx, product: Product, before: int | None) -> list[Moved]:
    labels = {v.sku: v.label or pages.ONE_SIZE for v in product.variants}
    since = {} if before is None else {"before": before}
    found = await inventory.history(tx, list(labels), limit=PAGE + 1, **since)
    of_orders = [one.reference for one in found if one.kind in OF_ORDERS]
    codes = await orders.codes(tx, of_orders) if of_orders else {}
    people = {person.id: person.name for person in await accounts.all_staff(tx)}
    return [
        Moved(
            seq=one.seq,
            at=one.at,
            kind=one.kind,
            pieces=-one.quantity if one.kind in OUT else one.quantity,
            label=labels[one.sku],
            warehouse=one.warehouse,
            reason=one.reason,
            reference=_reference(one, codes),
            by=people.get(one.by, ""),
        )
        for one in found
    ]


def _reference(one: Movement, codes: Mapping[str, str]) -> str:
    """The order's code, or what was written; the key of a form tells nobody anything."""
    if one.kind in OF_ORDERS:
        return codes.get(one.reference, "")
    return "" if forms.ID.fullmatch(one.reference) else one.reference

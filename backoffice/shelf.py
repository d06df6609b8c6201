"""Products with what is left of them: the leader's picker and the supplier's own list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backoffice import pages
from commerce import catalog, inventory, suppliers
from commerce.accounts import Action, Staff, may
from commerce.catalog import Product
from commerce.kernel.database import Tx


@dataclass(frozen=True, slots=True)
class Size:
    sku: str
    label: str
    price_minor: int
    left: int


@dataclass(frozen=True, slots=True)
class Item:
    product: Product
    sizes: tuple[Size, ...]
    supplier: str = ""

    @property
    def prices(self) -> str:
        return pages.prices([size.price_minor for size in self.sizes], self.product.currency)

    @property
    def left(self) -> int:
        return sum(size.left for size in self.sizes)


async def for_sale(tx: Tx) -> list[Item]:
    """What a leader can pin."""
    return await _items(tx, [p for p in await catalog.products(tx) if p.sellable])


async def seen_by(tx: Tx, staff: Staff) -> list[Item]:
    """A supplier's own products in every status, an admin's view of all, a leader's of the rest."""
    if may(staff, Action.SEE_EVERYTHING):
        return await _items(tx, await catalog.products(tx), named=True)
    if may(staff, Action.RUN_SESSION):
        return await for_sale(tx)
    return await _items(tx, await catalog.products_of_supplier(tx, staff.supplier_id))


async def _items(tx: Tx, products: Sequence[Product], *, named: bool = False) -> list[Item]:
    left = await inventory.available(tx, [v.sku for p in products for v in p.variants])
    names = {s.id: s.name for s in await suppliers.suppliers(tx)} if named else {}
    return [Item(p, _sizes(p, left), names.get(p.supplier_id, "")) for p in products]


def _sizes(product: Product, left: dict[str, int]) -> tuple[Size, ...]:
    return tuple(
        Size(v.sku, v.label or pages.ONE_SIZE, v.price_minor, left.get(v.sku, 0))
        for v in sorted(product.variants, key=lambda v: v.position)
    )

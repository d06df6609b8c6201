"""Saves what a sheet makes of one product, with its first pieces, in the caller's transaction."""

from __future__ import annotations

from typing import Any

from commerce import inventory
from commerce.catalog import service
from commerce.catalog.model import Changes, Condition, TaxCategory, Variant
from commerce.catalog.sheets_model import Import, Item
from commerce.kernel.database import Tx

FIRST_DELIVERY = "first delivery, from a sheet"


async def apply(tx: Tx, found: Import, item: Item) -> None:
    product = _typed(item.wanted["product"])
    if item.product_version:
        await service.edit_product(
            tx,
            item.product_id,
            Changes(**{name: fact for name, fact in product.items() if name != "currency"}),
            expected_version=item.product_version,
            supplier_id=found.supplier_id,
        )
    else:
        await service.create_product(
            tx, product_id=item.product_id, supplier_id=found.supplier_id, **product
        )
    for sku, warehouse, pieces in sorted(item.wanted["stock"]):
        where = {"warehouse": warehouse, "supplier_id": found.supplier_id}
        await inventory.open_shelf(tx, sku, **where)
        if pieces:
            await _must_be_first(tx, sku, warehouse)
            by = found.brought_by
            await inventory.receive(tx, sku, pieces, reason=FIRST_DELIVERY, by=by, **where)


async def _must_be_first(tx: Tx, sku: str, warehouse: str) -> None:
    """Somebody may have booked the same delivery while the sheet waited for its yes."""
    for shelf in (await inventory.stock_of(tx, [sku])).get(sku, ()):
        if shelf.warehouse == warehouse and (shelf.on_hand or shelf.version > 1):
            raise inventory.StockChanged(sku=sku, warehouse=warehouse, version=shelf.version)


def _typed(product: dict[str, Any]) -> dict[str, Any]:
    tax = product.get("tax_category")
    return {
        **product,
        "condition": Condition(product["condition"]),
        "tax_category": tax and TaxCategory(tax),
        "variants": tuple(Variant(**variant) for variant in product["variants"]),
    }

"""Products for tests: a shirt in two sizes, of a supplier in Spain."""

from __future__ import annotations

from commerce import catalog, inventory, suppliers
from commerce.catalog import Listing, Product, Variant


def a_variant(**changes) -> Variant:
    facts = {"sku": "shirt-m", "label": "M", "attributes": {"size": "M"}, "price_minor": 2_500}
    return Variant(**(facts | changes))


def a_product(**changes) -> Product:
    facts = {
        "id": "shirt",
        "supplier_id": "sol",
        "title": "Linen shirt",
        "pictures": ("/media/shirt.svg",),
        "currency": "EUR",
        "variants": (a_variant(), a_variant(sku="shirt-l", label="L", position=1)),
    }
    return Product(**(facts | changes))


def a_listing(**changes) -> Listing:
    facts = {"id": "listing", "leader_id": "mara", "product_id": "shirt", "prices": {}}
    return Listing(**(facts | changes))


async def a_draft(tx, product: Product | None = None) -> Product:
    given = product or a_product()
    return await catalog.create_product(
        tx,
        product_id=given.id,
        supplier_id=given.supplier_id,
        title=given.title,
        description=given.description,
        pictures=given.pictures,
        currency=given.currency,
        category_id=given.category_id,
        brand_id=given.brand_id,
        condition=given.condition,
        tax_category=given.tax_category,
        share_max_bp=given.share_max_bp,
        variants=given.variants,
    )


async def a_product_on_sale(tx, product: Product | None = None, *, country="ES") -> Product:
    draft = await a_draft(tx, product)
    await suppliers.create(
        tx, supplier_id=draft.supplier_id, name="Taller Sol", country=country, currency="EUR"
    )
    await inventory.open_shelf(tx, draft.variants[0].sku)
    return await catalog.publish(tx, draft.id)

"""Use cases of the catalog, each inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from commerce import inventory, suppliers
from commerce.catalog import category_service, events, listings, model, store
from commerce.catalog.model import (
    Action,
    Changes,
    Condition,
    Product,
    Status,
    TaxCategory,
    Variant,
)
from commerce.kernel import clock, ids
from commerce.kernel.database import Tx
from commerce.kernel.idempotency import KeyReused

ANNOUNCEMENTS = {
    Action.PUBLISH: events.ProductPublished,
    Action.UNLIST: events.ProductUnlisted,
    Action.ARCHIVE: events.ProductArchived,
}


async def create_product(
    tx: Tx,
    *,
    supplier_id: str,
    title: str,
    currency: str,
    description: str = "",
    image: str = "",
    pictures: Sequence[str] = (),
    category_id: str = "",
    brand_id: str = "",
    condition: Condition = Condition.NEW,
    tax_category: TaxCategory | None = None,
    share_max_bp: int = 0,
    variants: Sequence[Variant] = (),
    product_id: str = "",
) -> Product:
    """A draft. With an id of the caller's it may be repeated and gives the product as it is now.

    `image` is said for a product with one picture. Without a tax category it has its category's.
    """
    changes = Changes(
        title=title,
        description=description,
        pictures=tuple(pictures) or ((image,) if image else ()),
        category_id=category_id,
        brand_id=brand_id,
        condition=condition,
        tax_category=tax_category,
        share_max_bp=share_max_bp,
        variants=tuple(variants),
    )
    new_id = product_id or ids.new_id()
    bare = Product(id=new_id, supplier_id=supplier_id, title=title, currency=currency)
    draft = model.checked((await _sorted(tx, bare, changes)).to(bare))
    if not await store.add(tx, draft):
        known = await product(tx, draft.id)
        if field := model.difference(known, draft):
            raise KeyReused(scope="products", key=draft.id, field=field)
        return known
    await _put_variants(tx, draft)
    await tx.emit(_announce(events.ProductChanged, draft))
    return draft


async def _sorted(tx: Tx, product: Product, changes: Changes) -> Changes:
    """With what the new category says about tax, where nothing else is said."""
    if changes.brand_id and changes.brand_id != product.brand_id:
        await category_service.brand_for(tx, changes.brand_id)
    if not changes.category_id or changes.category_id == product.category_id:
        return changes
    category = await category_service.category_for(tx, changes.category_id)
    return replace(changes, tax_category=changes.tax_category or category.tax_category)


async def product(tx: Tx, product_id: str) -> Product:
    found = await store.some(tx, [product_id])
    if not found:
        raise model.NoSuchProduct(product_id=product_id)
    return found[0]


async def products(tx: Tx, product_ids: Sequence[str]) -> list[Product]:
    """In the order of the ids; unknown ones are left out."""
    found = {product.id: product for product in await store.some(tx, product_ids)}
    return [found[product_id] for product_id in product_ids if product_id in found]


async def products_of_supplier(tx: Tx, supplier_id: str) -> list[Product]:
    return await store.of_supplier(tx, supplier_id)


async def products_of_skus(tx: Tx, skus: Sequence[str]) -> dict[str, Product]:
    """Which product each SKU belongs to; unknown SKUs are left out."""
    return await store.of_skus(tx, skus)


async def variant(tx: Tx, sku: str) -> Variant:
    found = await store.of_skus(tx, [sku])
    if sku not in found:
        raise model.NoSuchVariant(sku=sku)
    return found[sku].variant(sku)


async def products_page(
    tx: Tx,
    *,
    supplier_id: str | None = None,
    statuses: Sequence[Status] = tuple(Status),
    most: int,
    skip: int = 0,
) -> list[Product]:
    """By title; of everybody without a supplier."""
    return await store.page(tx, supplier_id, statuses, most, skip)


async def product_counts(tx: Tx, *, supplier_id: str | None = None) -> dict[Status, int]:
    return await store.counts(tx, supplier_id)


async def edit_product(
    tx: Tx,
    product_id: str,
    changes: Changes,
    *,
    expected_version: int,
    supplier_id: str | None = None,
) -> Product:
    """For the supplier it belongs to; None is somebody who may act for all of them."""
    before = await product(tx, product_id)
    model.must_belong_to(before, supplier_id)
    changes = await _sorted(tx, before, changes)
    after = model.edit(before, changes, expected_version=expected_version)
    model.must_be_complete(after, has_shelf=await has_shelf(tx, after))
    await store.save(tx, after)
    if changes.variants is not None:
        await _put_variants(tx, after)
        gone = {v.sku for v in before.variants} - {v.sku for v in after.variants}
        await store.take_off(tx, product_id, sorted(gone))
    if changes.variants is not None or changes.share_max_bp is not None:
        await listings.fit(tx, after)
    await tx.emit(_announce(events.ProductChanged, after))
    return after


async def move_product(
    tx: Tx,
    product_id: str,
    action: Action,
    *,
    expected_version: int | None = None,
    supplier_id: str | None = None,
) -> Product:
    """To be on sale a product lacks nothing, and its supplier is one we sell for."""
    before = await product(tx, product_id)
    model.must_belong_to(before, supplier_id)
    after = model.move(before, action, expected_version=expected_version)
    model.must_be_complete(after, has_shelf=await has_shelf(tx, after))
    if action is Action.PUBLISH:
        await _must_be_active(tx, after.supplier_id)
    await store.save(tx, after)
    await tx.emit(_announce(ANNOUNCEMENTS[action], after))
    return after


async def has_shelf(tx: Tx, product: Product) -> bool:
    """Whether any of its variants has a place in a warehouse, with pieces on it or none."""
    return bool(await inventory.stock_of(tx, [variant.sku for variant in product.variants]))


async def _must_be_active(tx: Tx, supplier_id: str) -> None:
    supplier = await suppliers.get(tx, supplier_id)
    if supplier.status is not suppliers.Status.ACTIVE:
        raise model.SupplierNotActive(supplier_id=supplier_id)


async def publish(tx: Tx, product_id: str, *, expected_version: int | None = None) -> Product:
    return await move_product(tx, product_id, Action.PUBLISH, expected_version=expected_version)


async def unlist(tx: Tx, product_id: str, *, expected_version: int | None = None) -> Product:
    return await move_product(tx, product_id, Action.UNLIST, expected_version=expected_version)


async def archive(tx: Tx, product_id: str, *, expected_version: int | None = None) -> Product:
    return await move_product(tx, product_id, Action.ARCHIVE, expected_version=expected_version)


async def delete_product(
    tx: Tx, product_id: str, *, expected_version: int, supplier_id: str | None = None
) -> None:
    """Drafts and archived products only; orders keep their own copy of what was sold."""
    before = await product(tx, product_id)
    model.must_belong_to(before, supplier_id)
    model.must_be_at(before, expected_version)
    model.must_be_deletable(before)
    after = replace(before, version=before.version + 1)
    await store.save(tx, after, deleted_at=clock.now())
    await tx.emit(_announce(events.ProductDeleted, after))


async def _put_variants(tx: Tx, product: Product) -> None:
    for variant in sorted(product.variants, key=lambda v: v.sku):
        if not await store.put_variant(tx, product.id, variant):
            raise model.SkuTaken(sku=variant.sku)


def _announce(kind: type[events.ProductEvent], product: Product) -> events.ProductEvent:
    return kind(
        product_id=product.id, supplier_id=product.supplier_id, product_version=product.version
    )

"""Use cases of the tree of categories and of brands: admins sort, everybody reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from commerce.catalog import category_model as model
from commerce.catalog import category_store as store
from commerce.catalog import events
from commerce.catalog.category_model import Brand, Category
from commerce.catalog.model import TaxCategory
from commerce.kernel import clock, ids
from commerce.kernel.database import Tx


async def categories(tx: Tx) -> list[Category]:
    """The whole tree: each below its parent, siblings by name."""
    return model.in_order(await store.tree(tx))


async def category_paths(tx: Tx, category_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The ids from the root to each; unknown ones are left out."""
    return await store.paths(tx, category_ids)


async def create_category(
    tx: Tx,
    *,
    name: str,
    parent_id: str = "",
    tax_category: TaxCategory = TaxCategory.STANDARD,
    category_id: str = "",
) -> Category:
    """With an id of the caller's it may be repeated. Refuses bad_name, name_taken."""
    new_id = category_id or ids.new_id()
    parent = await _shared(tx, parent_id) if parent_id else None
    category = Category(
        id=new_id,
        name=model.named(name),
        parent_id=parent_id,
        tax_category=tax_category,
        path=model.path_below(parent, new_id),
    )
    if not await store.add(tx, category):
        if await store.sibling(tx, parent_id, category.name) != new_id:
            raise model.NameTaken(name=category.name)
        return await _shared(tx, new_id)
    await tx.emit(events.CategoryChanged(id=new_id, group_version=1))
    return category


async def edit_category(
    tx: Tx,
    category_id: str,
    *,
    name: str,
    parent_id: str,
    tax_category: TaxCategory,
    expected_version: int,
) -> Category:
    """The whole tree is locked: two moves at once could make a ring of it."""
    tree = {one.id: one for one in await store.tree(tx, locked=True)}
    before = _found(tree.get(category_id), category_id)
    model.must_be_at(before, expected_version)
    parent = _found(tree.get(parent_id), parent_id) if parent_id else None
    after = replace(
        before,
        name=model.named(name),
        parent_id=parent_id,
        tax_category=tax_category,
        path=model.path_below(parent, category_id),
        version=expected_version + 1,
    )
    if await store.sibling(tx, parent_id, after.name) not in (None, category_id):
        raise model.NameTaken(name=after.name)
    await store.save(tx, after)
    for below in model.replanted(list(tree.values()), after):
        await store.replant(tx, below)
    await tx.emit(events.CategoryChanged(id=category_id, group_version=after.version))
    return after


async def delete_category(tx: Tx, category_id: str, *, expected_version: int) -> None:
    tree = await store.tree(tx, locked=True)
    before = _found(next((one for one in tree if one.id == category_id), None), category_id)
    model.must_be_at(before, expected_version)
    has_children = any(one.parent_id == category_id for one in tree)
    if has_children or await store.holds_products(tx, category_id):
        raise model.GroupInUse(id=category_id)
    gone = replace(before, version=expected_version + 1)
    await store.save(tx, gone, deleted_at=clock.now())
    await tx.emit(events.CategoryDeleted(id=category_id, group_version=gone.version))


async def category_for(tx: Tx, category_id: str) -> Category:
    """For a product about to be put into it: it stays until that is done."""
    return await _shared(tx, category_id)


async def _shared(tx: Tx, category_id: str) -> Category:
    return _found(await store.shared(tx, category_id), category_id)


def _found(category: Category | None, category_id: str) -> Category:
    if category is None:
        raise model.NoSuchCategory(category_id=category_id)
    return category


async def brands(tx: Tx) -> list[Brand]:
    return await store.brands(tx)


async def create_brand(tx: Tx, *, name: str, brand_id: str = "") -> Brand:
    """With an id of the caller's it may be repeated. Refuses bad_name, name_taken."""
    brand = Brand(id=brand_id or ids.new_id(), name=model.named(name))
    if not await store.add_brand(tx, brand):
        if await store.brand_named(tx, brand.name) != brand.id:
            raise model.NameTaken(name=brand.name)
        return await brand_for(tx, brand.id)
    await tx.emit(events.BrandChanged(id=brand.id, group_version=1))
    return brand


async def edit_brand(tx: Tx, brand_id: str, *, name: str, expected_version: int) -> Brand:
    before = await _brand_locked(tx, brand_id, expected_version)
    after = replace(before, name=model.named(name), version=expected_version + 1)
    if await store.brand_named(tx, after.name) not in (None, brand_id):
        raise model.NameTaken(name=after.name)
    await store.save_brand(tx, after)
    await tx.emit(events.BrandChanged(id=brand_id, group_version=after.version))
    return after


async def delete_brand(tx: Tx, brand_id: str, *, expected_version: int) -> None:
    before = await _brand_locked(tx, brand_id, expected_version)
    if await store.has_products(tx, brand_id):
        raise model.GroupInUse(id=brand_id)
    gone = replace(before, version=expected_version + 1)
    await store.save_brand(tx, gone, deleted_at=clock.now())
    await tx.emit(events.BrandDeleted(id=brand_id, group_version=gone.version))


async def brand_for(tx: Tx, brand_id: str) -> Brand:
    """For a product about to be of it: it stays until that is done."""
    brand = await store.brand_shared(tx, brand_id)
    if brand is None:
        raise model.NoSuchBrand(brand_id=brand_id)
    return brand


async def _brand_locked(tx: Tx, brand_id: str, expected_version: int) -> Brand:
    brand = await store.brand_locked(tx, brand_id)
    if brand is None:
        raise model.NoSuchBrand(brand_id=brand_id)
    model.must_be_at(brand, expected_version)
    return brand

"""Every query of categories and brands; what is deleted is not seen through it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql

from commerce.catalog.category_model import Brand, Category
from commerce.catalog.model import TaxCategory
from commerce.catalog.tables import BRANDS, CATEGORIES, PRODUCTS
from commerce.kernel import clock, jsons
from commerce.kernel.database import Row, Tx, any_of
from commerce.kernel.errors import Contended

ADD_CATEGORY = postgresql.insert(CATEGORIES).on_conflict_do_nothing()
TREE = select(CATEGORIES).where(CATEGORIES.c.deleted_at.is_(None)).order_by(CATEGORIES.c.id)
TREE_LOCKED = TREE.with_for_update()
SHARED = TREE.where(CATEGORIES.c.id == bindparam("category")).with_for_update(read=True)
PATHS = select(CATEGORIES.c.id, CATEGORIES.c.path).where(any_of(CATEGORIES.c.id, "ids"))
SAVE_CATEGORY = (
    update(CATEGORIES)
    .where(CATEGORIES.c.id == bindparam("category"), CATEGORIES.c.version == bindparam("expected"))
    .values(
        parent_id=bindparam("new_parent"),
        name=bindparam("new_name"),
        tax_category=bindparam("new_tax"),
        path=bindparam("new_path"),
        version=bindparam("new_version"),
        updated_at=bindparam("now"),
        deleted_at=bindparam("new_deleted_at"),
    )
)
REPLANT = (
    update(CATEGORIES)
    .where(CATEGORIES.c.id == bindparam("category"))
    .values(path=bindparam("new_path"))
)
SIBLING = (
    select(CATEGORIES.c.id)
    .where(
        CATEGORIES.c.parent_id == bindparam("parent"),
        CATEGORIES.c.name == bindparam("name"),
        CATEGORIES.c.deleted_at.is_(None),
    )
    .limit(1)
)
HOLDS_PRODUCTS = (
    select(PRODUCTS.c.id)
    .where(PRODUCTS.c.category_id == bindparam("category"), PRODUCTS.c.deleted_at.is_(None))
    .limit(1)
)
ADD_BRAND = postgresql.insert(BRANDS).on_conflict_do_nothing()
ALL_BRANDS = select(BRANDS).where(BRANDS.c.deleted_at.is_(None)).order_by(BRANDS.c.name)
BRAND = select(BRANDS).where(BRANDS.c.id == bindparam("brand"), BRANDS.c.deleted_at.is_(None))
BRAND_SHARED = BRAND.with_for_update(read=True)
BRAND_LOCKED = BRAND.with_for_update()
BRAND_NAMED = (
    select(BRANDS.c.id)
    .where(BRANDS.c.name == bindparam("name"), BRANDS.c.deleted_at.is_(None))
    .limit(1)
)
SAVE_BRAND = (
    update(BRANDS)
    .where(BRANDS.c.id == bindparam("brand"), BRANDS.c.version == bindparam("expected"))
    .values(
        name=bindparam("new_name"),
        version=bindparam("new_version"),
        updated_at=bindparam("now"),
        deleted_at=bindparam("new_deleted_at"),
    )
)
OF_BRAND = (
    select(PRODUCTS.c.id)
    .where(PRODUCTS.c.brand_id == bindparam("brand"), PRODUCTS.c.deleted_at.is_(None))
    .limit(1)
)


def _category(row: Row) -> Category:
    return Category(
        id=row["id"],
        name=row["name"],
        parent_id=row["parent_id"],
        tax_category=TaxCategory(row["tax_category"]),
        path=tuple(jsons.loads(row["path"])),
        version=row["version"],
    )


def _brand(row: Row) -> Brand:
    return Brand(id=row["id"], name=row["name"], version=row["version"])


async def tree(tx: Tx, *, locked: bool = False) -> list[Category]:
    return [_category(row) for row in await tx.all(TREE_LOCKED if locked else TREE)]


async def shared(tx: Tx, category_id: str) -> Category | None:
    """Kept from being deleted until this transaction ends."""
    row = await tx.first(SHARED, category=category_id)
    return None if row is None else _category(row)


async def paths(tx: Tx, category_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    rows = await tx.all(PATHS, ids=list(category_ids))
    return {row["id"]: tuple(jsons.loads(row["path"])) for row in rows}


async def add(tx: Tx, category: Category) -> bool:
    """False where the id, or the name beside it, exists."""
    now = clock.now()
    added = await tx.run(
        ADD_CATEGORY,
        id=category.id,
        parent_id=category.parent_id,
        name=category.name,
        tax_category=category.tax_category,
        path=jsons.dumps(list(category.path)),
        version=category.version,
        created_at=now,
        updated_at=now,
    )
    return bool(added)


async def save(tx: Tx, category: Category, *, deleted_at: int | None = None) -> None:
    saved = await tx.run(
        SAVE_CATEGORY,
        category=category.id,
        expected=category.version - 1,
        new_parent=category.parent_id,
        new_name=category.name,
        new_tax=category.tax_category,
        new_path=jsons.dumps(list(category.path)),
        new_version=category.version,
        now=clock.now(),
        new_deleted_at=deleted_at,
    )
    if not saved:
        raise Contended(f"category {category.id} changed meanwhile")


async def replant(tx: Tx, category: Category) -> None:
    await tx.run(REPLANT, category=category.id, new_path=jsons.dumps(list(category.path)))


async def sibling(tx: Tx, parent_id: str, name: str) -> str | None:
    found: str | None = await tx.scalar(SIBLING, parent=parent_id, name=name)
    return found


async def holds_products(tx: Tx, category_id: str) -> bool:
    return await tx.first(HOLDS_PRODUCTS, category=category_id) is not None


async def brands(tx: Tx) -> list[Brand]:
    return [_brand(row) for row in await tx.all(ALL_BRANDS)]


async def brand_shared(tx: Tx, brand_id: str) -> Brand | None:
    """Kept from being deleted until this transaction ends."""
    row = await tx.first(BRAND_SHARED, brand=brand_id)
    return None if row is None else _brand(row)


async def brand_locked(tx: Tx, brand_id: str) -> Brand | None:
    row = await tx.first(BRAND_LOCKED, brand=brand_id)
    return None if row is None else _brand(row)


async def add_brand(tx: Tx, brand: Brand) -> bool:
    """False where the id or the name exists."""
    now = clock.now()
    added = await tx.run(
        ADD_BRAND,
        id=brand.id,
        name=brand.name,
        version=brand.version,
        created_at=now,
        updated_at=now,
    )
    return bool(added)


async def brand_named(tx: Tx, name: str) -> str | None:
    found: str | None = await tx.scalar(BRAND_NAMED, name=name)
    return found


async def save_brand(tx: Tx, brand: Brand, *, deleted_at: int | None = None) -> None:
    saved = await tx.run(
        SAVE_BRAND,
        brand=brand.id,
        expected=brand.version - 1,
        new_name=brand.name,
        new_version=brand.version,
        now=clock.now(),
        new_deleted_at=deleted_at,
    )
    if not saved:
        raise Contended(f"brand {brand.id} changed meanwhile")


async def has_products(tx: Tx, brand_id: str) -> bool:
    return await tx.first(OF_BRAND, brand=brand_id) is not None

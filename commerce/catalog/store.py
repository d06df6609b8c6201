"""Every query of the catalog; what is deleted is not seen through it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, null, select, update

from commerce.catalog.model import Condition, Product, Status, TaxCategory, Variant
from commerce.catalog.tables import PRODUCTS, VARIANTS
from commerce.kernel import clock, jsons
from commerce.kernel.columns import Count
from commerce.kernel.database import Row, Tx, any_of, insert_once
from commerce.kernel.errors import Contended

ADD = insert_once(PRODUCTS, "id")
PRESENT = PRODUCTS.c.deleted_at.is_(None)
SOME = select(PRODUCTS).where(any_of(PRODUCTS.c.id, "ids"), PRESENT)
SHARED = SOME.with_for_update(read=True)
ALL = select(PRODUCTS).where(PRESENT).order_by(PRODUCTS.c.title, PRODUCTS.c.id)
OF_SUPPLIER = ALL.where(PRODUCTS.c.supplier_id == bindparam("supplier"))
IN_STATUS = any_of(PRODUCTS.c.status, "statuses")
PART = (bindparam("most", type_=Count), bindparam("skip", type_=Count))
PAGE = ALL.where(IN_STATUS).limit(PART[0]).offset(PART[1])
PAGE_OF_SUPPLIER = OF_SUPPLIER.where(IN_STATUS).limit(PART[0]).offset(PART[1])
COUNTS = (
    select(PRODUCTS.c.status, func.count().label("products"))
    .where(PRESENT)
    .group_by(PRODUCTS.c.status)
)
# All statuses, named: so the index that begins with them is asked, not each row.
COUNTS_OF_SUPPLIER = COUNTS.where(
    PRODUCTS.c.supplier_id == bindparam("supplier"), PRODUCTS.c.status.in_(list(Status))
)
IDS_OF_SKUS = select(VARIANTS.c.sku, VARIANTS.c.product_id).where(
    any_of(VARIANTS.c.sku, "skus"), VARIANTS.c.deleted_at.is_(None)
)
SAVE = (
    update(PRODUCTS)
    .where(PRODUCTS.c.id == bindparam("product"), PRODUCTS.c.version == bindparam("expected"))
    .values(
        title=bindparam("new_title"),
        description=bindparam("new_description"),
        pictures=bindparam("new_pictures"),
        category_id=bindparam("new_category_id"),
        brand_id=bindparam("new_brand_id"),
        condition=bindparam("new_condition"),
        tax_category=bindparam("new_tax_category"),
        share_max_bp=bindparam("new_share_max_bp"),
        status=bindparam("new_status"),
        version=bindparam("new_version"),
        updated_at=bindparam("now"),
        deleted_at=bindparam("new_deleted_at"),
    )
)
ADD_VARIANT = insert_once(VARIANTS, "sku")
VARIANTS_OF = (
    select(VARIANTS)
    .where(any_of(VARIANTS.c.product_id, "ids"), VARIANTS.c.deleted_at.is_(None))
    .order_by(VARIANTS.c.product_id, VARIANTS.c.position)
)
SAVE_VARIANT = (
    update(VARIANTS)
    .where(VARIANTS.c.sku == bindparam("name"), VARIANTS.c.product_id == bindparam("product"))
    .values(
        label=bindparam("new_label"),
        attributes=bindparam("new_attributes"),
        price_minor=bindparam("new_price_minor"),
        price_min_minor=bindparam("new_price_min_minor"),
        price_max_minor=bindparam("new_price_max_minor"),
        image=bindparam("new_image"),
        weight_grams=bindparam("new_weight_grams"),
        volume_cm3=bindparam("new_volume_cm3"),
        position=bindparam("new_position"),
        deleted_at=null(),
    )
)
TAKE_OFF = (
    update(VARIANTS)
    .where(any_of(VARIANTS.c.sku, "skus"), VARIANTS.c.product_id == bindparam("product"))
    .values(deleted_at=bindparam("now"))
)


def _variant(row: Row) -> Variant:
    return Variant(
        sku=row["sku"],
        label=row["label"],
        attributes=jsons.loads(row["attributes"]),
        price_minor=row["price_minor"],
        price_min_minor=row["price_min_minor"],
        price_max_minor=row["price_max_minor"],
        image=row["image"],
        weight_grams=row["weight_grams"],
        volume_cm3=row["volume_cm3"],
        position=row["position"],
    )


def _product(row: Row, variants: Sequence[Variant]) -> Product:
    return Product(
        id=row["id"],
        supplier_id=row["supplier_id"],
        title=row["title"],
        description=row["description"],
        pictures=tuple(jsons.loads(row["pictures"])),
        currency=row["currency"],
        category_id=row["category_id"],
        brand_id=row["brand_id"],
        condition=Condition(row["condition"]),
        tax_category=TaxCategory(row["tax_category"]),
        share_max_bp=row["share_max_bp"],
        status=Status(row["status"]),
        version=row["version"],
        variants=tuple(variants),
    )


async def _with_variants(tx: Tx, rows: Sequence[Row]) -> list[Product]:
    variants: dict[str, list[Variant]] = defaultdict(list)
    if rows:
        for row in await tx.all(VARIANTS_OF, ids=[row["id"] for row in rows]):
            variants[row["product_id"]].append(_variant(row))
    return [_product(row, variants[row["id"]]) for row in rows]


async def some(tx: Tx, product_ids: Sequence[str]) -> list[Product]:
    return await _with_variants(tx, await tx.all(SOME, ids=list(product_ids)))


async def shared(tx: Tx, product_id: str) -> Product | None:
    """Kept from being changed until this transaction ends."""
    found = await _with_variants(tx, await tx.all(SHARED, ids=[product_id]))
    return found[0] if found else None


async def of_supplier(tx: Tx, supplier_id: str) -> list[Product]:
    return await _with_variants(tx, await tx.all(OF_SUPPLIER, supplier=supplier_id))


async def page(
    tx: Tx, supplier_id: str | None, statuses: Sequence[Status], most: int, skip: int
) -> list[Product]:
    asked: dict[str, Any] = {"statuses": list(statuses), "most": most, "skip": skip}
    if supplier_id is None:
        return await _with_variants(tx, await tx.all(PAGE, **asked))
    return await _with_variants(tx, await tx.all(PAGE_OF_SUPPLIER, supplier=supplier_id, **asked))


async def counts(tx: Tx, supplier_id: str | None) -> dict[Status, int]:
    if supplier_id is None:
        rows = await tx.all(COUNTS)
    else:
        rows = await tx.all(COUNTS_OF_SUPPLIER, supplier=supplier_id)
    return {Status(row["status"]): row["products"] for row in rows}


async def of_skus(tx: Tx, skus: Sequence[str]) -> dict[str, Product]:
    rows = await tx.all(IDS_OF_SKUS, skus=list(skus))
    products = {p.id: p for p in await some(tx, list({row["product_id"] for row in rows}))}
    return {
        row["sku"]: products[row["product_id"]] for row in rows if row["product_id"] in products
    }


async def add(tx: Tx, product: Product) -> bool:
    """False where the id exists."""
    now = clock.now()
    added = await tx.run(
        ADD,
        id=product.id,
        supplier_id=product.supplier_id,
        currency=product.currency,
        created_at=now,
        updated_at=now,
        **_columns(product),
    )
    return bool(added)


async def save(tx: Tx, product: Product, *, deleted_at: int | None = None) -> None:
    """The row as it now is; lost if another save took the version before."""
    saved = await tx.run(
        SAVE,
        product=product.id,
        expected=product.version - 1,
        now=clock.now(),
        new_deleted_at=deleted_at,
        **{f"new_{name}": value for name, value in _columns(product).items()},
    )
    if not saved:
        raise Contended(f"product {product.id} changed meanwhile")


def _columns(product: Product) -> dict[str, Any]:
    """What may change."""
    return {
        "title": product.title,
        "description": product.description,
        "pictures": jsons.dumps(list(product.pictures)),
        "category_id": product.category_id,
        "brand_id": product.brand_id,
        "condition": product.condition,
        "tax_category": product.tax_category,
        "share_max_bp": product.share_max_bp,
        "status": product.status,
        "version": product.version,
    }


async def put_variant(tx: Tx, product_id: str, variant: Variant) -> bool:
    """Add or change it; False where the SKU belongs to another product."""
    columns = {
        "label": variant.label,
        "attributes": jsons.dumps(dict(variant.attributes)),
        "price_minor": variant.price_minor,
        "price_min_minor": variant.price_min_minor,
        "price_max_minor": variant.price_max_minor,
        "image": variant.image,
        "weight_grams": variant.weight_grams,
        "volume_cm3": variant.volume_cm3,
        "position": variant.position,
    }
    if await tx.run(ADD_VARIANT, sku=variant.sku, product_id=product_id, **columns):
        return True
    new = {f"new_{name}": value for name, value in columns.items()}
    return bool(await tx.run(SAVE_VARIANT, name=variant.sku, product=product_id, **new))


async def take_off(tx: Tx, product_id: str, skus: Sequence[str]) -> None:
    await tx.run(TAKE_OFF, skus=list(skus), product=product_id, now=clock.now())

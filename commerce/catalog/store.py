"""Every query of the catalog; what is deleted is not seen through it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import bindparam, null, select, update

from commerce.catalog.model import Product, Status, Variant
from commerce.catalog.tables import PRODUCTS, VARIANTS
from commerce.kernel import clock, jsons
from commerce.kernel.database import Row, Tx, any_of, insert_once
from commerce.kernel.errors import Contended

ADD = insert_once(PRODUCTS, "id")
PRESENT = PRODUCTS.c.deleted_at.is_(None)
SOME = select(PRODUCTS).where(any_of(PRODUCTS.c.id, "ids"), PRESENT)
ALL = select(PRODUCTS).where(PRESENT).order_by(PRODUCTS.c.title, PRODUCTS.c.id)
OF_SUPPLIER = ALL.where(PRODUCTS.c.supplier_id == bindparam("supplier"))
IDS_OF_SKUS = select(VARIANTS.c.sku, VARIANTS.c.product_id).where(
    any_of(VARIANTS.c.sku, "skus"), VARIANTS.c.deleted_at.is_(None)
)
SAVE = (
    update(PRODUCTS)
    .where(PRODUCTS.c.id == bindparam("product"), PRODUCTS.c.version == bindparam("expected"))
    .values(
        title=bindparam("new_title"),
        description=bindparam("new_description"),
        image=bindparam("new_image"),
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
        position=row["position"],
    )


def _product(row: Row, variants: Sequence[Variant]) -> Product:
    return Product(
        id=row["id"],
        supplier_id=row["supplier_id"],
        title=row["title"],
        description=row["description"],
        image=row["image"],
        currency=row["currency"],
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


async def everything(tx: Tx) -> list[Product]:
    return await _with_variants(tx, await tx.all(ALL))


async def of_supplier(tx: Tx, supplier_id: str) -> list[Product]:
    return await _with_variants(tx, await tx.all(OF_SUPPLIER, supplier=supplier_id))


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
        title=product.title,
        description=product.description,
        image=product.image,
        currency=product.currency,
        status=product.status,
        version=product.version,
        created_at=now,
        updated_at=now,
    )
    return bool(added)


async def save(tx: Tx, product: Product, *, deleted_at: int | None = None) -> None:
    """The row as it now is; lost if another save took the version before."""
    saved = await tx.run(
        SAVE,
        product=product.id,
        expected=product.version - 1,
        new_title=product.title,
        new_description=product.description,
        new_image=product.image,
        new_status=product.status,
        new_version=product.version,
        now=clock.now(),
        new_deleted_at=deleted_at,
    )
    if not saved:
        raise Contended(f"product {product.id} changed meanwhile")


async def put_variant(tx: Tx, product_id: str, variant: Variant) -> bool:
    """Add or change it; False where the SKU belongs to another product."""
    columns = {
        "label": variant.label,
        "attributes": jsons.dumps(dict(variant.attributes)),
        "price_minor": variant.price_minor,
        "position": variant.position,
    }
    if await tx.run(ADD_VARIANT, sku=variant.sku, product_id=product_id, **columns):
        return True
    new = {f"new_{name}": value for name, value in columns.items()}
    return bool(await tx.run(SAVE_VARIANT, name=variant.sku, product=product_id, **new))


async def take_off(tx: Tx, product_id: str, skus: Sequence[str]) -> None:
    await tx.run(TAKE_OFF, skus=list(skus), product=product_id, now=clock.now())

"""Products with their variants: what a thing is and costs, and when it may be sold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from commerce.kernel.errors import Refusal
from commerce.kernel.machine import IllegalMove, Machine


class Status(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    UNLISTED = "unlisted"  # sold where it is pinned, shown in no list
    ARCHIVED = "archived"


class Action(StrEnum):
    PUBLISH = "publish"
    UNLIST = "unlist"
    ARCHIVE = "archive"


LIFE: Machine[Status, Action] = Machine(
    start=Status.DRAFT,
    moves={
        (Status.DRAFT, Action.PUBLISH): Status.PUBLISHED,
        (Status.DRAFT, Action.ARCHIVE): Status.ARCHIVED,
        (Status.PUBLISHED, Action.UNLIST): Status.UNLISTED,
        (Status.PUBLISHED, Action.ARCHIVE): Status.ARCHIVED,
        (Status.UNLISTED, Action.PUBLISH): Status.PUBLISHED,
        (Status.UNLISTED, Action.ARCHIVE): Status.ARCHIVED,
    },
)

SELLABLE = frozenset({Status.PUBLISHED, Status.UNLISTED})
EDITABLE = frozenset({Status.DRAFT, Status.PUBLISHED, Status.UNLISTED})
DELETABLE = frozenset({Status.DRAFT, Status.ARCHIVED})


class NoSuchProduct(Refusal):
    code = "no_such_product"


class NoSuchVariant(Refusal):
    code = "no_such_variant"


class StaleProduct(Refusal):
    """Somebody else saved the product since the editor loaded it."""

    code = "stale_product"


class ProductIncomplete(Refusal):
    code = "product_incomplete"


class BadVariants(Refusal):
    code = "bad_variants"


class SkuTaken(Refusal):
    code = "sku_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    sku: str
    label: str  # what a fan chooses by: "M", "Blue / 42"; empty where there is only one
    attributes: Mapping[str, str] = field(default_factory=dict)  # {"size": "M"}
    price_minor: int
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    id: str
    supplier_id: str
    title: str
    description: str = ""
    image: str = ""  # stored path or URL
    currency: str
    status: Status = Status.DRAFT
    version: int = 1
    variants: tuple[Variant, ...] = ()

    @property
    def sellable(self) -> bool:
        return self.status in SELLABLE

    def variant(self, sku: str) -> Variant:
        for variant in self.variants:
            if variant.sku == sku:
                return variant
        raise NoSuchVariant(sku=sku)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What an editor changes; None leaves it as it is."""

    title: str | None = None
    description: str | None = None
    image: str | None = None
    variants: tuple[Variant, ...] | None = None


def ordered(variants: Sequence[Variant]) -> tuple[Variant, ...]:
    """Variants in the order given, each SKU once, no price below zero."""
    skus = [variant.sku for variant in variants]
    twice = {sku for sku in skus if skus.count(sku) > 1}
    if twice:
        raise BadVariants(field="sku", sku=min(twice))
    for variant in variants:
        if not variant.sku:
            raise BadVariants(field="sku", sku="")
        if variant.price_minor < 0:
            raise BadVariants(field="price", sku=variant.sku)
    return tuple(replace(variant, position=n) for n, variant in enumerate(variants))


def edit(product: Product, changes: Changes, *, expected_version: int) -> Product:
    must_be_at(product, expected_version)
    if product.status not in EDITABLE:
        raise IllegalMove(status=product.status.value, action="edit")
    edited = replace(
        product,
        title=product.title if changes.title is None else changes.title,
        description=product.description if changes.description is None else changes.description,
        image=product.image if changes.image is None else changes.image,
        variants=product.variants if changes.variants is None else ordered(changes.variants),
        version=product.version + 1,
    )
    if edited.sellable:
        must_be_complete(edited)
    return edited


def move(product: Product, action: Action, *, expected_version: int | None) -> Product:
    if expected_version is not None:
        must_be_at(product, expected_version)
    moved = replace(product, status=LIFE.after(product.status, action), version=product.version + 1)
    if moved.sellable:
        must_be_complete(moved)
    return moved


def must_be_at(product: Product, expected_version: int) -> None:
    if product.version != expected_version:
        raise StaleProduct(product_id=product.id, version=product.version)


def must_be_complete(product: Product) -> None:
    """What is on sale has a title, a picture, and a price for each of its variants."""
    missing = [
        name
        for name, present in (
            ("title", bool(product.title.strip())),
            ("image", bool(product.image)),
            ("variants", bool(product.variants)),
            ("price", all(variant.price_minor > 0 for variant in product.variants)),
        )
        if not present
    ]
    if missing:
        raise ProductIncomplete(product_id=product.id, missing=missing)


def must_be_deletable(product: Product) -> None:
    if product.status not in DELETABLE:
        raise IllegalMove(status=product.status.value, action="delete")


def difference(known: Product, given: Product) -> str | None:
    """The field in which a repeated creation says something else about what never changes."""
    for name in ("supplier_id", "currency"):
        if getattr(known, name) != getattr(given, name):
            return name
    return None

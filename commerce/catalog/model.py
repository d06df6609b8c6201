"""Products with their variants: what a thing is and costs, and when it may be sold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
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


class ListingStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"  # sold at the supplier's terms until it goes on
    REMOVED = "removed"


class ListingAction(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"


LISTING_LIFE: Machine[ListingStatus, ListingAction] = Machine(
    start=ListingStatus.ACTIVE,
    moves={
        (ListingStatus.ACTIVE, ListingAction.PAUSE): ListingStatus.PAUSED,
        (ListingStatus.PAUSED, ListingAction.RESUME): ListingStatus.ACTIVE,
        (ListingStatus.ACTIVE, ListingAction.REMOVE): ListingStatus.REMOVED,
        (ListingStatus.PAUSED, ListingAction.REMOVE): ListingStatus.REMOVED,
    },
)


class Condition(StrEnum):
    NEW = "new"
    OPEN_BOX = "open_box"
    REFURBISHED = "refurbished"
    USED = "used"


class TaxCategory(StrEnum):
    """What a tax office calls the thing; which rate that is, is not known here."""

    STANDARD = "standard"
    REDUCED = "reduced"
    BOOKS = "books"
    FOOD = "food"
    CLOTHING = "clothing"
    CHILDREN = "children"
    EXEMPT = "exempt"


SELLABLE = frozenset({Status.PUBLISHED, Status.UNLISTED})
EDITABLE = frozenset({Status.DRAFT, Status.PUBLISHED, Status.UNLISTED})
DELETABLE = frozenset({Status.DRAFT, Status.ARCHIVED})
SHARE_BP_MAX = 10_000
WEIGHT_GRAMS_MAX = 1_000_000
VOLUME_CM3_MAX = 100_000_000


class NoSuchProduct(Refusal):
    code = "no_such_product"


class NoSuchVariant(Refusal):
    code = "no_such_variant"


class NotYourProduct(Refusal):
    code = "not_your_product"


class SupplierNotActive(Refusal):
    """Nothing is put on sale for somebody we do not sell for."""

    code = "supplier_not_active"


class StaleProduct(Refusal):
    """Somebody else saved the product since the editor loaded it."""

    code = "stale_product"


class ProductIncomplete(Refusal):
    code = "product_incomplete"


class BadVariants(Refusal):
    code = "bad_variants"


class BadShare(Refusal):
    """A share is from nothing to everything, in basis points."""

    code = "bad_share"


class SkuTaken(Refusal):
    code = "sku_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    sku: str
    label: str  # what a fan chooses by: "M", "Blue / 42"; empty where there is only one
    attributes: Mapping[str, str] = field(default_factory=dict)  # {"size": "M"}
    price_minor: int
    price_min_minor: int | None = None  # the supplier's: nobody sells it for less
    price_max_minor: int | None = None
    image: str = ""  # its own; empty where it looks like the product
    weight_grams: int = 0
    volume_cm3: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    id: str
    supplier_id: str
    title: str
    description: str = ""
    pictures: tuple[str, ...] = ()  # stored paths or URLs, the one for lists first
    currency: str
    category_id: str = ""
    brand_id: str = ""
    condition: Condition = Condition.NEW
    tax_category: TaxCategory = TaxCategory.STANDARD
    share_max_bp: int = 0  # the most of a sale that a leader may take
    status: Status = Status.DRAFT
    version: int = 1
    variants: tuple[Variant, ...] = ()

    @property
    def image(self) -> str:
        return self.pictures[0] if self.pictures else ""

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
    pictures: tuple[str, ...] | None = None
    category_id: str | None = None
    brand_id: str | None = None
    condition: Condition | None = None
    tax_category: TaxCategory | None = None
    share_max_bp: int | None = None
    variants: tuple[Variant, ...] | None = None

    def to(self, product: Product) -> Product:
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(product, **{name: v for name, v in named.items() if v is not None})


def checked(product: Product) -> Product:
    """The product with its variants in the order given; refused where it contradicts itself."""
    skus = [variant.sku for variant in product.variants]
    twice = {sku for sku in skus if skus.count(sku) > 1}
    if twice:
        raise BadVariants(field="sku", sku=min(twice))
    for variant in product.variants:
        if wrong := _contradiction(variant):
            raise BadVariants(field=wrong, sku=variant.sku)
    if not 0 <= product.share_max_bp <= SHARE_BP_MAX:
        raise BadShare(maximum_bp=SHARE_BP_MAX)
    places = (replace(variant, position=n) for n, variant in enumerate(product.variants))
    return replace(product, variants=tuple(places))


def _contradiction(variant: Variant) -> str | None:
    """The field in which a variant cannot be; a price of 0 is one that is not known yet."""
    price, low, high = variant.price_minor, variant.price_min_minor, variant.price_max_minor
    wrong = {
        "sku": not variant.sku,
        "price": price < 0,
        "price_min": low is not None and (low < 0 or 0 < price < low),
        "price_max": high is not None and high < max(price, low or 0),
        "weight": not 0 <= variant.weight_grams <= WEIGHT_GRAMS_MAX,
        "volume": not 0 <= variant.volume_cm3 <= VOLUME_CM3_MAX,
    }
    return next((name for name, is_wrong in wrong.items() if is_wrong), None)


def edit(product: Product, changes: Changes, *, expected_version: int) -> Product:
    must_be_at(product, expected_version)
    if product.status not in EDITABLE:
        raise IllegalMove(status=product.status.value, action="edit")
    return checked(replace(changes.to(product), version=product.version + 1))


def move(product: Product, action: Action, *, expected_version: int | None) -> Product:
    if expected_version is not None:
        must_be_at(product, expected_version)
    return replace(product, status=LIFE.after(product.status, action), version=product.version + 1)


def must_be_at(product: Product, expected_version: int) -> None:
    if product.version != expected_version:
        raise StaleProduct(product_id=product.id, version=product.version)


def must_belong_to(product: Product, supplier_id: str | None) -> None:
    """None is somebody who may act for every supplier."""
    if supplier_id is not None and product.supplier_id != supplier_id:
        raise NotYourProduct(product_id=product.id)


def missing(product: Product, *, has_shelf: bool) -> list[str]:
    """What it lacks to be on sale."""
    return [
        name
        for name, present in (
            ("title", bool(product.title.strip())),
            ("image", bool(product.image)),
            ("variants", bool(product.variants)),
            ("price", all(variant.price_minor > 0 for variant in product.variants)),
            ("stock location", has_shelf),
        )
        if not present
    ]


def must_be_complete(product: Product, *, has_shelf: bool) -> None:
    """What is on sale has a title, a picture, a price for each variant, and a shelf to lie on."""
    if product.sellable and (lacking := missing(product, has_shelf=has_shelf)):
        raise ProductIncomplete(product_id=product.id, missing=lacking)


def must_be_deletable(product: Product) -> None:
    if product.status not in DELETABLE:
        raise IllegalMove(status=product.status.value, action="delete")


def difference(known: Product, given: Product) -> str | None:
    """The field in which a repeated creation says something else about what never changes."""
    for name in ("supplier_id", "currency"):
        if getattr(known, name) != getattr(given, name):
            return name
    return None

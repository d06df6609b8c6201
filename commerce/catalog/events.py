"""What the catalog announces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from commerce.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductEvent(Event):
    product_id: str
    supplier_id: str
    product_version: int  # projections skip what is not newer than they have

    @property
    def aggregate_id(self) -> str:
        return self.product_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductPublished(ProductEvent):
    """It is on sale and in the lists."""

    name: ClassVar[str] = "product.published"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductUnlisted(ProductEvent):
    """It left the lists; where it is pinned it is still sold."""

    name: ClassVar[str] = "product.unlisted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductArchived(ProductEvent):
    """It is sold no more."""

    name: ClassVar[str] = "product.archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChanged(ProductEvent):
    """It is new, or its words, pictures, variants or prices changed."""

    name: ClassVar[str] = "product.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDeleted(ProductEvent):
    """It is gone from every list and cannot be found again."""

    name: ClassVar[str] = "product.deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingEvent(Event):
    listing_id: str
    leader_id: str
    product_id: str
    listing_version: int

    @property
    def aggregate_id(self) -> str:
        return self.listing_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingChanged(ListingEvent):
    """A leader's terms are new, or others; also when the supplier's limits made them so."""

    name: ClassVar[str] = "listing.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPaused(ListingEvent):
    """The leader sells it at the supplier's terms for now."""

    name: ClassVar[str] = "listing.paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingResumed(ListingEvent):
    """The leader's terms hold again."""

    name: ClassVar[str] = "listing.resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingRemoved(ListingEvent):
    """The leader's terms are gone for ever."""

    name: ClassVar[str] = "listing.removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEvent(Event):
    id: str
    group_version: int

    @property
    def aggregate_id(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryChanged(GroupEvent):
    """A category is new, or has another name, tax or place in the tree."""

    name: ClassVar[str] = "category.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryDeleted(GroupEvent):
    """No product was in it."""

    name: ClassVar[str] = "category.deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandChanged(GroupEvent):
    """A brand is new, or has another name."""

    name: ClassVar[str] = "brand.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandDeleted(GroupEvent):
    """No product was of it."""

    name: ClassVar[str] = "brand.deleted"

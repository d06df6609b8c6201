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
    """Its words, picture, variants or prices changed."""

    name: ClassVar[str] = "product.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDeleted(ProductEvent):
    """It is gone from every list and cannot be found again."""

    name: ClassVar[str] = "product.deleted"

"""What a leader sells of a product: the styles, prices, words and share they prefer.

A supplier who states no minimum has allowed nobody to sell for less than the supplier's price.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from commerce.catalog.model import (
    LISTING_LIFE,
    ListingAction,
    ListingStatus,
    Product,
    Variant,
)
from commerce.kernel.errors import Refusal
from commerce.kernel.money import AMOUNT_MINOR_MAX

TITLE_MAX = 120


class NotYourListing(Refusal):
    code = "not_your_listing"


class StaleListing(Refusal):
    """It was changed since it was loaded; `version` is the present one."""

    code = "stale_listing"


class BadListing(Refusal):
    """Without a style, or with more words than fit; `field` says which."""

    code = "bad_listing"


class PriceOutsideLimits(Refusal):
    code = "price_outside_limits"


class ShareTooHigh(Refusal):
    code = "share_too_high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a leader may decide about a product."""

    prices: Mapping[str, int | None]  # by SKU, the styles they sell; None is the supplier's price
    title: str = ""  # empty where the product's own will do
    image: str = ""
    share_bp: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Terms):
    id: str
    leader_id: str
    product_id: str
    status: ListingStatus = ListingStatus.ACTIVE
    version: int = 1

    def price_of(self, variant: Variant) -> int:
        """What a fan pays for it here, before anything makes it cheaper."""
        chosen = self.prices.get(variant.sku)
        return variant.price_minor if chosen is None else chosen


def limits(variant: Variant) -> tuple[int, int]:
    """The least and the most that a leader may ask."""
    least = variant.price_minor if variant.price_min_minor is None else variant.price_min_minor
    most = AMOUNT_MINOR_MAX if variant.price_max_minor is None else variant.price_max_minor
    return max(least, 1), most


def check_terms(terms: Terms, product: Product) -> None:
    """Refused where the terms are not within what the supplier allows."""
    if not terms.prices:
        raise BadListing(field="prices")
    if len(terms.title) > TITLE_MAX:
        raise BadListing(field="title")
    for sku, price in terms.prices.items():
        least, most = limits(product.variant(sku))
        if price is not None and not least <= price <= most:
            raise PriceOutsideLimits(
                sku=sku, minimum=least, maximum=most, currency=product.currency
            )
    if not 0 <= terms.share_bp <= product.share_max_bp:
        raise ShareTooHigh(maximum_bp=product.share_max_bp)


def fitted(listing: Listing, product: Product) -> Listing:
    """The listing after the supplier changed the product: the nearest that is still allowed.

    Without any of its styles left it pauses. The same object where nothing has to change.
    """
    sold = {variant.sku: variant for variant in product.variants}
    prices = {
        sku: None if price is None else _nearest(price, sold[sku])
        for sku, price in listing.prices.items()
        if sku in sold
    }
    share = min(listing.share_bp, product.share_max_bp)
    paused = not prices and listing.status is ListingStatus.ACTIVE
    if prices == listing.prices and share == listing.share_bp and not paused:
        return listing
    status = ListingStatus.PAUSED if paused else listing.status
    changed = replace(listing, prices=prices, share_bp=share, status=status)
    return replace(changed, version=listing.version + 1)


def _nearest(price: int, variant: Variant) -> int:
    least, most = limits(variant)
    return min(max(price, least), most)


def move(listing: Listing, action: ListingAction, *, expected_version: int) -> Listing:
    must_be_at(listing, expected_version)
    status = LISTING_LIFE.after(listing.status, action)
    if status is ListingStatus.ACTIVE and not listing.prices:
        raise BadListing(field="prices")
    return replace(listing, status=status, version=listing.version + 1)


def must_be_at(listing: Listing, expected_version: int) -> None:
    if listing.version != expected_version:
        raise StaleListing(listing_id=listing.id, version=listing.version)

"""Leaders define what they sell, within what the supplier of the product allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from commerce.catalog import events, listing_model, store
from commerce.catalog import listing_store as listings
from commerce.catalog.listing_model import Listing, Terms
from commerce.catalog.model import ListingAction, ListingStatus, NoSuchProduct, Product
from commerce.kernel import ids
from commerce.kernel.database import Tx

ANNOUNCEMENTS = {
    ListingAction.PAUSE: events.ListingPaused,
    ListingAction.RESUME: events.ListingResumed,
    ListingAction.REMOVE: events.ListingRemoved,
}


async def put_listing(
    tx: Tx, *, leader_id: str, product_id: str, terms: Terms, expected_version: int | None = None
) -> Listing:
    """The leader's terms for a product that is on sale; without a version, their first ones.

    Said again they change nothing. Refuses price_outside_limits, share_too_high, no_such_variant,
    bad_listing, and stale_listing where there are other terms meanwhile.
    """
    # Kept from being changed, so that its limits still hold when the terms are written.
    product = await store.shared(tx, product_id)
    if product is None or not product.sellable:
        raise NoSuchProduct(product_id=product_id)
    listing_model.check_terms(terms, product)
    if expected_version is not None:
        return await _change(tx, leader_id, product_id, terms, expected_version)
    new = Listing(id=ids.new_id(), leader_id=leader_id, product_id=product_id, **_said(terms))
    if not await listings.add(tx, new):
        return await _same(tx, new)
    await tx.emit(_announce(events.ListingChanged, new))
    return new


async def _same(tx: Tx, new: Listing) -> Listing:
    known = (await listings.on_products(tx, new.leader_id, [new.product_id]))[0]
    if known != replace(new, id=known.id, version=known.version, status=known.status):
        raise listing_model.StaleListing(listing_id=known.id, version=known.version)
    return known


async def _change(
    tx: Tx, leader_id: str, product_id: str, terms: Terms, expected_version: int
) -> Listing:
    found = await listings.on_products(tx, leader_id, [product_id])
    if not found:
        raise listing_model.NotYourListing(product_id=product_id)
    listing_model.must_be_at(found[0], expected_version)
    after = replace(found[0], version=expected_version + 1, **_said(terms))
    await listings.save(tx, after)
    await tx.emit(_announce(events.ListingChanged, after))
    return after


async def move_listing(
    tx: Tx, listing_id: str, action: ListingAction, *, leader_id: str, expected_version: int
) -> Listing:
    before = await _own(tx, listing_id, leader_id)
    after = listing_model.move(before, action, expected_version=expected_version)
    await listings.save(tx, after)
    await tx.emit(_announce(ANNOUNCEMENTS[action], after))
    return after


async def _own(tx: Tx, listing_id: str, leader_id: str) -> Listing:
    found = await listings.get(tx, listing_id)
    if found is None or found.leader_id != leader_id:
        raise listing_model.NotYourListing(listing_id=listing_id)
    return found


async def listings_of(tx: Tx, leader_id: str) -> list[Listing]:
    """All that is not removed, oldest first."""
    return await listings.of_leader(tx, leader_id)


async def listings_for(tx: Tx, leader_id: str, product_ids: Sequence[str]) -> dict[str, Listing]:
    """The active ones by product."""
    found = await listings.on_products(tx, leader_id, product_ids)
    return {one.product_id: one for one in found if one.status is ListingStatus.ACTIVE}


async def fit(tx: Tx, product: Product) -> None:
    """After the supplier saved the product: every listing keeps within its limits."""
    for before in await listings.of_product(tx, product.id):
        after = listing_model.fitted(before, product)
        if after is not before:
            await listings.save(tx, after)
            await tx.emit(_announce(events.ListingChanged, after))


def _said(terms: Terms) -> dict[str, Any]:
    return {field.name: getattr(terms, field.name) for field in fields(Terms)}


def _announce(kind: type[events.ListingEvent], listing: Listing) -> events.ListingEvent:
    return kind(
        listing_id=listing.id,
        leader_id=listing.leader_id,
        product_id=listing.product_id,
        listing_version=listing.version,
    )

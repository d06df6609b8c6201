"""Products with what is left of them: the leader's picker and the list of everybody's products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backoffice import pages
from commerce import catalog, inventory, suppliers
from commerce.accounts import Action, Staff, may
from commerce.catalog import Listing, ListingStatus, Product, Status
from commerce.kernel.database import Tx

ON_SALE = (Status.PUBLISHED, Status.UNLISTED)
PICKER_MAX = 60  # of what a leader has not listed; what they list always stands before it


@dataclass(frozen=True, slots=True)
class Size:
    sku: str
    label: str
    price_minor: int
    left: int


@dataclass(frozen=True, slots=True)
class Item:
    product: Product
    sizes: tuple[Size, ...]
    supplier: str = ""
    listing: Listing | None = None  # the terms of the leader who looks

    @property
    def title(self) -> str:
        return (self.listing.title if self.listing else "") or self.product.title

    @property
    def image(self) -> str:
        return (self.listing.image if self.listing else "") or self.product.image

    @property
    def prices(self) -> str:
        """In one line; a price of 0 is one that is not known yet."""
        known = [size.price_minor for size in self.sizes if size.price_minor]
        return pages.prices(known, self.product.currency)

    @property
    def left(self) -> int:
        return sum(size.left for size in self.sizes)


@dataclass(frozen=True, slots=True)
class Seen:
    """A page of products, and how many there are in each status."""

    items: tuple[Item, ...]
    counts: Mapping[Status, int]
    corrected: str = ""  # what was looked for instead of what was written


async def for_sale(tx: Tx, leader_id: str) -> list[Item]:
    """What a leader can pin: first what they list, at their terms, then the rest."""
    listed = {one.product_id: one for one in await _active(tx, leader_id)}
    own = [p for p in await catalog.products(tx, list(listed)) if p.sellable]
    page = await catalog.products_page(tx, statuses=ON_SALE, most=PICKER_MAX + len(listed))
    others = [product for product in page if product.id not in listed]
    return await _items(tx, [*own, *others[:PICKER_MAX]], listed=listed)


async def seen_by(
    tx: Tx, staff: Staff, statuses: Sequence[Status], most: int, skip: int = 0
) -> Seen:
    """A supplier's own products in every status, an admin's view of all, a leader's of the rest."""
    everything, leads = may(staff, Action.SEE_EVERYTHING), may(staff, Action.RUN_SESSION)
    owner = None if everything or leads else staff.supplier_id
    if not everything and leads:
        statuses = [status for status in statuses if status in ON_SALE]
    found = await catalog.products_page(
        tx, supplier_id=owner, statuses=statuses, most=most, skip=skip
    )
    listed = {one.product_id: one for one in await _active(tx, staff.id)} if leads else {}
    items = await _items(tx, found, named=everything, listed=listed)
    counts = await catalog.product_counts(tx, supplier_id=owner)
    allowed = ON_SALE if leads and not everything else tuple(Status)
    return Seen(tuple(items), {status: counts.get(status, 0) for status in allowed})


async def found_by(
    tx: Tx, staff: Staff, text: str, statuses: Sequence[Status], most: int, page: int
) -> Seen:
    """Of what they may see, what was looked for; a draft is found by its supplier only."""
    everything, leads = may(staff, Action.SEE_EVERYTHING), may(staff, Action.RUN_SESSION)
    if everything:
        viewer = catalog.Viewer(catalog.Eyes.STAFF)
    elif leads:
        viewer = catalog.Viewer(catalog.Eyes.LEADER)
    else:
        viewer = catalog.Viewer(catalog.Eyes.SUPPLIER, staff.supplier_id)
    chosen = {catalog.Facet.STATUS: statuses} if len(statuses) < len(Status) else {}
    query = catalog.Query(text=text, chosen=chosen, viewer=viewer, page=page, page_size=most)
    found = await catalog.search(tx, query)
    listed = {one.product_id: one for one in await _active(tx, staff.id)} if leads else {}
    items = await _items(tx, found.hits, named=everything, listed=listed)
    counts = dict(found.facets.get(catalog.Facet.STATUS, ()))
    allowed = ON_SALE if leads and not everything else tuple(Status)
    return Seen(
        tuple(items), {status: counts.get(status, 0) for status in allowed}, found.corrected
    )


async def _active(tx: Tx, leader_id: str) -> list[Listing]:
    listings = await catalog.listings_of(tx, leader_id)
    return [one for one in listings if one.status is ListingStatus.ACTIVE]


async def _items(
    tx: Tx, products: Sequence[Product], *, listed: Mapping[str, Listing], named: bool = False
) -> list[Item]:
    left = await inventory.available(tx, [v.sku for p in products for v in p.variants])
    names = {s.id: s.name for s in await suppliers.suppliers(tx)} if named else {}
    return [
        Item(
            product,
            _sizes(product, listed.get(product.id), left),
            names.get(product.supplier_id, ""),
            listed.get(product.id),
        )
        for product in products
    ]


def _sizes(product: Product, listing: Listing | None, left: Mapping[str, int]) -> tuple[Size, ...]:
    return tuple(
        Size(
            v.sku,
            v.label or pages.ONE_SIZE,
            listing.price_of(v) if listing else v.price_minor,
            left.get(v.sku, 0),
        )
        for v in sorted(product.variants, key=lambda v: v.position)
        if listing is None or v.sku in listing.prices
    )

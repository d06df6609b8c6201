"""What the search hears: each time it reads the truth anew, so that the order does not matter."""

from __future__ import annotations

from commerce.catalog import events, search_feeding, search_store
from commerce.kernel.database import Tx
from commerce.kernel.events import Envelope, Handlers


async def refresh_product(tx: Tx, event: Envelope) -> None:
    product_id, version = event.payload["product_id"], event.payload["product_version"]
    seen = await search_store.versions(tx, [product_id])
    if seen.get(product_id, 0) < version:
        await search_feeding.refresh(tx, [product_id])


async def refresh_listed(tx: Tx, event: Envelope) -> None:
    await search_feeding.refresh(tx, [event.payload["product_id"]])


async def refresh_group(tx: Tx, event: Envelope) -> None:
    """The first of them at once; the sweep comes by the others."""
    group = event.payload["id"]
    listed = await search_store.products_in(tx, group, search_feeding.TOGETHER_MAX)
    await search_feeding.refresh(tx, listed)


async def refresh_stock(tx: Tx, event: Envelope) -> None:
    await search_feeding.refresh_stock(tx, event.payload["sku"])


HANDLERS: Handlers = {
    **{
        kind.name: [refresh_product]
        for kind in (
            events.ProductPublished,
            events.ProductChanged,
            events.ProductUnlisted,
            events.ProductArchived,
            events.ProductDeleted,
        )
    },
    **{
        kind.name: [refresh_listed]
        for kind in (
            events.ListingChanged,
            events.ListingPaused,
            events.ListingResumed,
            events.ListingRemoved,
        )
    },
    **{kind.name: [refresh_group] for kind in (events.CategoryChanged, events.BrandChanged)},
    # A hold may be the last piece, but is no event: the sweep and the sale tell of it.
    **{
        name: [refresh_stock]
        for name in ("stock.freed", "stock.suspended", "stock.resumed", "order.placed")
    },
}

"""Every query of what leaders list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.dialects import postgresql

from commerce.catalog.listing_model import Listing
from commerce.catalog.model import ListingStatus
from commerce.catalog.tables import LISTINGS
from commerce.kernel import clock, jsons
from commerce.kernel.database import Row, Tx, any_of
from commerce.kernel.errors import Contended

ADD = postgresql.insert(LISTINGS).on_conflict_do_nothing(
    index_elements=["leader_id", "product_id"], index_where=text("status <> 'removed'")
)
KEPT = select(LISTINGS).where(text("status <> 'removed'"))
ONE = KEPT.where(LISTINGS.c.id == bindparam("listing"))
OF_LEADER = KEPT.where(LISTINGS.c.leader_id == bindparam("leader")).order_by(
    LISTINGS.c.created_at, LISTINGS.c.id
)
ON_PRODUCTS = KEPT.where(
    LISTINGS.c.leader_id == bindparam("leader"), any_of(LISTINGS.c.product_id, "products")
)
OF_PRODUCT = (
    KEPT.where(LISTINGS.c.product_id == bindparam("product"))
    .order_by(LISTINGS.c.id)
    .with_for_update()
)
SAVE = (
    update(LISTINGS)
    .where(LISTINGS.c.id == bindparam("listing"), LISTINGS.c.version == bindparam("expected"))
    .values(
        title=bindparam("new_title"),
        image=bindparam("new_image"),
        share_bp=bindparam("new_share_bp"),
        prices=bindparam("new_prices"),
        status=bindparam("new_status"),
        version=bindparam("new_version"),
        updated_at=bindparam("now"),
    )
)


def _listing(row: Row) -> Listing:
    return Listing(
        id=row["id"],
        leader_id=row["leader_id"],
        product_id=row["product_id"],
        title=row["title"],
        image=row["image"],
        share_bp=row["share_bp"],
        prices=jsons.loads(row["prices"]),
        status=ListingStatus(row["status"]),
        version=row["version"],
    )


def _values(listing: Listing) -> dict[str, Any]:
    return {
        "title": listing.title,
        "image": listing.image,
        "share_bp": listing.share_bp,
        "prices": jsons.dumps(dict(listing.prices)),
        "status": listing.status,
        "version": listing.version,
    }


async def get(tx: Tx, listing_id: str) -> Listing | None:
    row = await tx.first(ONE, listing=listing_id)
    return None if row is None else _listing(row)


async def of_leader(tx: Tx, leader_id: str) -> list[Listing]:
    return [_listing(row) for row in await tx.all(OF_LEADER, leader=leader_id)]


async def on_products(tx: Tx, leader_id: str, product_ids: Sequence[str]) -> list[Listing]:
    rows = await tx.all(ON_PRODUCTS, leader=leader_id, products=list(product_ids))
    return [_listing(row) for row in rows]


async def of_product(tx: Tx, product_id: str) -> list[Listing]:
    """Of all leaders, locked."""
    return [_listing(row) for row in await tx.all(OF_PRODUCT, product=product_id)]


async def add(tx: Tx, listing: Listing) -> bool:
    """False where this leader lists the product already."""
    now = clock.now()
    added = await tx.run(
        ADD,
        id=listing.id,
        leader_id=listing.leader_id,
        product_id=listing.product_id,
        created_at=now,
        updated_at=now,
        **_values(listing),
    )
    return bool(added)


async def save(tx: Tx, listing: Listing) -> None:
    new = {f"new_{name}": value for name, value in _values(listing).items()}
    expected = listing.version - 1
    if not await tx.run(SAVE, listing=listing.id, expected=expected, now=clock.now(), **new):
        raise Contended(f"listing {listing.id} changed meanwhile")

"""Pictures that are named are stored, and imports of sheets have counted what they did."""

from __future__ import annotations

from sqlalchemy import func, literal, or_, select

from commerce.catalog import ImportStatus, ItemStatus
from commerce.catalog.media_tables import PICTURES
from commerce.catalog.sheets_tables import IMPORT_ITEMS, IMPORTS
from commerce.catalog.tables import LISTINGS, PRODUCTS, VARIANTS
from commerce.kernel.columns import by_dialect, db_now
from deploy.invariants.rule import STUCK_AFTER, Invariant, Part, word

P, V, L, I, N = PRODUCTS.c, VARIANTS.c, LISTINGS.c, IMPORTS.c, IMPORT_ITEMS.c  # noqa: E741
OURS = "/media/pictures/"  # what stands before the digest; other pictures are not ours to keep
DIGEST = (len(OURS) + 1, 64)
_of_product = by_dialect(
    sqlite=f"EXISTS (SELECT 1 FROM json_each(products.pictures) one WHERE one.value LIKE '{OURS}%'"
    " AND NOT EXISTS (SELECT 1 FROM pictures WHERE status = 'stored'"
    f" AND digest = substr(one.value, {DIGEST[0]}, {DIGEST[1]})))",
    postgresql="EXISTS (SELECT FROM jsonb_array_elements_text(catalog.products.pictures) one(path)"
    f" WHERE path LIKE '{OURS}%' AND NOT EXISTS (SELECT FROM catalog.pictures"
    f" WHERE status = 'stored' AND digest = substr(path, {DIGEST[0]}, {DIGEST[1]})))",
)
_stored = select(PICTURES.c.digest).where(PICTURES.c.status == "stored")
_of_variant = _stored.where(PICTURES.c.digest == func.substr(V.image, *DIGEST))
_of_listing = _stored.where(PICTURES.c.digest == func.substr(L.image, *DIGEST))


def _items(status: ItemStatus) -> object:
    return (
        select(func.count())
        .where(N.import_id == I.id, N.status == word(status))
        .correlate(IMPORTS)
        .scalar_subquery()
    )


INVARIANTS = (
    Invariant(
        "picture_of_product_is_stored",
        "a product shows a picture that is not stored",
        select(P.id, P.pictures).where(P.deleted_at.is_(None), _of_product),
        Part.REST,
    ),
    Invariant(
        "picture_of_variant_is_stored",
        "a variant shows a picture that is not stored",
        select(V.sku, V.image).where(
            V.deleted_at.is_(None), V.image.like(f"{OURS}%"), ~_of_variant.exists()
        ),
        Part.REST,
    ),
    Invariant(
        "picture_of_listing_is_stored",
        "a leader's listing shows a picture that is not stored",
        select(L.id, L.image).where(L.image.like(f"{OURS}%"), ~_of_listing.exists()),
        Part.REST,
    ),
    Invariant(
        "import_counts_are_items",
        "an import says that it saved or refused something else than it did",
        select(I.id, I.applied, I.refused).where(
            I.status.not_in([ImportStatus.WAITING, ImportStatus.UNREADABLE]),
            or_(
                I.applied != _items(ItemStatus.APPLIED),
                I.refused != _items(ItemStatus.REFUSED),
                I.wrong != _items(ItemStatus.WRONG),
            ),
        ),
        Part.REST,
    ),
)

# Only of a till that runs.
CHORES = (
    Invariant(
        "no_import_stuck",
        "a sheet should have been worked off long ago",
        select(I.id, I.status, I.tries).where(
            I.status.in_(["waiting", "applying"]),
            I.lease_until < db_now() - literal(STUCK_AFTER),
        ),
    ),
)

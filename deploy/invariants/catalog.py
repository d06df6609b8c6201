"""What is on sale can be sold, and what it is sorted by and listed as is there."""

from __future__ import annotations

from sqlalchemy import Text, and_, cast, or_, select

from commerce.catalog import ListingStatus, Status
from commerce.catalog.tables import BRANDS, CATEGORIES, LISTINGS, PRODUCTS, VARIANTS
from commerce.inventory.tables import STOCK
from deploy.invariants.rule import Invariant, Part

P, V, C, L = PRODUCTS.c, VARIANTS.c, CATEGORIES.c, LISTINGS.c
_above = CATEGORIES.alias("above")
_kept = P.deleted_at.is_(None)
_variant = select(V.sku).where(V.product_id == P.id, V.deleted_at.is_(None))
_shelf = _variant.join(STOCK, STOCK.c.sku == V.sku)
_category = select(C.id).where(C.id == P.category_id, C.deleted_at.is_(None))
_brand = select(BRANDS.c.id).where(BRANDS.c.id == P.brand_id, BRANDS.c.deleted_at.is_(None))
_parent = select(_above.c.id).where(_above.c.id == C.parent_id, _above.c.deleted_at.is_(None))

INVARIANTS = (
    Invariant(
        "on_sale_is_complete",
        "a product is on sale without a title, a picture, a price or a place in a warehouse",
        select(P.id, P.supplier_id).where(
            _kept,
            P.status.in_([Status.PUBLISHED, Status.UNLISTED]),
            or_(
                P.title == "",
                cast(P.pictures, Text) == "[]",
                ~_shelf.exists(),
                _variant.where(V.price_minor == 0).exists(),
            ),
        ),
        Part.REST,
    ),
    Invariant(
        "product_is_sorted",
        "a product is in a category, or of a brand, that does not exist",
        select(P.id, P.category_id, P.brand_id).where(
            _kept,
            or_(
                and_(P.category_id != "", ~_category.exists()),
                and_(P.brand_id != "", ~_brand.exists()),
            ),
        ),
        Part.REST,
    ),
    Invariant(
        "category_has_its_parent",
        "a category is within one that does not exist",
        select(C.id, C.parent_id).where(
            C.deleted_at.is_(None), C.parent_id != "", ~_parent.exists()
        ),
    ),
    Invariant(
        "share_is_within_the_suppliers",
        "a leader takes more of a sale than the supplier gives",
        select(L.id, L.leader_id, L.share_bp, P.share_max_bp)
        .join_from(LISTINGS, PRODUCTS, L.product_id == P.id)
        .where(L.status != ListingStatus.REMOVED, L.share_bp > P.share_max_bp),
        Part.REST,
    ),
)

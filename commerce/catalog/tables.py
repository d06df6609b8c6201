"""Tables of the catalog: products, variants, categories, brands, and what leaders list."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, text

from commerce.catalog.model import Condition, ListingStatus, Status, TaxCategory
from commerce.kernel.columns import Amount, Count, Id, Instant, Json, Text, status_check, table

KEPT = text("deleted_at IS NULL")

PRODUCTS = table(
    "catalog",
    "products",
    Column("id", Id, primary_key=True),
    Column("supplier_id", Id, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("pictures", Json, nullable=False, server_default="[]"),
    Column("currency", Text, nullable=False),
    Column("category_id", Id, nullable=False, server_default=text("''")),
    Column("brand_id", Id, nullable=False, server_default=text("''")),
    Column("condition", Text, nullable=False, server_default=Condition.NEW),
    Column("tax_category", Text, nullable=False, server_default=TaxCategory.STANDARD),
    Column("share_max_bp", Count, nullable=False, server_default="0"),
    Column("status", Text, nullable=False),
    Column("version", Count, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    CheckConstraint("length(currency) = 3", name="products_currency_is_iso4217"),
    CheckConstraint("share_max_bp >= 0 AND share_max_bp <= 10000", name="products_share_within"),
    status_check("products_status", "status", Status),
    status_check("products_condition", "condition", Condition),
    status_check("products_tax_category", "tax_category", TaxCategory),
    Index("products_supplier", "supplier_id", "title", "id"),
    Index("products_by_title", "title", "id", postgresql_where=KEPT, sqlite_where=KEPT),
    Index("products_by_status", "status", "supplier_id", postgresql_where=KEPT, sqlite_where=KEPT),
    Index("products_category", "category_id"),
    Index("products_brand", "brand_id"),
)  # fmt: skip

# A SKU names one thing for ever: a variant that is taken off keeps its row, and with it the SKU.
VARIANTS = table(
    "catalog",
    "variants",
    Column("sku", Id, primary_key=True),
    Column("product_id", Id, nullable=False),
    Column("label", Text, nullable=False),
    Column("attributes", Json, nullable=False),
    Column("price_minor", Amount, nullable=False),
    Column("price_min_minor", Amount),
    Column("price_max_minor", Amount),
    Column("image", Text, nullable=False, server_default=text("''")),
    Column("weight_grams", Count, nullable=False, server_default="0"),
    Column("volume_cm3", Count, nullable=False, server_default="0"),
    Column("position", Count, nullable=False),
    Column("deleted_at", Instant),
    CheckConstraint("price_minor >= 0", name="variants_price_not_negative"),
    CheckConstraint(
        "price_min_minor IS NULL OR price_min_minor >= 0"
        " AND (price_minor = 0 OR price_min_minor <= price_minor)",
        name="variants_price_not_below_minimum",
    ),
    CheckConstraint(
        "price_max_minor IS NULL OR price_max_minor >= price_minor"
        " AND price_max_minor >= coalesce(price_min_minor, 0)",
        name="variants_price_not_above_maximum",
    ),
    CheckConstraint("weight_grams >= 0 AND volume_cm3 >= 0", name="variants_size_not_negative"),
    Index("variants_product", "product_id", "position"),
)

CATEGORIES = table(
    "catalog",
    "categories",
    Column("id", Id, primary_key=True),
    Column("parent_id", Id, nullable=False),  # empty for a root
    Column("name", Text, nullable=False),
    Column("tax_category", Text, nullable=False),
    Column("path", Json, nullable=False),  # ids from the root to this one
    Column("version", Count, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    status_check("categories_tax_category", "tax_category", TaxCategory),
    CheckConstraint("length(name) > 0", name="categories_name_is_said"),
    Index("categories_name_once", "parent_id", "name", unique=True,
          postgresql_where=KEPT, sqlite_where=KEPT),
)  # fmt: skip

BRANDS = table(
    "catalog",
    "brands",
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Count, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    CheckConstraint("length(name) > 0", name="brands_name_is_said"),
    Index("brands_name_once", "name", unique=True, postgresql_where=KEPT, sqlite_where=KEPT),
)  # fmt: skip

LISTINGS = table(
    "catalog",
    "listings",
    Column("id", Id, primary_key=True),
    Column("leader_id", Id, nullable=False),
    Column("product_id", Id, nullable=False),
    Column("title", Text, nullable=False),
    Column("image", Text, nullable=False),
    Column("share_bp", Count, nullable=False),
    Column("prices", Json, nullable=False),  # by SKU; null where it is the supplier's
    Column("status", Text, nullable=False),
    Column("version", Count, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    status_check("listings_status", "status", ListingStatus),
    CheckConstraint("share_bp >= 0 AND share_bp <= 10000", name="listings_share_within"),
    Index("listings_once", "leader_id", "product_id", unique=True,
          postgresql_where=text("status <> 'removed'"), sqlite_where=text("status <> 'removed'")),
    Index("listings_product", "product_id"),
)  # fmt: skip

"""Tables of the catalog: products and their variants."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index

from commerce.catalog.model import Status
from commerce.kernel.columns import Amount, Count, Id, Instant, Json, Text, status_check, table

PRODUCTS = table(
    "catalog",
    "products",
    Column("id", Id, primary_key=True),
    Column("supplier_id", Id, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("image", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Count, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    CheckConstraint("length(currency) = 3", name="products_currency_is_iso4217"),
    status_check("products_status", "status", Status),
    Index("products_supplier", "supplier_id"),
)

# A SKU names one thing for ever: a variant that is taken off keeps its row, and with it the SKU.
VARIANTS = table(
    "catalog",
    "variants",
    Column("sku", Id, primary_key=True),
    Column("product_id", Id, nullable=False),
    Column("label", Text, nullable=False),
    Column("attributes", Json, nullable=False),
    Column("price_minor", Amount, nullable=False),
    Column("position", Count, nullable=False),
    Column("deleted_at", Instant),
    CheckConstraint("price_minor >= 0", name="variants_price_not_negative"),
    Index("variants_product", "product_id", "position"),
)

"""Paid orders as loyalty remembers them, what was in them, and the tiers."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index

from commerce.kernel.columns import Amount, Count, Id, Instant, Text, table
from commerce.loyalty.model import ORDERS_MAX, PERCENT_BP_MAX

PURCHASES = table(
    "loyalty",
    "purchases",
    Column("order_id", Id, primary_key=True),
    Column("fan_id", Id, nullable=False),
    Column("currency", Text, nullable=False),
    Column("total_minor", Amount, nullable=False),
    Column("bought_at", Instant, nullable=False),
    Column("taken_back_at", Instant),
    CheckConstraint("total_minor >= 0", name="purchases_total_not_negative"),
    Index("purchases_of_fan", "fan_id", "bought_at"),
)

PURCHASE_GOODS = table(
    "loyalty",
    "purchase_goods",
    Column("order_id", Id, primary_key=True),
    Column("sku", Text, primary_key=True),
    Column("category_id", Id, primary_key=True),
    Column("quantity", Count, nullable=False),
    CheckConstraint("quantity > 0", name="purchase_goods_quantity_positive"),
)

TIERS = table(
    "loyalty",
    "tiers",
    Column("name", Text, primary_key=True),
    Column("orders_min", Count, nullable=False),
    Column("percent_bp", Count, nullable=False),
    Column("version", Count, nullable=False),
    CheckConstraint(f"orders_min BETWEEN 1 AND {ORDERS_MAX}", name="tiers_orders_within"),
    CheckConstraint(f"percent_bp BETWEEN 0 AND {PERCENT_BP_MAX}", name="tiers_percent_within"),
)

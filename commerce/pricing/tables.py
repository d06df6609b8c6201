"""Tables of pricing: price lists, and the quotes that were frozen."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index

from commerce.kernel.columns import Amount, Count, Id, Instant, Json, Text, table

# Whoever changes the prices of a SKU takes its row first: periods are checked one after the other.
PRICED_SKUS = table(
    "pricing",
    "priced_skus",
    Column("sku", Text, primary_key=True),
    Column("version", Count, nullable=False),
)

PRICES = table(
    "pricing",
    "prices",
    Column("id", Id, primary_key=True),
    Column("sku", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("warehouse", Text, nullable=False),  # empty = anywhere
    Column("amount_minor", Amount, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant),
    Column("set_by", Text, nullable=False),
    CheckConstraint("amount_minor > 0", name="prices_positive"),
    CheckConstraint("valid_until IS NULL OR valid_until > valid_from", name="prices_period"),
    CheckConstraint("length(currency) = 3", name="prices_currency_is_iso4217"),
    Index("prices_of_sku", "sku", "valid_from"),
)

QUOTES = table(
    "pricing",
    "quotes",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("request", Json, nullable=False),  # what was asked under the key
    Column("body", Json, nullable=False),  # what it was made from, and the lines
    Column("total_minor", Amount, nullable=False),
    Column("currency", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("total_minor > 0", name="quotes_total_positive"),
)

"""The table of frozen quotes."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column

from commerce.kernel.columns import Amount, Id, Instant, Json, Text, table

QUOTES = table(
    "pricing",
    "quotes",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("request", Json, nullable=False),  # what was asked under the key
    Column("body", Json, nullable=False),
    Column("total_minor", Amount, nullable=False),
    Column("currency", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("total_minor > 0", name="quotes_total_positive"),
)

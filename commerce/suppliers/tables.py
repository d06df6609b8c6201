"""The table of suppliers."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column

from commerce.kernel.columns import Count, Id, Instant, Text, status_check, table
from commerce.suppliers.model import Status

SUPPLIERS = table(
    "suppliers",
    "suppliers",
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Count, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("length(country) = 2", name="suppliers_country_is_alpha2"),
    CheckConstraint("length(currency) = 3", name="suppliers_currency_is_iso4217"),
    status_check("suppliers_status", "status", Status),
)

"""Tables of shipping: the zones of suppliers, and the areas that no two of them share."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint

from commerce.kernel.columns import Count, Id, Instant, Json, Text, table

DELIVERY_ZONES = table(
    "shipping",
    "delivery_zones",
    Column("id", Id, primary_key=True),
    Column("supplier_id", Id, nullable=False),
    Column("name", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("rates", Json, nullable=False),
    Column("version", Count, nullable=False),
    Column("changed_by", Id, nullable=False),
    Column("changed_at", Instant, nullable=False),
    CheckConstraint("version > 0", name="delivery_zones_version"),
    Index("delivery_zones_of_supplier", "supplier_id"),
)

# The key is what keeps an address from being in two zones at once, whoever writes at the same time.
DELIVERY_AREAS = table(
    "shipping",
    "delivery_areas",
    Column("supplier_id", Id, nullable=False),
    Column("origin", Text, nullable=False),
    Column("country", Text, nullable=False),  # or a group of them
    Column("postcode_prefix", Text, nullable=False),  # "" = all of it
    Column("zone_id", Id, nullable=False),
    PrimaryKeyConstraint("supplier_id", "origin", "country", "postcode_prefix"),
    Index("delivery_areas_of_zone", "zone_id"),
)

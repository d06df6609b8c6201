"""Flash prices, what each fan has of one, and the holds whose pieces have it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, text

from commerce.kernel.columns import Amount, Count, Id, Instant, Text, status_check, table
from commerce.promotions.flash_model import ClaimStatus, FlashStatus

_RUNNING = text("status = 'running'")
_HELD = text("status = 'held'")

FLASHES = table(
    "promotions",
    "flashes",
    Column("id", Id, primary_key=True),
    Column("supplier_id", Id, nullable=False),
    Column("leader_id", Id, nullable=False),
    Column("product_id", Id, nullable=False),
    Column("sku", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("price_minor", Amount, nullable=False),
    Column("quantity", Count, nullable=False),
    Column("duration", Count, nullable=False),  # µs
    Column("per_fan", Count, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Count, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("taken", Count, nullable=False),
    Column("sold", Count, nullable=False),
    Column("late", Count, nullable=False),
    Column("started_at", Instant),
    Column("ends_at", Instant),
    Column("ended_at", Instant),
    Column("ending", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    status_check("flashes_status", "status", FlashStatus),
    CheckConstraint("price_minor > 0 AND duration > 0 AND late >= 0", name="flashes_positive"),
    CheckConstraint("per_fan BETWEEN 1 AND quantity", name="flashes_per_fan"),
    CheckConstraint("0 <= sold AND sold <= taken AND taken <= quantity", name="flashes_pieces"),
    CheckConstraint("ends_at > started_at", name="flashes_in_order"),
    CheckConstraint(
        "status = 'offered' OR status = 'withdrawn'"
        " OR (session_id <> '' AND started_at IS NOT NULL AND ends_at IS NOT NULL)",
        name="flashes_started",
    ),
    Index("flashes_of_leader", "leader_id", "status"),
    Index("flashes_of_supplier", "supplier_id", "created_at"),
    Index(
        "flashes_one_running",
        "session_id",
        "sku",
        unique=True,
        postgresql_where=_RUNNING,
        sqlite_where=_RUNNING,
    ),
)

# What one fan may have is kept by this row's own CHECK.
FLASH_FANS = table(
    "promotions",
    "flash_fans",
    Column("flash_id", Id, primary_key=True),
    Column("owner", Text, primary_key=True),  # conversation id
    Column("pieces", Count, nullable=False),
    Column("per_fan", Count, nullable=False),
    CheckConstraint("0 <= pieces AND pieces <= per_fan", name="flash_fans_limit"),
)

FLASH_CLAIMS = table(
    "promotions",
    "flash_claims",
    Column("hold_id", Id, primary_key=True),
    Column("flash_id", Id, nullable=False),
    Column("owner", Text, nullable=False),
    Column("pieces", Count, nullable=False),
    Column("price_minor", Amount, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    CheckConstraint("pieces > 0", name="flash_claims_pieces"),
    status_check("flash_claims_status", "status", ClaimStatus),
    Index("flash_claims_of_flash", "flash_id", "status"),
    Index("flash_claims_held", "claimed_at", postgresql_where=_HELD, sqlite_where=_HELD),
)

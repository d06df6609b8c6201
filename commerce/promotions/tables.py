"""Promotions with their approvals, where they may count, their coupons, and every use of them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, text

from commerce.kernel.columns import Amount, Count, Id, Instant, Json, Text, status_check, table
from commerce.promotions.basket import Funder
from commerce.promotions.model import Kind, Side, Status, UseStatus, Visibility

_BY_CLOCK = text("status IN ('scheduled', 'active', 'paused')")
_SOLD = text("status IN ('confirmed', 'honoured')")

PROMOTIONS = table(
    "promotions",
    "promotions",
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("funder", Text, nullable=False),
    Column("supplier_id", Id, nullable=False),
    Column("leader_id", Id, nullable=False),
    Column("by_code", Count, nullable=False),
    Column("rule", Json, nullable=False),
    Column("total_limit", Count),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("first_activated_at", Instant),
    Column("created_by", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("version", Count, nullable=False),
    status_check("promotions_kind", "kind", Kind),
    status_check("promotions_visibility", "visibility", Visibility),
    status_check("promotions_status", "status", Status),
    status_check("promotions_funder", "funder", Funder),
    CheckConstraint("by_code IN (0, 1)", name="promotions_by_code"),
    CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="promotions_end_after_start"),
    CheckConstraint("total_limit IS NULL OR total_limit > 0", name="promotions_total_limit"),
    Index("promotions_newest", "updated_at"),
    Index(
        "promotions_by_clock",
        "status",
        "starts_at",
        postgresql_where=_BY_CLOCK,
        sqlite_where=_BY_CLOCK,
    ),
)

APPROVALS = table(
    "promotions",
    "promotion_approvals",
    Column("promotion_id", Id, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("by", Id, nullable=False),
    Column("at", Instant, nullable=False),
    status_check("promotion_approvals_side", "side", Side),
)

# A row for each thing by which a basket finds what may count for it, and only while it may.
TARGETS = table(
    "promotions",
    "promotion_targets",
    Column("target", Text, primary_key=True),
    Column("promotion_id", Id, primary_key=True),
    Index("promotion_targets_of", "promotion_id"),
)

POLICIES = table(
    "promotions",
    "promotion_policies",
    Column("version", Count, primary_key=True, autoincrement=False),
    Column("policy", Json, nullable=False),
    Column("set_by", Id, nullable=False),
    Column("set_at", Instant, nullable=False),
)

COUPONS = table(
    "promotions",
    "coupons",
    Column("code", Text, primary_key=True),
    Column("promotion_id", Id, nullable=False),
    Column("most", Count),
    Column("batch", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("most IS NULL OR most > 0", name="coupons_most"),
    Index("coupons_of_promotion", "promotion_id", "code"),
)

# What is limited is counted in a row of its own, which no transaction can take past its limit.
LIMITS = table(
    "promotions",
    "promotion_limits",
    Column("key", Text, primary_key=True),
    Column("promotion_id", Id, nullable=False),
    Column("code", Text, nullable=False),
    Column("fan_id", Id, nullable=False),
    Column("used", Count, nullable=False),
    Column("most", Count, nullable=False),
    CheckConstraint("used BETWEEN 0 AND most", name="promotion_limits_hold"),
)

USES = table(
    "promotions",
    "promotion_uses",
    Column("key", Id, primary_key=True),
    Column("promotion_id", Id, primary_key=True),
    Column("code", Text, nullable=False),
    Column("fan_id", Id, nullable=False),
    Column("leader_id", Id, nullable=False),
    Column("channel", Text, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("currency", Text, nullable=False),
    Column("revenue_minor", Amount, nullable=False),
    Column("status", Text, nullable=False),
    Column("reserved_at", Instant, nullable=False),
    Column("decided_at", Instant),
    status_check("promotion_uses_status", "status", UseStatus),
    CheckConstraint("amount_minor >= 0", name="promotion_uses_amount"),
    CheckConstraint("(decided_at IS NULL) = (status = 'reserved')", name="promotion_uses_decided"),
    Index("promotion_uses_of_fan", "fan_id", "promotion_id"),
    Index("promotion_uses_of_code", "promotion_id", "code"),
    Index(
        "promotion_uses_sold",
        "promotion_id",
        "decided_at",
        postgresql_where=_SOLD,
        sqlite_where=_SOLD,
    ),
)

# What fans saw and touched; what they bought is counted from the uses.
VIEWS = table(
    "promotions",
    "promotion_views",
    Column("promotion_id", Id, primary_key=True),
    Column("leader_id", Id, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("day", Instant, primary_key=True),
    Column("impressions", Count, nullable=False),
    Column("clicks", Count, nullable=False),
    CheckConstraint("impressions >= 0 AND clicks >= 0", name="promotion_views_not_negative"),
)

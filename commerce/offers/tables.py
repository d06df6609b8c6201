"""The switch, what was decided for whom and why, how it ended, and what was learned from it.

Decisions are only added to. Whatever the model knows is in `demand`, as counts.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, text

from commerce.kernel.columns import Amount, Count, Id, Instant, Json, Text, status_check, table
from commerce.offers.life import Status
from commerce.offers.model import Group, Kind, Reason

RULES = table(
    "offers",
    "offer_rules",
    Column("id", Text, primary_key=True),  # there is one row
    Column("on_since", Instant),  # NULL = off
    Column("measured_since", Instant, nullable=False),  # when the groups were last drawn
    Column("held_out_bp", Count, nullable=False),
    Column("explore_bp", Count, nullable=False),
    Column("minutes", Count, nullable=False),
    Column("salt", Text, nullable=False),
    Column("version", Count, nullable=False),
    CheckConstraint("held_out_bp BETWEEN 100 AND 9000", name="offer_rules_held_out_within"),
    CheckConstraint("explore_bp BETWEEN 0 AND 1000", name="offer_rules_explore_within"),
    CheckConstraint("minutes BETWEEN 5 AND 1440", name="offer_rules_minutes_within"),
)

BARRED = table(
    "offers",
    "barred",
    Column("kind", Text, primary_key=True),
    Column("about", Id, primary_key=True),
    Column("by", Id, nullable=False),
    Column("at", Instant, nullable=False),
    status_check("barred_kind", "kind", Kind),
)

DECISIONS = table(
    "offers",
    "decisions",
    Column("id", Id, primary_key=True),
    Column("fan_id", Id, nullable=False),
    Column("product_id", Id, nullable=False),
    Column("supplier_id", Id, nullable=False),
    Column("sku", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("price_minor", Amount, nullable=False),
    Column("floor_minor", Amount, nullable=False),
    Column("cell", Text, nullable=False),
    Column("grouped", Text, nullable=False),
    Column("percent_bp", Count, nullable=False),
    Column("propensity_ppm", Count, nullable=False),
    Column("cost_milli", Count, nullable=False),  # expected, of thousandths of a minor unit
    Column("reason", Text, nullable=False),
    Column("model_version", Count, nullable=False),
    Column("facts", Json, nullable=False),
    Column("decided_at", Instant, nullable=False),
    status_check("decisions_grouped", "grouped", Group),
    status_check("decisions_reason", "reason", Reason),
    CheckConstraint(
        "price_minor - price_minor * percent_bp / 10000 >= floor_minor",
        name="decisions_never_below_the_floor",
    ),
    CheckConstraint("grouped = 'treated' OR percent_bp = 0", name="decisions_held_out_get_none"),
    CheckConstraint("propensity_ppm BETWEEN 1 AND 1000000", name="decisions_propensity"),
    Index("decisions_by_time", "decided_at"),
)

OFFERS = table(
    "offers",
    "offers",
    Column("id", Id, primary_key=True),  # of the decision
    Column("key", Text, nullable=False, unique=True),
    Column("fan_id", Id, nullable=False),
    Column("product_id", Id, nullable=False),
    Column("currency", Text, nullable=False),
    Column("cell", Text, nullable=False),
    Column("grouped", Text, nullable=False),
    Column("percent_bp", Count, nullable=False),
    Column("piece_minor", Amount, nullable=False),  # margin of one piece at this discount
    Column("status", Text, nullable=False),
    Column("learned", Text, nullable=False),  # the status that `demand` has counted; "" = none yet
    Column("order_id", Id, nullable=False),
    Column("margin_minor", Amount, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("learn_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("closed_at", Instant),
    status_check("offers_status", "status", Status),
    CheckConstraint("grouped = 'treated' OR percent_bp = 0", name="offers_held_out_get_none"),
    CheckConstraint(
        "margin_minor >= 0 AND (margin_minor = 0 OR status = 'bought')", name="offers_margin"
    ),
    Index("offers_of_fan", "fan_id", "product_id", "decided_at"),
    Index("offers_of_order", "order_id"),
    Index("offers_by_time", "decided_at"),
)
Index(
    "offers_open_once",
    OFFERS.c.fan_id,
    OFFERS.c.product_id,
    unique=True,
    postgresql_where=text("status = 'open'"),
    sqlite_where=text("status = 'open'"),
)
Index(
    "offers_running_out",
    OFFERS.c.expires_at,
    postgresql_where=text("status = 'open'"),
    sqlite_where=text("status = 'open'"),
)
Index(
    "offers_to_learn",
    OFFERS.c.learn_at,
    postgresql_where=text("learned <> status"),
    sqlite_where=text("learned <> status"),
)

DEMAND = table(
    "offers",
    "demand",
    Column("cell", Text, primary_key=True),
    Column("percent_bp", Count, primary_key=True),
    Column("trials", Count, nullable=False),
    Column("bought", Count, nullable=False),
    CheckConstraint("bought >= 0 AND bought <= trials", name="demand_bought_within_trials"),
)

LEARNING = table(
    "offers",
    "learning",
    Column("id", Text, primary_key=True),  # there is one row
    Column("version", Count, nullable=False),  # of the counts
    Column("fitted_version", Count, nullable=False),  # of the counts that the weights are made from
    Column("populations", Json, nullable=False),  # by history, integer weights of demand curves
)

BUDGETS = table(
    "offers",
    "budgets",
    Column("currency", Text, primary_key=True),
    Column("allowed_milli", Count, nullable=False),
    Column("spent_milli", Count, nullable=False),
    CheckConstraint("spent_milli BETWEEN 0 AND allowed_milli", name="budgets_kept"),
)

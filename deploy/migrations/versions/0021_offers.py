"""Personal offers, and what fans have bought before."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.guards import keep
from deploy.migrations.schemas import create_schemas
from deploy.migrations.types import COUNT, JSON

revision = "0021"
down_revision = "0020"

INDEXES = (
    ("purchases_of_fan", "loyalty", "purchases", ["fan_id", "bought_at"], None, False),
    ("decisions_by_time", "offers", "decisions", ["decided_at"], None, False),
    ("offers_by_time", "offers", "offers", ["decided_at"], None, False),
    ("offers_of_fan", "offers", "offers", ["fan_id", "product_id", "decided_at"], None, False),
    ("offers_of_order", "offers", "offers", ["order_id"], None, False),
    ("offers_open_once", "offers", "offers", ["fan_id", "product_id"], "status = 'open'", True),
    ("offers_running_out", "offers", "offers", ["expires_at"], "status = 'open'", False),
    ("offers_to_learn", "offers", "offers", ["learn_at"], "learned <> status", False),
)


def upgrade() -> None:
    create_schemas("offers", "loyalty")
    _purchases()
    _purchase_goods()
    _tiers()
    _offer_rules()
    _barred()
    _decisions()
    _offers()
    _demand()
    _learning()
    _budgets()
    for name, schema, table, columns, condition, unique in INDEXES:
        where = None if condition is None else sa.text(condition)
        op.create_index(
            name,
            table,
            columns,
            unique=unique,
            schema=schema,
            postgresql_where=where,
            sqlite_where=where,
        )
    # A decision and its reasons stay as they were; how a sale ended is written beside it.
    keep("offers", "decisions")
    keep(
        "offers",
        "offers",
        "id",
        "key",
        "fan_id",
        "product_id",
        "currency",
        "cell",
        "grouped",
        "percent_bp",
        "piece_minor",
        "decided_at",
        "learn_at",
        "expires_at",
    )
    keep("loyalty", "purchases", "order_id", "fan_id", "currency", "total_minor", "bought_at")
    keep("loyalty", "purchase_goods")


def _purchases() -> None:
    op.create_table(
        "purchases",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("fan_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_minor", COUNT, nullable=False),
        sa.Column("bought_at", COUNT, nullable=False),
        sa.Column("taken_back_at", COUNT, nullable=True),
        sa.CheckConstraint("total_minor >= 0", name="purchases_total_not_negative"),
        sa.PrimaryKeyConstraint("order_id"),
        schema="loyalty",
        sqlite_strict=True,
    )


def _purchase_goods() -> None:
    op.create_table(
        "purchase_goods",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("category_id", sa.Text(), nullable=False),
        sa.Column("quantity", COUNT, nullable=False),
        sa.CheckConstraint("quantity > 0", name="purchase_goods_quantity_positive"),
        sa.PrimaryKeyConstraint("order_id", "sku", "category_id"),
        schema="loyalty",
        sqlite_strict=True,
    )


def _tiers() -> None:
    op.create_table(
        "tiers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("orders_min", COUNT, nullable=False),
        sa.Column("percent_bp", COUNT, nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.CheckConstraint("orders_min BETWEEN 1 AND 10000", name="tiers_orders_within"),
        sa.CheckConstraint("percent_bp BETWEEN 0 AND 5000", name="tiers_percent_within"),
        sa.PrimaryKeyConstraint("name"),
        schema="loyalty",
        sqlite_strict=True,
    )


def _offer_rules() -> None:
    op.create_table(
        "offer_rules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("on_since", COUNT, nullable=True),
        sa.Column("measured_since", COUNT, nullable=False),
        sa.Column("held_out_bp", COUNT, nullable=False),
        sa.Column("explore_bp", COUNT, nullable=False),
        sa.Column("minutes", COUNT, nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.CheckConstraint("explore_bp BETWEEN 0 AND 1000", name="offer_rules_explore_within"),
        sa.CheckConstraint("held_out_bp BETWEEN 100 AND 9000", name="offer_rules_held_out_within"),
        sa.CheckConstraint("minutes BETWEEN 5 AND 1440", name="offer_rules_minutes_within"),
        sa.PrimaryKeyConstraint("id"),
        schema="offers",
        sqlite_strict=True,
    )


def _barred() -> None:
    op.create_table(
        "barred",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", COUNT, nullable=False),
        sa.CheckConstraint("kind IN ('product', 'supplier')", name="barred_kind"),
        sa.PrimaryKeyConstraint("kind", "about"),
        schema="offers",
        sqlite_strict=True,
    )


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fan_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("price_minor", COUNT, nullable=False),
        sa.Column("floor_minor", COUNT, nullable=False),
        sa.Column("cell", sa.Text(), nullable=False),
        sa.Column("grouped", sa.Text(), nullable=False),
        sa.Column("percent_bp", COUNT, nullable=False),
        sa.Column("propensity_ppm", COUNT, nullable=False),
        sa.Column("cost_milli", COUNT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("model_version", COUNT, nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("decided_at", COUNT, nullable=False),
        sa.CheckConstraint("grouped IN ('treated', 'held_out')", name="decisions_grouped"),
        sa.CheckConstraint(
            "grouped = 'treated' OR percent_bp = 0", name="decisions_held_out_get_none"
        ),
        sa.CheckConstraint(
            "price_minor - price_minor * percent_bp / 10000 >= floor_minor",
            name="decisions_never_below_the_floor",
        ),
        sa.CheckConstraint("propensity_ppm BETWEEN 1 AND 1000000", name="decisions_propensity"),
        sa.CheckConstraint(
            "reason IN ('held_out', 'full_price', 'pays', 'explores')", name="decisions_reason"
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="offers",
        sqlite_strict=True,
    )


def _offers() -> None:
    op.create_table(
        "offers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fan_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("cell", sa.Text(), nullable=False),
        sa.Column("grouped", sa.Text(), nullable=False),
        sa.Column("percent_bp", COUNT, nullable=False),
        sa.Column("piece_minor", COUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("learned", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("margin_minor", COUNT, nullable=False),
        sa.Column("decided_at", COUNT, nullable=False),
        sa.Column("learn_at", COUNT, nullable=False),
        sa.Column("expires_at", COUNT, nullable=False),
        sa.Column("closed_at", COUNT, nullable=True),
        sa.CheckConstraint(
            "grouped = 'treated' OR percent_bp = 0", name="offers_held_out_get_none"
        ),
        sa.CheckConstraint(
            "margin_minor >= 0 AND (margin_minor = 0 OR status = 'bought')", name="offers_margin"
        ),
        sa.CheckConstraint(
            "status IN ('open', 'bought', 'lost', 'returned')", name="offers_status"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        schema="offers",
        sqlite_strict=True,
    )


def _demand() -> None:
    op.create_table(
        "demand",
        sa.Column("cell", sa.Text(), nullable=False),
        sa.Column("percent_bp", COUNT, nullable=False),
        sa.Column("trials", COUNT, nullable=False),
        sa.Column("bought", COUNT, nullable=False),
        sa.CheckConstraint("bought >= 0 AND bought <= trials", name="demand_bought_within_trials"),
        sa.PrimaryKeyConstraint("cell", "percent_bp"),
        schema="offers",
        sqlite_strict=True,
    )


def _learning() -> None:
    op.create_table(
        "learning",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.Column("fitted_version", COUNT, nullable=False),
        sa.Column("populations", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="offers",
        sqlite_strict=True,
    )


def _budgets() -> None:
    op.create_table(
        "budgets",
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("allowed_milli", COUNT, nullable=False),
        sa.Column("spent_milli", COUNT, nullable=False),
        sa.CheckConstraint("spent_milli BETWEEN 0 AND allowed_milli", name="budgets_kept"),
        sa.PrimaryKeyConstraint("currency"),
        schema="offers",
        sqlite_strict=True,
    )

"""Promotions, coupons and how they perform."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.guards import keep
from deploy.migrations.schemas import create_schemas
from deploy.migrations.types import COUNT, JSON

revision = "0020"
down_revision = "0019"

BY_CLOCK = "status IN ('scheduled', 'active', 'paused')"
SOLD = "status IN ('confirmed', 'honoured')"


def upgrade() -> None:
    create_schemas("promotions")
    _promotions()
    _agreements()
    _coupons()
    _uses()
    for name, table, columns, condition in (
        ("promotions_newest", "promotions", ["updated_at"], None),
        ("promotions_by_clock", "promotions", ["status", "starts_at"], BY_CLOCK),
        ("promotion_targets_of", "promotion_targets", ["promotion_id"], None),
        ("coupons_of_promotion", "coupons", ["promotion_id", "code"], None),
        ("promotion_uses_of_fan", "promotion_uses", ["fan_id", "promotion_id"], None),
        ("promotion_uses_of_code", "promotion_uses", ["promotion_id", "code"], None),
        ("promotion_uses_sold", "promotion_uses", ["promotion_id", "decided_at"], SOLD),
    ):
        where = None if condition is None else sa.text(condition)
        op.create_index(
            name, table, columns, schema="promotions", postgresql_where=where, sqlite_where=where
        )
    # Whose it is and who agreed to it never changes; nor does the first time that it counted.
    keep("promotions", "promotions", "id", "funder", "supplier_id", "created_by", "created_at")
    keep("promotions", "promotion_approvals")
    keep("promotions", "promotion_policies")
    keep("promotions", "promotion_uses", "key", "promotion_id", "code", "fan_id", "amount_minor",
         "currency")  # fmt: skip
    _once()


def _once() -> None:
    changes = "OLD.first_activated_at IS NOT NULL AND NEW.first_activated_at IS {} OLD.{}"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER promotions_first_once BEFORE UPDATE ON promotions"
            f" WHEN {changes.format('NOT', 'first_activated_at')}"
            " BEGIN SELECT RAISE(ABORT, 'promotions.first_activated_at is set once'); END"
        )
        return
    op.execute(
        "CREATE TRIGGER promotions_first_once BEFORE UPDATE ON promotions.promotions FOR EACH ROW"
        f" WHEN ({changes.format('DISTINCT FROM', 'first_activated_at')})"
        " EXECUTE FUNCTION kernel.refuse_change()"
    )
    op.execute("ALTER TABLE promotions.promotions ENABLE ALWAYS TRIGGER promotions_first_once")


def _promotions() -> None:
    op.create_table(
        "promotions",
        *_texts("id", "kind", "visibility", "status", "funder", "supplier_id", "leader_id"),
        *_counts("by_code"),
        sa.Column("rule", JSON, nullable=False),
        *_counts("total_limit", nullable=True),
        *_counts("starts_at"),
        *_counts("ends_at", "first_activated_at", nullable=True),
        *_texts("created_by"),
        *_counts("created_at", "updated_at", "version"),
        sa.CheckConstraint("kind IN ('campaign', 'single', 'default')", name="promotions_kind"),
        sa.CheckConstraint(
            "visibility IN ('global', 'leader', 'both')", name="promotions_visibility"
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'pending', 'scheduled', 'active', 'paused', 'ended', 'rejected', "
            "'cancelled')",
            name="promotions_status",
        ),
        sa.CheckConstraint(
            "funder IN ('supplier', 'leader', 'platform')", name="promotions_funder"
        ),
        sa.CheckConstraint("by_code IN (0, 1)", name="promotions_by_code"),
        sa.CheckConstraint(
            "ends_at IS NULL OR ends_at > starts_at", name="promotions_end_after_start"
        ),
        sa.CheckConstraint("total_limit IS NULL OR total_limit > 0", name="promotions_total_limit"),
        sa.PrimaryKeyConstraint("id"),
        schema="promotions",
        sqlite_strict=True,
    )


def _agreements() -> None:
    op.create_table(
        "promotion_approvals",
        *_texts("promotion_id", "side", "by"),
        *_counts("at"),
        sa.CheckConstraint("side IN ('platform', 'leader')", name="promotion_approvals_side"),
        sa.PrimaryKeyConstraint("promotion_id", "side"),
        schema="promotions",
        sqlite_strict=True,
    )
    op.create_table(
        "promotion_targets",
        *_texts("target", "promotion_id"),
        sa.PrimaryKeyConstraint("target", "promotion_id"),
        schema="promotions",
        sqlite_strict=True,
    )
    op.create_table(
        "promotion_policies",
        sa.Column("version", COUNT, autoincrement=False, nullable=False),
        sa.Column("policy", JSON, nullable=False),
        *_texts("set_by"),
        *_counts("set_at"),
        sa.PrimaryKeyConstraint("version"),
        schema="promotions",
        sqlite_strict=True,
    )


def _coupons() -> None:
    op.create_table(
        "coupons",
        *_texts("code", "promotion_id"),
        *_counts("most", nullable=True),
        *_texts("batch"),
        *_counts("created_at"),
        sa.CheckConstraint("most IS NULL OR most > 0", name="coupons_most"),
        sa.PrimaryKeyConstraint("code"),
        schema="promotions",
        sqlite_strict=True,
    )
    op.create_table(
        "promotion_limits",
        *_texts("key", "promotion_id", "code", "fan_id"),
        *_counts("used", "most"),
        sa.CheckConstraint("used BETWEEN 0 AND most", name="promotion_limits_hold"),
        sa.PrimaryKeyConstraint("key"),
        schema="promotions",
        sqlite_strict=True,
    )


def _uses() -> None:
    op.create_table(
        "promotion_uses",
        *_texts("key", "promotion_id", "code", "fan_id", "leader_id", "channel"),
        *_counts("amount_minor"),
        *_texts("currency"),
        *_counts("revenue_minor"),
        *_texts("status"),
        *_counts("reserved_at"),
        *_counts("decided_at", nullable=True),
        sa.CheckConstraint(
            "status IN ('reserved', 'confirmed', 'released', 'honoured')",
            name="promotion_uses_status",
        ),
        sa.CheckConstraint("amount_minor >= 0", name="promotion_uses_amount"),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (status = 'reserved')", name="promotion_uses_decided"
        ),
        sa.PrimaryKeyConstraint("key", "promotion_id"),
        schema="promotions",
        sqlite_strict=True,
    )
    op.create_table(
        "promotion_views",
        *_texts("promotion_id", "leader_id", "channel"),
        *_counts("day", "impressions", "clicks"),
        sa.CheckConstraint("impressions >= 0 AND clicks >= 0", name="promotion_views_not_negative"),
        sa.PrimaryKeyConstraint("promotion_id", "leader_id", "channel", "day"),
        schema="promotions",
        sqlite_strict=True,
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _counts(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, COUNT, nullable=nullable) for name in names]

"""Prices for a few pieces of one live session."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.types import COUNT

revision = "0022"
down_revision = "0021"

RUNNING = sa.text("status = 'running'")
HELD = sa.text("status = 'held'")


def upgrade() -> None:
    _flashes()
    op.create_table(
        "flash_fans",
        sa.Column("flash_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("pieces", COUNT, nullable=False),
        sa.Column("per_fan", COUNT, nullable=False),
        sa.CheckConstraint("0 <= pieces AND pieces <= per_fan", name="flash_fans_limit"),
        sa.PrimaryKeyConstraint("flash_id", "owner"),
        schema="promotions",
        sqlite_strict=True,
    )
    op.create_table(
        "flash_claims",
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("flash_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("pieces", COUNT, nullable=False),
        sa.Column("price_minor", COUNT, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("claimed_at", COUNT, nullable=False),
        sa.Column("changed_at", COUNT, nullable=False),
        sa.CheckConstraint("pieces > 0", name="flash_claims_pieces"),
        sa.CheckConstraint(
            "status IN ('held', 'confirmed', 'returned', 'late')", name="flash_claims_status"
        ),
        sa.PrimaryKeyConstraint("hold_id"),
        schema="promotions",
        sqlite_strict=True,
    )
    _indexes()


def _flashes() -> None:
    op.create_table(
        "flashes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Text(), nullable=False),
        sa.Column("leader_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("price_minor", COUNT, nullable=False),
        sa.Column("quantity", COUNT, nullable=False),
        sa.Column("duration", COUNT, nullable=False),
        sa.Column("per_fan", COUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("taken", COUNT, nullable=False),
        sa.Column("sold", COUNT, nullable=False),
        sa.Column("late", COUNT, nullable=False),
        sa.Column("started_at", COUNT, nullable=True),
        sa.Column("ends_at", COUNT, nullable=True),
        sa.Column("ended_at", COUNT, nullable=True),
        sa.Column("ending", sa.Text(), nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.CheckConstraint(
            "status IN ('offered', 'running', 'ended', 'withdrawn')", name="flashes_status"
        ),
        sa.CheckConstraint(
            "price_minor > 0 AND duration > 0 AND late >= 0", name="flashes_positive"
        ),
        sa.CheckConstraint("per_fan BETWEEN 1 AND quantity", name="flashes_per_fan"),
        sa.CheckConstraint(
            "0 <= sold AND sold <= taken AND taken <= quantity", name="flashes_pieces"
        ),
        sa.CheckConstraint("ends_at > started_at", name="flashes_in_order"),
        sa.CheckConstraint(
            "status = 'offered' OR status = 'withdrawn'"
            " OR (session_id <> '' AND started_at IS NOT NULL AND ends_at IS NOT NULL)",
            name="flashes_started",
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="promotions",
        sqlite_strict=True,
    )


def _indexes() -> None:
    for name, table, columns in (
        ("flashes_of_leader", "flashes", ["leader_id", "status"]),
        ("flashes_of_supplier", "flashes", ["supplier_id", "created_at"]),
        ("flash_claims_of_flash", "flash_claims", ["flash_id", "status"]),
    ):
        op.create_index(name, table, columns, schema="promotions")
    op.create_index(
        "flashes_one_running",
        "flashes",
        ["session_id", "sku"],
        unique=True,
        schema="promotions",
        postgresql_where=RUNNING,
        sqlite_where=RUNNING,
    )
    op.create_index(
        "flash_claims_held",
        "flash_claims",
        ["claimed_at"],
        schema="promotions",
        postgresql_where=HELD,
        sqlite_where=HELD,
    )

"""The waitlist of a sold-out variant."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.types import COUNT

revision = "0008"
down_revision = "0007"

ACTIVE = sa.text("status IN ('waiting', 'offered')")
WAITING = sa.text("status = 'waiting'")


def upgrade() -> None:
    op.create_table(
        "waitlist_queues",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("last_seq", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("sku"),
        schema="live",
        sqlite_strict=True,
    )
    _entries()
    _indexes()


def _entries() -> None:
    op.create_table(
        "waitlist_entries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("seq", COUNT, nullable=False),
        sa.Column("quantity", COUNT, nullable=False),
        sa.Column("hold_seconds", COUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("hold_id", sa.Text(), nullable=True),
        sa.Column("held", COUNT, nullable=False),
        sa.Column("expires_at", COUNT, nullable=True),
        sa.Column("joined_at", COUNT, nullable=False),
        sa.Column("changed_at", COUNT, nullable=False),
        sa.CheckConstraint(
            "status IN ('waiting', 'offered', 'taken', 'lapsed', 'left')",
            name="waitlist_entries_status",
        ),
        sa.CheckConstraint("quantity > 0 AND held >= 0", name="waitlist_entries_pieces"),
        sa.CheckConstraint(
            "(hold_id IS NOT NULL AND held > 0) OR status NOT IN ('offered', 'taken')",
            name="waitlist_entries_offer",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="waitlist_entries_key"),
        sa.UniqueConstraint("sku", "seq", name="waitlist_entries_order"),
        schema="live",
        sqlite_strict=True,
    )


def _indexes() -> None:
    op.create_index(
        "waitlist_entries_one_place",
        "waitlist_entries",
        ["owner", "sku", "session_id"],
        unique=True,
        schema="live",
        postgresql_where=ACTIVE,
        sqlite_where=ACTIVE,
    )
    op.create_index(
        "waitlist_entries_waiting",
        "waitlist_entries",
        ["sku", "seq"],
        schema="live",
        postgresql_where=WAITING,
        sqlite_where=WAITING,
    )
    op.create_index("waitlist_entries_by_hold", "waitlist_entries", ["hold_id"], schema="live")
    op.create_index(
        "waitlist_entries_by_session",
        "waitlist_entries",
        ["session_id", "status"],
        schema="live",
    )

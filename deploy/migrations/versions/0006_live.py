"""Live sessions, pins, rooms and conversations."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.schemas import create_schemas
from deploy.migrations.types import COUNT, JSON

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create_schemas("live", "bot")
    _conversations()
    _live_sessions()
    _pins()
    _room_counters()
    _room_messages()


def _conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("state", JSON, nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.Column("replies", COUNT, nullable=False),
        sa.Column("changed_at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="bot",
        sqlite_strict=True,
    )


def _live_sessions() -> None:
    op.create_table(
        "live_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("leader_id", sa.Text(), nullable=False),
        sa.Column("leader_name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("stream_kind", sa.Text(), nullable=False),
        sa.Column("stream_ref", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("started_at", COUNT, nullable=True),
        sa.Column("ended_at", COUNT, nullable=True),
        sa.CheckConstraint("status IN ('planned', 'live', 'ended')", name="live_sessions_status"),
        sa.CheckConstraint(
            "stream_kind IN ('youtube', 'twitch', 'kick', 'still')",
            name="live_sessions_stream_kind",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug", name="live_sessions_slug"),
        schema="live",
        sqlite_strict=True,
    )
    op.create_index(
        "live_sessions_by_leader",
        "live_sessions",
        ["leader_id", "created_at"],
        unique=False,
        schema="live",
    )
    op.create_index(
        "live_sessions_by_status",
        "live_sessions",
        ["status", "started_at"],
        unique=False,
        schema="live",
    )


def _pins() -> None:
    op.create_table(
        "pins",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("pinned_at", COUNT, nullable=False),
        sa.Column("unpinned_at", COUNT, nullable=True),
        sa.Column("offer_ends_at", COUNT, nullable=True),
        sa.CheckConstraint("unpinned_at >= pinned_at", name="pins_in_order"),
        sa.PrimaryKeyConstraint("id"),
        schema="live",
        sqlite_strict=True,
    )
    op.create_index(
        "pins_by_session", "pins", ["session_id", "pinned_at"], unique=False, schema="live"
    )
    op.create_index(
        "pins_one_open",
        "pins",
        ["session_id"],
        unique=True,
        schema="live",
        postgresql_where=sa.text("unpinned_at IS NULL"),
        sqlite_where=sa.text("unpinned_at IS NULL"),
    )


def _room_counters() -> None:
    op.create_table(
        "room_counters",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("last_seq", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("session_id"),
        schema="live",
        sqlite_strict=True,
    )


def _room_messages() -> None:
    op.create_table(
        "room_messages",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("seq", COUNT, nullable=False),
        sa.Column("fan_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("said_at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "seq"),
        sa.UniqueConstraint("session_id", "fan_id", "key", name="room_messages_once"),
        schema="live",
        sqlite_strict=True,
    )
    op.create_index(
        "room_messages_by_fan",
        "room_messages",
        ["session_id", "fan_id", "said_at"],
        unique=False,
        schema="live",
    )

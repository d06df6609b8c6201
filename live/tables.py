"""Tables of live sessions: the sessions, their pin timeline and the public chat."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text

from commerce.kernel.columns import Count, Id, Instant, Text, status_check, table
from live.model import Status
from live.streams import StreamKind

SESSIONS = table(
    "live",
    "live_sessions",
    Column("id", Id, primary_key=True),
    Column("slug", Text, nullable=False),
    Column("leader_id", Id, nullable=False),
    Column("leader_name", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("stream_kind", Text, nullable=False),
    Column("stream_ref", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Count, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    UniqueConstraint("slug", name="live_sessions_slug"),
    status_check("live_sessions_status", "status", Status),
    status_check("live_sessions_stream_kind", "stream_kind", StreamKind),
    Index("live_sessions_by_status", "status", "started_at"),
    Index("live_sessions_by_leader", "leader_id", "created_at"),
)

PINS = table(
    "live",
    "pins",
    Column("id", Id, primary_key=True),
    Column("session_id", Id, nullable=False),
    Column("product_id", Id, nullable=False),
    Column("pinned_at", Instant, nullable=False),
    Column("unpinned_at", Instant),
    Column("offer_ends_at", Instant),
    CheckConstraint("unpinned_at >= pinned_at", name="pins_in_order"),
    Index("pins_by_session", "session_id", "pinned_at"),
    Index(
        "pins_one_open",
        "session_id",
        unique=True,
        postgresql_where=text("unpinned_at IS NULL"),
        sqlite_where=text("unpinned_at IS NULL"),
    ),
)

# Apart from the session: a busy chat must not keep the leader from pinning.
ROOM_COUNTERS = table(
    "live",
    "room_counters",
    Column("session_id", Id, primary_key=True),
    Column("last_seq", Count, nullable=False),
)

ROOM_MESSAGES = table(
    "live",
    "room_messages",
    Column("session_id", Id, primary_key=True),
    Column("seq", Count, primary_key=True),
    Column("fan_id", Id, nullable=False),
    Column("key", Text, nullable=False),  # chosen by the writer: the same one twice is one message
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("said_at", Instant, nullable=False),
    UniqueConstraint("session_id", "fan_id", "key", name="room_messages_once"),
    Index("room_messages_by_fan", "session_id", "fan_id", "said_at"),
)

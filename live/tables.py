"""Tables of live sessions: the sessions, pin timeline, public chat and waitlists."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text

from commerce.kernel.columns import Count, Id, Instant, Text, status_check, table
from live.model import Status, WaitStatus
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

# Whoever joins a queue or serves it holds its row: nobody joins unseen while pieces are given out.
WAITLIST_QUEUES = table(
    "live",
    "waitlist_queues",
    Column("sku", Text, primary_key=True),
    Column("last_seq", Count, nullable=False),
)

_ACTIVE = text("status IN ('waiting', 'offered')")
_WAITING = text("status = 'waiting'")

WAITLIST_ENTRIES = table(
    "live",
    "waitlist_entries",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False),
    Column("session_id", Id, nullable=False),
    Column("sku", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("seq", Count, nullable=False),
    Column("quantity", Count, nullable=False),
    Column("hold_seconds", Count, nullable=False),
    Column("status", Text, nullable=False),
    Column("hold_id", Id),
    Column("held", Count, nullable=False),
    Column("expires_at", Instant),
    Column("joined_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    UniqueConstraint("key", name="waitlist_entries_key"),
    UniqueConstraint("sku", "seq", name="waitlist_entries_order"),
    status_check("waitlist_entries_status", "status", WaitStatus),
    CheckConstraint("quantity > 0 AND held >= 0", name="waitlist_entries_pieces"),
    CheckConstraint(
        "(hold_id IS NOT NULL AND held > 0) OR status NOT IN ('offered', 'taken')",
        name="waitlist_entries_offer",
    ),
    Index(
        "waitlist_entries_one_place",
        "owner",
        "sku",
        "session_id",
        unique=True,
        postgresql_where=_ACTIVE,
        sqlite_where=_ACTIVE,
    ),
    Index(
        "waitlist_entries_waiting", "sku", "seq", postgresql_where=_WAITING, sqlite_where=_WAITING
    ),
    Index("waitlist_entries_by_hold", "hold_id"),
    Index("waitlist_entries_by_session", "session_id", "status"),
)

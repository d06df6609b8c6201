"""Tables of the people: fans, their identities and consents, staff, sessions, sign-in tries."""

from __future__ import annotations

from sqlalchemy import Column, Index

from commerce.kernel.columns import Count, Id, Instant, Json, Text, table

FANS = table(
    "accounts",
    "fans",
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("address", Json),
    Column("version", Count, nullable=False),
    Column("created_at", Instant, nullable=False),
)

FAN_IDENTITIES = table(
    "accounts",
    "fan_identities",
    Column("conversation_id", Text, primary_key=True),
    Column("fan_id", Id, nullable=False),
    Column("added_at", Instant, nullable=False),
    Index("fan_identities_fan", "fan_id"),
)

CONSENTS = table(
    "accounts",
    "consents",
    Column("key", Text, primary_key=True),
    Column("fan_id", Id, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("text_version", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("consents_fan", "fan_id", "purpose", "at"),
)

STAFF = table(
    "accounts",
    "staff",
    Column("id", Id, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("roles", Json, nullable=False),
    Column("supplier_id", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
    Column("version", Count, nullable=False),
)

STAFF_SESSIONS = table(
    "accounts",
    "staff_sessions",
    Column("token_hash", Text, primary_key=True),
    Column("staff_id", Id, nullable=False),
    Column("network_hash", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),  # kept for a while: it shows where this person signed in before
    Index("staff_sessions_staff", "staff_id", "network_hash"),
    Index("staff_sessions_expires", "expires_at"),
)

SIGN_IN_TRIES = table(
    "accounts",
    "sign_in_tries",
    Column("subject", Text, primary_key=True),
    Column("full_at", Instant, nullable=False),
    Index("sign_in_tries_full", "full_at"),
)

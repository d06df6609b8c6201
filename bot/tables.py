"""Where each conversation stands."""

from __future__ import annotations

from sqlalchemy import Column

from commerce.kernel.columns import Count, Id, Instant, Json, Text, table

CONVERSATIONS = table(
    "bot",
    "conversations",
    Column("id", Id, primary_key=True),
    Column("account", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("state", Json, nullable=False),
    Column("version", Count, nullable=False),
    Column("replies", Count, nullable=False),  # the number of the last reply
    Column("changed_at", Instant, nullable=False),
)

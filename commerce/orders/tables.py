"""Tables of orders: the order with its snapshots, and one row for each move it made."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, text

from commerce.kernel.columns import Amount, Count, Id, Instant, Json, Text, status_check, table
from commerce.orders.model import Status

ORDERS = table(
    "orders",
    "orders",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("code", Text, nullable=False, unique=True),
    Column("fan_id", Id, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("session_id", Id, nullable=False),
    Column("leader_id", Id, nullable=False),
    Column("reference", Text, nullable=False),
    Column("quote_id", Id, nullable=False),
    Column("language", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("total_minor", Amount, nullable=False),
    Column("pieces", Count, nullable=False),
    Column("items", Json, nullable=False),
    Column("lines", Json, nullable=False),
    Column("address", Json, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Count, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Column("paid_at", Instant),
    Column("cancelled_at", Instant),
    Column("refunded_at", Instant),
    CheckConstraint("total_minor > 0", name="orders_total_positive"),
    CheckConstraint("pieces > 0", name="orders_pieces_positive"),
    status_check("orders_status", "status", Status),
    Index("orders_fan", "fan_id", "placed_at"),
    Index("orders_session", "session_id", "placed_at"),
    Index("orders_reference", "reference"),
    Index(
        "orders_pending",
        "placed_at",
        postgresql_where=text("status = 'pending'"),
        sqlite_where=text("status = 'pending'"),
    ),
)

ORDER_HISTORY = table(
    "orders",
    "order_history",
    Column("order_id", Id, primary_key=True),
    Column("version", Count, primary_key=True),
    Column("status", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    status_check("order_history_status", "status", Status),
)

"""Orders that are paid on delivery."""

import sqlalchemy as sa

from deploy.migrations.changes import add_column, recheck
from deploy.migrations.types import COUNT

revision = "0011"
down_revision = "0010"

STATUS = "status IN ('pending', 'confirmed', 'paid', 'cancelled', 'refunded')"


def upgrade() -> None:
    add_column("orders", "orders", sa.Column("confirmed_at", COUNT, nullable=True))
    recheck("orders", "orders", "orders_status", STATUS)
    recheck("orders", "order_history", "order_history_status", STATUS)

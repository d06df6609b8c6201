"""Reports of providers compared with the books, and alerts."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.types import COUNT, JSON

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    _alerts()


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("count", COUNT, nullable=False),
        sa.Column("first_at", COUNT, nullable=False),
        sa.Column("last_at", COUNT, nullable=False),
        sa.Column("resolved_at", COUNT, nullable=True),
        sa.Column("resolution", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="kernel",
        sqlite_strict=True,
    )
    op.create_index(
        "alerts_open_once",
        "alerts",
        ["name", "subject"],
        unique=True,
        schema="kernel",
        postgresql_where=sa.text("resolved_at IS NULL"),
        sqlite_where=sa.text("resolved_at IS NULL"),
    )

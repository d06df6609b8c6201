"""Fans, staff and suppliers."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.guards import keep
from deploy.migrations.schemas import create_schemas
from deploy.migrations.types import COUNT, JSON

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create_schemas("accounts", "suppliers")
    _consents()
    _fan_identities()
    _fans()
    _sign_in_tries()
    _staff()
    _staff_sessions()
    _suppliers()
    # A consent is evidence: it can be followed by another, never edited or removed.
    keep("accounts", "consents")


def _consents() -> None:
    op.create_table(
        "consents",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fan_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("key"),
        schema="accounts",
        sqlite_strict=True,
    )
    op.create_index(
        "consents_fan", "consents", ["fan_id", "purpose", "at"], unique=False, schema="accounts"
    )


def _fan_identities() -> None:
    op.create_table(
        "fan_identities",
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("fan_id", sa.Text(), nullable=False),
        sa.Column("added_at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id"),
        schema="accounts",
        sqlite_strict=True,
    )
    op.create_index(
        "fan_identities_fan", "fan_identities", ["fan_id"], unique=False, schema="accounts"
    )


def _fans() -> None:
    op.create_table(
        "fans",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("address", JSON, nullable=True),
        sa.Column("version", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="accounts",
        sqlite_strict=True,
    )


def _sign_in_tries() -> None:
    op.create_table(
        "sign_in_tries",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("full_at", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("subject"),
        schema="accounts",
        sqlite_strict=True,
    )
    op.create_index(
        "sign_in_tries_full", "sign_in_tries", ["full_at"], unique=False, schema="accounts"
    )


def _staff() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("roles", JSON, nullable=False),
        sa.Column("supplier_id", sa.Text(), nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("disabled_at", COUNT, nullable=True),
        sa.Column("version", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
        schema="accounts",
        sqlite_strict=True,
    )


def _staff_sessions() -> None:
    op.create_table(
        "staff_sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("network_hash", sa.Text(), nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("seen_at", COUNT, nullable=False),
        sa.Column("expires_at", COUNT, nullable=False),
        sa.Column("ended_at", COUNT, nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
        schema="accounts",
        sqlite_strict=True,
    )
    op.create_index(
        "staff_sessions_expires", "staff_sessions", ["expires_at"], unique=False, schema="accounts"
    )
    op.create_index(
        "staff_sessions_staff",
        "staff_sessions",
        ["staff_id", "network_hash"],
        unique=False,
        schema="accounts",
    )


def _suppliers() -> None:
    op.create_table(
        "suppliers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.CheckConstraint("status IN ('active', 'suspended')", name="suppliers_status"),
        sa.CheckConstraint("length(country) = 2", name="suppliers_country_is_alpha2"),
        sa.CheckConstraint("length(currency) = 3", name="suppliers_currency_is_iso4217"),
        sa.PrimaryKeyConstraint("id"),
        schema="suppliers",
        sqlite_strict=True,
    )

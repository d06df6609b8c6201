"""Products, stock, holds and quotes."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.guards import keep
from deploy.migrations.schemas import create_schemas
from deploy.migrations.types import COUNT, JSON

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    create_schemas("catalog", "inventory", "pricing")
    _products()
    _variants()
    _holds()
    _stock()
    _stock_movements()
    _quotes()
    keep("inventory", "stock_movements")


def _products() -> None:
    op.create_table(
        "products",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("updated_at", COUNT, nullable=False),
        sa.Column("deleted_at", COUNT, nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'published', 'unlisted', 'archived')", name="products_status"
        ),
        sa.CheckConstraint("length(currency) = 3", name="products_currency_is_iso4217"),
        sa.PrimaryKeyConstraint("id"),
        schema="catalog",
        sqlite_strict=True,
    )
    op.create_index(
        "products_supplier", "products", ["supplier_id"], unique=False, schema="catalog"
    )


def _variants() -> None:
    op.create_table(
        "variants",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("attributes", JSON, nullable=False),
        sa.Column("price_minor", COUNT, nullable=False),
        sa.Column("position", COUNT, nullable=False),
        sa.Column("deleted_at", COUNT, nullable=True),
        sa.CheckConstraint("price_minor >= 0", name="variants_price_not_negative"),
        sa.PrimaryKeyConstraint("sku"),
        schema="catalog",
        sqlite_strict=True,
    )
    op.create_index(
        "variants_product", "variants", ["product_id", "position"], unique=False, schema="catalog"
    )


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", COUNT, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("expires_at", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.Column("changed_at", COUNT, nullable=False),
        sa.CheckConstraint(
            "status IN ('held', 'claimed', 'released', 'expired')", name="holds_status"
        ),
        sa.CheckConstraint("quantity > 0", name="holds_quantity_positive"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        schema="inventory",
        sqlite_strict=True,
    )
    op.create_index(
        "holds_by_reference", "holds", ["reference", "status"], unique=False, schema="inventory"
    )
    op.create_index(
        "holds_expiring",
        "holds",
        ["expires_at"],
        unique=False,
        schema="inventory",
        postgresql_where=sa.text("status = 'held'"),
        sqlite_where=sa.text("status = 'held'"),
    )


def _stock() -> None:
    op.create_table(
        "stock",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("on_hand", COUNT, nullable=False),
        sa.Column("held", COUNT, nullable=False),
        sa.Column("sold", COUNT, nullable=False),
        sa.CheckConstraint("held + sold <= on_hand", name="stock_never_oversold"),
        sa.CheckConstraint("on_hand >= 0 AND held >= 0 AND sold >= 0", name="stock_not_negative"),
        sa.PrimaryKeyConstraint("sku"),
        schema="inventory",
        sqlite_strict=True,
    )


def _stock_movements() -> None:
    op.create_table(
        "stock_movements",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", COUNT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("moved_at", COUNT, nullable=False),
        sa.CheckConstraint("kind IN ('received', 'sold')", name="stock_movements_kind"),
        sa.PrimaryKeyConstraint("seq"),
        schema="inventory",
        sqlite_strict=True,
    )
    op.create_index(
        "stock_movements_by_sku",
        "stock_movements",
        ["sku", "seq"],
        unique=False,
        schema="inventory",
    )


def _quotes() -> None:
    op.create_table(
        "quotes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", JSON, nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("total_minor", COUNT, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("expires_at", COUNT, nullable=False),
        sa.Column("created_at", COUNT, nullable=False),
        sa.CheckConstraint("total_minor > 0", name="quotes_total_positive"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        schema="pricing",
        sqlite_strict=True,
    )

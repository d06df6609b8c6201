"""Categories, brands, limits of a price, and what a leader lists of a product."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.changes import add_column, rebuild
from deploy.migrations.types import COUNT, JSON

revision = "0015"
down_revision = "0014"

TAX_CATEGORY = (
    "tax_category IN ('standard', 'reduced', 'books', 'food', 'clothing', 'children', 'exempt')"
)
PRODUCT_CHECKS = {
    "products_share_within": "share_max_bp >= 0 AND share_max_bp <= 10000",
    "products_condition": "condition IN ('new', 'open_box', 'refurbished', 'used')",
    "products_tax_category": TAX_CATEGORY,
}
VARIANT_CHECKS = {
    "variants_price_not_below_minimum": (
        "price_min_minor IS NULL OR price_min_minor >= 0"
        " AND (price_minor = 0 OR price_min_minor <= price_minor)"
    ),
    "variants_price_not_above_maximum": (
        "price_max_minor IS NULL OR price_max_minor >= price_minor"
        " AND price_max_minor >= coalesce(price_min_minor, 0)"
    ),
    "variants_size_not_negative": "weight_grams >= 0 AND volume_cm3 >= 0",
}


def upgrade() -> None:
    _products()
    _variants()
    _categories()
    _brands()
    _listings()
    _shelves()


def _products() -> None:
    for column in (
        sa.Column("pictures", JSON, server_default="[]", nullable=False),
        sa.Column("category_id", sa.Text(), server_default="", nullable=False),
        sa.Column("brand_id", sa.Text(), server_default="", nullable=False),
        sa.Column("condition", sa.Text(), server_default="new", nullable=False),
        sa.Column("tax_category", sa.Text(), server_default="standard", nullable=False),
        sa.Column("share_max_bp", COUNT, server_default="0", nullable=False),
    ):
        add_column("catalog", "products", column)
    # The picture becomes the first of several.
    if _on_sqlite():
        op.execute("UPDATE products SET pictures = json_array(image) WHERE image <> ''")
        op.execute("ALTER TABLE products DROP COLUMN image")
    else:
        op.execute(
            "UPDATE catalog.products SET pictures = jsonb_build_array(image) WHERE image <> ''"
        )
        op.drop_column("products", "image", schema="catalog")
    _check("products", PRODUCT_CHECKS)
    op.drop_index("products_supplier", "products", schema="catalog")
    _index("products_supplier", "products", ["supplier_id", "title", "id"])
    _index("products_by_title", "products", ["title", "id"], "deleted_at IS NULL")
    _index("products_by_status", "products", ["status", "supplier_id"], "deleted_at IS NULL")
    _index("products_category", "products", ["category_id"])
    _index("products_brand", "products", ["brand_id"])


def _variants() -> None:
    for column in (
        sa.Column("price_min_minor", COUNT, nullable=True),
        sa.Column("price_max_minor", COUNT, nullable=True),
        sa.Column("image", sa.Text(), server_default="", nullable=False),
        sa.Column("weight_grams", COUNT, server_default="0", nullable=False),
        sa.Column("volume_cm3", COUNT, server_default="0", nullable=False),
    ):
        add_column("catalog", "variants", column)
    _check("variants", VARIANT_CHECKS)


def _categories() -> None:
    op.create_table(
        "categories",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tax_category", sa.Text(), nullable=False),
        sa.Column("path", JSON, nullable=False),
        *_versioned(),
        sa.Column("deleted_at", COUNT, nullable=True),
        sa.CheckConstraint(TAX_CATEGORY, name="categories_tax_category"),
        sa.CheckConstraint("length(name) > 0", name="categories_name_is_said"),
        sa.PrimaryKeyConstraint("id"),
        schema="catalog",
        sqlite_strict=True,
    )
    columns = ["parent_id", "name"]
    _index("categories_name_once", "categories", columns, "deleted_at IS NULL", unique=True)


def _brands() -> None:
    op.create_table(
        "brands",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *_versioned(),
        sa.Column("deleted_at", COUNT, nullable=True),
        sa.CheckConstraint("length(name) > 0", name="brands_name_is_said"),
        sa.PrimaryKeyConstraint("id"),
        schema="catalog",
        sqlite_strict=True,
    )
    _index("brands_name_once", "brands", ["name"], "deleted_at IS NULL", unique=True)


def _listings() -> None:
    op.create_table(
        "listings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("leader_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("share_bp", COUNT, nullable=False),
        sa.Column("prices", JSON, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        *_versioned(),
        sa.CheckConstraint("status IN ('active', 'paused', 'removed')", name="listings_status"),
        sa.CheckConstraint("share_bp >= 0 AND share_bp <= 10000", name="listings_share_within"),
        sa.PrimaryKeyConstraint("id"),
        schema="catalog",
        sqlite_strict=True,
    )
    columns = ["leader_id", "product_id"]
    _index("listings_once", "listings", columns, "status <> 'removed'", unique=True)
    _index("listings_product", "listings", ["product_id"])


def _shelves() -> None:
    """What is on sale has a place in a warehouse; what never came in lies on an empty shelf."""
    catalog, inventory = ("", "") if _on_sqlite() else ("catalog.", "inventory.")
    op.execute(
        f"INSERT INTO {inventory}stock (sku, warehouse, on_hand, held, sold, version)"
        f" SELECT v.sku, 'main', 0, 0, 0, 1 FROM {catalog}variants v"
        f" JOIN {catalog}products p ON p.id = v.product_id"
        " WHERE p.status IN ('published', 'unlisted') AND p.deleted_at IS NULL"
        " AND v.deleted_at IS NULL"
        f" AND NOT EXISTS (SELECT 1 FROM {inventory}stock s WHERE s.sku = v.sku)"
    )


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _versioned() -> list[sa.Column[int]]:
    return [
        sa.Column(name, COUNT, nullable=False) for name in ("version", "created_at", "updated_at")
    ]


def _check(table: str, checks: dict[str, str]) -> None:
    if not _on_sqlite():
        for name, condition in checks.items():
            op.create_check_constraint(name, table, condition, schema="catalog")
        return
    said = "".join(f", CONSTRAINT {name} CHECK ({what})" for name, what in checks.items())

    def with_checks(sql: str) -> str:
        end = sql.rindex(")")
        return f"{sql[:end]}{said}{sql[end:]}"

    rebuild(table, with_checks)


def _index(
    name: str, table: str, columns: list[str], condition: str | None = None, *, unique: bool = False
) -> None:
    where = None if condition is None else sa.text(condition)
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        schema="catalog",
        postgresql_where=where,
        sqlite_where=where,
    )

"""Pictures in several sizes, and sheets of products on their way in."""

import sqlalchemy as sa
from alembic import op

from deploy.migrations.types import COUNT, JSON

revision = "0016"
down_revision = "0015"

UNFINISHED = sa.text("status <> 'stored'")
OPEN = sa.text("status IN ('waiting', 'applying')")
COUNTS = (
    "lines",
    "lines_read",
    "lines_wrong",
    "created",
    "changed",
    "unchanged",
    "wrong",
    "applied",
    "refused",
    "lease_until",
    "fence",
    "tries",
    "started_at",
)


def upgrade() -> None:
    _pictures()
    _imports()
    _files()
    _items()


def _pictures() -> None:
    op.create_table(
        "pictures",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("width", COUNT, nullable=False),
        sa.Column("height", COUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("changed_at", COUNT, nullable=False),
        sa.CheckConstraint("width > 0 AND height > 0", name="pictures_size"),
        sa.CheckConstraint("status IN ('storing', 'stored', 'removing')", name="pictures_status"),
        sa.PrimaryKeyConstraint("digest"),
        schema="catalog",
        sqlite_strict=True,
    )
    op.create_index(
        "pictures_unfinished",
        "pictures",
        ["changed_at"],
        schema="catalog",
        postgresql_where=UNFINISHED,
        sqlite_where=UNFINISHED,
    )


def _imports() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Text(), nullable=False),
        sa.Column("brought_by", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        *(sa.Column(name, COUNT, nullable=False) for name in COUNTS),
        sa.Column("ended_at", COUNT, nullable=True),
        sa.CheckConstraint(
            "status IN ('waiting', 'ready', 'applying', 'done', 'unreadable', 'cancelled')",
            name="imports_status",
        ),
        sa.CheckConstraint("applied + refused <= created + changed", name="imports_progress"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="imports_key"),
        schema="catalog",
        sqlite_strict=True,
    )
    op.create_index(
        "imports_of_supplier", "imports", ["supplier_id", "started_at"], schema="catalog"
    )
    op.create_index(
        "imports_open",
        "imports",
        ["lease_until"],
        schema="catalog",
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )


def _files() -> None:
    op.create_table(
        "import_files",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("import_id"),
        schema="catalog",
        sqlite_strict=True,
    )


def _items() -> None:
    op.create_table(
        "import_items",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("seq", COUNT, autoincrement=False, nullable=False),
        sa.Column("line", COUNT, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("product_version", COUNT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("wanted", JSON, nullable=False),
        sa.Column("differences", JSON, nullable=False),
        sa.Column("errors", JSON, nullable=False),
        sa.CheckConstraint(
            "status IN ('waiting', 'applied', 'refused', 'wrong')", name="import_items_status"
        ),
        sa.PrimaryKeyConstraint("import_id", "seq"),
        schema="catalog",
        sqlite_strict=True,
    )
    op.create_index(
        "import_items_status_of_import",
        "import_items",
        ["import_id", "status", "seq"],
        schema="catalog",
    )

"""Tables of the imports: a sheet on its way in, its bytes, and what it would change."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, UniqueConstraint, text

from commerce.catalog.sheets_model import ImportStatus, ItemStatus
from commerce.kernel.columns import Count, Id, Instant, Json, Text, status_check, table

IMPORTS = table(
    "catalog",
    "imports",
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False),  # of the form it came with
    Column("supplier_id", Id, nullable=False),
    Column("brought_by", Id, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("problem", Text, nullable=False),  # why the whole file cannot be read; empty = it can
    Column("facts", Json, nullable=False),
    Column("lines", Count, nullable=False),
    Column("lines_read", Count, nullable=False),
    Column("lines_wrong", Count, nullable=False),
    Column("created", Count, nullable=False),  # products, as are the next five
    Column("changed", Count, nullable=False),
    Column("unchanged", Count, nullable=False),
    Column("wrong", Count, nullable=False),
    Column("applied", Count, nullable=False),
    Column("refused", Count, nullable=False),
    Column("lease_until", Instant, nullable=False),
    Column("fence", Count, nullable=False),
    Column("tries", Count, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    UniqueConstraint("key", name="imports_key"),
    status_check("imports_status", "status", ImportStatus),
    CheckConstraint("applied + refused <= created + changed", name="imports_progress"),
    Index("imports_of_supplier", "supplier_id", "started_at"),
    Index(
        "imports_open",
        "lease_until",
        postgresql_where=text("status IN ('waiting', 'applying')"),
        sqlite_where=text("status IN ('waiting', 'applying')"),
    ),
)

IMPORT_FILES = table(
    "catalog",
    "import_files",
    Column("import_id", Id, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# One per product that the sheet creates, changes or gets wrong; what it leaves as it is has none.
IMPORT_ITEMS = table(
    "catalog",
    "import_items",
    Column("import_id", Id, primary_key=True),
    Column("seq", Count, primary_key=True, autoincrement=False),
    Column("line", Count, nullable=False),
    Column("title", Text, nullable=False),
    Column("product_id", Id, nullable=False),
    Column("product_version", Count, nullable=False),  # as it was compared; 0 = it is new
    Column("status", Text, nullable=False),
    Column("wanted", Json, nullable=False),
    Column("differences", Json, nullable=False),
    Column("errors", Json, nullable=False),
    status_check("import_items_status", "status", ItemStatus),
    Index("import_items_status_of_import", "import_id", "status", "seq"),
)

"""Table of the pictures: which bytes are in the storage, and which are only on their way."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, text

from commerce.catalog.media_model import PictureStatus
from commerce.kernel.columns import Count, Id, Instant, Text, status_check, table

PICTURES = table(
    "catalog",
    "pictures",
    Column("digest", Id, primary_key=True),  # of the bytes as they were sent
    Column("width", Count, nullable=False),
    Column("height", Count, nullable=False),
    Column("status", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    CheckConstraint("width > 0 AND height > 0", name="pictures_size"),
    status_check("pictures_status", "status", PictureStatus),
    Index(
        "pictures_unfinished",
        "changed_at",
        postgresql_where=text("status <> 'stored'"),
        sqlite_where=text("status <> 'stored'"),
    ),
)

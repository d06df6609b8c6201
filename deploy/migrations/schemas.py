"""Contexts have schemas of their own on PostgreSQL; SQLite has none."""

from __future__ import annotations

from alembic import op


def create_schemas(*names: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in names:
            op.execute(f"CREATE SCHEMA {name}")

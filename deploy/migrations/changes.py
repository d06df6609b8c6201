"""Changes of tables that hold rows; SQLite builds some anew, with their indexes and triggers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

TABLE = sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table")
AROUND = sa.text(
    "SELECT sql FROM sqlite_master"
    " WHERE type IN ('index', 'trigger') AND tbl_name = :table AND sql IS NOT NULL"
)


def add_column(schema: str, table: str, column: sa.Column[Any]) -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    op.add_column(table, column, schema=schema if on_postgresql else None)


def recheck(schema: str, table: str, name: str, condition: str) -> None:
    """Give the CHECK called `name` another condition, which every row must meet already."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE {schema}.{table} DROP CONSTRAINT {name}")
        op.execute(f"ALTER TABLE {schema}.{table} ADD CONSTRAINT {name} CHECK ({condition})")
    else:
        rebuild(table, lambda sql: _with_condition(sql, name, condition))


def rebuild(table: str, edit: Callable[[str], str]) -> None:
    """On SQLite: the table as `edit` rewrites its definition, with the columns it had."""
    bind = op.get_bind()
    definition = str(bind.execute(TABLE, {"table": table}).scalar_one())
    around = [str(row.sql) for row in bind.execute(AROUND, {"table": table})]
    columns = ", ".join(
        f'"{row.name}"' for row in bind.exec_driver_sql(f"PRAGMA table_info({table})")
    )
    named = re.compile(rf"CREATE TABLE [\"']?{table}[\"']?")
    op.execute(named.sub(f"CREATE TABLE new_{table}", edit(definition), count=1))
    op.execute(f"INSERT INTO new_{table} ({columns}) SELECT {columns} FROM {table}")
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE new_{table} RENAME TO {table}")
    for statement in around:
        op.execute(statement)


def _with_condition(sql: str, name: str, condition: str) -> str:
    begin = sql.index("(", sql.index(f"CONSTRAINT {name} CHECK"))
    depth, end = 1, begin
    while depth:
        end += 1
        depth += {"(": 1, ")": -1}.get(sql[end], 0)
    return f"{sql[:begin]}({condition}){sql[end + 1 :]}"

"""Triggers that keep what must stay: rows that are only added to, columns that never change."""

from __future__ import annotations

from alembic import op

FUNCTION = """
CREATE FUNCTION kernel.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME;
END $$
"""


def keep(schema: str, table: str, *columns: str) -> None:
    """Nobody deletes a row of the table, nor changes it; with `columns`, only those are frozen."""
    frozen = f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE"
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite(table, "no_update", frozen)
        _guard_sqlite(table, "no_delete", "DELETE")
    else:
        _guard_postgresql(schema, table, "no_change", f"DELETE OR {frozen}", "ROW")
        _guard_postgresql(schema, table, "no_truncate", "TRUNCATE", "STATEMENT")


def _guard_sqlite(table: str, name: str, action: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_{name} BEFORE {action} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def _guard_postgresql(schema: str, table: str, name: str, action: str, each: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_{name} BEFORE {action} ON {schema}.{table} "
        f"FOR EACH {each} EXECUTE FUNCTION kernel.refuse_change()"
    )
    # ALWAYS: also where session_replication_role says that triggers are asleep.
    op.execute(f"ALTER TABLE {schema}.{table} ENABLE ALWAYS TRIGGER {table}_{name}")

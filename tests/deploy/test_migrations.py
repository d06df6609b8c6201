"""The migrations make exactly the tables the code speaks of, once, on both databases."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, create_engine, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from commerce.kernel.columns import metadata
from commerce.kernel.sqlite import open_connection
from deploy import migrations, tables

assert tables.LOADED
CONTEXTS = sorted({table.schema for table in metadata.tables.values() if table.schema})
KEPT = {  # what nobody may delete
    "transfers", "order_history", "orders", "audit_entries", "stock_movements", "stock_suspensions",
}  # fmt: skip


def plain_metadata() -> MetaData:
    """The tables as SQLite has them: without schemas."""
    plain = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(plain, schema=None)
    return plain


def in_sqlite(url: str, work: Callable[[Connection], Any]) -> Any:
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            return work(connection)
    finally:
        engine.dispose()


async def in_postgresql(url: str, work: Callable[[Connection], Any]) -> Any:
    engine = create_async_engine(url.replace("postgresql", "postgresql+asyncpg", 1))
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def migrated_by_many(url: str, times: int) -> None:
    with ThreadPoolExecutor(times) as threads:
        for done in [threads.submit(migrations.migrate, url) for _ in range(times)]:
            done.result()


@pytest.fixture
async def empty_postgresql(postgresql_url):
    """A database without any table on the same server."""
    name = f"{postgresql_url.rpartition('/')[2]}_empty"
    server = await asyncpg.connect(postgresql_url)
    await server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield f"{postgresql_url.rpartition('/')[0]}/{name}"
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


def differences(connection: Connection, wanted: MetaData, **options: Any) -> list[Any]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True, **options}
    )
    return compare_metadata(context, wanted)


def belongs_to_us(name: str | None, kind: str, parents: Any) -> bool:
    if kind == "table" and is_of_fts5(name or ""):
        return False
    return name != "alembic_version" and (kind != "schema" or name in {None, *CONTEXTS})


def is_of_fts5(table: str) -> bool:
    """The index of words on SQLite, and the tables that FTS5 keeps it in."""
    return table == "search_words" or table.startswith("search_words_")


def test_sqlite_is_migrated_to_the_tables_of_the_code(sqlite_url):
    found = in_sqlite(
        sqlite_url,
        lambda c: differences(c, plain_metadata(), include_name=belongs_to_us),
    )

    assert found == []


async def test_postgresql_is_migrated_to_the_tables_of_the_code(postgresql_url):
    found = await in_postgresql(
        postgresql_url,
        lambda c: differences(c, metadata, include_schemas=True, include_name=belongs_to_us),
    )

    assert found == []


def flat(facts: Any) -> str:
    """The facts in words, so that two descriptions can be compared."""
    if isinstance(facts, dict):
        return str(sorted((str(name), flat(fact)) for name, fact in facts.items()))
    return str(facts)


def described(connection: Connection, prefix: str = "") -> dict[str, Any]:
    """All that holds for each table, also the checks and the conditions of its indexes."""
    inspector = inspect(connection)
    contexts: list[str | None] = [f"{prefix}{name}" for name in CONTEXTS]
    if connection.dialect.name == "sqlite":
        contexts = [None]
    found = {}
    for schema in contexts:
        for name in inspector.get_table_names(schema):
            parts = [
                sorted(map(flat, inspector.get_columns(name, schema))),
                inspector.get_pk_constraint(name, schema)["constrained_columns"],
                *(
                    sorted(map(flat, get(name, schema)))
                    for get in (
                        inspector.get_check_constraints,
                        inspector.get_unique_constraints,
                        inspector.get_indexes,
                    )
                ),
            ]
            found[name] = repr(parts).replace(prefix, "") if prefix else repr(parts)
    return {
        name: facts
        for name, facts in found.items()
        if name != "alembic_version" and not is_of_fts5(name)
    }


def test_sqlite_has_the_checks_and_conditions_of_the_code_too(sqlite_url, tmp_path):
    made = f"sqlite:///{tmp_path}/made.db"
    in_sqlite(made, plain_metadata().create_all)

    assert in_sqlite(sqlite_url, described) == in_sqlite(made, described)


async def test_postgresql_has_the_checks_and_conditions_of_the_code_too(postgresql_url):
    def make_and_describe(connection):
        for name in CONTEXTS:
            connection.execute(text(f"CREATE SCHEMA made_{name}"))
        elsewhere = {name: f"made_{name}" for name in CONTEXTS}
        metadata.create_all(connection.execution_options(schema_translate_map=elsewhere))
        return described(connection, "made_")

    made = await in_postgresql(postgresql_url, make_and_describe)
    migrated = await in_postgresql(postgresql_url, described)
    assert set(migrated) == {table.name for table in metadata.tables.values()}
    assert migrated == made


def test_migrating_again_keeps_everything(sqlite_url):
    def names(connection):
        return connection.execute(text("SELECT type, name, sql FROM sqlite_master")).all()

    def write(connection):
        connection.execute(text("INSERT INTO stock VALUES ('shirt', 'main', 1, 0, 0, 1)"))

    before = in_sqlite(sqlite_url, names)
    in_sqlite(sqlite_url, write)
    migrations.migrate(sqlite_url)

    assert in_sqlite(sqlite_url, names) == before
    count = in_sqlite(sqlite_url, lambda c: c.execute(text("SELECT count(*) FROM stock")).scalar())
    assert count == 1


def test_many_processes_may_migrate_sqlite_at_once(tmp_path):
    url = f"sqlite:///{tmp_path}/folder/that/is/made/livetill.db"
    migrated_by_many(url, 4)

    assert set(in_sqlite(url, described)) == {table.name for table in metadata.tables.values()}


async def test_many_processes_may_migrate_postgresql_at_once(empty_postgresql):
    await asyncio.to_thread(migrated_by_many, empty_postgresql, 3)
    await asyncio.to_thread(migrations.migrate, empty_postgresql)

    found = await in_postgresql(empty_postgresql, described)
    assert set(found) == {table.name for table in metadata.tables.values()}


def test_every_table_of_sqlite_is_strict(sqlite_url):
    rows = in_sqlite(sqlite_url, lambda c: c.execute(text("PRAGMA table_list")).mappings().all())
    loose = {row["name"] for row in rows if row["type"] == "table" and not row["strict"]}

    assert {name for name in loose if not name.startswith("sqlite_")} == {"alembic_version"}


def test_sqlite_takes_no_text_for_a_number(sqlite_url):
    connection = open_connection(sqlite_url.removeprefix("sqlite:///"))
    with pytest.raises(sqlite3.IntegrityError, match="cannot store TEXT"):
        connection.execute("INSERT INTO stock VALUES ('shirt', 'main', 'many', 0, 0, 1)")
    connection.close()


def test_sqlite_guards_what_must_stay(sqlite_url):
    guards = "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
    found = in_sqlite(sqlite_url, lambda c: c.execute(text(guards)).all())

    for table in KEPT:
        actions = " ".join(sql for name, sql in found if name == table)
        assert "BEFORE DELETE" in actions, table
        assert "BEFORE UPDATE" in actions, table


async def test_postgresql_guards_what_must_stay_even_from_replicas(postgresql_url):
    connection = await asyncpg.connect(postgresql_url)
    rows = await connection.fetch(
        "SELECT tgrelid::regclass::text AS name, tgenabled, pg_get_triggerdef(oid) AS says"
        " FROM pg_trigger WHERE NOT tgisinternal"
    )
    await connection.close()

    assert {row["tgenabled"] for row in rows} == {b"A"}
    for table in KEPT:
        says = " ".join(r["says"] for r in rows if r["name"].rpartition(".")[2] == table)
        assert all(word in says for word in ("DELETE", "UPDATE", "TRUNCATE")), table


ATTACKS = [
    "UPDATE {} SET amount_minor = 1",
    "UPDATE {} SET debit = 'bank'",
    "DELETE FROM {}",
    "DELETE FROM {} WHERE id = 't/1'",
]
SEED = (
    "INSERT INTO {} (id, posting_id, n, reason, reference, debit, credit, currency, amount_minor,"
    " at) VALUES ('t/1', 't', 1, 'r', 'r', 'bank', 'sales', 'EUR', 5, 0)"
)


@pytest.mark.parametrize("attack", [*ATTACKS, SEED.replace("INSERT", "INSERT OR REPLACE")])
def test_nobody_changes_the_books_on_sqlite(sqlite_url, attack):
    connection = open_connection(sqlite_url.removeprefix("sqlite:///"))
    connection.execute(SEED.format("transfers"))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(attack.format("transfers"))
    assert connection.execute("SELECT amount_minor FROM transfers").fetchone()[0] == 5
    connection.close()


@pytest.mark.parametrize("attack", [*ATTACKS, "TRUNCATE {}"])
@pytest.mark.parametrize("role", ["origin", "replica"])
async def test_nobody_changes_the_books_on_postgresql(postgresql_url, attack, role):
    connection = await asyncpg.connect(postgresql_url)
    await connection.execute(SEED.format("ledger.transfers"))
    await connection.execute(f"SET session_replication_role = {role}")
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await connection.execute(attack.format("ledger.transfers"))
    assert await connection.fetchval("SELECT amount_minor FROM ledger.transfers") == 5
    await connection.close()

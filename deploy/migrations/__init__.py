"""One history of the schema for SQLite and PostgreSQL, run by Alembic.

Migrations name schemas as PostgreSQL has them; on SQLite every schema is translated away.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from commerce.kernel.columns import metadata
from deploy import tables
from deploy.settings import PREFIX, SettingsWrong

FOLDER = Path(__file__).parent
NEWEST = "head"
ONE_MIGRATION_AT_A_TIME = 4_207_846_521  # any number that only this lock uses


def migrate(url: str, to: str = NEWEST) -> None:
    """Bring the database to the newest schema; safe to repeat, and from many processes at once."""
    try:
        if url.startswith("sqlite:///"):
            _migrate_sqlite(url, to)
        else:
            asyncio.run(_migrate_postgresql(url, to))
    except (OSError, OperationalError, asyncpg.PostgresError) as error:
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
        raise SettingsWrong(f"{PREFIX}DATABASE_URL: {reason}") from error


def upgrade(connection: Connection, to: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _migrate_sqlite(url: str, to: str) -> None:
    Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": 30})

    # The driver would commit before DDL; we begin ourselves, so that a migration is all or nothing.
    @event.listens_for(engine, "connect")
    def no_implicit_begin(dbapi: object, _: object) -> None:
        dbapi.isolation_level = None  # type: ignore[attr-defined]

    @event.listens_for(engine, "begin")
    def begin_for_writing(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.connect() as plain, plain.begin():
        upgrade(plain.execution_options(schema_translate_map=dict.fromkeys(contexts())), to)
    engine.dispose()


async def _migrate_postgresql(url: str, to: str) -> None:
    engine = create_async_engine("postgresql+asyncpg" + url[url.index("://") :], poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(
            text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_MIGRATION_AT_A_TIME}
        )
        await connection.run_sync(upgrade, to)
    await engine.dispose()


def contexts() -> list[str]:
    """The contexts that own tables."""
    assert tables.LOADED
    return sorted({table.schema for table in metadata.tables.values() if table.schema})

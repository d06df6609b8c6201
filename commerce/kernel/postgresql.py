"""The scaled database: asyncpg itself, without session state, so nothing is reset on release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, cast

import asyncpg
from sqlalchemy.sql import ClauseElement, Insert, Select

from commerce.kernel import clock
from commerce.kernel.database import Database, Row, Tx, Work, committed, committing
from commerce.kernel.errors import Contended, Outage
from commerce.kernel.statements import POSTGRESQL, Compiler

T = TypeVar("T")
STATEMENTS = Compiler(POSTGRESQL)
CLOCK_SECONDS = 1.0

SERVER_SETTINGS = {
    "application_name": "livetill",
    "jit": "off",
    # A plan made while a table was nearly empty is kept: it must already use the index.
    "random_page_cost": "1.1",
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "10000",
    "statement_timeout": "30000",
}
# A group of the server without a login, made by the migrations: it may read and write, but neither
# change the schema nor edit what is only added to.
APP_ROLE = "livetill_app"
BECOME_APP_ROLE = f"""
SELECT set_config('role', app.rolname, false)
FROM pg_roles app JOIN pg_namespace ours ON ours.nspname = 'kernel'
WHERE app.rolname = '{APP_ROLE}' AND has_schema_privilege(app.oid, ours.oid, 'USAGE')
AND pg_has_role(session_user, app.oid,
    CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
"""
MAY_EDIT = """
SELECT EXISTS (
    SELECT FROM pg_trigger WHERE tgfoid = to_regproc('kernel.refuse_change')
    AND has_table_privilege(tgrelid, 'DELETE, TRUNCATE, TRIGGER')
)
"""
LOST_RACES = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
UNREACHABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a query meets whose idle connection the server just ended
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.DiskFullError,
)


class ServerClock:
    """The database's clock, asked once a second and carried on by ours: never ahead of it."""

    def __init__(self) -> None:
        self._answer = 0
        self._answered_at = float("-inf")

    async def now(self, connection: asyncpg.pool.PoolConnectionProxy[Any]) -> int:
        passed = clock.monotonic() - self._answered_at
        if passed < CLOCK_SECONDS and clock.faked_now() is None:
            return self._answer + int(passed * clock.SECOND)
        answer = cast("int", await connection.fetchval("SELECT livetill_now()"))
        if clock.faked_now() is None:
            self._answer, self._answered_at = answer, clock.monotonic()
        return answer


class PostgresqlTx(Tx):
    dialect: Literal["sqlite", "postgresql"] = "postgresql"

    def __init__(
        self, connection: asyncpg.pool.PoolConnectionProxy[Any], server_clock: ServerClock
    ) -> None:
        super().__init__()
        self._connection = connection
        self._clock = server_clock
        self.changed = False

    async def all(self, statement: ClauseElement, /, **params: Any) -> list[Row]:
        ready = STATEMENTS.prepare(statement, params)
        rows = await self._connection.fetch(ready.sql, *ready.arguments(params))
        if rows and not isinstance(statement, Select):
            self.changed = True
        return cast("list[Row]", rows)

    async def run(self, statement: ClauseElement, /, **params: Any) -> int:
        ready = STATEMENTS.prepare(statement, params)
        status = await self._connection.execute(ready.sql, *ready.arguments(params))
        words = status.split()
        affected = int(words[-1]) if words[-1].isdigit() else 0
        if affected and not isinstance(statement, Select):
            self.changed = True
        return affected

    async def run_many(
        self, statement: ClauseElement, rows: Sequence[Mapping[str, Any]], /
    ) -> None:
        if not rows:
            return
        if isinstance(statement, Insert) and len(rows) > 1:
            # One statement for all of them costs the server a tenth of one for each.
            ready = STATEMENTS.prepare_many(statement, rows[0])
            columns = [[row[name] for row in rows] for name in ready.order]
            await self._connection.execute(ready.sql, *columns)
        else:
            ready = STATEMENTS.prepare(statement, rows[0])
            await self._connection.executemany(ready.sql, [ready.arguments(row) for row in rows])
        self.changed = True

    async def now(self) -> int:
        return await self._clock.now(self._connection)


class PostgresqlDatabase(Database):
    dialect: Literal["sqlite", "postgresql"] = "postgresql"

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        super().__init__()
        self._pool = pool
        self._clock = ServerClock()

    @classmethod
    async def connect(cls, url: str, *, connections: int) -> PostgresqlDatabase:
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=connections,
                init=_become_app_role,
                reset=_nothing_to_reset,
                server_settings=SERVER_SETTINGS,
                command_timeout=35,
                timeout=10,
            )
        except (*UNREACHABLE, asyncpg.PostgresError, ValueError) as error:
            raise Outage(f"PostgreSQL does not answer: {error}") from error
        return cls(pool)

    async def _transact(self, work: Work[T]) -> tuple[T, set[str]]:
        try:
            async with self._pool.acquire() as connection:
                await connection.execute("BEGIN")
                try:
                    await _follow_fake_clock(connection)
                    tx = PostgresqlTx(connection, self._clock)
                    result = await work(tx)
                    if tx.changed:
                        committing()
                    await connection.execute("COMMIT")
                except BaseException:
                    if not connection.is_closed():
                        await connection.execute("ROLLBACK")
                    raise
                if tx.changed:
                    committed()
                return result, tx.topics
        except LOST_RACES as error:
            raise Contended(str(error)) from error
        except UNREACHABLE as error:
            raise Outage(f"PostgreSQL went away: {error}") from error

    async def read(self, work: Work[T]) -> T:
        try:
            async with self._pool.acquire() as connection:
                if clock.faked_now() is None:
                    return await work(PostgresqlTx(connection, self._clock))
                async with connection.transaction():
                    await _follow_fake_clock(connection)
                    return await work(PostgresqlTx(connection, self._clock))
        except UNREACHABLE as error:
            raise Outage(f"PostgreSQL went away: {error}") from error

    async def weaknesses(self) -> list[str]:
        async with self._pool.acquire() as connection:
            found = {
                name: await connection.fetchval("SELECT current_setting($1)", name)
                for name in ("fsync", "synchronous_commit", "full_page_writes")
            }
            role = await connection.fetchval("SELECT current_user")
            may_edit = await connection.fetchval(MAY_EDIT)
        weak = [f"{name} is off" for name, value in found.items() if value == "off"]
        if may_edit:
            weak.append(f"the role {role} may edit the ledger, log in as a member of {APP_ROLE}")
        return weak

    async def _disconnect(self) -> None:
        await self._pool.close()


async def _become_app_role(connection: asyncpg.Connection[Any]) -> None:
    await connection.execute(BECOME_APP_ROLE)


async def _nothing_to_reset(connection: Any) -> None:
    pass


async def _follow_fake_clock(connection: asyncpg.pool.PoolConnectionProxy[Any]) -> None:
    at = clock.faked_now()
    if at is not None:
        await connection.execute("SELECT set_config('livetill.clock_at', $1, true)", str(at))

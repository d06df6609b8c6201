"""The embedded database: sqlite3 itself, statements in the event loop, commits in a thread.

A statement costs microseconds, less than a hop to another thread; a commit waits for the disk, so
it goes to a thread and the loop gathers the next group meanwhile. Writers queue in the process, in
order of arrival, because SQLite's own lock is not fair.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar, cast

from sqlalchemy.sql import ClauseElement

from commerce.kernel import clock, jsons
from commerce.kernel.database import Database, Row, Tx, Work, committed, committing
from commerce.kernel.errors import Contended, Outage
from commerce.kernel.statements import SQLITE, Compiler

T = TypeVar("T")
COMMITS_PER_CHECKPOINT = 200
BUSY_SECONDS = 5.0  # how long another process may hold the write lock
STATEMENTS = Compiler(SQLITE)


def open_connection(path: str) -> sqlite3.Connection:
    """A connection with the promises of the project: durable, strict about keys and triggers."""
    connection = sqlite3.connect(
        path,
        timeout=0,
        isolation_level=None,  # we write BEGIN IMMEDIATE ourselves
        check_same_thread=False,  # used by one task at a time; only COMMIT runs elsewhere
        cached_statements=512,
    )
    connection.row_factory = sqlite3.Row
    connection.create_function("livetill_now", 0, clock.now)
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",  # or INSERT OR REPLACE slips past the append-only triggers
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


# What a statement may do, asked once when it is prepared: rows come and go, the schema, the
# settings and the guards stay.
ALLOWED = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
    }
)


def _authorize(action: int, _: str | None, value: str | None, *where: str | None) -> int:
    asks_a_setting = action == sqlite3.SQLITE_PRAGMA and value is None
    return sqlite3.SQLITE_OK if action in ALLOWED or asks_a_setting else sqlite3.SQLITE_DENY


class SqliteTx(Tx):
    dialect: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self._connection = connection

    async def all(self, statement: ClauseElement, /, **params: Any) -> list[Row]:
        return cast("list[Row]", self._execute(statement, params).fetchall())

    async def run(self, statement: ClauseElement, /, **params: Any) -> int:
        return self._execute(statement, params).rowcount

    async def run_many(
        self, statement: ClauseElement, rows: Sequence[Mapping[str, Any]], /
    ) -> None:
        if not rows:
            return
        ready = STATEMENTS.prepare(statement, rows[0])
        self._connection.executemany(ready.sql, map(ready.arguments, rows))

    async def now(self) -> int:
        return clock.now()

    def _execute(self, statement: ClauseElement, params: Mapping[str, Any]) -> sqlite3.Cursor:
        ready = STATEMENTS.prepare(statement, params)
        return self._connection.execute(ready.sql, _plain(ready.arguments(params)))


def _plain(arguments: list[Any]) -> list[Any]:
    """Lists travel as JSON: `any_of` unpacks them."""
    return [jsons.dumps(a) if isinstance(a, list | tuple) else a for a in arguments]


def _disk_failed(error: sqlite3.OperationalError) -> bool:
    return _name_of(error).startswith("SQLITE_IOERR")


def _name_of(error: sqlite3.OperationalError) -> str:
    return getattr(error, "sqlite_errorname", "")  # the module's own errors have none


class SqliteDatabase(Database):
    dialect: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        try:
            self._writer = open_connection(path)
        except sqlite3.OperationalError as error:
            raise Outage(f"cannot open {path}: {error}") from error
        self._writing = asyncio.Lock()
        # Left to itself, every so-many-th commit would also copy the log into the database.
        self._writer.execute("PRAGMA wal_autocheckpoint = 0")
        self._writer.set_authorizer(_authorize)
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="sqlite-commit")
        self._copying = ThreadPoolExecutor(1, thread_name_prefix="sqlite-checkpoint")
        self._copier = open_connection(path)
        self._commits = 0
        self._readers: list[sqlite3.Connection] = []

    async def _transact(self, work: Work[T]) -> tuple[T, set[str]]:
        try:
            return await self._transact_in_turn(work)
        except sqlite3.OperationalError as error:
            if _name_of(error) in ("SQLITE_FULL", "SQLITE_BUSY") or _disk_failed(error):
                raise Outage(f"SQLite cannot write: {error}") from error
            raise

    async def _transact_in_turn(self, work: Work[T]) -> tuple[T, set[str]]:
        async with self._writing:
            await self._begin()
            tx = SqliteTx(self._writer)
            try:
                result = await work(tx)
                await self._end()
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            return result, tx.topics

    async def _begin(self) -> None:
        deadline = clock.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or clock.monotonic() > deadline:
                    raise Contended(str(error)) from error
                await asyncio.sleep(0.005)
            else:
                self._changes = self._writer.total_changes
                return

    async def _end(self) -> None:
        if self._writer.total_changes == self._changes:
            self._commit()  # nothing was written, so nothing waits for the disk
            return
        committing()
        await asyncio.get_running_loop().run_in_executor(self._disk, self._commit)
        committed()
        self._commits += 1
        if self._commits % COMMITS_PER_CHECKPOINT == 0:
            self._copying.submit(self._copier.execute, "PRAGMA wal_checkpoint(PASSIVE)")

    def _commit(self) -> None:
        self._writer.execute("COMMIT")

    async def read(self, work: Work[T]) -> T:
        reader = self._readers.pop() if self._readers else self._open_reader()
        try:
            reader.execute("BEGIN")
            return await work(SqliteTx(reader))
        finally:
            if reader.in_transaction:
                reader.execute("ROLLBACK")
            self._readers.append(reader)

    def _open_reader(self) -> sqlite3.Connection:
        reader = open_connection(self._path)
        reader.set_authorizer(_authorize)
        return reader

    async def weaknesses(self) -> list[str]:
        level = self._writer.execute("PRAGMA synchronous").fetchone()[0]
        mode = self._writer.execute("PRAGMA journal_mode").fetchone()[0]
        weak = [] if level >= 2 else [f"synchronous is {level}, must be FULL"]
        return weak if mode == "wal" else [*weak, f"journal_mode is {mode}, must be WAL"]

    async def _disconnect(self) -> None:
        self._disk.shutdown()
        self._copying.shutdown()
        for connection in (self._copier, self._writer, *self._readers):
            connection.close()

"""The servers of one test run, started once for all its workers, and the databases made on them."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import asyncpg

from deploy import servers

POSTGRESQL_VARIABLE = "LIVETILL_TEST_DATABASE_URL"  # a server of one's own, in place of ours
REDIS_VARIABLE = "LIVETILL_TEST_REDIS_URL"  # its contents are deleted


MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 2**30


def fast_folder() -> Path | None:
    """A folder in memory where there is room: a database is copied there 20 times faster."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN:
        return MEMORY
    return None


class Servers:
    """Starts what is asked for first; in a worker of pytest-xdist the controller has done it."""

    def __init__(self, given: dict[str, str]) -> None:
        self._given = given
        self._started = ExitStack()

    @cached_property
    def postgresql(self) -> str:
        return (
            self._given.get("postgresql")
            or os.environ.get(POSTGRESQL_VARIABLE)
            or self._started.enter_context(servers.postgresql(fast_folder(), durable=False))
        )

    @cached_property
    def redis(self) -> str:
        return (
            self._given.get("redis")
            or os.environ.get(REDIS_VARIABLE)
            or self._started.enter_context(servers.redis(fast_folder(), durable=False))
        )

    def urls(self) -> dict[str, str]:
        return {"postgresql": self.postgresql, "redis": self.redis}

    def close(self) -> None:
        self._started.close()


class PostgresqlDatabases:
    """Fresh databases on one server, each a copy of a migrated one."""

    def __init__(self, server: str, worker: str) -> None:
        self._server = server
        self._prefix = f"livetill_{os.getpid()}_{worker}"
        self._count = 0

    @cached_property
    def _template(self) -> str:
        name = f"{self._prefix}_template"
        self._execute(f"CREATE DATABASE {name}")
        apart(_migrate, self._url(name))
        return name

    def create(self) -> str:
        self._count += 1
        name = f"{self._prefix}_{self._count}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY file_copy")
        return self._url(name)

    def drop(self, url: str) -> None:
        self._execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def close(self) -> None:
        if "_template" in self.__dict__:
            self._execute(f"DROP DATABASE {self._template} WITH (FORCE)")

    def _url(self, name: str) -> str:
        return f"{self._server.rpartition('/')[0]}/{name}"

    def _execute(self, statement: str) -> None:
        apart(_execute, self._server, statement)


class SqliteDatabases:
    """Fresh database files, each a copy of a migrated one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    @cached_property
    def _template(self) -> Path:
        path = self._folder / "template.db"
        apart(_migrate, f"sqlite:///{path}")
        return path

    def create(self) -> str:
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        for part in self._template.parent.glob(f"{self._template.name}*"):  # also an unmerged WAL
            shutil.copy(part, folder / part.name.replace("template", "livetill"))
        return f"sqlite:///{folder / 'livetill.db'}"

    def drop(self, url: str) -> None:
        shutil.rmtree(Path(url.removeprefix("sqlite:///")).parent)


def apart(work: Callable[..., None], *arguments: str) -> None:
    """Run `work` in a thread of its own, where it may use a loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(work, *arguments).result()


def _migrate(url: str) -> None:
    from deploy import migrations  # imports every context, which the tests of pure code can spare

    migrations.migrate(url)


def _execute(url: str, statement: str) -> None:
    asyncio.run(_executed(url, statement))


async def _executed(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()

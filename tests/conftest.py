"""What every test may ask for: a migrated database of its own, a clock that stands, a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import structlog
from hypothesis import settings
from playwright.async_api import Browser
from redis import Redis

from commerce.kernel import clock as clocks
from commerce.kernel.database import Database, connect
from deploy.servers import Unavailable
from tests.browser import NoBrowser, chromium
from tests.services import PostgresqlDatabases, Servers, SqliteDatabases, fast_folder

NOON = 1_780_315_200_000_000  # 2026-06-01T12:00:00Z
SERVERS = pytest.StashKey[Servers]()

settings.register_profile("house", deadline=None)  # a slow machine is not a counterexample
settings.load_profile("house")
# Unasked, structlog prints the locals of every frame of a traceback, which takes seconds each.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(["level", "event"]),
    ]
)


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", {}).get("servers", {})
    config.stash[SERVERS] = Servers(given)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the controller of pytest-xdist, for each worker about to start."""
    try:
        node.workerinput["servers"] = node.config.stash[SERVERS].urls()
    except Unavailable as missing:
        raise pytest.UsageError(str(missing)) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[SERVERS].close()


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    return pytestconfig.stash[SERVERS]


@pytest.fixture(scope="session")
def worker(pytestconfig: pytest.Config) -> str:
    return getattr(pytestconfig, "workerinput", {}).get("workerid", "main")


@pytest.fixture(scope="session")
def sqlite_databases() -> Iterator[SqliteDatabases]:
    with TemporaryDirectory(prefix="livetill-test-", dir=fast_folder()) as folder:
        yield SqliteDatabases(Path(folder))


@pytest.fixture(scope="session")
def postgresql_databases(servers: Servers, worker: str) -> Iterator[PostgresqlDatabases]:
    try:
        databases = PostgresqlDatabases(servers.postgresql, worker)
    except Unavailable as missing:
        pytest.fail(str(missing), pytrace=False)
    yield databases
    databases.close()


@pytest.fixture
def sqlite_url(sqlite_databases: SqliteDatabases) -> Iterator[str]:
    url = sqlite_databases.create()
    yield url
    sqlite_databases.drop(url)


@pytest.fixture
def postgresql_url(postgresql_databases: PostgresqlDatabases) -> Iterator[str]:
    url = postgresql_databases.create()
    yield url
    postgresql_databases.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A test that asks for this runs once on each kind of database."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await connect(database_url)
    yield database
    await database.close()


@pytest.fixture
def redis_url(servers: Servers, worker: str) -> str:
    """An empty Redis database that no other worker uses; its channels are shared with them."""
    try:
        server = servers.redis
    except Unavailable as missing:
        pytest.fail(str(missing), pytrace=False)
    url = f"{server.rpartition('/')[0]}/{int(worker.removeprefix('gw')) if worker != 'main' else 0}"
    with Redis.from_url(url) as redis:
        redis.flushdb()
    return url


@pytest.fixture
def clock() -> Iterator[clocks.FakeClock]:
    fake = clocks.FakeClock(NOON)
    clocks.set_clock(fake)
    yield fake
    clocks.set_clock(clocks.SystemClock())


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    try:
        async with chromium() as browser:
            yield browser
    except NoBrowser as missing:
        pytest.fail(str(missing), pytrace=False)

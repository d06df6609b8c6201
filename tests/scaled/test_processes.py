"""The scaled way to run: web, relay, sender and worker as processes over PostgreSQL and Redis."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from commerce.kernel.database import connect
from commerce.orders.tables import ORDERS
from deploy import invariants, servers
from tests.fan import Fan, in_room
from tests.scenarios.running import SESSION, environment, free_port

LIVETILL = Path(sys.executable).parent / "livetill"
PATIENCE_SECONDS = 90


class Fleet:
    """Processes of one till, each of a command of its own."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        self.folder = folder
        self.settings = {
            "database_url": database_url,
            "redis_url": redis_url,
            "media_dir": str(folder / "media"),
            "seed_demo": "true",
        }
        self.ports = [free_port()]
        self.settings["public_url"] = f"http://127.0.0.1:{self.ports[0]}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, command: str) -> str:
        """The address, where it has one."""
        port = self.ports.pop() if self.ports else free_port()
        log = (self.folder / f"{command}-{port}.log").open("wb")
        env = environment(**self.settings, port=str(port))
        with log:
            process = subprocess.Popen(
                [LIVETILL, command], cwd=self.folder, env=env, stdout=log, stderr=log
            )
        self.processes.append(process)
        return f"http://127.0.0.1:{port}"

    async def ready(self, url: str) -> None:
        async with ClientSession() as http, asyncio.timeout(PATIENCE_SECONDS):
            while True:
                with suppress(ClientError):
                    async with http.get(f"{url}/readyz") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.1)

    def end(self) -> list[int]:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        try:
            return [process.wait(PATIENCE_SECONDS) for process in self.processes]
        finally:
            for process in self.processes:
                process.kill()

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in self.folder.glob("*.log"))


class OwnRedis:
    """A server that can be killed, and comes back empty at its address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._server = ExitStack()
        self.start()

    def start(self) -> None:
        server = servers.redis(self._folder, durable=False, port=self._port)
        self._server.enter_context(server)

    def kill(self) -> None:
        with Redis.from_url(self.url) as redis:
            os.kill(int(redis.info("server")["process_id"]), signal.SIGKILL)
        self._server.close()

    def end(self) -> None:
        self._server.close()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    redis = OwnRedis(tmp_path)
    yield redis
    redis.end()


@pytest.fixture
async def fleet(tmp_path: Path, postgresql_url: str, own_redis: OwnRedis) -> AsyncIterator[Fleet]:
    fleet = Fleet(tmp_path, postgresql_url, own_redis.url)
    yield fleet
    for process in fleet.processes:
        process.kill()
        process.wait()


async def paid_orders(database_url: str) -> int:
    database = await connect(database_url)
    try:
        rows = await database.read(lambda tx: tx.all(ORDERS.select()))
        assert await database.read(invariants.violations) == []
    finally:
        await database.close()
    return sum(row["status"] == "paid" for row in rows)


async def buy_all(fans: list[Fan]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*(fan.buy() for fan in fans))


async def test_fans_of_two_web_processes_buy_and_every_process_ends_in_order(fleet, postgresql_url):
    webs = [fleet.start("web")]
    await fleet.ready(webs[0])
    webs.append(fleet.start("web"))
    for command in ("relay", "sender", "worker"):
        fleet.start(command)
    await fleet.ready(webs[1])

    async with AsyncExitStack() as rooms:
        fans = [await rooms.enter_async_context(in_room(web, SESSION)) for web in webs * 2]
        await buy_all(fans)
        codes = await asyncio.to_thread(fleet.end)

    assert codes == [0] * 5, fleet.logs()
    assert await paid_orders(postgresql_url) == 4
    assert [fan.oddities for fan in fans] == [[]] * 4
    for fan in fans:
        assert sum("receipt" in reply["text"] for _, reply in fan.heard) == 1


async def test_redis_flushed_and_then_killed_loses_no_purchase(fleet, own_redis, postgresql_url):
    web = fleet.start("web")
    fleet.start("relay")
    await fleet.ready(web)

    async with AsyncExitStack() as rooms:
        fans = [await rooms.enter_async_context(in_room(web, SESSION)) for _ in range(3)]
        ordering = asyncio.gather(*(fan.order() for fan in fans))
        await until(lambda: on_the_bus(own_redis.url, len(fans)))
        async with AsyncRedis.from_url(own_redis.url) as redis:
            await redis.flushall()
        fleet.start("worker")  # only now is there anybody to hear
        links = await ordering
        await asyncio.to_thread(own_redis.kill)
        await asyncio.to_thread(own_redis.start)
        await asyncio.gather(*(fan.press(link) for fan, link in zip(fans, links, strict=True)))
        await asyncio.gather(*(fan.hear_of("receipt") for fan in fans))

    assert await paid_orders(postgresql_url) == 3


async def on_the_bus(redis_url: str, events: int) -> bool:
    """So many pay links are announced in Redis, and in SQL they count as sent."""
    async with AsyncRedis.from_url(redis_url) as redis:
        return int(await redis.xlen("sc.domain.checkout")) == events


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():  # noqa: ASYNC110  (another process has no event for us)
            await asyncio.sleep(0.1)

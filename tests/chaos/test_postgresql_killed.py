"""A database server that is killed and started again under load: what it acknowledged is there."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import ExitStack

import psutil
import pytest

from commerce import inventory, orders
from commerce.kernel import clock as clocks
from commerce.kernel.clock import SECOND
from commerce.kernel.database import Database, connect
from deploy import invariants, migrations, servers
from tests.catalog.factories import a_product_on_sale
from tests.chaos.till import SKU, Core
from tests.checkout.fakes import Provider
from tests.clocks import Ahead
from tests.services import apart, fast_folder

FANS = 120
DEATHS = 3
UP_SECONDS = 1.0  # the server lives about as long between two deaths
ALL_SECONDS_MAX = 90
LEASES_END = 65 * SECOND  # what was under way when the server died is taken up after this


class Monkey:
    """Kills every process of the server, and starts it on what it left."""

    def __init__(self, cluster: servers.Cluster) -> None:
        self._cluster = cluster
        self._server = ExitStack()
        self._guard = self._server.enter_context(cluster.running())

    def kill_and_restart(self) -> None:
        guard = psutil.Process(self._guard)
        for process in guard.children(recursive=True):
            os.kill(process.pid, signal.SIGKILL)
        guard.wait()  # told to end while its server lives, it would take the data along
        self._server.close()
        self._guard = self._server.enter_context(self._cluster.running())

    def end(self) -> None:
        self._server.close()


@pytest.fixture
def cluster():
    with servers.cluster(fast_folder()) as made:
        yield made


async def buys(core: Core, fan: str) -> str:
    """One fan's purchase; what is asked for again is asked for under the same keys."""
    bought = await core.check_out(fan)
    await core.paid(bought)
    return bought.order_code


async def everything_is_settled(database: Database, codes: list[str]) -> None:
    while True:
        found = [await database.read(lambda tx, c=code: orders.by_code(tx, c)) for code in codes]
        if all(order is not None and order.status is orders.Status.PAID for order in found):
            return
        await asyncio.sleep(0.1)


@pytest.fixture
def ahead():
    clock = Ahead(0)
    clocks.set_clock(clock)
    yield clock
    clocks.set_clock(clocks.SystemClock())


async def test_nothing_acknowledged_is_lost_when_the_server_is_killed_under_load(cluster, ahead):
    monkey = Monkey(cluster)
    apart(migrations.migrate, cluster.url)
    database = await connect(cluster.url)
    core = Core(database, Provider())
    await database.unit_of_work(a_product_on_sale)
    await database.unit_of_work(lambda tx: inventory.receive(tx, SKU, FANS, reason="delivery"))

    try:
        async with asyncio.timeout(ALL_SECONDS_MAX), core.running():
            fans = [asyncio.create_task(buys(core, f"{number}")) for number in range(FANS)]
            for _ in range(DEATHS):
                await asyncio.sleep(UP_SECONDS)
                await asyncio.to_thread(monkey.kill_and_restart)
                ahead.advance(LEASES_END)
            codes = await asyncio.gather(*fans)
            await everything_is_settled(database, codes)

        assert len(set(codes)) == FANS
        (stock,) = (await database.read(lambda tx: inventory.stock_of(tx, [SKU])))[SKU]
        assert (stock.on_hand, stock.held, stock.sold) == (FANS, 0, FANS)
        assert await database.read(invariants.violations) == []
    finally:
        await database.close()
        monkey.end()

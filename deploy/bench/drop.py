"""A drop: so many buyers hold one hot SKU at the same moment, through the door of inventory.

It runs in this process, without HTTP, beside what anybody would write first: a transaction for
each buyer, which takes the piece from the row, inserts the hold and commits.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Lock
from typing import TypeVar, cast

import asyncpg
import psutil

from commerce import inventory
from commerce.kernel import clock, ids
from commerce.kernel.database import Database, Work, connect
from commerce.kernel.sqlite import open_connection
from deploy import migrations
from deploy.bench import Kind, loads, report, till
from deploy.bench.loads import Limits
from deploy.bench.report import Load, Row

T = TypeVar("T")
HOT, NAIVE = "hot", "naive"
PIECES = 100_000_000  # so that nobody is refused: a refusal costs less than a hold
HOLD_SECONDS = 600

TAKE = (
    "UPDATE {s}stock SET held = held + 1 "
    "WHERE sku = 'naive' AND warehouse = 'main' AND on_hand - held - sold >= 1"
)
KEEP = (
    "INSERT INTO {s}holds (id, key, sku, warehouse, quantity, owner, reference, status, "
    "expires_at, created_at, changed_at) VALUES ({}, {}, 'naive', 'main', 1, 'fan', 'drop', 'held',"
    " {}, 0, 0)"
)
SQLITE = (TAKE.format(s=""), KEEP.format("?", "?", "?", s=""))
POSTGRESQL = (
    TAKE.format(s="inventory."),
    KEEP.format("$1::text", "$2::text", "$3::bigint", s="inventory."),
)


class Stopwatch:
    """A database that notes how long each transaction took, and with it the lock of the row."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.took: list[float] = []

    async def transact(self, work: Work[T]) -> T:
        started = clock.monotonic()
        result = await self._database.transact(work)
        self.took.append(clock.monotonic() - started)
        return result


async def measure(kind: Kind, limits: Limits) -> list[Row]:
    """The drop, between two halves of the naive one; and how long one batch locks the row."""
    with till.database_server(kind) as url:
        await asyncio.to_thread(migrations.migrate, url)
        database = await connect(url)
        try:
            for sku in (HOT, NAIVE):
                await _receive(database, sku)
            seconds = min(loads.BASELINE_SECONDS, limits.seconds) / 2
            before = await _naive_per_second(url, limits.concurrency, seconds)
            load, batches = await _drop(database, limits)
            naive = (before + await _naive_per_second(url, limits.concurrency, seconds)) / 2
        finally:
            await database.close()
    rss_mb = float(psutil.Process().memory_info().rss) / 2**20
    drop = report.row("drop", kind, limits.concurrency, load, baseline=naive, rss_mb=rss_mb)
    batch = Row(
        bench="drop, a batch",
        database=kind,
        concurrency=limits.concurrency,
        rate_per_second=round(len(batches) / load.seconds, 1),
        p50_ms=report.quantile_ms(batches, 50),
        p99_ms=report.quantile_ms(batches, 99),
    )
    return [drop, batch]


async def _receive(database: Database, sku: str) -> None:
    await database.unit_of_work(
        lambda tx: inventory.receive(tx, sku, PIECES, reason="for measuring")
    )


async def _drop(database: Database, limits: Limits) -> tuple[Load, list[float]]:
    stopwatch = Stopwatch(database)
    holds = inventory.Holds(cast("Database", stopwatch))
    buyers = count()

    async def buy() -> None:
        buyer = next(buyers)
        await holds.hold(
            key=f"message:{buyer}",
            sku=HOT,
            quantity=1,
            owner=f"telegram:platform:{buyer}",
            reference="drop",
            seconds=HOLD_SECONDS,
        )

    cpu = _own_cpu_seconds()
    load = await loads.run(buy, limits)
    cpu = _own_cpu_seconds() - cpu
    await holds.close()
    return Load(load.seconds, load.took, load.cpu_seconds + cpu), stopwatch.took


def _own_cpu_seconds() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


async def _naive_per_second(url: str, concurrency: int, seconds: float) -> float:
    if url.startswith("sqlite:///"):
        path = url.removeprefix("sqlite:///")
        return await asyncio.to_thread(_sqlite, path, concurrency, seconds)
    return await _postgresql(url, concurrency, seconds)


def _sqlite(path: str, concurrency: int, seconds: float) -> float:
    """One connection that the buyers take in turn: where each has its own, they are slower."""
    connection = open_connection(path)
    turn, until = Lock(), time.monotonic() + seconds

    def buy(_: int) -> int:
        done = 0
        while time.monotonic() < until:
            with turn:
                _bare(connection)
            done += 1
        return done

    with ThreadPoolExecutor(concurrency) as threads:
        done = sum(threads.map(buy, range(concurrency)))
    connection.close()
    return done / seconds


def _bare(connection: sqlite3.Connection) -> None:
    take, keep = SQLITE
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute(take).rowcount:
        connection.execute(keep, _hold())
    connection.execute("COMMIT")


async def _postgresql(url: str, concurrency: int, seconds: float) -> float:
    connections = [await asyncpg.connect(url) for _ in range(concurrency)]
    try:
        until = time.monotonic() + seconds
        return sum(await asyncio.gather(*(_buys(one, until) for one in connections))) / seconds
    finally:
        for connection in connections:
            await connection.close()


async def _buys(connection: asyncpg.Connection, until: float) -> int:
    take, keep = [await connection.prepare(text) for text in POSTGRESQL]
    done = 0
    while time.monotonic() < until:
        await connection.execute("BEGIN")
        await take.fetch()
        await keep.fetch(*_hold())
        await connection.execute("COMMIT")
        done += 1
    return done


def _hold() -> tuple[str, str, int]:
    number = ids.new_id()
    return number, f"message:{number}", clock.now() + HOLD_SECONDS * clock.SECOND

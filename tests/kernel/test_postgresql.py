"""The scaled database: lost connections are outages, lost races are run again."""

from __future__ import annotations

import asyncio
import socket

import asyncpg
import pytest
from sqlalchemy import bindparam, func, select, update

from commerce.kernel import postgresql
from commerce.kernel.database import connect
from commerce.kernel.errors import Contended, Outage
from commerce.kernel.tables import CONSUMED
from tests.kernel.notes import note, notes

TOUCH = update(CONSUMED).where(CONSUMED.c.event_id == bindparam("which")).values(consumed_at=1)
BACKEND = select(func.pg_backend_pid())


@pytest.fixture
async def database(postgresql_url):
    connected = await connect(postgresql_url)
    yield connected
    await connected.close()


@pytest.fixture
async def operator(postgresql_url):
    """Somebody else's connection to the same database."""
    connection = await asyncpg.connect(postgresql_url)
    yield connection
    await connection.close()


async def test_a_connection_lost_in_the_middle_is_an_outage(database, operator):
    async def work(tx):
        await note(tx, "a")
        await operator.fetchval("SELECT pg_terminate_backend($1)", await tx.scalar(BACKEND))
        await note(tx, "b")

    with pytest.raises(Outage, match="went away"):
        await database.unit_of_work(work)

    await database.unit_of_work(lambda tx: note(tx, "next"))
    assert await notes(database) == ["next"]


async def test_a_connection_lost_while_reading_is_an_outage(database, operator):
    async def work(tx):
        await operator.fetchval("SELECT pg_terminate_backend($1)", await tx.scalar(BACKEND))
        return await tx.scalar(BACKEND)

    with pytest.raises(Outage, match="went away"):
        await database.read(work)

    assert await notes(database) == []


async def test_a_refusal_whose_connection_is_lost_leaves_nothing_behind(database, operator):
    async def work(tx):
        await note(tx, "a")
        await operator.fetchval("SELECT pg_terminate_backend($1)", await tx.scalar(BACKEND))
        raise ValueError("a bug at the worst moment")

    with pytest.raises((ValueError, Outage)):
        await database.unit_of_work(work)

    assert await notes(database) == []


async def test_no_server_is_an_outage():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(Outage, match="does not answer"):
            await connect(f"postgresql://u@127.0.0.1:{nobody.getsockname()[1]}/livetill")


async def test_of_two_that_wait_for_each_other_both_succeed(database):
    async def prepare(tx):
        await note(tx, "a")
        await note(tx, "b")

    await database.unit_of_work(prepare)
    met = asyncio.Barrier(2)
    attempts = {"ab": 0, "ba": 0}

    async def work(tx, order):
        attempts[order] += 1
        await tx.run(TOUCH, which=order[0])
        if attempts[order] == 1:
            await met.wait()
        await tx.run(TOUCH, which=order[1])
        await note(tx, order)

    await asyncio.gather(*(database.unit_of_work(lambda tx, o=o: work(tx, o)) for o in attempts))

    assert sum(attempts.values()) == 3
    assert await notes(database) == ["a", "ab", "b", "ba"]


async def test_a_lock_held_too_long_is_told_as_a_lost_race(postgresql_url, operator, monkeypatch):
    monkeypatch.setitem(postgresql.SERVER_SETTINGS, "lock_timeout", "20")
    impatient = await connect(postgresql_url)
    try:
        await impatient.unit_of_work(lambda tx: note(tx, "a"))
        async with operator.transaction():
            await operator.execute("UPDATE kernel.consumed SET consumed_at = 2")
            with pytest.raises(Contended):
                await impatient.unit_of_work(lambda tx: tx.run(TOUCH, which="a"))
    finally:
        await impatient.close()


async def test_no_transaction_stays_open_when_callers_are_cancelled(database, operator):
    async def work(tx, number):
        await note(tx, f"{number:02}")
        await asyncio.sleep(0)

    callers = [
        asyncio.create_task(database.unit_of_work(lambda tx, n=n: work(tx, n))) for n in range(30)
    ]
    for caller in callers[::2]:
        await asyncio.sleep(0)
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await database.close()

    left = await operator.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
    )
    assert left == 0


async def test_a_server_that_may_lose_commits_is_found_out(postgresql_url, operator):
    name = postgresql_url.rpartition("/")[2]
    await operator.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    careless = await connect(postgresql_url)
    try:
        assert "synchronous_commit is off" in await careless.weaknesses()
    finally:
        await careless.close()

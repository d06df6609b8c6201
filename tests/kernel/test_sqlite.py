"""The embedded database: writers in order of arrival, and patience with other processes."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from commerce.kernel import sqlite
from commerce.kernel.database import TRIES_WHEN_CONTENDED, connect
from commerce.kernel.errors import Contended, Outage
from tests.kernel.notes import note, notes


@pytest.fixture
async def database(sqlite_url):
    connected = await connect(sqlite_url)
    yield connected
    await connected.close()


@pytest.fixture
def other_process(sqlite_url):
    """Another connection, as another process would hold it."""
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    yield connection
    connection.close()


async def test_writers_go_one_at_a_time_in_the_order_they_came(database):
    story = []

    async def work(tx, number):
        story.append(("begins", number))
        await note(tx, f"{number:02}")
        await asyncio.sleep(0)
        story.append(("ends", number))

    await asyncio.gather(
        *(database.unit_of_work(lambda tx, n=number: work(tx, n)) for number in range(20))
    )

    assert story == [(what, n) for n in range(20) for what in ("begins", "ends")]
    assert await notes(database) == [f"{number:02}" for number in range(20)]


async def test_a_writer_waits_while_another_process_writes(database, other_process):
    other_process.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(database.unit_of_work(lambda tx: note(tx, "a")))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not writing.done()

    other_process.execute("COMMIT")
    await writing

    assert await notes(database) == ["a"]


async def test_it_gives_up_on_a_process_that_never_ends(database, other_process, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.0)
    begun = []

    async def work(tx):
        begun.append(1)

    other_process.execute("BEGIN IMMEDIATE")
    with pytest.raises(Contended, match="locked"):
        await database.unit_of_work(work)
    other_process.execute("ROLLBACK")

    assert begun == []
    assert TRIES_WHEN_CONTENDED > 1
    await database.unit_of_work(lambda tx: note(tx, "next"))
    assert await notes(database) == ["next"]


async def test_readers_do_not_wait_for_a_writer(database, other_process):
    await database.unit_of_work(lambda tx: note(tx, "a"))
    other_process.execute("BEGIN IMMEDIATE")
    other_process.execute("DELETE FROM consumed")

    assert await notes(database) == ["a"]
    other_process.execute("ROLLBACK")


async def test_its_promises_of_durability_are_switched_on(database):
    assert await database.weaknesses() == []


async def test_a_file_that_cannot_be_opened_is_an_outage(tmp_path):
    with pytest.raises(Outage, match="cannot open"):
        await connect(f"sqlite:///{tmp_path}/no/such/folder/livetill.db")

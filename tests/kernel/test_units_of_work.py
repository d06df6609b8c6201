"""A unit of work happens once and whole, or not at all, whatever becomes of its caller."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from commerce.kernel.database import TRIES_WHEN_CONTENDED
from commerce.kernel.errors import Contended, Outage, Refusal
from tests.kernel.notes import note, notes, until


class Bug(Exception):
    pass


async def test_it_commits_and_gives_the_answer(database):
    async def work(tx):
        await note(tx, "a")
        return "answer"

    assert await database.unit_of_work(work) == "answer"
    assert await notes(database) == ["a"]


@pytest.mark.parametrize("error", [Refusal(why="no"), Outage("away"), Bug("wrong")])
async def test_an_error_undoes_everything_and_blocks_nobody(database, error):
    async def work(tx):
        await note(tx, "a")
        await note(tx, "b")
        raise error

    with pytest.raises(type(error)):
        await database.unit_of_work(work)

    assert await notes(database) == []
    await database.unit_of_work(lambda tx: note(tx, "next"))
    assert await notes(database) == ["next"]


async def test_a_broken_statement_undoes_what_went_before(database):
    async def work(tx):
        await note(tx, "a")
        await note(tx, "a")

    with pytest.raises(Exception, match=r"(?i)unique"):
        await database.unit_of_work(work)

    assert await notes(database) == []


async def test_a_cancelled_caller_does_not_tear_it_in_two(database):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work(tx):
        await note(tx, "first half")
        begun.set()
        await go_on.wait()
        await note(tx, "second half")

    caller = asyncio.create_task(database.unit_of_work(work))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()

    async def both_are_there():
        return await notes(database) == ["first half", "second half"]

    await until(both_are_there, "the whole unit of work")


async def test_a_caller_cancelled_at_any_moment_leaves_all_or_nothing(database):
    async def work(tx, number):
        await note(tx, f"{number:02} a")
        await note(tx, f"{number:02} b")

    callers = []
    for number in range(40):
        callers.append(asyncio.create_task(database.unit_of_work(lambda tx, n=number: work(tx, n))))
        for _ in range(number % 7):
            await asyncio.sleep(0)
        if number % 2:
            callers[-1].cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await database.unit_of_work(lambda tx: note(tx, "zz"))

    async def in_pairs():
        found = {text[:2] for text in await notes(database)}
        return {f"{n:02}" for n in range(0, 40, 2)} <= found

    await until(in_pairs, "every unit of work that nobody cancelled")
    written = await notes(database)
    assert all(f"{t[:2]} a" in written and f"{t[:2]} b" in written for t in written if t != "zz")


async def test_closing_lets_what_is_open_end(database, database_url):
    from commerce.kernel.database import connect

    other = await connect(database_url)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work(tx):
        begun.set()
        await go_on.wait()
        await note(tx, "kept")

    caller = asyncio.create_task(other.unit_of_work(work))
    await begun.wait()
    closing = asyncio.create_task(other.close())
    await asyncio.sleep(0)
    go_on.set()
    await closing
    await caller

    assert await notes(database) == ["kept"]


async def test_a_lost_race_is_run_again_from_the_start(database):
    attempts = []

    async def work(tx):
        attempts.append(len(attempts))
        await note(tx, "a")
        if len(attempts) < 3:
            raise Contended("lost")
        return len(attempts)

    assert await database.unit_of_work(work) == 3
    assert await notes(database) == ["a"]


async def test_a_race_lost_too_often_is_told(database):
    attempts = []

    async def work(tx):
        attempts.append(1)
        await note(tx, "a")
        raise Contended("lost")

    with pytest.raises(Contended):
        await database.unit_of_work(work)
    assert len(attempts) == TRIES_WHEN_CONTENDED
    assert await notes(database) == []


async def test_a_refusal_and_an_outage_are_not_run_again(database):
    attempts = []

    async def work(tx, error):
        attempts.append(error)
        raise error

    for error in (Refusal(), Outage("away")):
        with suppress(Refusal, Outage):
            await database.unit_of_work(lambda tx, e=error: work(tx, e))
    assert len(attempts) == 2


async def test_it_wakes_after_the_commit_and_not_before(database):
    nudge = database.listen("topic")
    seen = []

    async def work(tx):
        await note(tx, "a")
        tx.wake("topic")
        seen.append(nudge.is_set())

    await database.unit_of_work(work)

    assert seen == [False]
    assert nudge.is_set()


async def test_what_is_rolled_back_wakes_nobody(database):
    nudge = database.listen("topic")

    async def work(tx):
        tx.wake("topic")
        raise Bug

    with pytest.raises(Bug):
        await database.unit_of_work(work)
    assert not nudge.is_set()


async def test_whoever_is_woken_sees_what_was_committed(database):
    nudge = database.listen("topic")

    async def reader():
        await nudge.wait()
        return await notes(database)

    async def work(tx):
        await note(tx, "a")
        tx.wake("topic")

    reading = asyncio.create_task(reader())
    await database.unit_of_work(work)
    assert await reading == ["a"]


async def test_a_hook_hears_the_rest_of_the_topics_with_its_prefix(database):
    heard = []
    database.on_wake("conversation:", heard.append)

    async def work(tx):
        tx.wake("conversation:telegram:1")
        tx.wake("session:1")

    await database.unit_of_work(work)
    assert heard == ["telegram:1"]


async def test_a_reader_sees_only_what_is_committed(database):
    async def work(tx):
        await note(tx, "a")
        return await notes(database)

    assert await database.unit_of_work(work) == []
    assert await notes(database) == ["a"]


async def test_fifty_readers_at_once_each_get_their_answer(database):
    await database.unit_of_work(lambda tx: note(tx, "a"))

    assert await asyncio.gather(*(notes(database) for _ in range(50))) == [["a"]] * 50

"""Joining, freeing, leaving and running out at once, from several processes."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from sqlalchemy import text

from commerce import inventory
from commerce.inventory.jobs import expire_holds
from commerce.kernel.clock import SECOND
from commerce.kernel.database import connect
from commerce.kernel.outbox import Dispatcher, Relay
from live import TurnLapsed, waitlist
from live.handlers import HANDLERS
from live.jobs import serve_waitlists
from tests.kernel.notes import until
from tests.live.waiting import HOLD_SECONDS, SKU, Line

WAITED_FOR = text("SELECT count(*) AS locks FROM pg_locks WHERE NOT granted")


@pytest.fixture
async def lines(database, database_url, clock):
    """The same line as three processes see it, with two pieces that somebody holds."""
    others = [await connect(database_url) for _ in range(2)]
    first = Line(database, clock)
    await first.opens(pieces=2)
    views = [first, *(Line(other, clock, first.winners) for other in others)]
    for view in views[1:]:
        view.session = first.session
    yield views
    for other in others:
        await other.close()


async def at_once(*work):
    """What each brought; a refusal is an answer, a bug is raised."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, TurnLapsed):
            raise result
    return results


async def relayed(line: Line) -> None:
    await Relay(line.database, Dispatcher(line.database, [HANDLERS]).deliver).relay_due()


async def test_two_pieces_freed_at_once_with_five_waiting_go_to_the_first_two(lines):
    await lines[0].all_join("ana", "ben", "cleo", "dan", "eve")

    await at_once(
        lines[0].lets_go(0), lines[1].lets_go(1), *(relayed(line) for line in lines),
        serve_waitlists(lines[2].database),
    )  # fmt: skip
    await lines[0].settles()

    assert await lines[0].standing("ana", "ben", "cleo", "dan", "eve") == [0, 0, 1, 2, 3]
    assert await lines[0].held_for() == {"ana": 1, "ben": 1}
    assert sorted(await lines[0].told("waitlist.offered")) == ["ana", "ben"]


async def test_serving_the_same_queue_at_once_serves_each_once(lines):
    await lines[0].all_join("ana", "ben", "cleo")
    await lines[0].lets_go(0, 1)

    served = await at_once(
        *(line.database.unit_of_work(partial(waitlist.serve, sku=SKU)) for line in lines * 3)
    )

    assert sorted(e.owner for some in served for e in some) == ["ana", "ben"]
    assert await lines[0].held_for() == {"ana": 1, "ben": 1}


@pytest.mark.parametrize("turn", range(3))
async def test_who_joins_while_a_piece_comes_free_has_it(lines, turn):
    async def freed(line: Line) -> None:
        await line.lets_go(0)
        await relayed(line)

    await at_once(lines[turn].joins_as("ana"), freed(lines[turn - 1]))
    await lines[0].settles()

    assert await lines[0].standing("ana") == [0]
    assert await lines[0].held_for() == {"winner 1": 1, "ana": 1}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_piece_that_comes_free_before_a_join_commits_waits_for_it(lines):
    joining, freeing = lines[0], lines[1]

    async def join_slowly(tx):
        await waitlist.join(
            tx, key="k", session_id=joining.session.id, sku=SKU, quantity=1, owner="ana",
            hold_seconds=HOLD_SECONDS,
        )  # fmt: skip
        await freeing.lets_go(0)
        served = asyncio.create_task(relayed(freeing))
        await until(somebody_waits, "the queue is served while somebody joins it")
        return served

    async def somebody_waits() -> bool:
        locks = await lines[2].database.read(lambda tx: tx.scalar(WAITED_FOR))
        return locks > 0

    await (await joining.database.unit_of_work(join_slowly))

    assert await joining.standing("ana") == [0]
    assert await joining.held_for() == {"winner 1": 1, "ana": 1}


async def test_fans_who_join_at_once_stand_one_behind_the_other(lines):
    fans = [f"fan {n}" for n in range(24)]
    await at_once(*(lines[n % 3].joins_as(fan, key=fan) for n, fan in enumerate(fans)))

    assert sorted(await lines[0].standing(*fans)) == list(range(1, 25))


async def test_one_fan_joining_from_everywhere_at_once_has_one_place(lines):
    places = await at_once(*(line.joins_as("ana", key=f"{n}") for n in range(4) for line in lines))

    assert len({place.entry.id for place in places}) == 1
    assert await lines[0].standing("ana") == [1]


async def test_leaving_and_being_served_at_once_loses_no_piece(lines):
    await lines[0].all_join("ana", "ben")

    await at_once(lines[0].lets_go(0), lines[1].leaves("ana"), relayed(lines[2]), relayed(lines[1]))
    await lines[0].settles()

    assert await lines[0].standing("ana", "ben") == [None, 0]
    assert await lines[0].held_for() == {"winner 1": 1, "ben": 1}


async def test_going_on_at_the_last_moment_has_one_outcome(lines):
    await lines[0].all_join("ana", "ben")
    await lines[0].lets_go(0)
    await lines[0].settles()
    entry = await lines[0].entry("ana")
    lines[0].clock.advance(HOLD_SECONDS * SECOND)

    taken, *_ = await at_once(
        lines[1].database.unit_of_work(lambda tx: waitlist.take_up(tx, entry.id, "ana")),
        expire_holds(lines[2].database),
    )
    await lines[0].settles()

    lapsed = isinstance(taken, TurnLapsed)
    assert await lines[0].status(entry) == ("lapsed" if lapsed else "taken")
    assert await lines[0].told("waitlist.lapsed") == (["ana"] if lapsed else [])
    assert "ben" in await lines[0].held_for()


async def test_a_buyer_and_the_line_never_get_the_same_piece(lines):
    await lines[0].all_join("ana", "ben")

    results = await asyncio.gather(
        lines[0].lets_go(0), lines[1].lets_go(1), lines[1].holds("quick", 2),
        relayed(lines[2]), relayed(lines[0]), return_exceptions=True,
    )  # fmt: skip
    await lines[0].settles()

    quick = not isinstance(results[2], inventory.OutOfStock)
    held = await lines[0].held_for()
    assert held == ({"quick": 2} if quick else {"ana": 1, "ben": 1})

"""Three hundred buyers want forty pieces, from several processes at once: forty get one."""

from __future__ import annotations

import asyncio

import pytest

from commerce.inventory import HoldGone, Holds, OutOfStock
from commerce.inventory.jobs import expire_holds
from commerce.kernel.clock import SECOND
from commerce.kernel.database import connect
from commerce.kernel.errors import Contended
from tests.inventory.factories import (
    claimed,
    held,
    received,
    reclaimed,
    released,
    shelf,
    status,
    taken,
)


@pytest.fixture
async def processes(database, database_url):
    others = [await connect(database_url) for _ in range(2)]
    yield [database, *others]
    for other in others:
        await other.close()


async def at_once(*work):
    """What each brought, or the refusal it met; a bug is raised."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, OutOfStock | HoldGone):
            raise result
    return results


async def test_three_hundred_buyers_for_forty_pieces(processes):
    await received(processes[0], 40)
    doors = [Holds(database) for database in processes]
    answers = await at_once(*(taken(doors[n % 3], f"k{n}", owner=f"f{n}") for n in range(300)))

    refused = [answer for answer in answers if isinstance(answer, OutOfStock)]
    assert len(answers) - len(refused) == 40
    assert await shelf(processes[0]) == (40, 40, 0)


async def test_buyers_of_several_pieces_leave_less_than_the_smallest_wish(processes):
    await received(processes[0], 40)
    doors = [Holds(database) for database in processes]
    answers = await at_once(*(taken(doors[n % 3], f"k{n}", quantity=3) for n in range(60)))

    assert len([answer for answer in answers if not isinstance(answer, OutOfStock)]) == 13
    assert await shelf(processes[0]) == (40, 39, 0)


async def test_one_fan_pressing_fifty_times_holds_once(processes):
    await received(processes[0], 40)
    doors = [Holds(database) for database in processes]
    answers = await at_once(*(taken(doors[n % 3], "the same press") for n in range(50)))

    assert len({answer.id for answer in answers}) == 1
    assert await shelf(processes[0]) == (40, 1, 0)


async def test_two_skus_do_not_wait_for_each_other_in_a_ring(processes):
    for sku in ("a", "b", "c"):
        await received(processes[0], 100, sku)
    doors = [Holds(database) for database in processes]
    wishes = [("abc", "cba", "bac")[n % 3][n // 3 % 3] for n in range(240)]
    await at_once(*(taken(doors[n % 3], f"k{n}", sku=sku) for n, sku in enumerate(wishes)))

    total = [await shelf(processes[0], sku) for sku in ("a", "b", "c")]
    assert sum(on_hand - held for on_hand, held, _ in total) == 60


ACTS = {"release": released, "claim": claimed, "reclaim": reclaimed}


@pytest.mark.parametrize("act", ACTS)
async def test_the_same_done_by_many_at_once_has_one_effect(processes, act):
    await received(processes[0], 40)
    hold = await held(processes[0], quantity=2)
    await at_once(*(ACTS[act](processes[n % 3], hold) for n in range(30)))

    sold = 0 if act == "release" else 2
    assert await shelf(processes[0]) == (40, 0, sold)


async def test_paying_and_running_out_at_once_has_one_winner_for_each_piece(processes, clock):
    await received(processes[0], 40)
    holds = [await held(processes[0], str(n)) for n in range(40)]
    clock.advance(600 * SECOND)

    answers = await at_once(
        *(claimed(processes[n % 3], hold) for n, hold in enumerate(holds[:20])),
        expire_holds(processes[1]),
        *(claimed(processes[n % 3], hold) for n, hold in enumerate(holds[20:])),
        expire_holds(processes[2]),
    )

    lost = sum(isinstance(answer, HoldGone) for answer in answers)
    assert await shelf(processes[0]) == (40, 0, 40 - lost)
    ends = [await status(processes[0], hold) for hold in holds]
    assert ends.count("expired") == lost
    assert ends.count("claimed") == 40 - lost


async def test_late_money_and_new_buyers_share_what_is_free(processes, clock):
    await received(processes[0], 10)
    late = [await held(processes[0], f"late {n}") for n in range(10)]
    clock.advance(600 * SECOND)
    await expire_holds(processes[0])
    door = Holds(processes[2])

    answers = await at_once(
        *(reclaimed(processes[n % 2], hold) for n, hold in enumerate(late)),
        *(taken(door, f"new {n}") for n in range(10)),
    )

    on_hand, held_now, sold = await shelf(processes[0])
    assert (on_hand, held_now + sold) == (10, 10)
    assert sum(isinstance(answer, OutOfStock) for answer in answers) == 10
    ends = [await status(processes[0], hold) for hold in late]
    assert ends.count("claimed") == sold


async def test_everything_at_once_on_every_hold_keeps_the_books_right(processes, clock):
    await received(processes[0], 30)
    holds = [await held(processes[0], str(n)) for n in range(30)]
    clock.advance(600 * SECOND)
    work = [
        act(processes[(n + m) % 3], hold)
        for n, hold in enumerate(holds)
        for m, act in enumerate(ACTS.values())
    ]

    results = await asyncio.gather(*work, expire_holds(processes[1]), return_exceptions=True)

    known = (OutOfStock, HoldGone, Contended)
    assert not [r for r in results if isinstance(r, BaseException) and not isinstance(r, known)]
    on_hand, held_now, _ = await shelf(processes[0])
    assert (on_hand, held_now) == (30, 0)

"""Everything that can happen to stock, at once and from several processes: each piece once."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from sqlalchemy import text

from commerce import inventory
from commerce.inventory import (
    Hold,
    HoldGone,
    Holds,
    OutOfStock,
    SkuSuspended,
    StockChanged,
    StockPromised,
)
from commerce.inventory.jobs import expire_holds
from commerce.kernel.clock import SECOND
from commerce.kernel.database import connect
from commerce.kernel.errors import Contended
from tests.inventory.factories import (
    SKU,
    begun,
    claimed,
    counted,
    given_back,
    held,
    movements,
    received,
    reclaimed,
    released,
    secured,
    shelf,
    status,
    taken,
)
from tests.kernel.notes import until

WAITING = text(
    "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE datname = current_database() AND NOT granted"
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


async def test_two_thousand_buyers_for_a_hundred_pieces(processes):
    await received(processes[0], 100)
    doors = [Holds(database) for database in processes]
    answers = await at_once(*(taken(doors[n % 3], f"k{n}", owner=f"f{n}") for n in range(2_000)))

    refused = [answer for answer in answers if isinstance(answer, OutOfStock)]
    assert len(refused) == 1_900
    assert {tuple(one.facts.values()) for one in refused} == {(SKU, 1, 0)}
    assert await shelf(processes[0]) == (100, 100, 0)


async def test_buyers_empty_every_warehouse_and_none_twice(processes):
    for warehouse, pieces in (("east", 30), ("north", 1), ("west", 9)):
        await received(processes[0], pieces, warehouse=warehouse)
    doors = [Holds(database) for database in processes]
    answers = await at_once(*(taken(doors[n % 3], f"k{n}") for n in range(150)))

    holds = [answer for answer in answers if not isinstance(answer, OutOfStock)]
    assert Counter(hold.parts[0].warehouse for hold in holds) == {"east": 30, "north": 1, "west": 9}
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
HELD, SOLD, FREE = (40, 2, 0), (40, 0, 2), (40, 0, 0)


@pytest.mark.parametrize(
    ("before", "act", "after"),
    [
        ([], released, FREE), ([], claimed, SOLD), ([], reclaimed, SOLD), ([], begun, HELD),
        ([released], secured, HELD), ([released], reclaimed, SOLD), ([claimed], given_back, FREE),
    ],
)  # fmt: skip
async def test_the_same_done_by_many_at_once_has_one_effect(processes, before, act, after):
    await received(processes[0], 40)
    hold = await held(processes[0], quantity=2)
    for first in before:
        await first(processes[0], hold)

    await at_once(*(act(processes[n % 3], hold) for n in range(30)))

    assert await shelf(processes[0]) == after


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


async def test_letting_go_and_paying_at_once_has_one_winner_for_each_piece(processes):
    await received(processes[0], 40)
    holds = [await held(processes[0], str(n)) for n in range(40)]

    answers = await at_once(
        *(released(processes[n % 3], hold) for n, hold in enumerate(holds)),
        *(claimed(processes[(n + 1) % 3], hold) for n, hold in enumerate(holds)),
    )

    let_go = sum(answer is True for answer in answers)
    assert sum(isinstance(answer, HoldGone) for answer in answers) == let_go
    assert await shelf(processes[0]) == (40, 0, 40 - let_go)


async def test_what_began_to_be_paid_in_time_does_not_run_out(processes, clock):
    await received(processes[0], 40)
    holds = [await held(processes[0], str(n)) for n in range(40)]
    clock.advance(600 * SECOND)

    answers = await at_once(
        *(begun(processes[n % 3], hold) for n, hold in enumerate(holds)),
        expire_holds(processes[1]),
        expire_holds(processes[2]),
    )

    lost = sum(isinstance(answer, HoldGone) for answer in answers)
    assert await shelf(processes[0]) == (40, 40 - lost, 0)
    ends = Counter([await status(processes[0], hold) for hold in holds])
    assert ends == Counter(claiming=40 - lost, expired=lost)


async def test_one_count_sent_fifty_times_is_written_once(processes):
    await received(processes[0], 40)
    answers = await at_once(*(counted(processes[n % 3], "c", 37, version=1) for n in range(50)))

    assert {(one.on_hand, one.version) for one in answers} == {(37, 2)}
    assert await movements(processes[0]) == [("counted", -3, "monthly", "c")]


async def test_of_two_who_count_at_once_one_is_told_to_look_again(processes):
    await received(processes[0], 40)
    answers = await asyncio.gather(
        counted(processes[0], "nell", 37, version=1),
        counted(processes[1], "ivo", 41, version=1),
        return_exceptions=True,
    )

    (refused,) = [answer for answer in answers if isinstance(answer, StockChanged)]
    (written,) = [answer for answer in answers if not isinstance(answer, StockChanged)]
    assert refused.facts["on_hand"] == written.on_hand
    assert await shelf(processes[0]) == (written.on_hand, 0, 0)
    assert len(await movements(processes[0])) == 1


async def test_counting_and_buying_at_once_never_leaves_less_than_was_promised(processes):
    await received(processes[0], 40)
    doors = [Holds(database) for database in processes]
    answers = await asyncio.gather(
        *(taken(doors[n % 3], f"k{n}") for n in range(20)),
        counted(processes[0], "c", 25, version=1),
        *(taken(doors[n % 3], f"l{n}") for n in range(20)),
        return_exceptions=True,
    )

    given = sum(isinstance(answer, Hold) for answer in answers)
    on_hand, held_now, _ = await shelf(processes[0])
    assert held_now == given
    assert on_hand == (40 if any(isinstance(a, StockPromised) for a in answers) else 25)
    assert given == min(40, on_hand)


async def test_a_buyer_who_waited_for_a_suspension_to_commit_is_refused(processes):
    await received(processes[0], 40)
    written, go_on = asyncio.Event(), asyncio.Event()

    async def suspend(tx):
        await inventory.suspend(tx, SKU, "doubt")
        written.set()
        await go_on.wait()

    suspending = asyncio.create_task(processes[0].unit_of_work(suspend))
    await written.wait()
    buying = asyncio.create_task(held(processes[1]))
    try:
        if processes[1].dialect == "postgresql":
            await until(lambda: processes[2].read(_waits_for_a_lock), "the buyer waits")
    finally:
        go_on.set()

    await suspending
    with pytest.raises(SkuSuspended):
        await buying
    assert await shelf(processes[2]) == (40, 0, 0)


async def _waits_for_a_lock(tx):
    return await tx.scalar(WAITING) > 0


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

"""Several warehouses and many hands at once: every piece once, and no hold ever half."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from commerce import inventory
from commerce.inventory import (
    Hold,
    HoldGone,
    Holds,
    OutOfStock,
    StockPromised,
    WarehouseClosed,
    WarehouseNotEmpty,
)
from commerce.inventory.jobs import expire_holds
from commerce.kernel.clock import SECOND
from commerce.kernel.database import connect
from commerce.kernel.machine import IllegalMove
from tests.inventory.factories import (
    SKU,
    SUPPLIER,
    claimed,
    found,
    held,
    received,
    reclaimed,
    released,
    relocated,
    shelf,
    stock,
    taken,
)

PIECES = {"east": 7, "north": 5, "west": 3}


@pytest.fixture
async def processes(database, database_url):
    others = [await connect(database_url) for _ in range(2)]
    yield [database, *others]
    for other in others:
        await other.close()


async def at_once(*work, expected=(OutOfStock, HoldGone)):
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, expected):
            raise result
    return results


async def delivered(database, pieces=PIECES):
    for warehouse, quantity in pieces.items():
        await received(database, quantity, warehouse=warehouse)


async def test_buyers_of_four_empty_three_warehouses_and_no_piece_is_sold_twice(processes):
    await delivered(processes[0])
    doors = [Holds(database) for database in processes]
    answers = await at_once(*(taken(doors[n % 3], f"k{n}", quantity=4) for n in range(30)))

    holds = [answer for answer in answers if isinstance(answer, Hold)]
    assert (len(holds), await shelf(processes[0])) == (3, (15, 12, 0))
    assert {one.facts["available"] for one in answers if isinstance(one, OutOfStock)} == {3}
    last = await taken(doors[0], "the rest", quantity=3)
    taken_of = Counter[str]()
    for hold in [*holds, last]:
        taken_of.update(dict(hold.parts))
    assert taken_of == PIECES

    await at_once(*(claimed(processes[n % 3], hold) for n, hold in enumerate([*holds, last] * 3)))
    assert await shelf(processes[0]) == (15, 0, 15)


async def test_of_many_who_move_onto_the_same_pieces_as_many_do_as_there_are(processes):
    await delivered(processes[0], {"east": 10})
    holds = [await held(processes[0], str(n), quantity=2) for n in range(5)]
    await received(processes[0], 5, warehouse="west")

    answers = await at_once(
        *(relocated(processes[n % 3], hold, west=2) for n, hold in enumerate(holds))
    )

    assert sum(isinstance(answer, Hold) for answer in answers) == 2
    assert ((await stock(processes[0], "west")).held, await shelf(processes[0])) == (4, (15, 10, 0))


async def test_holds_that_change_places_do_not_wait_for_each_other_in_a_ring(processes):
    await delivered(processes[0], {"east": 6, "west": 6})
    there = [await held(processes[0], str(n), quantity=3) for n in range(2)]
    back = [await held(processes[0], f"b{n}") for n in range(3)]

    for east, west in (("east", "west"), ("west", "east")):
        await at_once(
            *(relocated(processes[n % 3], hold, **{west: 3}) for n, hold in enumerate(there)),
            *(relocated(processes[n % 2], hold, **{east: 1}) for n, hold in enumerate(back)),
        )
        assert await shelf(processes[0]) == (12, 9, 0)


ENDS = {"paid": claimed, "let go": released, "paid late": reclaimed}


@pytest.mark.parametrize("end", ENDS)
async def test_moving_and_ending_at_once_leaves_it_whole_somewhere(processes, clock, end):
    await delivered(processes[0])
    holds = [await held(processes[0], str(n), quantity=5) for n in range(3)]
    clock.advance(600 * SECOND)

    await at_once(
        *(relocated(processes[1], hold, east=2, north=2, west=1) for hold in holds),
        *(ENDS[end](processes[0], hold) for hold in holds),
        expire_holds(processes[2]),
        expected=(OutOfStock, HoldGone, IllegalMove),
    )

    ends = [await found(processes[0], hold) for hold in holds]
    assert all(sum(n for _, n in hold.parts) == hold.quantity == 5 for hold in ends)
    sold = sum(hold.status == "claimed" for hold in ends)
    assert await shelf(processes[0]) == (15, 0, 5 * sold)
    if end == "paid late":
        assert sold == 3


async def test_pieces_are_not_moved_away_from_under_those_who_hold_them(processes):
    await delivered(processes[0], {"east": 10, "west": 1})
    door = Holds(processes[0])

    async def moves(n):
        await processes[n % 2 + 1].unit_of_work(
            lambda tx: inventory.transfer(
                tx, f"t{n % 4}", SKU, 3, origin="east", to="west",
                supplier_id=SUPPLIER, reason="nearer", by="nell",
            )
        )  # fmt: skip

    answers = await at_once(
        *(moves(n) for n in range(8)),
        *(taken(door, f"k{n}", quantity=2) for n in range(8)),
        expected=(OutOfStock, StockPromised),
    )

    holds = sum(isinstance(answer, Hold) for answer in answers)
    assert holds == 5  # wherever the pieces were meanwhile
    assert await shelf(processes[0]) == (11, 10, 0)


async def test_a_warehouse_closes_or_takes_a_delivery_but_not_both(processes):
    await delivered(processes[0], {"west": 1})
    await claimed(processes[0], await held(processes[0]))

    async def closes(tx):
        await inventory.close_warehouse(tx, "west", supplier_id=SUPPLIER, expected_version=1)

    async def delivers(tx):
        await inventory.receive(
            tx, SKU, 1, reason="delivery", warehouse="west", supplier_id=SUPPLIER
        )

    answers = await at_once(
        *(processes[n % 3].unit_of_work((closes, delivers)[n % 2]) for n in range(6)),
        expected=(WarehouseClosed, WarehouseNotEmpty),
    )

    came = await shelf(processes[0])
    closed = sum(isinstance(answer, WarehouseClosed) for answer in answers)
    not_empty = sum(isinstance(answer, WarehouseNotEmpty) for answer in answers)
    assert (came, closed, not_empty) in [((1, 0, 1), 5, 0), ((4, 0, 1), 0, 3)]

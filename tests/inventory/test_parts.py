"""What no single warehouse has is held in parts: one hold, which lives, moves and ends whole."""

from __future__ import annotations

import pytest

from commerce import inventory
from commerce.inventory import BadQuantity, HoldGone, OutOfStock
from commerce.inventory.jobs import expire_holds
from commerce.kernel.clock import SECOND
from commerce.kernel.machine import IllegalMove
from tests.inventory.factories import (
    FAN,
    SESSION,
    SKU,
    announced,
    begun,
    claimed,
    found,
    free,
    given_back,
    held,
    movements,
    received,
    reclaimed,
    released,
    relocated,
    secured,
    shelf,
    status,
    stock,
    suspended,
)

PARTS = (("east", 2), ("main", 3))
FREED = {"sku": SKU, "quantity": 5, "reference": SESSION}


async def shelves(database, **changes):
    """Two pieces in the east, three in the main warehouse, one in the west."""
    for warehouse, pieces in ({"east": 2, "main": 3, "west": 1} | changes).items():
        await received(database, pieces, warehouse=warehouse)


async def promised(database):
    found = (await database.read(lambda tx: inventory.stock_of(tx, [SKU])))[SKU]
    return {one.warehouse: one.held for one in found if one.held}


async def sold(database):
    found = (await database.read(lambda tx: inventory.stock_of(tx, [SKU])))[SKU]
    return {one.warehouse: one.sold for one in found if one.sold}


async def test_an_order_can_get_what_all_warehouses_have_together(database, clock):
    await shelves(database)

    assert await free(database) == 6
    hold = await held(database, quantity=5)
    assert (hold.quantity, hold.parts) == (5, PARTS)
    assert await found(database, hold) == hold
    assert await promised(database) == dict(PARTS)
    assert await free(database) == 1


async def test_one_piece_too_many_is_refused_and_nothing_is_held(database, clock):
    await shelves(database)

    with pytest.raises(OutOfStock) as refused:
        await held(database, quantity=7)
    assert refused.value.facts == {"sku": SKU, "asked": 7, "available": 6}
    assert await shelf(database) == (6, 0, 0)


async def test_the_same_key_again_is_the_same_hold_with_its_parts(database, clock):
    await shelves(database)
    hold = await held(database, quantity=5)

    assert await held(database, quantity=5) == hold
    assert await database.read(lambda tx: inventory.hold_under(tx, "k")) == hold
    assert await shelf(database) == (6, 5, 0)


async def test_a_session_counts_its_pieces_once(database, clock):
    await shelves(database)
    await held(database, quantity=5)

    counted = await database.read(lambda tx: inventory.holds_of(tx, SESSION))
    assert counted == {SKU: {"held": 5}}


async def test_letting_go_frees_every_part_and_is_announced_once(database, clock):
    await shelves(database)
    hold = await held(database, quantity=5)
    said = len(await announced(database))

    assert [await released(database, hold) for _ in range(2)] == [True, False]
    assert await shelf(database) == (6, 0, 0)
    ended = {"hold_id": hold.id, "sku": SKU, "quantity": 5, "owner": FAN, "reference": SESSION}
    assert (await announced(database))[said:] == [("hold.released", ended), ("stock.freed", FREED)]


async def test_running_out_frees_every_part_and_is_announced_once(database, clock):
    await shelves(database)
    hold = await held(database, quantity=5)
    said = len(await announced(database))
    clock.advance(600 * SECOND)

    assert await expire_holds(database) == 1
    assert await shelf(database) == (6, 0, 0)
    assert [name for name, _ in (await announced(database))[said:]] == [
        "hold.expired", "stock.freed",
    ]  # fmt: skip
    assert await status(database, hold) == "expired"


async def test_paying_sells_every_part_from_its_warehouse_and_it_comes_back_there(database, clock):
    await shelves(database)
    hold = await held(database, quantity=5)
    before = len(await movements(database))

    await begun(database, hold)
    for _ in range(2):
        await claimed(database, hold)
    assert (await sold(database), await promised(database)) == (dict(PARTS), {})
    for _ in range(2):
        await given_back(database, hold)

    assert await shelf(database) == (6, 0, 0)
    assert (await found(database, hold)).parts == PARTS
    moved = await database.read(lambda tx: inventory.movements_of(tx, SKU))
    assert [(m.kind, m.warehouse, m.quantity) for m in reversed(moved)][before + 1 :] == [
        ("sold", "east", 2), ("sold", "main", 3), ("returned", "east", 2), ("returned", "main", 3),
    ]  # fmt: skip


@pytest.mark.parametrize(("again", "after"), [(secured, (6, 5, 0)), (reclaimed, (6, 0, 5))])
async def test_late_money_finds_the_pieces_where_they_were(database, clock, again, after):
    await shelves(database)
    hold = await held(database, quantity=5)
    await relocated(database, hold, east=1, main=3, west=1)
    await released(database, hold)

    await again(database, hold)
    assert (await found(database, hold)).parts == (("east", 1), ("main", 3), ("west", 1))
    assert await shelf(database) == after


@pytest.mark.parametrize(
    ("more", "parts"), [({"west": 4}, (("west", 5),)), ({"main": 1}, (("main", 4), ("west", 1)))]
)
async def test_late_money_finds_them_elsewhere_whole_or_in_parts(database, clock, more, parts):
    await shelves(database)
    late = await held(database, "late", quantity=5)
    await released(database, late)
    await held(database, "quick", quantity=1)  # of the east
    await held(database, "quicker", quantity=1)
    for warehouse, pieces in more.items():
        await received(database, pieces, warehouse=warehouse)

    await reclaimed(database, late)
    assert (await found(database, late)).parts == parts
    assert await sold(database) == dict(parts)


async def test_late_money_for_more_than_is_left_takes_no_part(database, clock):
    await shelves(database)
    late = await held(database, "late", quantity=5)
    await released(database, late)
    await held(database, "quick", quantity=2)

    with pytest.raises(OutOfStock) as refused:
        await reclaimed(database, late)
    assert refused.value.facts == {"sku": SKU, "asked": 5, "available": 4}
    assert (await status(database, late), await shelf(database)) == ("released", (6, 2, 0))


@pytest.mark.parametrize("begin", [False, True])
@pytest.mark.parametrize("to", [{"main": 3, "west": 2}, {"east": 1, "main": 2, "west": 2}])
async def test_a_hold_moves_to_other_warehouses_and_stays_what_it_was(database, clock, begin, to):
    await shelves(database, west=2)
    hold = await held(database, quantity=5)
    if begin:
        await begun(database, hold)
    said = await announced(database)

    for _ in range(2):
        moved = await relocated(database, hold, **to)
    assert dict(moved.parts) == to
    assert await found(database, hold) == moved
    assert (moved.quantity, moved.expires_at) == (5, hold.expires_at)
    assert await promised(database) == to
    assert await announced(database) == said  # nothing came free, nothing ended
    await claimed(database, hold)
    assert (await sold(database), await promised(database)) == (to, {})


async def test_parts_become_one_and_one_becomes_parts(database, clock):
    await shelves(database, west=5)
    hold = await held(database, quantity=5)

    assert hold.parts == (("west", 5),)
    assert (await relocated(database, hold, east=2, main=3)).parts == PARTS
    assert (await relocated(database, hold, west=5)).parts == (("west", 5),)
    assert await shelf(database) == (10, 5, 0)


NO_MOVES = (
    ({"main": 3, "west": 2}, OutOfStock), ({"west": 5}, OutOfStock), ({"moon": 5}, OutOfStock),
    ({"main": 4}, BadQuantity), ({"main": 6}, BadQuantity), ({}, BadQuantity),
    ({"east": -1, "main": 6}, BadQuantity), ({"east": 0, "main": 5}, BadQuantity),
)  # fmt: skip


async def test_a_move_that_cannot_be_changes_nothing(database, clock):
    await shelves(database)
    hold = await held(database, quantity=5)

    for to, refusal in NO_MOVES:
        with pytest.raises(refusal):
            await relocated(database, hold, **to)
        assert await found(database, hold) == hold
        assert await promised(database) == dict(PARTS)


async def test_a_move_that_is_refused_says_what_these_warehouses_have(database, clock):
    await shelves(database)
    hold = await held(database, quantity=5)

    with pytest.raises(OutOfStock) as refused:
        await relocated(database, hold, main=3, west=2)
    assert refused.value.facts == {"sku": SKU, "asked": 5, "available": 4}


async def test_pieces_of_others_are_not_taken(database, clock):
    await shelves(database)
    mine = await held(database, "mine", quantity=1)
    await held(database, "theirs", quantity=3)

    with pytest.raises(OutOfStock):
        await relocated(database, mine, main=1)
    assert await promised(database) == {"east": 1, "main": 3}


@pytest.mark.parametrize(
    ("ends", "refusal"),
    [([released], HoldGone), ([claimed], IllegalMove), ([claimed, given_back], HoldGone)],
)
async def test_what_is_over_does_not_move(database, clock, ends, refusal):
    await shelves(database)
    hold = await held(database, quantity=2)
    for end in ends:
        await end(database, hold)
    before = await found(database, hold)

    with pytest.raises(refusal):
        await relocated(database, hold, main=2)
    assert await found(database, hold) == before


async def test_what_is_suspended_stays_where_it_is_held(database, clock):
    await shelves(database)
    hold = await held(database, quantity=2)
    await suspended(database)

    with pytest.raises(OutOfStock):
        await relocated(database, hold, main=2)
    assert (await relocated(database, hold, east=2)).parts == (("east", 2),)
    reach = await database.read(lambda tx: inventory.within_reach(tx, hold.id))
    assert reach == {"east": 2, "main": 0, "west": 0}


async def test_what_a_hold_could_have_is_what_is_free_and_its_own(database, clock):
    await shelves(database)
    hold = await held(database, quantity=5)
    await held(database, "other", quantity=1)

    reach = await database.read(lambda tx: inventory.within_reach(tx, hold.id))
    assert reach == {"east": 2, "main": 3, "west": 0}
    assert (await stock(database, "west")).held == 1

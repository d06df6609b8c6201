"""While money is being taken the pieces stay; and what was sold can come back."""

from __future__ import annotations

import pytest

from commerce.inventory import HoldGone, OutOfStock
from commerce.inventory.jobs import expire_holds
from commerce.kernel.clock import DAY, SECOND
from commerce.kernel.machine import IllegalMove
from tests.inventory.factories import (
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
    secured,
    shelf,
    status,
    suspended,
)


async def gone(database, clock, hold, how):
    if how == "released":
        await released(database, hold)
    else:
        clock.advance(600 * SECOND)
        await expire_holds(database)


async def test_a_hold_never_runs_out_while_its_money_is_being_taken(database, clock):
    await received(database)
    hold = await held(database, quantity=3)
    for _ in range(3):
        await begun(database, hold)
    clock.advance(365 * DAY)

    assert await expire_holds(database) == 0
    assert await status(database, hold) == "claiming"
    assert await shelf(database) == (40, 3, 0)
    await claimed(database, hold)
    assert await shelf(database) == (40, 0, 3)


async def test_a_hold_that_is_over_its_time_but_was_not_swept_up_can_still_be_claimed(
    database, clock
):
    await received(database)
    hold = await held(database)
    clock.advance(600 * SECOND)

    await begun(database, hold)
    assert await expire_holds(database) == 0
    assert await status(database, hold) == "claiming"


@pytest.mark.parametrize("how", ["released", "expired"])
async def test_what_is_gone_is_not_claimed_behind_its_back(database, clock, how):
    await received(database)
    hold = await held(database, quantity=3)
    await gone(database, clock, hold, how)

    with pytest.raises(HoldGone):
        await begun(database, hold)
    assert await status(database, hold) == how
    assert await shelf(database) == (40, 0, 0)


async def test_pieces_are_free_again_when_their_money_could_not_be_taken(database, clock):
    await received(database)
    hold = await held(database, quantity=3)
    await begun(database, hold)

    assert [await released(database, hold) for _ in range(2)] == [True, False]
    assert await shelf(database) == (40, 0, 0)


@pytest.mark.parametrize("how", ["released", "expired"])
async def test_what_is_gone_is_secured_while_it_is_free(database, clock, how):
    await received(database)
    hold = await held(database, quantity=3)
    await gone(database, clock, hold, how)
    for _ in range(3):
        await secured(database, hold)

    assert await status(database, hold) == "claiming"
    assert await shelf(database) == (40, 3, 0)
    await claimed(database, hold)
    await secured(database, hold)  # it was paid for meanwhile
    assert await shelf(database) == (40, 0, 3)


async def test_what_others_have_cannot_be_secured(database, clock):
    await received(database, 4)
    late = await held(database, "late", quantity=3)
    await released(database, late)
    await held(database, "quick", quantity=2)

    with pytest.raises(OutOfStock) as refused:
        await secured(database, late)
    assert refused.value.facts == {"sku": SKU, "asked": 3, "available": 2}
    assert await status(database, late) == "released"
    assert await shelf(database) == (4, 2, 0)


async def test_late_money_finds_its_pieces_in_another_warehouse(database, clock):
    await received(database, 3, warehouse="east")
    late = await held(database, "late", quantity=2)
    await released(database, late)
    await held(database, "quick", quantity=2)
    await received(database, 3, warehouse="west")

    await reclaimed(database, late)
    assert (await found(database, late)).parts == (("west", 2),)
    assert await shelf(database) == (6, 2, 2)


@pytest.mark.parametrize("again", [secured, reclaimed])
async def test_what_is_suspended_is_not_taken_again_once_it_is_gone(database, clock, again):
    await received(database)
    hold = await held(database)
    await released(database, hold)
    await suspended(database)

    with pytest.raises(OutOfStock) as refused:
        await again(database, hold)
    assert refused.value.facts == {"sku": SKU, "asked": 1, "available": 0}
    assert await shelf(database) == (40, 0, 0)


async def test_what_came_back_can_be_sold_again(database, clock):
    await received(database, 3)
    hold = await held(database, quantity=3)
    await claimed(database, hold)
    assert await free(database) == 0

    assert [await given_back(database, hold) for _ in range(3)] == [True, False, False]
    assert await shelf(database) == (3, 0, 0)
    assert await free(database) == 3
    assert await status(database, hold) == "returned"
    assert (await movements(database))[1:] == [("returned", 3, "unwanted", "k")]
    freed = {"sku": SKU, "quantity": 3, "reference": "k"}
    assert (await announced(database))[-1] == ("stock.freed", freed)


@pytest.mark.parametrize("act", [begun, claimed, secured, reclaimed])
async def test_what_came_back_is_over(database, clock, act):
    await received(database)
    hold = await held(database)
    await claimed(database, hold)
    await given_back(database, hold)

    with pytest.raises(HoldGone):
        await act(database, hold)
    assert not await released(database, hold)
    assert await shelf(database) == (40, 0, 0)


@pytest.mark.parametrize("before", [None, begun, released])
async def test_only_what_was_sold_can_come_back(database, clock, before):
    await received(database)
    hold = await held(database)
    if before is not None:
        await before(database, hold)
    stood = await status(database, hold)

    with pytest.raises(IllegalMove):
        await given_back(database, hold)
    assert await status(database, hold) == stood
    assert await movements(database) == []


async def test_a_clock_that_jumps_back_lets_nothing_run_out_early_or_twice(database, clock):
    await received(database)
    first = await held(database, "first")
    clock.advance(-DAY)
    second = await held(database, "second")

    assert await expire_holds(database) == 0
    clock.advance(600 * SECOND)
    assert await expire_holds(database) == 1  # by the clock that stood when it was held
    assert [await status(database, hold) for hold in (first, second)] == ["held", "expired"]
    clock.advance(DAY)
    assert await expire_holds(database) == 1
    assert await shelf(database) == (40, 0, 0)


async def test_a_clock_that_jumps_ahead_ends_what_is_held_and_nothing_else(database, clock):
    await received(database)
    waiting = await held(database, "waiting")
    paying = await held(database, "paying")
    paid = await held(database, "paid")
    await begun(database, paying)
    await claimed(database, paid)
    clock.advance(100 * 365 * DAY)

    assert await expire_holds(database) == 1
    ends = [await status(database, hold) for hold in (waiting, paying, paid)]
    assert ends == ["expired", "claiming", "claimed"]
    assert await shelf(database) == (40, 1, 1)

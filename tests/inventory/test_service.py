"""Holds, given back, sold, run out and sold after all: each once, and whoever races whom."""

from __future__ import annotations

import asyncio
import sqlite3

import asyncpg
import pytest
from sqlalchemy import text

from commerce import inventory
from commerce.inventory import HoldGone, Holds, HoldStatus, OutOfStock, UnknownSku
from commerce.inventory.jobs import expire_holds
from commerce.inventory.model import HoldDiffers
from commerce.kernel.clock import SECOND
from tests.inventory.factories import (
    FAN,
    SESSION,
    SKU,
    announced,
    claimed,
    held,
    movements,
    received,
    reclaimed,
    released,
    shelf,
    status,
    taken,
)

pytestmark = pytest.mark.usefixtures("clock")
REFUSED = (sqlite3.IntegrityError, asyncpg.CheckViolationError)


async def ran_out(database, clock):
    clock.advance(600 * SECOND)
    return await expire_holds(database)


async def test_a_hold_takes_pieces_from_what_is_free(database, clock):
    await received(database)
    hold = await held(database, quantity=3)

    assert await shelf(database) == (40, 3, 0)
    assert (hold.status, hold.expires_at) == (HoldStatus.HELD, clock.at + 600 * SECOND)
    free = await database.read(lambda tx: inventory.available(tx, [SKU, "never came in"]))
    assert free == {SKU: 37, "never came in": 0}


async def test_the_same_key_again_gets_the_same_hold(database):
    await received(database)
    hold = await held(database, quantity=3)

    assert await held(database, quantity=3) == hold
    assert await shelf(database) == (40, 3, 0)


async def test_a_key_used_for_something_else_takes_nothing(database):
    await received(database)
    await held(database, quantity=3)

    with pytest.raises(HoldDiffers):
        await held(database, quantity=4)
    assert await shelf(database) == (40, 3, 0)


async def test_who_asks_for_too_many_hears_how_many_are_left(database):
    await received(database, 5)
    await held(database, "a", quantity=2)

    with pytest.raises(OutOfStock) as refused:
        await held(database, "b", quantity=4)
    assert refused.value.facts == {"sku": SKU, "asked": 4, "available": 3}
    assert await shelf(database) == (5, 2, 0)


async def test_what_never_came_in_cannot_be_held(database):
    with pytest.raises(UnknownSku):
        await held(database, sku="moon")


async def test_what_comes_in_is_written_down(database):
    await received(database, 40)
    await received(database, 2)

    assert await shelf(database) == (42, 0, 0)
    assert await movements(database) == [("received", 2, "delivery", "")]


async def test_released_pieces_are_free_once(database):
    await received(database)
    hold = await held(database, quantity=3)

    assert [await released(database, hold) for _ in range(3)] == [True, False, False]
    assert await shelf(database) == (40, 0, 0)
    assert await status(database, hold) == "released"
    fact = {"hold_id": hold.id, "sku": SKU, "quantity": 3, "owner": FAN, "reference": SESSION}
    freed = {"sku": SKU, "quantity": 3, "reference": SESSION}
    assert await announced(database) == [("hold.released", fact), ("stock.freed", freed)]


async def test_claimed_pieces_are_sold_once(database):
    await received(database)
    hold = await held(database, quantity=3)
    for _ in range(3):
        await claimed(database, hold)

    assert await shelf(database) == (40, 0, 3)
    assert await movements(database) == [("sold", 3, "paid", "k")]
    assert not await released(database, hold)
    assert await shelf(database) == (40, 0, 3)


@pytest.mark.parametrize("gone", ["released", "expired"])
async def test_what_is_gone_cannot_be_claimed(database, clock, gone):
    await received(database)
    hold = await held(database, quantity=3)
    await (released(database, hold) if gone == "released" else ran_out(database, clock))

    with pytest.raises(HoldGone):
        await claimed(database, hold)
    assert await shelf(database) == (40, 0, 0)
    assert await status(database, hold) == gone


async def test_nobody_can_claim_a_hold_that_never_was(database):
    with pytest.raises(HoldGone):
        await database.unit_of_work(lambda tx: inventory.claim(tx, "x", reference="r"))
    with pytest.raises(HoldGone):
        await database.unit_of_work(lambda tx: inventory.reclaim(tx, "x", reference="r"))
    assert not await database.unit_of_work(lambda tx: inventory.release(tx, "x"))


async def test_a_hold_runs_out_at_its_time_and_says_so(database, clock):
    await received(database)
    hold = await held(database, quantity=3)
    clock.advance(600 * SECOND - 1)
    assert await expire_holds(database) == 0
    clock.advance(1)
    assert [await expire_holds(database) for _ in range(2)] == [1, 0]

    assert await shelf(database) == (40, 0, 0)
    fact = {"hold_id": hold.id, "sku": SKU, "quantity": 3, "owner": FAN, "reference": SESSION}
    freed = {"sku": SKU, "quantity": 3, "reference": SESSION}
    assert await announced(database) == [("hold.expired", fact), ("stock.freed", freed)]


async def test_very_many_holds_run_out_in_one_go(database, clock):
    await received(database, 2_000)
    holds = Holds(database)
    await asyncio.gather(*(taken(holds, str(n)) for n in range(1_100)))

    assert await ran_out(database, clock) == 1_100
    assert await shelf(database) == (2_000, 0, 0)


async def test_a_hold_that_is_kept_longer_does_not_run_out(database, clock):
    await received(database)
    hold = await held(database)
    await database.unit_of_work(
        lambda tx: inventory.extend(tx, hold.id, hold.expires_at + 60 * SECOND)
    )

    assert await ran_out(database, clock) == 0
    clock.advance(60 * SECOND)
    assert await expire_holds(database) == 1
    with pytest.raises(HoldGone):
        await database.unit_of_work(lambda tx: inventory.extend(tx, hold.id, clock.at + SECOND))


@pytest.mark.parametrize("gone", ["released", "expired"])
async def test_late_money_gets_its_pieces_while_they_are_there(database, clock, gone):
    await received(database)
    hold = await held(database, quantity=3)
    await (released(database, hold) if gone == "released" else ran_out(database, clock))
    for _ in range(3):
        await reclaimed(database, hold)

    assert await shelf(database) == (40, 0, 3)
    assert await movements(database) == [("sold", 3, "paid late", "k")]


async def test_late_money_finds_everything_sold(database, clock):
    await received(database, 3)
    late = await held(database, "late", quantity=2)
    await ran_out(database, clock)
    await held(database, "quick", quantity=2)

    with pytest.raises(OutOfStock) as refused:
        await reclaimed(database, late)
    assert refused.value.facts == {"sku": SKU, "asked": 2, "available": 1}
    assert await status(database, late) == "expired"
    assert await shelf(database) == (3, 2, 0)


async def test_money_in_time_is_no_late_money(database):
    await received(database)
    hold = await held(database)
    await reclaimed(database, hold)

    assert await shelf(database) == (40, 0, 1)
    assert await movements(database) == [("sold", 1, "paid", "k")]


@pytest.mark.parametrize(
    "change",
    ["held = held + 41", "sold = 41", "on_hand = 2", "held = -1", "sold = -1", "on_hand = -1"],
)
async def test_the_database_itself_refuses_to_oversell(database, change):
    await received(database)
    await held(database, quantity=3)
    table = "inventory.stock" if database.dialect == "postgresql" else "stock"

    with pytest.raises(REFUSED):
        await database.unit_of_work(lambda tx: tx.run(text(f"UPDATE {table} SET {change}")))
    assert await shelf(database) == (40, 3, 0)


async def test_the_console_sees_pieces_by_status(database, clock):
    await received(database)
    await claimed(database, await held(database, "a", quantity=2))
    await released(database, await held(database, "b"))
    await held(database, "c", quantity=4)
    await held(database, "d", reference="another session")

    found = await database.read(lambda tx: inventory.holds_of(tx, SESSION))
    assert found == {
        SKU: {HoldStatus.CLAIMED: 2, HoldStatus.RELEASED: 1, HoldStatus.HELD: 4},
    }


async def test_whoever_watches_the_session_is_woken(database, clock):
    await received(database)
    woken = []
    database.on_wake("session:", woken.append)
    hold = await held(database, "a")
    await released(database, hold)
    await held(database, "b")
    await ran_out(database, clock)

    assert woken == [SESSION] * 4

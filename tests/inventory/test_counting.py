"""Deliveries, corrections and counts: each written down, none behind the back of a fan."""

from __future__ import annotations

import sqlite3

import asyncpg
import pytest
from sqlalchemy import text

from commerce.inventory import (
    PIECES_MAX,
    BadQuantity,
    Movement,
    MovementKind,
    StockChanged,
    StockPromised,
    UnknownSku,
)
from commerce.kernel.idempotency import KeyReused
from tests.inventory.factories import (
    SKU,
    adjusted,
    announced,
    claimed,
    counted,
    free,
    held,
    movements,
    newest_movement,
    received,
    shelf,
    stock,
)

pytestmark = pytest.mark.usefixtures("clock")
REFUSED = (
    sqlite3.IntegrityError,
    asyncpg.RaiseError,
    asyncpg.CheckViolationError,
    asyncpg.InsufficientPrivilegeError,
)


@pytest.mark.parametrize("quantity", [0, -1, -(10**30), PIECES_MAX + 1, 10**30])
async def test_no_delivery_has_so_few_or_so_many_pieces(database, quantity):
    await received(database)

    with pytest.raises(BadQuantity) as refused:
        await received(database, quantity)
    assert refused.value.facts == {"sku": SKU, "quantity": quantity}
    assert await shelf(database) == (40, 0, 0)
    assert await movements(database) == []


async def test_a_delivery_is_told_to_whoever_waits_for_it(database):
    await received(database)
    await received(database, 2)

    assert await announced(database) == [
        ("stock.freed", {"sku": SKU, "quantity": 2, "reference": ""})
    ]
    assert (await stock(database)).version == 2


async def test_pieces_that_broke_are_gone_and_those_that_turned_up_can_be_sold(database, clock):
    await received(database)
    after = await adjusted(database, "a", -3, version=1)
    assert (after.on_hand, after.version) == (37, 2)
    assert await announced(database) == []

    after = await adjusted(database, "b", 5, version=2)
    assert after == await stock(database)
    assert (after.on_hand, after.version) == (42, 3)
    assert await movements(database) == [
        ("adjusted", -3, "broken", "a"),
        ("adjusted", 5, "broken", "b"),
    ]
    assert await newest_movement(database) == Movement(
        sku=SKU, warehouse="main", kind=MovementKind.ADJUSTED, quantity=5, reason="broken",
        reference="b", by="nell", at=clock.at,
    )  # fmt: skip
    freed = {"sku": SKU, "quantity": 5, "reference": "b"}
    assert await announced(database) == [("stock.freed", freed)]
    assert await shelf(database) == (42, 0, 0)


@pytest.mark.parametrize("found", [38, 40, 43])
async def test_a_count_says_what_is_on_hand_and_leaves_a_trace_even_where_it_agrees(
    database, found
):
    await received(database)
    after = await counted(database, "c", found, version=1)

    assert after == await stock(database)
    assert (after.on_hand, after.version) == (found, 1 if found == 40 else 2)
    assert await movements(database) == [("counted", found - 40, "monthly", "c")]
    freed = {"sku": SKU, "quantity": 3, "reference": "c"}
    assert await announced(database) == ([("stock.freed", freed)] if found == 43 else [])
    assert await shelf(database) == (found, 0, 0)


async def test_a_shelf_is_counted_while_it_is_sold_from(database):
    await received(database)
    seen = await stock(database)
    await claimed(database, await held(database, "a", quantity=4))
    await held(database, "b", quantity=2)

    after = await counted(database, "c", 39, seen.version)
    assert (after.on_hand, after.held, after.sold) == (39, 2, 4)
    assert await shelf(database) == (39, 2, 4)
    assert await free(database) == 33


@pytest.mark.parametrize("correct", [adjusted, counted])
async def test_who_saw_the_stock_before_it_changed_corrects_nothing(database, correct):
    await received(database)
    await received(database, 2)

    with pytest.raises(StockChanged) as refused:
        await correct(database, "c", 7, version=1)
    now = {"sku": SKU, "warehouse": "main", "version": 2, "on_hand": 42}
    assert refused.value.facts == now
    assert await shelf(database) == (42, 0, 0)
    assert len(await movements(database)) == 1
    await correct(database, "c", 7, version=2)  # a refusal uses up no key


async def test_nobody_corrects_away_what_fans_were_promised(database):
    await received(database)
    await claimed(database, await held(database, "a", quantity=4))
    await held(database, "b", quantity=2)

    for correct, pieces in ((adjusted, -35), (counted, 5), (counted, 0)):
        with pytest.raises(StockPromised) as refused:
            await correct(database, "c", pieces, version=1)
        assert refused.value.facts == {"sku": SKU, "warehouse": "main", "promised": 6}
    assert await shelf(database) == (40, 2, 4)
    assert (await adjusted(database, "c", -34, version=1)).available == 0
    assert await shelf(database) == (6, 2, 4)


@pytest.mark.parametrize(
    ("correct", "pieces"),
    [
        (adjusted, 0), (adjusted, PIECES_MAX + 1), (adjusted, -PIECES_MAX - 1),
        (adjusted, PIECES_MAX), (counted, -1), (counted, PIECES_MAX + 1),
    ],
)  # fmt: skip
async def test_nobody_finds_so_many_pieces(database, correct, pieces):
    await received(database)

    with pytest.raises(BadQuantity):
        await correct(database, "c", pieces, version=1)
    assert await shelf(database) == (40, 0, 0)
    assert await movements(database) == []


@pytest.mark.parametrize("where", [{"sku": "moon"}, {"warehouse": "moon"}])
@pytest.mark.parametrize("correct", [adjusted, counted])
async def test_what_never_came_in_cannot_be_corrected(database, correct, where):
    await received(database)

    with pytest.raises(UnknownSku) as refused:
        await correct(database, "c", 1, version=1, **where)
    assert refused.value.facts == {"sku": SKU, "warehouse": "main"} | where


@pytest.mark.parametrize("correct", [adjusted, counted])
async def test_the_same_correction_again_changes_nothing_and_answers_the_same(database, correct):
    await received(database)
    first = await correct(database, "c", 30, version=1)
    await received(database, 5)

    assert await correct(database, "c", 30, version=1) == first
    assert (await stock(database)).on_hand == first.on_hand + 5
    assert len(await movements(database)) == 2


@pytest.mark.parametrize("change", [{"reason": "stolen"}, {"by": "ivo"}])
@pytest.mark.parametrize("correct", [adjusted, counted])
async def test_a_key_that_meant_another_correction_is_refused(database, correct, change):
    await received(database)
    await correct(database, "c", 30, version=1)
    before = await shelf(database)

    with pytest.raises(KeyReused):
        await correct(database, "c", 30, version=1, **change)
    with pytest.raises(KeyReused):
        await correct(database, "c", 31, version=1)
    with pytest.raises(KeyReused):
        await (counted if correct is adjusted else adjusted)(database, "c", 30, version=1)
    assert await shelf(database) == before


async def test_each_warehouse_is_corrected_by_itself(database):
    await received(database, 5, warehouse="east")
    await received(database, 7, warehouse="west")
    await counted(database, "c", 6, version=1, warehouse="west")

    found = [(await stock(database, name)).on_hand for name in ("east", "west")]
    assert found == [5, 6]
    assert (await newest_movement(database)).warehouse == "west"
    assert await shelf(database) == (11, 0, 0)


ATTACKS = [
    "UPDATE {}stock_movements SET quantity = 1",
    "UPDATE {}stock_movements SET reason = 'theft', moved_by = 'nobody'",
    "DELETE FROM {}stock_movements",
    "INSERT INTO {}stock_movements (sku, warehouse, kind, quantity, reason, reference, moved_by,"
    " moved_at) VALUES ('shirt-m', 'main', 'sold', -1, '', '', '', 0)",
    "INSERT INTO {}stock_movements (sku, warehouse, kind, quantity, reason, reference, moved_by,"
    " moved_at) VALUES ('shirt-m', 'main', 'adjusted', 0, '', '', '', 0)",
]


@pytest.mark.parametrize("attack", ATTACKS)
async def test_nobody_rewrites_what_moved(database, attack):
    await received(database)
    before = await newest_movement(database)
    statement = text(attack.format("inventory." if database.dialect == "postgresql" else ""))

    with pytest.raises(REFUSED):
        await database.unit_of_work(lambda tx: tx.run(statement))
    assert await newest_movement(database) == before
    assert await shelf(database) == (40, 0, 0)

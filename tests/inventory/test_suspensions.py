"""What may be wrong is not sold; what is promised already is kept."""

from __future__ import annotations

import sqlite3

import asyncpg
import pytest
from sqlalchemy import select, text

from commerce import inventory
from commerce.inventory import SkuSuspended, Suspension
from commerce.inventory.tables import STOCK_SUSPENSIONS
from commerce.kernel.clock import MINUTE
from tests.inventory.factories import (
    SKU,
    announced,
    begun,
    claimed,
    free,
    held,
    received,
    released,
    resumed,
    shelf,
    status,
    suspended,
)

REFUSED = (sqlite3.IntegrityError, asyncpg.RaiseError, asyncpg.InsufficientPrivilegeError)


async def test_what_is_suspended_cannot_be_held_and_shows_as_gone(database, clock):
    await received(database)
    await received(database, sku="mug")
    assert await suspended(database)

    with pytest.raises(SkuSuspended) as refused:
        await held(database)
    assert refused.value.facts == {"sku": SKU}
    assert await free(database) == 0
    assert await shelf(database) == (40, 0, 0)
    await held(database, sku="mug")


async def test_what_was_held_before_goes_on(database, clock):
    await received(database)
    paying, leaving = await held(database, "a"), await held(database, "b")
    await suspended(database)

    assert await held(database, "a") == paying
    await begun(database, paying)
    await claimed(database, paying)
    await released(database, leaving)
    assert [await status(database, hold) for hold in (paying, leaving)] == ["claimed", "released"]
    assert await shelf(database) == (40, 0, 1)


async def test_it_is_sold_again_once_somebody_has_looked(database, clock):
    await received(database)
    await suspended(database)
    assert await database.read(inventory.suspended) == [
        Suspension(sku=SKU, reason="doubt", since=clock.at, by="ada")
    ]
    clock.advance(MINUTE)

    assert [await resumed(database) for _ in range(2)] == [True, False]
    assert await database.read(inventory.suspended) == []
    await held(database)
    assert await announced(database) == [
        ("stock.suspended", {"sku": SKU, "reason": "doubt", "by": "ada"}),
        ("stock.resumed", {"sku": SKU, "reason": "counted", "by": "ada"}),
    ]


async def test_suspending_twice_is_one_suspension_and_each_is_remembered(database, clock):
    await received(database)
    assert [await suspended(database) for _ in range(2)] == [True, False]
    await resumed(database)
    clock.advance(MINUTE)
    assert await suspended(database)

    rows = await database.read(lambda tx: tx.all(select(STOCK_SUSPENSIONS).order_by("seq")))
    times = [(row["suspended_at"], row["lifted_at"], row["lift_reason"]) for row in rows]
    before = clock.at - MINUTE
    assert times == [(before, before, "counted"), (clock.at, None, None)]


async def test_a_suspension_holds_for_a_warehouse_that_opens_later(database, clock):
    await received(database)
    await suspended(database)
    await received(database, 5, warehouse="another")

    with pytest.raises(SkuSuspended):
        await held(database)


@pytest.mark.parametrize(
    "attack", ["DELETE FROM {}", "UPDATE {} SET reason = 'none'", "UPDATE {} SET sku = 'mug'"]
)
async def test_nobody_denies_that_it_was_suspended(database, clock, attack):
    await received(database)
    await suspended(database)
    table = "stock_suspensions"
    if database.dialect == "postgresql":
        table = f"inventory.{table}"

    with pytest.raises(REFUSED):
        await database.unit_of_work(lambda tx: tx.run(text(attack.format(table))))
    assert len(await database.read(inventory.suspended)) == 1

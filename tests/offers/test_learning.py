"""What ended is counted once, late outcomes are put right, and the model lives in the tables."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from commerce import offers
from commerce.kernel import clock as clocks
from commerce.kernel import ids, jsons
from commerce.offers import demand
from commerce.offers.jobs import learn, run_out
from commerce.offers.model import LEARNED_AFTER
from commerce.offers.tables import BUDGETS, DEMAND, LEARNING
from tests.conftest import NOON
from tests.offers.factories import CELL, FLOOR, POINTLESS, PRICE, a_shop, propose, taught

ASKED = POINTLESS[0][0]
BOUGHT = POINTLESS[0][1]


@pytest.fixture(autouse=True)
def same_luck(clock):
    ids.set_randomness(1)
    yield
    ids.set_randomness(None)


@pytest.fixture
async def shop(database):
    """Six fans were shown the full price; the first of them bought."""

    async def work(tx):
        await a_shop(tx)
        await taught(tx, POINTLESS)
        for number in range(6):
            await propose(tx, f"fan-{number}")
        await sold(tx, "fan-0")

    await database.unit_of_work(work)
    return database


async def sold(tx, fan):
    await offers.sold(tx, fan_id=fan, sku="shirt-m", quantity=1, order_id=f"of {fan}", at=NOON)


async def full_price(database):
    """How many were asked at full price, and bought, beyond those known before."""
    rows = await database.read(lambda tx: tx.all(select(DEMAND)))
    (row,) = [row for row in rows if row["cell"] == CELL and row["percent_bp"] == 0]
    return row["trials"] - ASKED, row["bought"] - BOUGHT


async def first(database, table):
    return await database.read(lambda tx: tx.first(select(table)))


async def test_an_offer_is_counted_when_those_who_buy_have_had_their_time(shop, clock):
    assert await learn(shop) == 0
    assert await full_price(shop) == (0, 0)

    clock.advance(LEARNED_AFTER)
    assert (await learn(shop), await learn(shop)) == (6, 0)

    assert await full_price(shop) == (6, 1)
    assert await first(shop, LEARNING) is not None


async def test_several_learners_at_once_count_once(shop, clock):
    clock.advance(LEARNED_AFTER)

    counted = await asyncio.gather(*(learn(shop) for _ in range(4)))

    assert sum(counted) == 6
    assert await full_price(shop) == (6, 1)


async def test_what_happens_after_the_counting_is_put_right(shop, clock):
    clock.advance(LEARNED_AFTER)
    await learn(shop)

    await shop.unit_of_work(lambda tx: sold(tx, "fan-1"))
    await learn(shop)
    assert await full_price(shop) == (6, 2)

    clock.advance(clocks.HOUR)
    assert await run_out(shop) == 4
    await learn(shop)
    assert await full_price(shop) == (6, 2)

    await shop.unit_of_work(lambda tx: offers.returned(tx, "of fan-0"))
    await shop.unit_of_work(lambda tx: offers.returned(tx, "of fan-0"))
    assert await learn(shop) == 1
    assert await full_price(shop) == (6, 1)


async def test_a_part_of_the_margin_that_came_in_may_be_spent_on_trials(shop, clock):
    clock.advance(LEARNED_AFTER)
    await learn(shop)

    budget = await first(shop, BUDGETS)

    one_percent_milli = (PRICE - FLOOR) * 1_000 // 100
    assert dict(budget) == {
        "currency": "EUR",
        "allowed_milli": one_percent_milli,
        "spent_milli": 0,
    }


async def test_what_all_cells_teach_is_kept_for_every_process(shop, clock):
    clock.advance(LEARNED_AFTER)
    await learn(shop)

    learning = await first(shop, LEARNING)
    kept = demand.Population(*jsons.loads(learning["populations"])["returning"])

    assert (learning["version"], learning["fitted_version"]) == (1, 1)
    assert kept.hopeful[0] > 3 * demand.NOTHING_KNOWN.hopeful[0]  # no lift is likelier now
    assert all(isinstance(weight, int) for weights in kept for weight in weights)

"""One clock: a test that moves it moves the databases with it."""

from __future__ import annotations

import pytest
from sqlalchemy import literal, select

from commerce.kernel import clock as clocks
from commerce.kernel.clock import DAY, HOUR, MINUTE, SECOND
from commerce.kernel.columns import db_now
from tests.conftest import NOON

SQL_NOW = select(db_now())
OVER = select(literal(1)).where(db_now() >= NOON + MINUTE)


async def told(database):
    """What code and SQL hold for now, in a unit of work and in a read."""

    async def ask(tx):
        return [clocks.now(), await tx.now(), await tx.scalar(SQL_NOW)]

    return await database.unit_of_work(ask) + await database.read(ask)


async def test_a_fake_clock_stands_everywhere(database, clock):
    assert await told(database) == [NOON] * 6


@pytest.mark.parametrize("step", [SECOND, MINUTE, HOUR, 7 * DAY, -DAY])
async def test_a_moved_clock_moves_everywhere(database, clock, step):
    await told(database)
    clock.advance(step)

    assert await told(database) == [NOON + step] * 6


async def test_conditions_in_sql_follow_it(database, clock):
    async def over():
        return [await work(lambda tx: tx.scalar(OVER)) for work in both]

    both = (database.unit_of_work, database.read)
    assert await over() == [None, None]
    clock.advance(MINUTE)
    assert await over() == [1, 1]


async def test_the_real_clock_runs_again_afterwards(database, clock):
    await told(database)
    clocks.set_clock(clocks.SystemClock())

    assert clocks.faked_now() is None
    assert NOON not in await told(database)


def test_units():
    assert (SECOND, MINUTE, HOUR, DAY) == (10**6, 60 * 10**6, 3_600 * 10**6, 86_400 * 10**6)
    assert clocks.SystemClock().now() > 1_700_000_000 * SECOND

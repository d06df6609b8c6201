"""What conftest promises: every test has a migrated database, a clock and a Redis of its own."""

from __future__ import annotations

import pytest
from redis import Redis
from sqlalchemy import insert, select

from commerce.kernel import clock as clocks
from commerce.kernel.columns import db_now
from commerce.kernel.tables import OUTBOX, OutboxStatus
from tests.conftest import NOON

EVENT = {
    "id": "the only one",
    "name": "house.tested",
    "version": 1,
    "aggregate_id": "house",
    "payload": "{}",
    "correlation_id": "",
    "occurred_at": NOON,
    "status": OutboxStatus.WAITING,
}


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_what_one_test_writes_no_other_sees(database, turn):
    await database.unit_of_work(lambda tx: tx.run(insert(OUTBOX), **EVENT))

    rows = await database.read(lambda tx: tx.all(select(OUTBOX.c.id)))

    assert [row["id"] for row in rows] == ["the only one"]


async def test_the_clock_of_a_test_is_the_clock_of_its_database(database, clock):
    clock.advance(clocks.MINUTE)

    told = await database.unit_of_work(lambda tx: tx.scalar(select(db_now())))

    assert told == clocks.now() == NOON + clocks.MINUTE


@pytest.mark.parametrize("turn", ["first", "second"])
def test_redis_is_empty_at_the_start_of_a_test(redis_url, turn):
    with Redis.from_url(redis_url) as redis:
        assert redis.dbsize() == 0
        redis.set("left behind", "by a test")


async def test_the_browser_shows_a_page(browser):
    page = await browser.new_page()
    await page.set_content("<title>Open</title>")

    assert await page.title() == "Open"

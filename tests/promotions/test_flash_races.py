"""Many fans at once: never more pieces at the price than there are, or than one may have."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from commerce import promotions
from commerce.kernel.database import connect
from tests.live.factories import LEADER
from tests.promotions.flashes import TERMS, Shop

FANS = 16


@pytest.fixture
async def shops(database, database_url, clock):
    """The same shop as two processes see it."""
    other = await connect(database_url)
    shop, view = Shop(database), Shop(other)
    await shop.opens(pieces=FANS)
    view.session = shop.session
    yield [shop, view]
    await other.close()


async def test_of_many_fans_exactly_so_many_get_the_price_as_there_are_pieces(shops):
    await shops[0].runs(replace(TERMS, quantity=5))
    holds = [await shops[0].holds(f"fan {n}") for n in range(FANS)]

    claims = await asyncio.gather(
        *(shops[n % 2].claims(hold) for n, hold in enumerate([*holds, *holds[:4]]))
    )

    assert sorted(len({c.hold_id for c in claims if c}) for _ in [0]) == [5]
    assert await shops[0].count() == (5, 0, 0)


async def test_one_fan_at_once_in_two_processes_gets_no_more_than_allowed(shops):
    await shops[0].runs(replace(TERMS, quantity=8), per_fan=3)
    holds = [await shops[0].holds("ana", quantity) for quantity in (2, 3, 1, 4)]

    claims = await asyncio.gather(*(shops[n % 2].claims(hold) for n, hold in enumerate(holds)))

    assert sum(claim.pieces for claim in claims if claim) == 3
    assert await shops[0].count() == (3, 0, 0)


async def test_paying_letting_go_and_ending_at_once_count_every_piece_once(shops):
    await shops[0].runs(replace(TERMS, quantity=6))
    holds = [await shops[0].holds(f"fan {n}") for n in range(6)]
    for hold in holds:
        await shops[0].claims(hold)

    await asyncio.gather(
        *(shops[n % 2].does(promotions.confirm_flash, h.id) for n, h in enumerate(holds[:3])),
        *(shops[n % 2].does(promotions.release_flash, h.id) for n, h in enumerate(holds[2:])),
        shops[1].does(promotions.end_flash, "f", leader_id=LEADER),
    )
    for hold in holds[3:]:
        await shops[0].does(promotions.release_flash, hold.id)

    taken, sold, late = await shops[0].count()
    assert taken == sold
    assert sold + late == 3

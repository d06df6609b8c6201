"""What a fan bought counts once, until the money goes back."""

from __future__ import annotations

import asyncio

import pytest

from commerce import loyalty
from commerce.kernel import clock as clocks
from commerce.loyalty import BadTier, Segment, Spent, Standing, Tier, TierChanged
from tests.conftest import NOON

NEW = Standing()


async def record(tx, order_id="o1", **changes):
    facts = {
        "order_id": order_id,
        "fan_id": "ana",
        "currency": "EUR",
        "total_minor": 2_990,
        "goods": [("shirt-m", "shirts", 1)],
        "at": NOON,
    }
    return await loyalty.record(tx, **(facts | changes))


async def test_an_order_counts_once_however_often_it_is_recorded(database, clock):
    first = await database.unit_of_work(record)
    again = await database.unit_of_work(lambda tx: record(tx, total_minor=1))
    standing = await database.read(lambda tx: loyalty.standing(tx, "ana"))
    spent = await database.read(lambda tx: loyalty.spent(tx, "ana"))

    assert (first, again) == (True, False)
    assert standing == Standing(orders=1, segments=frozenset({"returning", "category:shirts"}))
    assert spent == {"EUR": Spent(orders=1, total_minor=2_990)}


async def test_of_the_same_order_recorded_at_once_one_counts(database, clock):
    done = await asyncio.gather(*(database.unit_of_work(record) for _ in range(5)))

    assert sorted(done) == [False, False, False, False, True]
    assert (await database.read(lambda tx: loyalty.standing(tx, "ana"))).orders == 1


async def test_an_order_of_which_the_money_went_back_counts_no_longer(database, clock):
    await database.unit_of_work(record)
    first = await database.unit_of_work(lambda tx: loyalty.take_back(tx, "o1"))
    again = await database.unit_of_work(lambda tx: loyalty.take_back(tx, "o1"))

    assert (first, again) == (True, False)
    assert await database.read(lambda tx: loyalty.standing(tx, "ana")) == NEW
    assert await database.read(lambda tx: loyalty.spent(tx, "ana")) == {}
    assert not await database.unit_of_work(record)  # told again, it stays taken back
    assert await database.read(lambda tx: loyalty.standing(tx, "ana")) == NEW


async def test_amounts_of_two_currencies_are_never_added_up(database, clock):
    async def several(tx):
        await record(tx, "o1")
        await record(tx, "o2", total_minor=10)
        await record(tx, "o3", currency="JPY", total_minor=900)
        await record(tx, "o4", fan_id="ben", total_minor=5)

    await database.unit_of_work(several)

    assert await database.read(lambda tx: loyalty.spent(tx, "ana")) == {
        "EUR": Spent(orders=2, total_minor=3_000),
        "JPY": Spent(orders=1, total_minor=900),
    }


async def test_the_segment_follows_the_clock(database, clock):
    for number in range(3):
        await database.unit_of_work(lambda tx, n=number: record(tx, f"o{n}", goods=[]))
    seen = []
    for days in (0, 91, 181):
        clock.at = NOON + days * clocks.DAY
        standing = await database.read(lambda tx: loyalty.standing(tx, "ana"))
        seen.append(set(standing.segments))

    assert seen == [{Segment.FREQUENT}, {Segment.RETURNING}, {Segment.LAPSED}]


async def test_the_same_goods_twice_in_an_order_are_one_line(database, clock):
    goods = [("shirt-m", "shirts", 1), ("shirt-m", "shirts", 2), ("cap", "", 1)]
    await database.unit_of_work(lambda tx: record(tx, goods=goods))
    standing = await database.read(lambda tx: loyalty.standing(tx, "ana"))

    assert standing.segments == {"returning", "category:shirts"}


async def test_tiers_are_data_and_the_next_quote_knows_them(database, clock):
    async def edit(tx):
        await record(tx)
        await loyalty.put_tier(tx, Tier(name="Friend", orders_min=1, percent_bp=200, version=0))
        await loyalty.put_tier(tx, Tier(name="Family", orders_min=2, percent_bp=500, version=0))

    await database.unit_of_work(edit)
    friend = await database.read(lambda tx: loyalty.standing(tx, "ana"))
    dearer = Tier(name="Friend", orders_min=1, percent_bp=300, version=1)
    await database.unit_of_work(lambda tx: loyalty.put_tier(tx, dearer))
    richer = await database.read(lambda tx: loyalty.standing(tx, "ana"))
    await database.unit_of_work(lambda tx: loyalty.remove_tier(tx, "Friend", 2))
    nothing = await database.read(lambda tx: loyalty.standing(tx, "ana"))

    assert (friend.tier, friend.percent_bp) == ("Friend", 200)
    assert (richer.tier, richer.percent_bp) == ("Friend", 300)
    assert (nothing.tier, nothing.percent_bp) == ("", 0)


async def test_who_edits_a_tier_that_somebody_else_changed_is_told(database):
    tier = Tier(name="Friend", orders_min=1, percent_bp=200, version=0)
    await database.unit_of_work(lambda tx: loyalty.put_tier(tx, tier))
    stale = [
        lambda tx: loyalty.put_tier(tx, tier),  # new once more
        lambda tx: loyalty.put_tier(tx, Tier(name="Friend", orders_min=9, percent_bp=1, version=7)),
        lambda tx: loyalty.remove_tier(tx, "Friend", 7),
        lambda tx: loyalty.remove_tier(tx, "Nobody", 1),
    ]
    for work in stale:
        with pytest.raises(TierChanged):
            await database.unit_of_work(work)

    assert await database.read(loyalty.tiers) == [
        Tier(name="Friend", orders_min=1, percent_bp=200, version=1)
    ]


async def test_a_tier_without_sense_names_its_field_and_is_not_kept(database):
    wrong = {
        "name": Tier(name=" ", orders_min=1, percent_bp=1, version=0),
        "orders_min": Tier(name="A", orders_min=0, percent_bp=1, version=0),
        "percent_bp": Tier(name="A", orders_min=1, percent_bp=5_001, version=0),
    }
    for field, tier in wrong.items():
        with pytest.raises(BadTier) as refused:
            await database.unit_of_work(lambda tx, tier=tier: loyalty.put_tier(tx, tier))
        assert refused.value.facts["field"] == field

    assert await database.read(loyalty.tiers) == []

"""An offer is decided once, kept for its life, and never made where it must not be."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from commerce import offers
from commerce.kernel import clock as clocks
from commerce.kernel import ids, jsons
from commerce.offers import BadOfferRules, Kind, OfferRulesChanged, Rules
from commerce.offers.jobs import run_out
from commerce.offers.tables import BUDGETS, DECISIONS, OFFERS
from tests.conftest import NOON
from tests.offers.factories import CELL, FLOOR, PAYS, POINTLESS, PRICE, a_shop, propose, taught


@pytest.fixture(autouse=True)
def same_luck(clock):
    ids.set_randomness(1)
    yield
    ids.set_randomness(None)


async def open_shop(database, trials=PAYS, **rules):
    async def work(tx):
        await a_shop(tx, **rules)
        await taught(tx, trials)

    await database.unit_of_work(work)


async def rows(database, table):
    return [dict(row) for row in await database.read(lambda tx: tx.all(select(table)))]


async def standing(database, sku="shirt-m", at=NOON, fan="ana"):
    return await database.read(lambda tx: offers.standing(tx, fan, sku, at))


async def test_what_is_known_to_pay_is_proposed_and_logged_with_its_reasons(database):
    await open_shop(database)

    offer = await database.unit_of_work(propose)

    (decision,) = await rows(database, DECISIONS)
    facts = jsons.loads(decision["facts"])
    assert (offer.percent_bp, offer.expires_at, offer.reason) == (2_000, NOON + clocks.HOUR, "pays")
    assert (decision["id"], decision["percent_bp"]) == (offer.id, 2_000)
    assert (decision["cell"], decision["reason"]) == (CELL, "pays")
    assert decision["grouped"] == "treated"
    assert 500_000 < decision["propensity_ppm"] <= 1_000_000
    assert facts["seen"] == {str(arm): list(seen) for arm, seen in PAYS.items()}
    assert facts["expected_milli"]["2000"] > 2 * facts["expected_milli"]["0"]
    assert facts["loss_milli"]["2000"] < 0 == facts["loss_milli"]["0"]


async def test_asking_again_with_any_size_and_any_luck_rolls_no_dice(database):
    await open_shop(database)
    first = await database.unit_of_work(propose)

    again = [await database.unit_of_work(lambda tx, n=n: propose(tx, key=f"k{n}")) for n in "abc"]
    other_size = await database.unit_of_work(lambda tx: propose(tx, key="d", sku="shirt-l"))
    same_key = await database.unit_of_work(propose)

    assert [*again, other_size, same_key] == [first] * 5
    assert len(await rows(database, DECISIONS)) == 1
    assert await standing(database) == await standing(database, "shirt-l") == first


async def test_of_many_asking_at_once_one_decides(database):
    await open_shop(database)

    made = await asyncio.gather(
        *(database.unit_of_work(lambda tx, n=n: propose(tx, key=f"k{n}")) for n in range(6))
    )

    assert len({offer.id for offer in made}) == 1
    assert len(await rows(database, DECISIONS)) == len(await rows(database, OFFERS)) == 1


async def test_no_offer_is_made_below_the_floor_of_another_size(database):
    await open_shop(database)
    offer = await database.unit_of_work(propose)

    dear = await database.unit_of_work(
        lambda tx: propose(tx, key="b", sku="shirt-l", floor_minor=8_001)
    )

    assert offer.percent_bp == 2_000
    assert dear is None


@pytest.mark.parametrize(
    "changes",
    [
        {"floor_minor": None},  # the supplier set no minimum
        {"floor_minor": PRICE},  # which leaves nothing to give
        {"fan_id": ""},
        {"sku": "unknown"},
    ],
)
async def test_where_nothing_may_be_offered_nothing_is_decided(database, changes):
    await open_shop(database)

    assert await database.unit_of_work(lambda tx: propose(tx, **changes)) is None
    assert await rows(database, DECISIONS) == []


async def test_the_switch_ends_offers_that_stand_already(database):
    await open_shop(database, on=False)
    assert await database.unit_of_work(propose) is None
    assert await rows(database, DECISIONS) == []

    await switch(database, on=True, expected_version=1)
    offer = await database.unit_of_work(propose)
    await switch(database, on=False, expected_version=2)

    assert offer is not None
    assert await standing(database) is None
    assert await database.unit_of_work(propose) is None


async def switch(database, **changes):
    facts = {"on": True, "held_out_bp": 100, "explore_bp": 100, "minutes": 60}
    return await database.unit_of_work(lambda tx: offers.set_rules(tx, **(facts | changes)))


@pytest.mark.parametrize(("kind", "about"), [(Kind.PRODUCT, "shirt"), (Kind.SUPPLIER, "sol")])
async def test_a_product_or_a_supplier_can_be_exempted_and_admitted_again(database, kind, about):
    await open_shop(database)
    offer = await database.unit_of_work(propose)
    await database.unit_of_work(lambda tx: offers.exempt(tx, kind, about, by="root"))

    assert await standing(database) is None
    assert await database.unit_of_work(lambda tx: propose(tx, "ben")) is None
    assert await database.read(offers.exempted) == [(kind, about)]

    await database.unit_of_work(lambda tx: offers.admit(tx, kind, about))

    assert await standing(database) == offer
    assert await database.read(offers.exempted) == []


async def test_who_is_held_out_never_gets_an_offer_and_is_logged_all_the_same(database):
    await open_shop(database, held_out_bp=5_000)
    rules = await database.read(offers.rules)
    held_out = [f"fan-{n}" for n in range(40) if rules.group_of(f"fan-{n}") == "held_out"]

    async def all_ask(tx):
        return [await propose(tx, fan) for fan in held_out]

    assert 10 < len(held_out) < 30
    assert set(await database.unit_of_work(all_ask)) == {None}
    decisions = await rows(database, DECISIONS)
    assert {(d["grouped"], d["reason"], d["percent_bp"]) for d in decisions} == {
        ("held_out", "held_out", 0)
    }
    assert len(decisions) == len(held_out)


async def test_nothing_is_tried_before_there_is_money_for_trials(database):
    await open_shop(database, trials={})

    async def many_ask(tx):
        return [await propose(tx, f"fan-{n}") for n in range(20)]

    assert set(await database.unit_of_work(many_ask)) == {None}
    assert {d["cost_milli"] for d in await rows(database, DECISIONS)} == {0}


async def test_what_is_known_to_be_pointless_is_not_offered(database):
    await open_shop(database, trials=POINTLESS)

    async def many_ask(tx):
        return [await propose(tx, f"fan-{n}") for n in range(20)]

    assert set(await database.unit_of_work(many_ask)) == {None}


async def test_an_offer_runs_out_and_waiting_brings_no_other_one_for_a_week(database, clock):
    await open_shop(database)
    first = await database.unit_of_work(propose)
    clock.advance(clocks.HOUR)

    assert await standing(database, at=clock.now()) is None
    assert await database.unit_of_work(lambda tx: propose(tx, key="b")) is None
    assert (await run_out(database), await run_out(database)) == (1, 0)
    assert await database.unit_of_work(lambda tx: propose(tx, key="b")) is None

    clock.advance(7 * clocks.DAY)
    second = await database.unit_of_work(lambda tx: propose(tx, key="c"))
    assert (second.percent_bp, second.id != first.id) == (2_000, True)
    assert [row["status"] for row in await rows(database, OFFERS)] == ["lost", "open"]


async def test_an_offer_is_bought_once_however_often_it_is_said(database):
    await open_shop(database)
    offer = await database.unit_of_work(propose)

    await asyncio.gather(
        *(
            database.unit_of_work(lambda tx, n=n: offers.bought(tx, offer.id, 100 + n, "o1"))
            for n in range(5)
        )
    )

    (row,) = await rows(database, OFFERS)
    assert (row["status"], row["order_id"], row["closed_at"]) == ("bought", "o1", NOON)
    assert 100 <= row["margin_minor"] < 105
    await database.unit_of_work(lambda tx: offers.bought(tx, offer.id, 999, "o2"))
    assert await rows(database, OFFERS) == [row]
    assert await standing(database) is None
    assert await database.unit_of_work(propose) is None


async def test_a_sale_counts_for_whoever_was_shown_the_full_price_too(database):
    await open_shop(database, trials=POINTLESS)
    await database.unit_of_work(propose)
    await database.unit_of_work(lambda tx: sold(tx, quantity=2))

    (row,) = await rows(database, OFFERS)
    assert (row["percent_bp"], row["status"]) == (0, "bought")
    assert row["margin_minor"] == 2 * (PRICE - FLOOR)


async def sold(tx, **changes):
    facts = {"fan_id": "ana", "sku": "shirt-l", "quantity": 1, "order_id": "o1", "at": NOON}
    await offers.sold(tx, **(facts | changes))


async def test_who_pays_late_has_bought_and_who_pays_a_day_later_has_not(database, clock):
    await open_shop(database)
    for fan in ("ana", "ben"):
        await database.unit_of_work(lambda tx, fan=fan: propose(tx, fan))
    clock.advance(clocks.HOUR)
    await run_out(database)

    late, too_late = NOON + 20 * clocks.HOUR, NOON + 26 * clocks.HOUR
    await database.unit_of_work(lambda tx: sold(tx, at=late))
    await database.unit_of_work(lambda tx: sold(tx, fan_id="ben", order_id="o2", at=too_late))
    await database.unit_of_work(lambda tx: sold(tx, fan_id="never asked", order_id="o3"))

    found = {row["fan_id"]: row["status"] for row in await rows(database, OFFERS)}
    assert found == {"ana": "bought", "ben": "lost"}


async def test_a_trial_takes_from_the_money_for_trials_and_no_more_than_there_is(database):
    await open_shop(database, trials={0: (2_000, 200)})
    await database.unit_of_work(earned(40_000))

    async def ask(fan):
        return await database.unit_of_work(lambda tx: propose(tx, fan))

    made = [await ask(f"fan-{n}") for n in range(60)]
    tried = [offer for offer in made if offer]

    (budget,) = await rows(database, BUDGETS)
    costs = [row["cost_milli"] for row in await rows(database, DECISIONS)]
    assert tried
    assert {offer.reason for offer in tried} == {"explores"}
    assert budget["spent_milli"] == sum(costs) <= budget["allowed_milli"]
    assert sum(cost > 0 for cost in costs) == len(tried)


def earned(milli):
    from sqlalchemy import insert

    async def work(tx):
        await tx.run(insert(BUDGETS), currency="EUR", allowed_milli=milli * 1_000, spent_milli=0)

    return work


async def test_a_decision_can_neither_be_changed_nor_deleted(database):
    await open_shop(database)
    await database.unit_of_work(propose)

    refused = "append-only|permission denied"  # the second by the role of the application
    for statement in (DECISIONS.update().values(percent_bp=0), DECISIONS.delete()):
        with pytest.raises(Exception, match=refused):
            await database.unit_of_work(lambda tx, statement=statement: tx.run(statement))


async def test_rules_are_set_within_limits_by_who_saw_them_last(database):
    assert await database.read(offers.rules) == Rules()
    first = await switch(database, expected_version=0)
    for stale in (0, 7):
        with pytest.raises(OfferRulesChanged):
            await switch(database, minutes=5, expected_version=stale)
    for field, value in {"held_out_bp": 0, "explore_bp": 1_001, "minutes": 4}.items():
        with pytest.raises(BadOfferRules) as refused:
            await switch(database, expected_version=1, **{field: value})
        assert refused.value.facts["field"] == field

    assert await database.read(offers.rules) == first
    assert (first.on_since, first.version, len(first.salt)) == (NOON, 1, 32)


async def test_the_measure_begins_anew_only_when_the_groups_change(database, clock):
    first = await switch(database, expected_version=0)
    clock.advance(clocks.DAY)
    same = await switch(database, minutes=30, expected_version=1)
    other = await switch(database, held_out_bp=200, expected_version=2)

    assert (same.measured_since, other.measured_since) == (NOON, NOON + clocks.DAY)
    assert {rules.salt for rules in (first, same, other)} == {first.salt}

"""Codes, and how often they and their promotions may be used."""

import asyncio
from collections import Counter

import pytest

from commerce import promotions
from commerce.kernel.idempotency import KeyReused
from commerce.promotions import (
    Conditions,
    CouponRefused,
    LimitReached,
    Source,
    Use,
    Visibility,
    jobs,
    limits,
)
from commerce.promotions.tables import COUPONS, LIMITS, USES
from tests.conftest import NOON
from tests.promotions.factories import ADMIN, DAY, LUNA, SOL, Office, a_rule


@pytest.fixture
async def office(database, clock):
    office = Office(database)
    await office.opens()
    return office


async def _all(tx, statement):
    return await tx.all(statement)


async def used(office):
    return {row["key"]: row["used"] for row in await office.sees(_all, LIMITS.select())}


async def statuses(office):
    return {row["key"]: row["status"] for row in await office.sees(_all, USES.select())}


async def reserve(office, one, key, fan="fan", code="SUN10", amount=250):
    use = Use(rule_id=one.id, code=code, amount_minor=amount, currency="EUR")
    await office.does(
        promotions.reserve, key=key, fan_id=fan, uses=[use], leader_id="mara", channel="web"
    )


async def ask(office, code, at=NOON, fan="fan", leader="mara"):
    return await office.sees(promotions.coupon_rule, code, at, fan, leader)


async def refusal(office, code, **asked):
    with pytest.raises(CouponRefused) as refused:
        await ask(office, code, **asked)
    return refused.value.facts


async def test_a_code_is_known_however_it_is_typed(office):
    one = await office.coupon("Sun-10")

    for typed in ("SUN10", "sun 10", " s u n-10 ", "ＳＵＮ１０"):  # noqa: RUF001
        rule = await ask(office, typed)
        assert (rule.id, rule.source, rule.code) == (one.id, Source.COUPON, "SUN10")
    assert (
        await office.sees(promotions.rules_for, promotions.Sought(supplier_ids=["sol"]), NOON) == []
    )


async def test_unknown_codes_all_hear_the_same(office):
    draft = await office.draws_up(by_code=True)
    await office.does(promotions.add_code, SOL, draft.id, "EARLY")

    assert [await refusal(office, code) for code in ("NOBODY", "early", "")] == [
        {"reason": "unknown", "code": code} for code in ("NOBODY", "EARLY", "")
    ]


async def test_a_refused_code_says_why_and_what_would_make_it_valid(office, clock):
    rule = a_rule(id="", starts_at=NOON + DAY, ends_at=NOON + 2 * DAY, per_fan=1)
    one = await office.coupon(rule=rule, most=2)
    assert await refusal(office, "sun10") == {
        "reason": "not_started", "code": "SUN10", "starts_at": NOON + DAY,
    }  # fmt: skip
    assert await refusal(office, "sun10", at=NOON + 2 * DAY) == {
        "reason": "ended", "code": "SUN10", "ended_at": NOON + 2 * DAY,
    }  # fmt: skip
    clock.advance(DAY)
    await jobs.move_promotions(office.database)
    now = {"at": NOON + DAY}

    await reserve(office, one, "c1")
    assert await refusal(office, "sun10", **now) == {
        "reason": "already_used", "code": "SUN10", "times": 1,
    }  # fmt: skip
    await reserve(office, one, "c2", fan="other")
    assert await refusal(office, "sun10", fan="third", **now) == {
        "reason": "used_up", "code": "SUN10",
    }  # fmt: skip
    await office.moves(promotions.pause, SOL, one)
    assert (await refusal(office, "sun10", fan="third", **now))["reason"] == "paused"
    await office.moves(promotions.cancel, SOL, one)
    assert (await refusal(office, "sun10", fan="third", **now))["reason"] == "ended"


async def test_a_code_of_another_leaders_audience_says_so(office):
    rule = a_rule(id="", starts_at=NOON, conditions=Conditions())
    one = await office.draws_up(
        visibility=Visibility.LEADER, leader_id=office.mara.id, by_code=True, rule=rule
    )
    await office.does(promotions.add_code, SOL, one.id, "MARA")
    await office.moves(promotions.submit, SOL, one)
    await office.moves(promotions.approve, office.mara, one)

    assert (await refusal(office, "mara", leader="tobi"))["reason"] == "other_audience"
    assert (await ask(office, "mara", leader=office.mara.id)).id == one.id


async def test_codes_belong_to_one_promotion_and_to_who_made_it(office):
    one = await office.coupon()
    other = await office.draws_up(by_code=True)
    plain = await office.draws_up()

    assert await office.does(promotions.add_code, SOL, one.id, "sun 10") == "SUN10"
    for by, promotion, code, most, refused in (
        (SOL, other, "sun10", None, promotions.CodeTaken),
        (SOL, one, "sun10", 5, promotions.CodeTaken),
        (LUNA, one, "mine", None, promotions.NotYourPromotion),
        (SOL, plain, "free", None, promotions.BadCode),
        (SOL, one, "x!", None, promotions.BadCode),
        (SOL, one, "x" * 41, None, promotions.BadCode),
        (SOL, one, "zero", 0, promotions.BadCode),
    ):
        with pytest.raises(refused):
            await office.does(promotions.add_code, by, promotion.id, code, most=most)
    assert [c.code for c in await office.sees(promotions.coupons_of, one.id)] == ["SUN10"]


async def test_generated_codes_are_all_different_and_the_same_batch_is_made_once(office):
    one = await office.draws_up(by_code=True)

    async def generate(count=300, **changes):
        facts = {"prefix": "sun-", "batch": "form-1"}
        return await office.does(promotions.generate_codes, SOL, one.id, count, **facts | changes)

    made = await generate()
    assert len(set(made)) == 300
    assert {(code[:3], len(code)) for code in made} == {("SUN", 15)}
    assert await generate() == made
    assert await office.sees(promotions.count_coupons, one.id) == 300
    page = await office.sees(promotions.coupons_of, one.id, page=2, size=200)
    assert [(c.code, c.most, c.used) for c in page] == [(code, 1, 0) for code in made[200:]]
    for wrong in ({"count": 0}, {"count": 10_001}, {"prefix": "x" * 29}, {"most": 0}):
        with pytest.raises(promotions.BadCode):
            await generate(**wrong | {"batch": "form-2"})
    assert len(await office.sees(_all, COUPONS.select())) == 300


async def test_a_use_is_reserved_confirmed_or_released_once_however_often_it_is_said(office):
    one = await office.coupon(rule=a_rule(id="", starts_at=NOON, per_fan=2), most=3, total_limit=9)
    keys = limits.keys(one.id, "SUN10", "fan")

    for _ in range(2):
        await reserve(office, one, "c1")
        await reserve(office, one, "c2")
    assert await used(office) == dict.fromkeys(keys, 2)
    for _ in range(2):
        await office.does(promotions.confirm, "c1", revenue_minor=2_250)
        await office.does(promotions.release, "c1")
        await office.does(promotions.release, "c2")

    assert await statuses(office) == {"c1": "confirmed", "c2": "released"}
    assert await used(office) == dict.fromkeys(keys, 1)
    assert await office.sees(promotions.uses_of, "fan", [one.id, "x"]) == {one.id: 1}
    with pytest.raises(KeyReused):
        await reserve(office, one, "c1", amount=999)


@pytest.mark.parametrize("limit", ["total", "code", "fan"])
async def test_a_full_limit_reserves_nothing_at_all(office, limit):
    free = await office.runs()
    most = {"total": {"total_limit": 1}, "code": {"most": 1}, "fan": {}}[limit]
    per_fan = 1 if limit == "fan" else None
    one = await office.coupon(rule=a_rule(id="", starts_at=NOON, per_fan=per_fan), **most)
    await reserve(office, one, "c1")
    before = await used(office)

    both = [
        Use(rule_id=free.id, amount_minor=5, currency="EUR"),
        Use(rule_id=one.id, code="SUN10", amount_minor=5, currency="EUR"),
    ]
    with pytest.raises(LimitReached) as refused:
        await office.does(promotions.reserve, key="c2", fan_id="fan", uses=both)

    assert refused.value.facts["limit"] == limit
    assert (await used(office), await statuses(office)) == (before, {"c1": "reserved"})


async def test_a_code_is_reserved_only_for_its_own_promotion(office):
    one, other = await office.coupon(), await office.runs()

    with pytest.raises(CouponRefused):
        await reserve(office, other, "c1")
    with pytest.raises(promotions.NoSuchPromotion):
        await office.does(
            promotions.reserve, key="c1", fan_id="fan",
            uses=[Use(rule_id="nothing", amount_minor=1, currency="EUR")],
        )  # fmt: skip
    assert (await statuses(office), one.id != other.id) == ({}, True)


async def test_late_money_keeps_the_fans_price_and_no_limit_is_passed(office):
    one = await office.coupon(most=1, rule=a_rule(id="", starts_at=NOON, per_fan=5))
    for key in ("late", "later"):
        await reserve(office, one, key)
        await office.does(promotions.release, key)

    for key in ("late", "later"):
        await office.does(promotions.confirm, key, revenue_minor=1)

    assert await statuses(office) == {"late": "confirmed", "later": "honoured"}
    assert set((await used(office)).values()) == {1}
    assert await office.sees(promotions.uses_of, "fan", [one.id]) == {one.id: 2}


async def test_rules_that_are_used_up_are_found_no_more(office):
    one = await office.runs(total_limit=1)
    sought = promotions.Sought(supplier_ids=["sol"])
    assert len(await office.sees(promotions.rules_for, sought, NOON)) == 1

    await reserve(office, one, "c1", code="")
    assert await office.sees(promotions.rules_for, sought, NOON) == []
    await office.does(promotions.release, "c1")
    assert len(await office.sees(promotions.rules_for, sought, NOON)) == 1


async def test_of_five_hundred_redemptions_at_once_exactly_as_many_succeed_as_there_are(office):
    one = await office.coupon(
        most=40, total_limit=60, rule=a_rule(id="", starts_at=NOON, per_fan=1)
    )

    async def redeem(n):
        await reserve(office, one, f"c{n}", fan=f"fan{n % 400}")

    done = await asyncio.gather(*(redeem(n) for n in range(500)), return_exceptions=True)

    assert Counter(map(type, done)) == {type(None): 40, LimitReached: 460}
    assert len(await statuses(office)) == 40
    counted = await used(office)
    assert counted.pop(limits.of_code("SUN10")) == 40
    assert counted.pop(limits.of_total(one.id)) == 40
    assert sorted(counted.values()) == [1] * 40


async def test_the_same_checkout_decided_many_times_at_once_is_decided_once(office):
    one = await office.coupon(most=5)
    await reserve(office, one, "c1")

    await asyncio.gather(
        *(reserve(office, one, "c1") for _ in range(5)),
        *(office.does(promotions.release, "c1") for _ in range(5)),
        *(office.does(promotions.confirm, "c1", revenue_minor=1) for _ in range(5)),
    )

    assert await statuses(office) == {"c1": "confirmed"}
    assert await used(office) == {limits.of_code("SUN10"): 1}


async def test_a_promotion_of_an_admin_may_have_codes_too(office):
    one = await office.runs(ADMIN, by_code=True)

    assert await office.does(promotions.add_code, ADMIN, one.id, "platform") == "PLATFORM"
    assert (await ask(office, "platform")).id == one.id

import pytest

from commerce.kernel import jsons
from commerce.promotions import (
    Bundle,
    Buyer,
    BuyGet,
    Combining,
    Conditions,
    Fixed,
    FreeDelivery,
    Funder,
    Mode,
    Percent,
    Policy,
    Source,
    Stacking,
    Tiered,
    evaluate,
    policy_from_json,
    rule_from_json,
)
from tests.conftest import NOON
from tests.promotions.factories import a_basket, a_good, a_rule

ALL = Policy(maximum_bp=10_000)
HOUR = 3_600_000_000
SHIRT, HAT = a_good(), a_good(sku="hat", product_id="hat", unit_minor=1_000)


def off(basket, *rules, policy=ALL, timezone="UTC"):
    """What comes off each good and the delivery, rule by rule."""
    done = evaluate(basket, rules, policy, timezone)
    return [(d.rule_id, d.off_goods_minor, d.off_delivery_minor) for d in done.discounts]


def why_not(basket, *rules, policy=ALL, timezone="UTC"):
    done = evaluate(basket, rules, policy, timezone)
    return [(one.rule_id, one.reason, one.facts) for one in done.not_applied]


def one_off(effect, *goods, **basket):
    found = off(a_basket(*goods, **basket), a_rule(effect=effect))
    return found[0][1] if found else ()


def pieces(good, quantity):
    return a_good(
        sku=good.sku, product_id=good.product_id, unit_minor=good.unit_minor, quantity=quantity
    )


@pytest.mark.parametrize(
    ("effect", "goods", "expected"),
    [
        (Percent(bp=1_000), (SHIRT, HAT), (250, 100)),
        (Percent(bp=3_333), (a_good(unit_minor=99),), (33,)),  # 32.9967 is nearer to 33
        (Percent(bp=5_000), (a_good(unit_minor=1),), (1,)),  # a half goes up
        (Fixed(amounts_minor={"EUR": 700}), (SHIRT, HAT), (500, 200)),
        (Fixed(amounts_minor={"EUR": 9_999}), (SHIRT, HAT), (2_500, 1_000)),
        (Fixed(amounts_minor={"EUR": 300}, each=True), (pieces(SHIRT, 2), HAT), (600, 300)),
        (Fixed(amounts_minor={"EUR": 2_000}, each=True), (SHIRT, HAT), (2_000, 1_000)),
        (BuyGet(buy=2, get=1), (pieces(SHIRT, 2), HAT), (0, 1_000)),  # the cheapest is free
        (BuyGet(buy=1, get=1), (pieces(SHIRT, 4),), (5_000,)),
        (BuyGet(buy=1, get=2), (pieces(SHIRT, 2),), (2_500,)),  # what is begun is not lost
        (BuyGet(buy=1, get=1, bp=5_000), (pieces(SHIRT, 2),), (1_250,)),
        (BuyGet(buy=2, get=1, product_ids=("hat",)), (pieces(SHIRT, 2), pieces(HAT, 3)),
         (0, 1_000)),
        (Bundle(product_ids=("shirt", "hat"), prices_minor={"EUR": 2_800}), (SHIRT, HAT),
         (500, 200)),
        (Bundle(product_ids=("shirt", "hat"), prices_minor={"EUR": 2_800}),
         (pieces(SHIRT, 3), pieces(HAT, 2)), (1_000, 400)),
        (Bundle(product_ids=("shirt", "hat"), prices_minor={"EUR": 9_999}), (SHIRT, HAT), ()),
        (Tiered(by_quantity=((2, 500), (3, 1_000))), (pieces(SHIRT, 2),), (250,)),
        (Tiered(by_quantity=((2, 500), (3, 1_000))), (pieces(SHIRT, 3),), (750,)),
        (Tiered(by_worth={"EUR": ((3_000, 1_000),)}), (SHIRT, HAT), (250, 100)),
    ],
)  # fmt: skip
def test_each_effect_takes_off_what_it_says(effect, goods, expected):
    assert one_off(effect, *goods) == expected


@pytest.mark.parametrize(
    ("effect", "goods", "reason", "facts"),
    [
        (Fixed(amounts_minor={"USD": 5}), (SHIRT,), "no_amount_in_currency", {"currency": "EUR"}),
        (BuyGet(buy=2, get=1), (pieces(SHIRT, 2),), "too_few", {"missing": 1}),
        (BuyGet(buy=2, get=1, product_ids=("hat",)), (SHIRT, HAT), "too_few", {"missing": 1}),
        (Bundle(product_ids=("shirt", "hat"), prices_minor={"EUR": 1}), (SHIRT,),
         "bundle_incomplete", {"product_ids": ["hat"]}),
        (Tiered(by_quantity=((3, 500),)), (SHIRT,), "tier_not_reached", {"missing": 2}),
        (Tiered(by_worth={"EUR": ((3_000, 500),)}), (SHIRT,), "tier_not_reached",
         {"missing": 500}),
        (FreeDelivery(), (SHIRT,), "nothing_left", {}),
    ],
)  # fmt: skip
def test_a_rule_that_takes_nothing_off_says_what_is_missing(effect, goods, reason, facts):
    assert why_not(a_basket(*goods), a_rule(effect=effect)) == [("rule", reason, facts)]


@pytest.mark.parametrize(
    ("asked", "reason", "facts"),
    [
        ({"product_ids": ("hat",)}, "wrong_product", {"product_ids": ["hat"]}),
        ({"category_ids": ("hats",)}, "wrong_product", {"product_ids": []}),
        ({"supplier_ids": ("luna",)}, "wrong_product", {"product_ids": []}),
        ({"warehouses": ("north",)}, "wrong_product", {"product_ids": []}),
        ({"leader_ids": ("tobi",)}, "other_audience", {}),
        ({"session_ids": ("s2",)}, "other_session", {}),
        ({"channels": ("web",)}, "other_channel", {"channels": ["web"]}),
        ({"weekdays": (1,)}, "other_hour", {"weekdays": [1], "minutes": None}),
        ({"minutes": (0, 720)}, "other_hour", {"weekdays": [], "minutes": (0, 720)}),
        ({"first_purchase": True}, "not_first_purchase", {}),
        ({"segments": ("vip",)}, "other_segment", {}),
        ({"min_quantity": 3}, "minimum_quantity", {"missing": 2}),
        ({"min_worth_minor": {"EUR": 4_000}}, "minimum_worth",
         {"missing_minor": 1_500, "currency": "EUR"}),
        ({"min_worth_minor": {"USD": 1}}, "no_amount_in_currency", {"currency": "EUR"}),
    ],
)  # fmt: skip
def test_a_condition_that_does_not_hold_says_which(asked, reason, facts):
    basket = a_basket(buyer=Buyer(id="fan", orders=1, segments=frozenset({"new"})))

    assert why_not(basket, a_rule(conditions=Conditions(**asked))) == [("rule", reason, facts)]


def test_conditions_that_hold_choose_the_goods_they_mean():
    shirt = a_good(category_ids=("wear", "shirts"), warehouse="main")
    basket = a_basket(shirt, HAT, session_id="s1", channel="web",
                      buyer=Buyer(segments=frozenset({"vip", "new"})))  # fmt: skip
    asked = Conditions(
        product_ids=("shirt", "x"), category_ids=("wear",), supplier_ids=("sol",),
        warehouses=("main",), leader_ids=("mara",), session_ids=("s1",), channels=("web",),
        weekdays=(0,), minutes=(720, 721), segments=("vip",), first_purchase=True, min_quantity=1,
        min_worth_minor={"EUR": 2_500},
    )  # fmt: skip

    assert off(basket, a_rule(conditions=asked)) == [("rule", (250, 0), 0)]


@pytest.mark.parametrize(
    ("hour", "timezone", "counts"),
    [
        (0, "Europe/Madrid", True),  # 2026-10-25, a Sunday of 25 hours: 00:00 UTC = 02:00 there
        (22.9, "Europe/Madrid", True),  # 23:54 in winter time
        (23, "Europe/Madrid", False),  # Monday 00:00 there
        (-2, "Europe/Madrid", True),  # 00:00 in summer time
        (-2.1, "Europe/Madrid", False),
        (0, "America/New_York", False),  # Saturday 20:00
        (28.9, "America/New_York", False),  # Monday 00:54: four hours behind, still in summer
        (27.9, "America/New_York", True),
    ],
)
def test_sunday_is_the_shops_own_with_its_summer_time(hour, timezone, counts):
    midnight = 1_792_886_400_000_000  # 2026-10-25T00:00:00Z
    sunday = a_rule(conditions=Conditions(weekdays=(6,)))

    found = off(a_basket(at=midnight + int(hour * HOUR)), sunday, timezone=timezone)

    assert bool(found) is counts


def test_hours_that_pass_midnight_belong_to_the_day_they_began_on():
    late = a_rule(conditions=Conditions(weekdays=(0,), minutes=(22 * 60, 2 * 60)))
    monday = NOON - 12 * HOUR

    hours = [hour for hour in range(-4, 30) if off(a_basket(at=monday + hour * HOUR), late)]

    assert hours == [22, 23, 24, 25]


def test_whether_a_rule_counts_is_decided_by_its_times_to_the_microsecond():
    rule = a_rule(starts_at=NOON, ends_at=NOON + 10)

    counts = [bool(off(a_basket(at=NOON + n), rule)) for n in (-1, 0, 9, 10)]

    assert counts == [False, True, True, False]
    assert why_not(a_basket(at=NOON - 1), rule) == [("rule", "not_started", {"starts_at": NOON})]
    assert why_not(a_basket(at=NOON + 10), rule) == [("rule", "ended", {"ended_at": NOON + 10})]


def test_what_a_fan_used_up_counts_no_more():
    buyer = Buyer(id="fan", uses={"rule": 1})

    assert off(a_basket(buyer=buyer), a_rule(per_fan=2)) != []
    assert why_not(a_basket(buyer=buyer), a_rule(per_fan=1)) == [
        ("rule", "already_used", {"times": 1})
    ]


def test_discounts_stop_at_the_floor_the_maximum_and_the_delivery():
    half, fifth = a_rule(id="half", effect=Percent(bp=5_000)), a_rule(effect=Percent(bp=2_000))
    free = a_rule(id="free", effect=FreeDelivery())
    floor = a_basket(a_good(floor_minor=1_000), delivery_minor=400)

    assert off(floor, half, fifth, free) == [
        ("free", (0,), 400), ("half", (1_250,), 0), ("rule", (250,), 0)
    ]  # fmt: skip
    assert off(a_basket(), half, fifth, policy=Policy(maximum_bp=6_000)) == [
        ("half", (1_250,), 0), ("rule", (250,), 0)
    ]  # fmt: skip
    assert why_not(a_basket(), half, fifth, policy=Policy(maximum_bp=5_000)) == [
        ("rule", "maximum_reached", {})
    ]
    assert why_not(a_basket(a_good(floor_minor=2_500)), half) == [("half", "floor_reached", {})]
    assert off(a_basket(delivery_minor=400), free, a_rule(id="too", effect=FreeDelivery())) == [
        ("free", (0,), 400)
    ]


def test_a_rule_takes_no_more_than_its_own_maximum():
    half = a_rule(effect=Percent(bp=5_000), maximum_minor={"EUR": 700})

    assert off(a_basket(SHIRT, HAT), half) == [("rule", (500, 200), 0)]
    assert why_not(a_basket(currency="USD"), half) == [
        ("rule", "no_amount_in_currency", {"currency": "USD"})
    ]


def test_a_fixed_amount_is_spread_over_what_has_room_above_its_floor():
    goods = (a_good(floor_minor=2_500), HAT)

    assert one_off(Fixed(amounts_minor={"EUR": 700}), *goods) == (0, 700)


def test_what_combines_counts_from_the_full_price_or_from_what_is_left():
    rules = a_rule(id="a", effect=Percent(bp=5_000)), a_rule(id="b", effect=Percent(bp=5_000))

    assert off(a_basket(), *rules) == [("a", (1_250,), 0), ("b", (1_250,), 0)]
    one_by_one = Policy(maximum_bp=10_000, mode=Mode.SEQUENTIAL)
    assert off(a_basket(), *rules, policy=one_by_one) == [("a", (1_250,), 0), ("b", (625,), 0)]
    best = Policy(maximum_bp=10_000, mode=Mode.BEST)
    assert off(a_basket(), *rules, policy=best) == [("a", (1_250,), 0)]


def test_of_a_group_the_best_counts_and_what_excludes_stands_alone_or_not_at_all():
    group = Stacking(combining=Combining.BEST_OF_GROUP, group="season")
    small = a_rule(id="small", effect=Percent(bp=500), stacking=group)
    large = a_rule(id="large", effect=Percent(bp=1_500), stacking=group)
    plain = a_rule(id="plain", effect=Percent(bp=1_000))
    alone = Stacking(combining=Combining.EXCLUSIVE)
    weak = a_rule(id="weak", effect=Percent(bp=2_400), stacking=alone)
    strong = a_rule(id="strong", effect=Percent(bp=3_000), stacking=alone)

    together = [("large", (375,), 0), ("plain", (250,), 0)]
    assert off(a_basket(), small, large, plain, weak) == together
    assert why_not(a_basket(), small, large, plain, weak) == [
        ("small", "better_applies", {"rule_ids": ["large", "plain"]}),
        ("weak", "better_applies", {"rule_ids": ["large", "plain"]}),
    ]
    assert off(a_basket(), small, large, plain, weak, strong) == [("strong", (750,), 0)]


def test_rules_are_considered_by_source_priority_and_id():
    rules = [
        a_rule(id="z", source=Source.LOYALTY),
        a_rule(id="c", source=Source.COUPON, code="TEN", funder=Funder.LEADER),
        a_rule(id="b"),
        a_rule(id="a"),
        a_rule(id="y", priority=5),
    ]

    done = evaluate(a_basket(), rules, ALL, "UTC")

    assert [discount.rule_id for discount in done.discounts] == ["y", "a", "b", "c", "z"]
    coupon = done.discounts[3]
    assert (coupon.code, coupon.funder, coupon.source) == ("TEN", Funder.LEADER, Source.COUPON)


@pytest.mark.parametrize(
    "effect",
    [
        Percent(bp=1), Fixed(amounts_minor={"EUR": 5, "JPY": 1}, each=True),
        BuyGet(buy=1, get=2, bp=5_000, product_ids=("a",)),
        Bundle(product_ids=("a", "b"), prices_minor={"EUR": 1}), FreeDelivery(),
        Tiered(by_quantity=((2, 5), (3, 6))), Tiered(by_worth={"EUR": ((1, 5), (2, 7))}),
    ],
    ids=lambda effect: effect.kind,
)  # fmt: skip
def test_a_rule_is_the_same_after_years_in_a_snapshot(effect):
    rule = a_rule(
        effect=effect, source=Source.COUPON, code="X", priority=-3, per_fan=2, ends_at=9,
        conditions=Conditions(product_ids=("a",), weekdays=(6,), minutes=(5, 9), segments=("v",),
                              first_purchase=True, min_worth_minor={"EUR": 5}),
        stacking=Stacking(combining=Combining.EXCLUSIVE, group="g"), maximum_minor={"EUR": 7},
        version=4,
    )  # fmt: skip

    assert rule_from_json(jsons.loads(jsons.dumps(rule.to_json()))) == rule
    with pytest.raises(ValueError, match="99"):
        rule_from_json({**rule.to_json(), "format": 99})


def test_a_policy_is_the_same_after_years_and_knows_the_floor():
    policy = Policy(mode=Mode.BEST, maximum_bp=1, margin_bp=500, timezone="Asia/Tokyo", version=3)

    assert policy_from_json(jsons.loads(jsons.dumps(policy.to_json()))) == policy
    assert policy.floor_minor(999) == 1_049  # 1048.95 rounded up

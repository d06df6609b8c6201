"""What holds for every basket and every set of rules."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.promotions import (
    Bundle,
    BuyGet,
    Combining,
    Conditions,
    Fixed,
    FreeDelivery,
    Mode,
    Percent,
    Policy,
    Source,
    Stacking,
    Tiered,
    evaluate,
)
from tests.promotions.factories import a_basket, a_good, a_rule

BPS = st.integers(1, 10_000)
AMOUNTS = st.fixed_dictionaries({"EUR": st.integers(1, 20_000)})
STEADY = st.one_of(  # those by which more pieces never cost less
    st.builds(Percent, bp=BPS),
    st.builds(Fixed, amounts_minor=AMOUNTS, each=st.booleans()),
    st.builds(BuyGet, buy=st.integers(1, 3), get=st.integers(1, 3), bp=BPS),
)
EFFECTS = st.one_of(
    STEADY,
    st.builds(BuyGet, buy=st.integers(1, 2), get=st.just(1), product_ids=st.just(("b",))),
    st.builds(Bundle, product_ids=st.just(("a", "b")), prices_minor=AMOUNTS),
    st.just(FreeDelivery()),
    st.builds(Tiered, by_quantity=st.tuples(st.tuples(st.integers(1, 4), BPS))),
    st.builds(
        Tiered, by_worth=st.fixed_dictionaries({"EUR": st.just(((1_000, 700), (5_000, 2_000)))})
    ),
)
STACKINGS = st.builds(
    Stacking, combining=st.sampled_from(Combining), group=st.sampled_from(["g", "h"])
)


@st.composite
def goods(draw):
    unit = draw(st.integers(1, 10_000))
    name = draw(st.sampled_from("abc"))
    return a_good(
        sku=name, product_id=name, unit_minor=unit, quantity=draw(st.integers(1, 5)),
        floor_minor=draw(st.integers(0, unit)),
    )  # fmt: skip


@st.composite
def rules(draw, effects=EFFECTS, stackings=STACKINGS):
    number = draw(st.integers(0, 10_000))
    products = draw(st.sampled_from([(), (), ("a",), ("a", "b")]))
    return a_rule(
        id=f"r{number:05}", effect=draw(effects), stacking=draw(stackings),
        priority=draw(st.integers(-2, 2)), source=draw(st.sampled_from(Source)),
        conditions=Conditions(product_ids=products),
        maximum_minor=draw(st.sampled_from([{}, {}, {"EUR": 500}])),
    )  # fmt: skip


def unlike(rule):
    return rule.id


BASKETS = st.builds(
    lambda some, delivery: a_basket(*some, delivery_minor=delivery),
    st.lists(goods(), min_size=1, max_size=4),
    st.integers(0, 900),
)
POLICIES = st.builds(Policy, mode=st.sampled_from(Mode), maximum_bp=st.integers(0, 10_000))
SEVERAL = st.lists(rules(), max_size=5, unique_by=unlike)


def total(basket, some, policy):
    done = evaluate(basket, some, policy, "UTC")
    return sum(discount.amount_minor for discount in done.discounts)


@settings(max_examples=120)
@given(BASKETS, SEVERAL, POLICIES)
def test_no_combination_passes_a_floor_or_the_maximum_and_the_parts_add_up(basket, some, policy):
    done = evaluate(basket, some, policy, "UTC")

    of_goods = [sum(off) for off in zip(*(d.off_goods_minor for d in done.discounts), strict=True)]
    worth = sum(good.unit_minor * good.quantity for good in basket.goods)
    for good, off in zip(basket.goods, of_goods, strict=False):
        assert off <= (good.unit_minor - good.floor_minor) * good.quantity
    assert sum(of_goods) * 10_000 <= worth * policy.maximum_bp
    assert sum(d.off_delivery_minor for d in done.discounts) <= basket.delivery_minor
    known = {rule.id: rule for rule in some}
    for discount in done.discounts:
        assert min(*discount.off_goods_minor, discount.off_delivery_minor) >= 0
        assert discount.amount_minor > 0
        most = known[discount.rule_id].maximum_minor.get("EUR")
        assert most is None or sum(discount.off_goods_minor) <= most
    assert sorted(
        [d.rule_id for d in done.discounts] + [n.rule_id for n in done.not_applied]
    ) == sorted(known)


@settings(max_examples=50)
@given(BASKETS, st.lists(rules(), max_size=4, unique_by=unlike), POLICIES)
def test_the_outcome_is_the_same_in_whatever_order_the_rules_come(basket, some, policy):
    outcomes = [evaluate(basket, order, policy, "UTC") for order in permutations(some)]

    assert all(outcome.discounts == outcomes[0].discounts for outcome in outcomes)


@settings(max_examples=50)
@given(BASKETS, st.lists(rules(stackings=st.just(Stacking())), min_size=2, max_size=4,
                         unique_by=unlike), st.permutations([0, 1, 2, 3]))  # fmt: skip
def test_where_discounts_are_parallel_no_priority_changes_the_total(basket, some, priorities):
    other = [replace(rule, priority=p) for rule, p in zip(some, priorities, strict=False)]

    policy = Policy(mode=Mode.PARALLEL, maximum_bp=6_000)
    assert total(basket, some, policy) == total(basket, other, policy)


@settings(max_examples=60)
@given(goods(), rules(effects=STEADY), POLICIES)
def test_more_of_the_same_never_costs_less(good, rule, policy):
    def costs(quantity):
        one = a_basket(replace(good, sku="a", product_id="a", quantity=quantity))
        return good.unit_minor * quantity - total(one, [rule], policy)

    prices = [costs(quantity) for quantity in range(1, 8)]

    assert prices == sorted(prices)


@settings(max_examples=50)
@given(BASKETS, st.lists(rules(), min_size=1, max_size=4, unique_by=unlike), POLICIES)
def test_best_for_the_fan_is_never_worse_than_any_rule_alone_that_may_stand_alone(
    basket, some, policy
):
    if policy.mode is Mode.SEQUENTIAL:
        policy = replace(policy, mode=Mode.BEST)

    together = total(basket, some, policy)

    assert together >= max(total(basket, [rule], policy) for rule in some)

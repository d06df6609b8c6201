"""The policy on its own: it keeps the floor and the money for trials, and it learns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.kernel import ids
from commerce.offers import Group, demand, policy
from commerce.offers.demand import ARMS_BP, NOTHING_KNOWN, believed
from commerce.offers.model import reduced
from deploy.bench import offers as bench
from deploy.bench.audience import AUDIENCES, fans

FANS = {"steerable": 6_000, "indifferent": 3_000}

prices = st.integers(1, 10**9)
trials = st.dictionaries(
    st.sampled_from(ARMS_BP),
    st.integers(1, 500).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
)
chances = st.floats(0, 1, exclude_max=True)


@given(prices, prices, trials, chances, st.integers(0, 10**12), st.sampled_from(Group))
def test_no_answer_is_below_the_floor_or_dearer_than_trials_may_be(
    price, floor, seen, chance, left, group
):
    margins = policy.margins(price, floor)
    if 0 not in margins:
        return
    curves = believed(seen, NOTHING_KNOWN)

    choice = policy.decide(curves, margins, group=group, left_milli=left, chance=chance)

    assert reduced(price, choice.percent_bp) > floor
    assert 0 <= choice.cost_milli <= left // policy.PACE
    assert 1 <= choice.propensity_ppm <= 1_000_000
    assert group is Group.TREATED or choice.percent_bp == 0


def test_whoever_is_held_out_sees_full_price_even_where_a_discount_surely_pays():
    curves = believed({0: (4_000, 200), 2_000: (4_000, 1_200)}, NOTHING_KNOWN)

    treated, held_out = (
        policy.decide(curves, policy.margins(10_000, 4_000), group=group, left_milli=0, chance=0.5)
        for group in (Group.TREATED, Group.HELD_OUT)
    )

    assert treated.percent_bp > 0
    assert (held_out.percent_bp, held_out.propensity_ppm) == (0, 1_000_000)
    assert held_out.reason == "held_out"


@given(trials)
def test_demand_never_falls_as_the_discount_rises_whatever_was_seen(seen):
    for curve in believed(seen, NOTHING_KNOWN):
        assert list(curve.chances) == sorted(curve.chances)
        assert 0 < curve.chances[0] <= curve.chances[-1] < 1


@given(trials)
def test_beliefs_add_up_to_one(seen):
    curves = believed(seen, NOTHING_KNOWN)

    assert sum(curve.hope for curve in curves) == pytest.approx(1)
    assert sum(curve.doubt for curve in curves) == pytest.approx(1)


def test_the_propensity_is_how_often_the_answer_is_given():
    margins = policy.margins(10_000, 4_000)
    curves = believed({0: (100, 10), 2_000: (100, 18)}, NOTHING_KNOWN)
    draws = 2_000
    said: dict[int, int] = {}
    given_as: dict[int, int] = {}
    for number in range(draws):
        choice = policy.decide(
            curves,
            margins,
            group=Group.TREATED,
            left_milli=10**9,
            chance=(number + 0.5) / draws,
        )
        said[choice.percent_bp] = choice.propensity_ppm
        given_as[choice.percent_bp] = given_as.get(choice.percent_bp, 0) + 1

    assert len(said) > 2
    for arm, times in given_as.items():
        assert times / draws == pytest.approx(said[arm] / 1_000_000, abs=1 / draws)


def test_a_cell_of_which_nothing_is_known_is_taken_to_be_like_its_kind():
    steep = {0: (500, 25), 2_000: (500, 150), 3_000: (500, 250)}
    flat = {0: (500, 50), 2_000: (500, 50), 3_000: (500, 50)}
    kinds = demand.populations(
        {
            "steep": {str(number): steep for number in range(8)},
            "flat": {str(number): flat for number in range(8)},
        }
    )

    def lifts(population):
        return sum(
            curve.doubt * curve.chances[-1] / curve.chances[0] for curve in believed({}, population)
        )

    assert lifts(kinds["steep"]) > 3
    assert lifts(kinds["flat"]) < 1.4


@pytest.fixture(scope="module")
def earned():
    """The policy before so many fans of each audience, knowing nothing; and what others earn."""
    found = {}
    for name, segments in AUDIENCES.items():
        ids.set_randomness(7)
        asking = fans(segments, FANS[name])
        found[name] = (bench.rows(name, asking), bench.learned(asking))
    ids.set_randomness(None)
    return found


def test_a_steerable_audience_brings_more_than_any_fixed_discount(earned):
    others, ours = earned["steerable"]
    best = max(row.margin_per_fan_minor for row in others if row.percent_bp is not None)

    assert ours.margin_minor / FANS["steerable"] > 1.05 * best
    assert ours.worst_deficit < 0.01


def test_an_audience_that_no_discount_moves_costs_less_than_two_percent_on_the_way(earned):
    _, ours = earned["indifferent"]

    assert 0 < ours.worst_deficit < 0.02

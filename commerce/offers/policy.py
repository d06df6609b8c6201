"""Decides the discount to propose: pure, and the same for the product and for its simulation.

A curve is drawn as often as it is believed, and answered with the discount that earns most on it
(Thompson sampling), among those that are never below the floor, cost little enough to try, and fit
into what may still be spent on trying. How likely the answer was is known exactly and is logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from commerce.offers import demand
from commerce.offers.demand import ARMS_BP, Curve
from commerce.offers.model import WHOLE_BP, Group, Reason, reduced

LOSS_MAX_BP = 2_000  # of what full price is expected to bring: no trial costs more
MILLI = 1_000
PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    percent_bp: int
    propensity_ppm: int  # how likely this answer was, of a million
    cost_milli: int  # what it is expected to bring less than full price
    reason: Reason
    expected_milli: Mapping[int, int]  # margin by discount, of those that keep the floor
    tried_milli: Mapping[int, int]  # the cost of each that might have been drawn


def margins(price_minor: int, floor_minor: int) -> dict[int, int]:
    """By discount, what a sale brings; only those that keep the floor and leave something."""
    kept = {arm: reduced(price_minor, arm) - floor_minor for arm in ARMS_BP}
    return {arm: margin for arm, margin in kept.items() if margin > 0}


def decide(
    curves: Sequence[Curve],
    margin_minor: Mapping[int, int],
    *,
    group: Group,
    left_milli: int,
    chance: float,
) -> Choice:
    """`chance` is drawn from [0, 1); `left_milli` is what may still be spent on trying."""
    expected = _expected(curves, margin_minor)
    full = expected[0]
    if group is Group.HELD_OUT:
        return Choice(
            percent_bp=0,
            propensity_ppm=PPM,
            cost_milli=0,
            reason=Reason.HELD_OUT,
            expected_milli=expected,
            tried_milli={0: 0},
        )
    most = min(full * LOSS_MAX_BP // WHOLE_BP, left_milli)
    costs = {arm: max(full - bring, 0) for arm, bring in expected.items()}
    tried = {arm: cost for arm, cost in costs.items() if cost <= most}
    shares = _shares(curves, {arm: margin_minor[arm] for arm in tried})
    arm = _drawn(shares, chance)
    return Choice(
        percent_bp=arm,
        propensity_ppm=max(round(shares[arm] * PPM), 1),
        cost_milli=costs[arm],
        reason=_reason(arm, costs[arm]),
        expected_milli=expected,
        tried_milli=tried,
    )


def _expected(curves: Sequence[Curve], margin_minor: Mapping[int, int]) -> dict[int, int]:
    chances = {
        arm: sum(curve.belief * curve.chances[place] for curve in curves)
        for place, arm in enumerate(ARMS_BP)
        if arm in margin_minor
    }
    return {arm: int(margin_minor[arm] * MILLI * chance) for arm, chance in chances.items()}


def _shares(curves: Sequence[Curve], margin_minor: Mapping[int, int]) -> dict[int, float]:
    """How likely each discount is to be the best; of equal ones, the smaller."""
    shares = dict.fromkeys(margin_minor, 0.0)
    places = [(place, arm) for place, arm in enumerate(ARMS_BP) if arm in margin_minor]
    for curve in curves:
        brings = [(margin_minor[arm] * curve.chances[place], -arm) for place, arm in places]
        shares[-max(brings)[1]] += curve.belief
    return shares


def _drawn(shares: Mapping[int, float], chance: float) -> int:
    for arm, reached in zip(shares, accumulate(shares.values()), strict=True):
        if chance < reached:
            return arm
    return max(shares, key=lambda arm: shares[arm])  # the last bit that sums of fractions lack


def _reason(arm: int, cost_milli: int) -> Reason:
    if not arm:
        return Reason.FULL_PRICE
    return Reason.EXPLORES if cost_milli else Reason.PAYS


__all__ = ["MILLI", "Choice", "decide", "demand", "margins"]

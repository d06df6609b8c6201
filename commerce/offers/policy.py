"""Decides the discount to propose: pure, and the same for the product and for its simulation.

A curve is drawn as often as it is hoped for, and answered with the discount that earns most on it
(Thompson sampling). Where a doubtful mind expects that to bring less than full price, the discount
is a trial: it happens only if it costs little and the money set aside for trials allows it, else
the fan is shown the full price. How likely the answer was is known exactly, and logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from commerce.offers.demand import ARMS_BP, Curve
from commerce.offers.model import MILLI, WHOLE_BP, Group, Reason, reduced

LOSS_MAX_BP = 5_000  # of what full price is expected to bring: no trial costs more
PACE = 20  # no trial takes more than this part of what is left, so that cheap ones come first
TRIAL_BP_MIN = 1_500  # no trial is smaller
PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    percent_bp: int
    propensity_ppm: int  # how likely this answer was, of a million
    cost_milli: int  # what it takes from the money for trials, in thousandths of a minor unit
    reason: Reason
    expected_milli: Mapping[int, int]  # margin by discount, of those that keep the floor
    loss_milli: Mapping[int, int]  # against full price, to a doubtful mind


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
    """`chance` is drawn from [0, 1); `left_milli` is the money for trials that is left."""
    expected = _means(margin_minor, curves, [curve.hope for curve in curves])
    doubted = _means(margin_minor, curves, [curve.doubt for curve in curves])
    losses = {arm: doubted[0] - bring for arm, bring in doubted.items()}
    shares = {0: 1.0}
    if group is Group.TREATED:
        most = min(doubted[0] * LOSS_MAX_BP // WHOLE_BP, left_milli // PACE)
        shares = _shares(curves, margin_minor, _allowed(losses, most))
    arm = _drawn(shares, chance)
    cost = max(losses[arm], 0)
    return Choice(
        percent_bp=arm,
        propensity_ppm=max(round(shares[arm] * PPM), 1),
        cost_milli=cost,
        reason=_reason(group, arm, cost),
        expected_milli=expected,
        loss_milli=losses,
    )


def _means(
    margin_minor: Mapping[int, int], curves: Sequence[Curve], beliefs: Sequence[float]
) -> dict[int, int]:
    """By discount, the margin that a fan is expected to bring."""
    means = {}
    for place, arm in enumerate(ARMS_BP):
        if arm in margin_minor:
            chances = (
                belief * one.chances[place] for belief, one in zip(beliefs, curves, strict=True)
            )
            means[arm] = round(margin_minor[arm] * MILLI * sum(chances))
    return means


def _allowed(losses: Mapping[int, int], most: int) -> set[int]:
    """What costs nothing, and of trials those that teach: what a small discount does is hard to
    tell from luck."""
    return {
        arm for arm, loss in losses.items() if loss <= 0 or (loss <= most and arm >= TRIAL_BP_MIN)
    }


def _shares(
    curves: Sequence[Curve], margin_minor: Mapping[int, int], allowed: set[int]
) -> dict[int, float]:
    """How likely each answer is: the best on a curve, or full price where that is not allowed."""
    shares = dict.fromkeys(sorted(allowed), 0.0)
    places = [(place, arm) for place, arm in enumerate(ARMS_BP) if arm in margin_minor]
    for curve in curves:
        best = max((margin_minor[arm] * curve.chances[place], -arm) for place, arm in places)
        shares[-best[1] if -best[1] in allowed else 0] += curve.hope
    return shares


def _drawn(shares: Mapping[int, float], chance: float) -> int:
    for arm, reached in zip(shares, accumulate(shares.values()), strict=True):
        if chance < reached:
            return arm
    return max(shares, key=lambda arm: shares[arm])  # sums of fractions may lack the last bit


def _reason(group: Group, arm: int, cost_milli: int) -> Reason:
    if group is Group.HELD_OUT:
        return Reason.HELD_OUT
    if not arm:
        return Reason.FULL_PRICE
    return Reason.EXPLORES if cost_milli else Reason.PAYS

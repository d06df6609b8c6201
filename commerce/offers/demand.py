"""What is known of demand: a belief over curves, made from counts of who bought at which discount.

A curve says how the odds of buying rise with the discount; it never falls. How likely a fan is to
buy at full price is a cell's own; the curve's shape is drawn from those of all cells like it, so
that a cell of which little is known is not a blank. Statistics only: no amount of money is here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

ARMS_BP = (0, 500, 1_000, 1_500, 2_000, 2_500, 3_000)  # the first is full price
LIFTS = (0.0, 0.15, 0.3, 0.5, 0.7, 0.9, 1.1, 1.35, 1.6, 1.9, 2.3, 2.8)  # of log odds, at the most
BENDS = (0.6, 1.0, 1.8)  # below 1 the first percents move most, above it the last
SCEPTICISM = 0.7  # the mean lift before anything was seen
ODDS_MEAN, ODDS_SD = -2.5, 1.5  # log odds at full price before anything was seen
PRIOR_CELLS = 2.0  # the weight of a prior against one cell
ROUNDS = 4
NEWTON_STEPS = 6
STEP_MAX = 1.5
WEIGHT_UNIT = 1_000_000  # a population's weights are kept as integers of it

Trials = Mapping[int, tuple[int, int]]  # by discount: how many were asked, and how many bought
Weights = Sequence[int]


def _rises(lift: float, bend: float) -> tuple[float, ...]:
    return tuple(lift * (arm / ARMS_BP[-1]) ** bend for arm in ARMS_BP)


SHAPES = tuple(
    _rises(lift, bend) for lift in LIFTS for bend in (BENDS if lift else BENDS[:1])
)  # by curve and arm
_BASE = [math.exp(-shape[-1] / SCEPTICISM) for shape in SHAPES]
BASE = tuple(weight / sum(_BASE) for weight in _BASE)
NOTHING_KNOWN: Weights = tuple(round(weight * WEIGHT_UNIT) for weight in BASE)


@dataclass(frozen=True, slots=True)
class Curve:
    """The chance of buying at each arm, and how far this curve is believed."""

    belief: float
    chances: tuple[float, ...]


def believed(trials: Trials, population: Weights) -> list[Curve]:
    """What a cell's counts say of it, given what curves there are among its like."""
    seen = _seen(trials)
    fits = [_fit(shape, seen) for shape in SHAPES]
    beliefs = _normalised(
        [math.log(max(weight, 1)) + log for weight, (_, log) in zip(population, fits, strict=True)]
    )
    return [
        Curve(belief, tuple(_chance(odds + rise) for rise in shape))
        for belief, shape, (odds, _) in zip(beliefs, SHAPES, fits, strict=True)
    ]


def population(cells: Iterable[Trials], prior: Weights = NOTHING_KNOWN) -> Weights:
    """How the curves are spread among these cells; of no cells, as the prior has it."""
    evidence = [[log for _, log in (_fit(s, seen) for s in SHAPES)] for seen in map(_seen, cells)]
    start = [weight / sum(prior) for weight in prior]
    spread = start
    for _ in range(ROUNDS if evidence else 0):
        logs = [math.log(max(weight, 1e-9)) for weight in spread]
        sums = [PRIOR_CELLS * weight for weight in start]
        for of_cell in evidence:
            for place, belief in enumerate(
                _normalised([a + b for a, b in zip(logs, of_cell, strict=True)])
            ):
                sums[place] += belief
        spread = [weight / (PRIOR_CELLS + len(evidence)) for weight in sums]
    return tuple(round(weight * WEIGHT_UNIT) for weight in spread)


Seen = Sequence[tuple[int, int, int]]  # arm's place, asked, bought


def _seen(trials: Trials) -> Seen:
    known = ((place, *trials.get(arm, (0, 0))) for place, arm in enumerate(ARMS_BP))
    return [(place, asked, bought) for place, asked, bought in known if asked]


def _fit(shape: Sequence[float], seen: Seen) -> tuple[float, float]:
    """The likeliest log odds at full price under this curve, and the curve's log evidence."""
    odds = _start(seen)
    precision = 1 / ODDS_SD**2
    for _ in range(NEWTON_STEPS):
        slope, bend = (ODDS_MEAN - odds) * precision, precision
        for place, asked, bought in seen:
            chance = _chance(odds + shape[place])
            slope += bought - asked * chance
            bend += asked * chance * (1 - chance)
        step = max(-STEP_MAX, min(STEP_MAX, slope / bend))
        odds += step
        if abs(step) < 1e-4:
            break
    log = -((odds - ODDS_MEAN) ** 2) * precision / 2 - math.log(bend) / 2
    for place, asked, bought in seen:
        chance = _chance(odds + shape[place])
        log += bought * math.log(chance) + (asked - bought) * math.log(1 - chance)
    return odds, log


def _start(seen: Seen) -> float:
    asked, bought = sum(n for _, n, _ in seen), sum(k for _, _, k in seen)
    share = (bought + 0.5) / (asked + 6)
    return math.log(share / (1 - share))


def _chance(log_odds: float) -> float:
    return min(max(1 / (1 + math.exp(-log_odds)), 1e-9), 1 - 1e-9)


def _normalised(logs: Sequence[float]) -> list[float]:
    most = max(logs)
    weights = [math.exp(log - most) for log in logs]
    total = sum(weights)
    return [weight / total for weight in weights]

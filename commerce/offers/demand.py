"""What is known of demand: beliefs over curves, made from counts of who bought at which discount.

A curve says how the odds of buying rise with the discount; it never falls. How likely a fan is to
buy at full price is each cell's own. How steep the curve is, a cell learns from its own counts and
from how the curves are spread among the cells like it, so that a cell of which little is known is
not a blank. Statistics only: no amount of money is here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

ARMS_BP = (0, 500, 1_000, 1_500, 2_000, 2_500, 3_000)  # the first is full price
LIFTS = (0.0, 0.2, 0.4, 0.65, 0.9, 1.2, 1.5, 1.85, 2.3, 2.8)  # of log odds, at the most
BENDS = (0.6, 1.0, 1.8)  # below 1 the first percents move most, above it the last
MEAN_LIFT = 1.0  # where discounts do something, before anything was seen
DOUBTED = 0.85  # the part of the cells in which a doubtful mind thinks that they do nothing
ODDS_MEAN, ODDS_SD = -2.5, 1.5  # log odds at full price before anything was seen
PRIOR_CELLS = 1.0  # the weight of what was thought before, against one cell
ROUNDS = 4
NEWTON_STEPS, STEP_MAX, STEP_MIN = 6, 1.5, 1e-3
WEIGHT_UNIT = 1_000_000  # weights are kept as integers of it

Trials = Mapping[int, tuple[int, int]]  # by discount: how many were asked, and how many bought
Weights = Sequence[int]  # of each curve
Shape = tuple[float, ...]  # by arm, how much the log odds rise


class Population(NamedTuple):
    """How curves are spread among cells: as a hopeful and as a doubtful mind would have it."""

    hopeful: Weights  # what is tried is drawn from this
    doubtful: Weights  # what it costs is reckoned by this


@dataclass(frozen=True, slots=True)
class Curve:
    """The chance of buying at each arm, and how far this curve is believed."""

    hope: float
    doubt: float
    chances: tuple[float, ...]


def _shapes() -> tuple[Shape, ...]:
    kinds = [(lift, bend) for lift in LIFTS for bend in (BENDS if lift else BENDS[:1])]
    return tuple(
        tuple(lift * (arm / ARMS_BP[-1]) ** bend for arm in ARMS_BP) for lift, bend in kinds
    )


def _before(mean_lift: float, idle: float) -> Weights:
    """The greater the lift, the less it is believed, all bends alike; `idle` of it on no lift."""
    tail = [math.exp(-shape[-1] / mean_lift) / (3 if shape[-1] else 1) for shape in SHAPES]
    shares = [(1 - idle) * weight / sum(tail) for weight in tail]
    return _kept([shares[0] + idle, *shares[1:]])


def _kept(shares: Sequence[float]) -> Weights:
    return tuple(round(share * WEIGHT_UNIT) for share in shares)


SHAPES = _shapes()
SINKS = {shape: tuple(math.exp(-rise) for rise in shape) for shape in SHAPES}
NOTHING_KNOWN = Population(_before(MEAN_LIFT, 0), _before(MEAN_LIFT, DOUBTED))


def believed(trials: Trials, population: Population) -> list[Curve]:
    """What a cell's counts say of it, given how the curves are spread among its like."""
    fits = _fits(trials)
    hope, doubt = (
        _normalised(
            [math.log(max(weight, 1)) + fit.log for weight, fit in zip(weights, fits, strict=True)]
        )
        for weights in population
    )
    return [
        Curve(hope[place], doubt[place], tuple(_chance(fit.odds + rise) for rise in SHAPES[place]))
        for place, fit in enumerate(fits)
    ]


def populations(cells: Mapping[str, Mapping[str, Trials]]) -> dict[str, Population]:
    """From the trials of the cells of each kind, how the curves are spread among those of a kind.

    A kind of which little is known is taken to be like all the others.
    """
    evidence = {
        kind: [[fit.log for fit in _fits(trials)] for trials in of_kind.values()]
        for kind, of_kind in cells.items()
    }
    everywhere = [logs for of_kind in evidence.values() for logs in of_kind]
    overall = Population(*(_spread(everywhere, before) for before in NOTHING_KNOWN))
    return {
        kind: Population(*(_spread(of_kind, before) for before in overall))
        for kind, of_kind in evidence.items()
    }


def _spread(evidence: Sequence[Sequence[float]], before: Weights) -> Weights:
    """How often each curve occurs, by expectation and maximisation from what was thought before."""
    start = [weight / sum(before) for weight in before]
    shares = start
    for _ in range(ROUNDS):
        logs = [math.log(max(share, 1e-9)) for share in shares]
        sums = [PRIOR_CELLS * share for share in start]
        for of_cell in evidence:
            beliefs = _normalised([a + b for a, b in zip(logs, of_cell, strict=True)])
            sums = [total + belief for total, belief in zip(sums, beliefs, strict=True)]
        shares = [total / (PRIOR_CELLS + len(evidence)) for total in sums]
    return _kept(shares)


class Fit(NamedTuple):
    odds: float  # the likeliest log odds at full price under a curve
    log: float  # the curve's log evidence


Seen = Sequence[tuple[int, int, int]]  # an arm's place, asked, bought


def _fits(trials: Trials) -> list[Fit]:
    known = ((place, *trials.get(arm, (0, 0))) for place, arm in enumerate(ARMS_BP))
    seen = [(place, asked, bought) for place, asked, bought in known if asked]
    odds, fits = _start(seen), []
    for shape in SHAPES:  # each begins where its neighbour ended, which is near
        fit = _fit(shape, seen, odds)
        odds = fit.odds
        fits.append(fit)
    return fits


def _start(seen: Seen) -> float:
    asked, bought = sum(n for _, n, _ in seen), sum(k for _, _, k in seen)
    share = (bought + 0.5) / (asked + 6)
    return math.log(share / (1 - share))


def _fit(shape: Shape, seen: Seen, odds: float) -> Fit:
    """The mode by Newton's method, and the evidence by the normal curve around it (Laplace)."""
    precision = 1 / ODDS_SD**2
    arms = [(SINKS[shape][place], asked, bought) for place, asked, bought in seen]
    for _ in range(NEWTON_STEPS):
        sink = math.exp(-odds)
        slope, bend = (ODDS_MEAN - odds) * precision, precision
        for sinks, asked, bought in arms:
            chance = 1 / (1 + sink * sinks)
            slope += bought - asked * chance
            bend += asked * chance * (1 - chance)
        step = max(-STEP_MAX, min(STEP_MAX, slope / bend))
        odds += step
        if abs(step) < STEP_MIN:
            break
    log = -((odds - ODDS_MEAN) ** 2) * precision / 2 - math.log(bend) / 2
    for place, asked, bought in seen:
        rise = odds + shape[place]
        log += bought * rise - asked * math.log1p(math.exp(rise))
    return Fit(odds, log)


def _chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def _normalised(logs: Sequence[float]) -> list[float]:
    most = max(logs)
    weights = [math.exp(log - most) for log in logs]
    total = sum(weights)
    return [weight / total for weight in weights]

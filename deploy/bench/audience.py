"""Simulated audiences whose demand is known: who asks, for what, and how likely they are to buy.

Their curves are deliberately not of the family that the policy believes in: those of constant
elasticity, those in which the discount works only beyond a threshold, and a straight line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from commerce import offers
from commerce.kernel import ids
from commerce.offers import WHOLE_BP, Cell

T = TypeVar("T")
CHANCE_MAX = 0.95
ARMS_BP = offers.demand.ARMS_BP


@dataclass(frozen=True, slots=True)
class Segment:
    part: int  # of the audience, in percent
    chance: float  # of buying at full price
    steepness: float
    curve: Callable[[float, float], float]  # (discount, steepness) -> how many times more buy


@dataclass(frozen=True, slots=True)
class Product:
    band: str
    price_minor: int
    floor_minor: int
    appeal: float
    steeper: float


@dataclass(frozen=True, slots=True)
class Fan:
    cell: Cell
    price_minor: int
    floor_minor: int
    chances: Mapping[int, float]  # of buying, by discount


def elastic(discount: float, steepness: float) -> float:
    return math.pow(1 - discount, -steepness)


def beyond_threshold(discount: float, steepness: float) -> float:
    return 1 + steepness / (1 + math.exp(-(discount - 0.12) / 0.03))


def straight(discount: float, steepness: float) -> float:
    return 1 + steepness * discount


def indifferent(discount: float, steepness: float) -> float:
    return 1.0


STEERABLE = {
    "new": Segment(50, 0.07, 4.0, elastic),
    "returning": Segment(25, 0.13, 2.0, straight),
    "frequent": Segment(15, 0.23, 0.4, elastic),
    "lapsed": Segment(10, 0.05, 2.2, beyond_threshold),
}
INDIFFERENT = {
    name: Segment(one.part, one.chance, 0, indifferent) for name, one in STEERABLE.items()
}
AUDIENCES = {"steerable": STEERABLE, "indifferent": INDIFFERENT}
PRODUCTS = (
    Product("low", 1_500, 700, 1.4, 0.8),
    Product("middle", 4_500, 1_800, 1.0, 1.0),
    Product("middle", 3_000, 2_400, 1.0, 1.0),
    Product("high", 12_000, 6_500, 0.6, 1.4),
)


def fans(segments: Mapping[str, Segment], count: int) -> list[Fan]:
    return [_fan(segments) for _ in range(count)]


def _fan(segments: Mapping[str, Segment]) -> Fan:
    history = _drawn(list(segments), [one.part for one in segments.values()])
    product = _drawn(PRODUCTS, [1] * len(PRODUCTS))
    cell = Cell(
        history=history,
        knows_category=history != "new" and ids.fraction() < 0.4,
        band=product.band,
        evening=ids.fraction() < 0.6,
        live=ids.fraction() < 0.8,
    )
    return Fan(cell, product.price_minor, product.floor_minor, _chances(segments, product, cell))


def _chances(segments: Mapping[str, Segment], product: Product, cell: Cell) -> dict[int, float]:
    segment = segments[cell.history]
    full = segment.chance * product.appeal
    full *= (1.3 if cell.evening else 1) * (1.3 if cell.live else 1)
    full *= 1.2 if cell.knows_category else 1
    steepness = segment.steepness * product.steeper
    steepness *= (1.2 if cell.evening else 1) * (0.8 if cell.live else 1)
    return {
        arm: min(full * segment.curve(arm / WHOLE_BP, steepness), CHANCE_MAX) for arm in ARMS_BP
    }


def _drawn(of: Sequence[T], parts: Sequence[int]) -> T:
    drawn = ids.fraction() * sum(parts)
    for one, part in zip(of, parts, strict=True):
        drawn -= part
        if drawn < 0:
            return one
    return of[-1]

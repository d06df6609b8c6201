"""Places on the globe as integers: millionths of a degree, and metres between them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

E6 = 1_000_000
EARTH_RADIUS_M = 6_371_009
FARTHEST_M = 20_037_508  # nothing on earth is farther; also what is unknown


@dataclass(frozen=True, slots=True)
class Point:
    latitude_e6: int
    longitude_e6: int


def point(latitude: str, longitude: str) -> Point:
    """From degrees as data has them."""
    return Point(int(Decimal(latitude) * E6), int(Decimal(longitude) * E6))


def mean(weighted: Iterable[tuple[Point, int]]) -> Point | None:
    """The middle of points that lie in one country; None of none."""
    points = list(weighted)
    total = sum(weight for _, weight in points)
    if not total:
        return None
    return Point(
        sum(where.latitude_e6 * weight for where, weight in points) // total,
        sum(where.longitude_e6 * weight for where, weight in points) // total,
    )


def distance_m(one: Point | None, other: Point | None) -> int:
    """Along the surface, to the metre."""
    if one is None or other is None:
        return FARTHEST_M
    north, other_north = _radians(one.latitude_e6), _radians(other.latitude_e6)
    up = math.sin((other_north - north) / 2)
    along = math.sin(_radians(other.longitude_e6 - one.longitude_e6) / 2)
    half_chord = up * up + math.cos(north) * math.cos(other_north) * along * along
    return int(2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(half_chord, 1))))


def _radians(degrees_e6: int) -> float:
    return math.radians(degrees_e6 / E6)

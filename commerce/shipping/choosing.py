"""Which warehouses send: the fewest parcels, and of equally few the shortest way in sum."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WORK_MAX = 100_000  # ways to compare: some 50 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A warehouse that delivers to the address."""

    warehouse: str
    distance_m: int
    free: int  # pieces that could leave from there


Way = tuple[int, tuple[Candidate, ...]]  # its length, and whom it leads to


def choose(candidates: Iterable[Candidate], quantity: int) -> list[tuple[str, int]]:
    """Warehouses with the pieces each of them sends, the closest first; [] of too few pieces.

    Where nothing else decides, the names do, so that the same question has one answer. Of very
    many warehouses and pieces the fewest are still found, but perhaps not their shortest way.
    """
    near = sorted((c for c in candidates if c.free > 0), key=lambda c: (c.distance_m, c.warehouse))
    fewest = _fullest(near, quantity)
    if len(near) * (len(fewest) - 1) * quantity > WORK_MAX:
        return _filled([one for one in near if one in fewest], quantity)
    return _filled(_shortest(near, quantity, len(fewest)), quantity)


def _fullest(near: Sequence[Candidate], quantity: int) -> list[Candidate]:
    """Those with the most until there are enough; no fewer could do."""
    chosen = []
    for one in sorted(near, key=lambda c: -c.free):
        if quantity > 0:
            chosen.append(one)
            quantity -= one.free
    return [] if quantity > 0 else chosen


def _shortest(near: Sequence[Candidate], quantity: int, parcels: int) -> Sequence[Candidate]:
    """So many that have all, by the shortest way: for each number of pieces only that is kept."""
    ways: list[dict[int, Way]] = [{0: (0, ())}, *({} for _ in range(parcels))]
    for one in near:
        for longer, shorter in zip(reversed(ways[1:]), reversed(ways[:-1]), strict=True):
            for pieces, (distance, chosen) in shorter.items():
                reached = min(quantity, pieces + one.free)
                way = (distance + one.distance_m, (*chosen, one))
                if reached not in longer or way[0] < longer[reached][0]:
                    longer[reached] = way
    return ways[parcels].get(quantity, (0, ()))[1]


def _filled(chosen: Sequence[Candidate], quantity: int) -> list[tuple[str, int]]:
    """As many as possible from the closest."""
    parts = []
    for one in chosen:
        pieces = min(one.free, quantity)
        parts.append((one.warehouse, pieces))
        quantity -= pieces
    return parts

"""Which warehouses send: the fewest parcels, and of equally few the shortest way in sum."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A warehouse that delivers to the address."""

    warehouse: str
    distance_m: int
    free: int  # pieces that could leave from there


def choose(candidates: Iterable[Candidate], quantity: int) -> list[tuple[str, int]]:
    """Warehouses with the pieces each of them sends, the closest first; [] of too few pieces.

    Exact for any number of them: for each number of parcels and of pieces only the shortest way is
    kept. Where nothing else decides, the names do, so that the same question has one answer.
    """
    ways: dict[tuple[int, int], tuple[int, tuple[Candidate, ...]]] = {(0, 0): (0, ())}
    for one in sorted(candidates, key=lambda each: (each.distance_m, each.warehouse)):
        for (parcels, pieces), (distance, chosen) in list(ways.items()):
            reached = (parcels + 1, min(quantity, pieces + max(one.free, 0)))
            way = (distance + one.distance_m, (*chosen, one))
            if pieces < reached[1] and (reached not in ways or way[0] < ways[reached][0]):
                ways[reached] = way
    full = [(parcels, *way) for (parcels, pieces), way in ways.items() if pieces == quantity]
    return _filled(min(full, key=lambda way: way[:2])[2], quantity) if full else []


def _filled(chosen: Sequence[Candidate], quantity: int) -> list[tuple[str, int]]:
    """As many as possible from the closest."""
    parts = []
    for one in chosen:
        pieces = min(one.free, quantity)
        parts.append((one.warehouse, pieces))
        quantity -= pieces
    return parts

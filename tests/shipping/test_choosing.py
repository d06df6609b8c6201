"""From where pieces are sent."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.shipping.choosing import Candidate, choose

STORY = [
    ("the closest of those that have all", {"A": (9, 5), "B": (3, 5), "C": (1, 2)}, 5, "B5"),
    ("one far away before two next door", {"A": (1, 2), "B": (2, 2), "C": (9000, 4)}, 4, "C4"),
    ("the shortest way of two parcels", {"A": (5, 3), "B": (1, 2), "C": (2, 2)}, 4, "B2 C2"),
    ("most from the closest", {"A": (1, 3), "B": (2, 3)}, 4, "A3 B1"),
    ("the name where nothing else decides", {"B": (1, 1), "A": (1, 1)}, 1, "A1"),
    ("nothing from an empty or oversold one", {"A": (1, 0), "B": (2, -3), "C": (3, 1)}, 1, "C1"),
    ("no part of what is too little", {"A": (1, 1), "B": (2, 1)}, 3, ""),
    ("nobody", {}, 1, ""),
]


def candidates(known: dict[str, tuple[int, int]]) -> list[Candidate]:
    return [Candidate(warehouse=n, distance_m=d, free=f) for n, (d, f) in known.items()]


@pytest.mark.parametrize(("_case", "known", "quantity", "sent"), STORY)
def test_the_fewest_parcels_then_the_shortest_way(_case, known, quantity, sent):
    parts = choose(candidates(known), quantity)

    assert " ".join(f"{warehouse}{pieces}" for warehouse, pieces in parts) == sent


@given(
    st.dictionaries(
        st.sampled_from("ABCDEFG"), st.tuples(st.integers(0, 50), st.integers(-1, 6)), max_size=7
    ),
    st.integers(1, 15),
)
def test_the_choice_is_the_best_of_all_there_are(known, quantity):
    parts = choose(candidates(known), quantity)

    best = best_of_all(known, quantity)
    if best is None:
        assert parts == []
    else:
        assert (len(parts), sum(known[name][0] for name, _ in parts)) == best
        assert sum(pieces for _, pieces in parts) == quantity
        assert all(1 <= pieces <= known[name][1] for name, pieces in parts)


def test_a_thousand_pieces_from_as_many_warehouses_are_found_at_once():
    many = {f"w{n:03}": (n, 1 + n % 7) for n in range(1_000)}
    full = {name: (distance, 1_000) for name, (distance, _) in many.items()}

    parts = choose(candidates(many), 1_000)

    assert len(parts) == 143  # 142 have seven, and one has the six that are left
    assert sum(pieces for _, pieces in parts) == 1_000
    assert choose(candidates(full), 1_000) == [("w000", 1_000)]


def best_of_all(known, quantity):
    enough = [
        (number, sum(known[name][0] for name in chosen))
        for number in range(1, len(known) + 1)
        for chosen in combinations(known, number)
        if sum(max(known[name][1], 0) for name in chosen) >= quantity
    ]
    return min(enough, default=None)

"""Segments and tiers follow from the history alone."""

from __future__ import annotations

import pytest

from commerce.kernel.clock import DAY
from commerce.loyalty import History, Tier
from commerce.loyalty.model import standing

NOW = 1_000 * DAY
TIERS = [
    Tier(name="Friend", orders_min=3, percent_bp=200),
    Tier(name="Family", orders_min=10, percent_bp=500),
    Tier(name="Other friend", orders_min=3, percent_bp=100),
]


@pytest.mark.parametrize(
    ("orders", "lately", "days_ago", "segment"),
    [
        (0, 0, 0, "new"),
        (1, 1, 0, "returning"),
        (2, 2, 10, "returning"),
        (3, 2, 10, "returning"),
        (3, 3, 10, "frequent"),
        (9, 0, 180, "returning"),  # on its last day
        (9, 0, 181, "lapsed"),
    ],
)
def test_a_fan_is_in_exactly_one_segment(orders, lately, days_ago, segment):
    history = History(orders=orders, orders_lately=lately, last_at=NOW - days_ago * DAY)

    assert standing(history, [], NOW).segments == {segment}


@pytest.mark.parametrize(
    ("orders", "tier", "percent_bp"),
    [(0, "", 0), (2, "", 0), (3, "Friend", 200), (9, "Friend", 200), (10, "Family", 500)],
)
def test_the_highest_threshold_reached_counts(orders, tier, percent_bp):
    found = standing(History(orders=orders, last_at=NOW), TIERS, NOW)

    assert (found.tier, found.percent_bp, found.orders) == (tier, percent_bp, orders)


def test_categories_stand_beside_the_segment():
    history = History(orders=1, last_at=NOW, category_ids=frozenset({"a", "b"}))

    assert standing(history, [], NOW).segments == {"returning", "category:a", "category:b"}

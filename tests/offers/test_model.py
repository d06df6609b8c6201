"""What a decision may look at, and into which cell it falls."""

from __future__ import annotations

from dataclasses import fields

import pytest

from commerce import loyalty
from commerce.offers import Context, Group, Rules
from commerce.offers.model import BOUGHT_IN, HISTORIES, NEW, Cell, cell_of


def test_nothing_that_tells_who_the_fan_is_can_reach_the_policy():
    """Whoever adds a field changes docs/guides/personal-offers.md and this test with it."""
    assert {one.name: one.type for one in fields(Context)} == {
        "segments": "frozenset[str]",
        "hour": "int",
        "session_id": "str",
    }
    assert {one.name: one.type for one in fields(Cell)} == {
        "history": "str",
        "knows_category": "bool",
        "band": "str",
        "evening": "bool",
        "live": "bool",
    }


def test_the_segments_are_those_of_loyalty():
    assert {NEW, *HISTORIES} == set(loyalty.Segment)
    assert BOUGHT_IN == loyalty.CATEGORY


@pytest.mark.parametrize(
    ("segments", "hour", "session_id", "categories", "key"),
    [
        (set(), 12, "", [], "new:strange:middle:day:shop"),
        ({"lapsed", "category:a"}, 18, "s", ["b"], "lapsed:strange:middle:evening:live"),
        ({"frequent", "category:a"}, 17, "s", ["root", "a"], "frequent:known:middle:day:live"),
    ],
)
def test_fans_who_behave_alike_are_one_cell(segments, hour, session_id, categories, key):
    context = Context(segments=frozenset(segments), hour=hour, session_id=session_id)

    cell = cell_of(context, price_minor=2_000, currency="EUR", category_ids=categories)

    assert cell.key == key


@pytest.mark.parametrize(
    ("price_minor", "currency", "band"),
    [
        (1_999, "EUR", "low"),
        (2_000, "EUR", "middle"),
        (5_999, "JPY", "middle"),
        (6_000, "JPY", "high"),
        (19_999, "KWD", "low"),
        (20_000, "KWD", "middle"),
    ],
)
def test_a_price_band_counts_hundredths(price_minor, currency, band):
    cell = cell_of(Context(), price_minor=price_minor, currency=currency, category_ids=())

    assert cell.band == band


def test_the_group_of_a_fan_never_changes_and_grows_with_the_share():
    fans = [f"fan-{number}" for number in range(2_000)]

    def held_out(share_bp, salt="a"):
        rules = Rules(held_out_bp=share_bp, salt=salt)
        return {fan for fan in fans if rules.group_of(fan) is Group.HELD_OUT}

    assert 70 < len(held_out(500)) < 130
    assert held_out(500) == held_out(500) < held_out(1_000)
    assert held_out(500, "b") != held_out(500)

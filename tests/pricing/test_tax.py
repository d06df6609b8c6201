from datetime import date, timedelta

import pytest

from commerce.pricing.tax import (
    STANDARD,
    Band,
    Component,
    Method,
    Rounding,
    Taxable,
    Terms,
    taxes,
)
from commerce.pricing.tax_rates import table

TODAY = date(2026, 11, 21)


def rate(origin, country, *, region="", day=TODAY, category=STANDARD, unit_minor=1_000):
    """In millionths, of all components together."""
    terms = table().terms(origin=origin, country=country, region=region, day=day)
    return sum(one.rate_ppm for one in terms.components(category, unit_minor))


@pytest.mark.parametrize(
    ("country", "day", "before", "since"),
    [
        ("DE", date(2020, 7, 1), 190_000, 160_000),
        ("DE", date(2021, 1, 1), 160_000, 190_000),
        ("CH", date(2024, 1, 1), 77_000, 81_000),
        ("EE", date(2025, 7, 1), 220_000, 240_000),
        ("FI", date(2024, 9, 1), 240_000, 255_000),
        ("RO", date(2025, 8, 1), 190_000, 210_000),
        ("SK", date(2025, 1, 1), 200_000, 230_000),
        ("JP", date(2019, 10, 1), 80_000, 100_000),
        ("SA", date(2020, 7, 1), 50_000, 150_000),
        ("SG", date(2024, 1, 1), 80_000, 90_000),
        ("AE", date(2018, 1, 1), 0, 50_000),
    ],
)
def test_a_rate_holds_from_its_day_on(country, day, before, since):
    assert rate(country, country, day=day - timedelta(days=1)) == before
    assert rate(country, country, day=day) == since


@pytest.mark.parametrize(
    ("_case", "origin", "country", "expected"),
    [
        ("at home", "DE", "DE", 190_000),
        ("within the union the buyer's rate", "DE", "HU", 270_000),
        ("an export", "DE", "US", 0),
        ("an export out of the union", "DE", "GB", 0),
        ("into the union", "US", "DE", 0),
        ("where nothing is taxed", "KW", "KW", 0),
        ("where we know nothing", "XX", "XX", 0),
    ],
)
def test_who_is_taxed_by_whom(_case, origin, country, expected):
    assert rate(origin, country) == expected


@pytest.mark.parametrize(
    ("country", "region", "category", "unit_minor", "expected"),
    [
        ("US", "NY", "clothing", 10_999, 0),
        ("US", "NY", "clothing", 11_000, 40_000),
        ("US", "NY", "children", 10_999, 0),
        ("US", "", STANDARD, 1_000, 0),
        ("IN", "", "clothing", 250_000, 50_000),
        ("IN", "", "clothing", 250_001, 180_000),
        ("GB", "", "children", 1_000, 0),
        ("DE", "", "children", 1_000, 190_000),
        ("FR", "", "books", 1_000, 55_000),
        ("FR", "", "exempt", 1_000, 0),
        ("CA", "QC", STANDARD, 1_000, 149_750),
        ("CA", "ON", "books", 1_000, 50_000),
        ("CA", "", STANDARD, 1_000, 50_000),
        ("BR", "RJ", STANDARD, 1_000, 220_000),
        ("BR", "SP", STANDARD, 1_000, 180_000),
    ],
)
def test_category_region_and_price_of_a_piece_decide_the_rate(
    country, region, category, unit_minor, expected
):
    found = rate(country, country, region=region, category=category, unit_minor=unit_minor)

    assert found == expected


def test_every_rate_of_the_table_is_a_percentage_and_every_row_follows_the_one_before():
    regimes = [*table().regimes.values()]
    regimes += [region for regime in regimes for region in regime.regions.values()]
    for regime in regimes:
        days = [dated.since for dated in regime.rates]
        assert days == sorted(set(days))
        for dated in regime.rates:
            for bands in dated.categories.values():
                assert bands[-1].up_to_minor is None
                assert all(c.name and 0 < c.rate_ppm < 300_000 for b in bands for c in b.components)


def terms(rate_ppm=200_000, **facts) -> Terms:
    band = Band(components=(Component("VAT", rate_ppm),))
    return Terms(categories={STANDARD: (band,)}, **facts)


def total(terms, amounts, delivery_minor=0):
    goods = [Taxable(amount, amount, STANDARD) for amount in amounts]
    return sum(tax.amount_minor for tax in taxes(terms, goods, delivery_minor))


@pytest.mark.parametrize(
    ("_case", "facts", "amounts", "expected"),
    [
        ("added", {"method": Method.ADDED}, [1_000], 200),
        ("contained", {"method": Method.INCLUDED}, [1_200], 200),
        ("of the price itself", {"method": Method.INSIDE}, [1_000], 200),
        ("each line is rounded", {"method": Method.ADDED}, [3, 3, 3], 3),
        (
            "all is rounded at once",
            {"method": Method.ADDED, "rounding": Rounding.ORDER},
            [3] * 3,
            2,
        ),
        ("fractions are dropped", {"method": Method.ADDED, "down": True}, [14], 2),
        ("a half goes up", {"method": Method.INSIDE, "rate_ppm": 500_000}, [5], 3),
    ],
)
def test_how_a_tax_is_counted_and_rounded(_case, facts, amounts, expected):
    assert total(terms(**facts), amounts) == expected


def test_delivery_is_taxed_as_the_goods_it_brings_in_proportion():
    half = Terms(
        method=Method.ADDED,
        categories={
            STANDARD: (Band(components=(Component("VAT", 200_000),)),),
            "food": (Band(components=()),),
        },
    )
    goods = [Taxable(3_000, 3_000, STANDARD), Taxable(1_000, 1_000, "food")]

    assert [tax.amount_minor for tax in taxes(half, goods, 400)] == [660]


def test_what_is_given_away_still_has_its_delivery_taxed():
    assert total(terms(method=Method.ADDED), [0, 0], 100) == 20

"""In which zone an address is, what a parcel costs there, and what no zone may say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.inventory import Area
from commerce.shipping import SERVED, BadZone, NoDelivery, NoRate, zones_from
from commerce.shipping.defaults import AMOUNTS
from commerce.shipping.zone_checks import tidy, wrong
from commerce.shipping.zones import zone_of
from tests.shipping.factories import a_rate, a_zone, steps, to

MAP = (
    a_zone("world", "WORLD"),
    a_zone("union", "EU"),
    a_zone("germany", "DE"),
    a_zone("bavaria", Area("DE", ("80", "81")), "AT"),
    a_zone("alm", Area("DE", ("8098",))),
    a_zone("from France", "DE", origin="FR"),
    a_zone("Nigeria", "NG"),
)


@pytest.mark.parametrize(
    ("address", "origin", "zone"),
    [
        (to("DE", "10115"), "DE", "germany"),
        (to("DE"), "DE", "germany"),
        (to("DE", "80-331"), "DE", "bavaria"),
        (to("DE", "8098 1"), "DE", "alm"),
        (to("DE", "10115"), "FR", "from France"),
        (to("DE", "80331"), "FR", "bavaria"),
        (to("AT", "1010"), "DE", "bavaria"),
        (to("FR", "75001"), "DE", "union"),
        (to("US", "94103"), "DE", "world"),
        (to("NG"), "DE", "Nigeria"),
    ],
)
def test_the_zone_that_means_the_address_most_exactly_wins(address, origin, zone):
    assert zone_of(MAP, origin, address).name == zone
    assert zone_of(MAP[::-1], origin, address).name == zone


def test_what_is_not_reached_is_named():
    zones = (a_zone("islands", Area("ES", ("07", "35"))),)

    with pytest.raises(NoDelivery) as country:
        zone_of(zones, "ES", to("FR", "07000"))
    with pytest.raises(NoDelivery) as postcode:
        zone_of(zones, "ES", to("ES", "28001"))

    assert country.value.facts == {"country": "FR", "reason": "country"}
    assert postcode.value.facts == {"country": "ES", "postcode": "28001", "reason": "postcode"}


BY_WEIGHT = a_rate(
    steps=steps((0, 1_000, 490), (1_000, 5_000, 690), (5_000, 31_500, 1690)), cm3_per_kg=5_000
)


@pytest.mark.parametrize(
    ("grams", "cm3", "charge_minor"),
    [
        (0, 0, 490),
        (1_000, 0, 490),
        (1_001, 0, 690),
        (200, 5_000, 490),  # five litres count as a kilogram
        (200, 5_001, 690),
        (31_500, 0, 1690),
    ],
)
def test_a_parcel_costs_by_what_is_more_of_its_weight_and_its_volume(grams, cm3, charge_minor):
    assert BY_WEIGHT.charge(grams=grams, cm3=cm3, country="DE") == charge_minor


def test_volume_counts_only_where_the_rate_says_so():
    assert replace(BY_WEIGHT, cm3_per_kg=0).charge(grams=1, cm3=10**6, country="DE") == 490


def test_what_no_step_carries_is_not_delivered():
    with pytest.raises(NoDelivery) as refused:
        BY_WEIGHT.charge(grams=31_501, cm3=0, country="DE")

    assert refused.value.facts == {
        "country": "DE", "reason": "too_heavy", "grams": 31_501, "grams_max": 31_500,
    }  # fmt: skip


@given(st.integers(0, 31_500), st.integers(0, 150_000), st.integers(0, 500), st.integers(0, 500))
def test_more_never_costs_less_where_the_steps_rise(grams, cm3, more_grams, more_cm3):
    rate = replace(BY_WEIGHT, steps=(*BY_WEIGHT.steps, *steps((31_500, None, 4000))))

    fewer = rate.charge(grams=grams, cm3=cm3, country="DE")

    assert rate.charge(grams=grams + more_grams, cm3=cm3 + more_cm3, country="DE") >= fewer


@pytest.mark.parametrize(
    ("facts", "field", "problem"),
    [
        ({"name": " "}, "name", "length"),
        ({"origin": "EU"}, "origin", "unknown"),
        ({"areas": ()}, "areas", "number"),
        ({"areas": (Area("XX"),)}, "areas", "XX"),
        ({"areas": (Area("EU", ("1",)),)}, "areas", "EU"),
        ({"areas": (Area("DE", ("8%",)),)}, "areas", "8%"),
        ({"areas": (Area("DE", ("",)),)}, "areas", ""),
        ({"rates": ()}, "rates", "number"),
        ({"rates": (a_rate(currency="EURO"),)}, "rates.0.currency", "unknown"),
        ({"rates": (a_rate(), a_rate(speed="warp"))}, "rates.1.speed", "unknown"),
        ({"rates": (a_rate(), a_rate())}, "rates.1.speed", "twice"),
        ({"rates": (a_rate(), a_rate(currency="USD", speed="express"))}, "rates.1.speed",
         "no_standard"),
        ({"rates": (a_rate(days_min=4, days_max=3),)}, "rates.0.days", "order"),
        ({"rates": (a_rate(free_from_minor=-1),)}, "rates.0.free_from", "amount"),
        ({"rates": (a_rate(cm3_per_kg=-1),)}, "rates.0.cm3_per_kg", "number"),
        ({"rates": (a_rate(steps=()),)}, "rates.0.steps", "number"),
        ({"rates": (a_rate(amount_minor=-1),)}, "rates.0.steps.0", "amount"),
        ({"rates": (a_rate(steps=steps((5, None, 1))),)}, "rates.0.steps.0", "gap"),
        ({"rates": (a_rate(steps=steps((0, 5, 1), (6, None, 1))),)}, "rates.0.steps.1", "gap"),
        ({"rates": (a_rate(steps=steps((0, 5, 1), (4, None, 1))),)}, "rates.0.steps.1", "overlap"),
        ({"rates": (a_rate(steps=steps((0, None, 1), (5, 6, 1))),)}, "rates.0.steps.1", "overlap"),
        ({"rates": (a_rate(steps=steps((0, 0, 1)),),)}, "rates.0.steps.0", "order"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_by_its_field(facts, field, problem):
    with pytest.raises(BadZone) as refused:
        tidy(replace(a_zone(), **facts))

    assert refused.value.facts == {"field": field, "problem": problem}


def test_a_zone_is_kept_as_it_is_compared():
    zone = replace(a_zone(name=" Home "), origin="de", areas=(Area("gb", ("sw1a 1", "m-1")),))

    kept = tidy(zone)

    assert (kept.name, kept.origin, kept.areas) == ("Home", "DE", (Area("GB", ("SW1A1", "M1")),))


@pytest.mark.parametrize("origin", ["DE", "US", "NG"])
def test_the_default_zones_are_what_a_supplier_could_have_written(origin):
    zones = zones_from(origin)

    assert [list(wrong(replace(zone, id=zone.name))) for zone in zones] == [[]] * len(zones)
    assert all(zone.speeds(currency) == ["standard"] for zone in zones for currency in AMOUNTS)
    assert all(zone_of(zones, origin, to(country)) for country in SERVED)


def test_a_currency_or_a_speed_without_a_rate_is_refused():
    with pytest.raises(NoRate) as refused:
        a_zone().rate("SEK", "standard")
    with pytest.raises(NoRate):
        a_zone().rate("EUR", "express")

    assert refused.value.facts == {"currency": "SEK", "speed": "standard"}

"""Where addresses are, and how far from one another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.shipping import Destination
from commerce.shipping.places import locate
from commerce.shipping.points import FARTHEST_M, Point, distance_m

BERLIN, PARIS = Point(52_520_000, 13_405_000), Point(48_856_600, 2_352_200)
KM = 1_000

PLACES = [
    ("a postcode", "US 94103", "", "", (37_772, -122_415), 2),
    ("a longer one than is known", "US 10001-1234", "", "", (40_748, -73_997), 2),
    ("a half that is on record", "GB sw1a 1aa", "", "", (51_501, -133), 2),
    ("a half beside another", "GB E1 6AN", "", "", (51_515, -62), 3),
    ("a half of three letters", "CA M5V 3L9", "", "", (43_640, -79_400), 2),
    ("with a dash", "JP 150-0001", "", "", (35_669, 139_708), 2),
    ("without it", "JP 1500001", "", "", (35_669, 139_708), 2),
    ("with letters before it", "DE D-80331", "", "", (48_135, 11_571), 2),
    ("without those on record", "LV 1001", "", "", (56_946, 24_106), 5),
    ("without what follows", "PT 1000", "", "", (38_717, -9_133), 5),
    ("a postcode before the city", "DE 10115", "Bonn", "", (52_532, 13_385), 2),
    ("a city without accents", "DE", "munchen", "", (48_137, 11_575), 5),
    ("a city in another language", "ES", "Seville", "", (37_388, -5_975), 5),
    ("a part of a city", "DE", "Köln-Ehrenfeld", "", (50_935, 6_950), 5),
    ("where nobody has postcodes", "AE", "DUBAI", "", (25_077, 55_309), 5),
    ("of its name by the region", "US", "Springfield", "OR", (44_046, -123_022), 5),
    ("of its name by the region's name", "US", "Portland", "Maine", (43_661, -70_255), 5),
    ("of its name by the postcode", "DE 15999", "Frankfurt", "", (52_347, 14_551), 5),
    ("of its name by the people", "DE", "Frankfurt", "", (50_116, 8_684), 5),
    ("before a postcode nearby", "BR 01310-100", "São Paulo", "", (-23_548, -46_636), 5),
    ("a postcode nearby", "BR 01310-100", "?", "", (-23_600, -46_600), 30),
    ("the country", "FR", "nowhere at all", "", (47_300, 2_600), 150),
]


@pytest.mark.parametrize(("_case", "code", "city", "region", "near", "km"), PLACES)
def test_an_address_is_found_from_what_is_known_of_it(_case, code, city, region, near, km):
    country, _, postcode = code.partition(" ")
    to = Destination(country=country, postcode=postcode, city=city, region=region)
    where = Point(near[0] * 1_000, near[1] * 1_000)

    assert distance_m(locate(to), where) < km * KM


def test_a_shared_location_says_more_than_any_word():
    here = Destination(country="FR", postcode="75001", latitude_e6=1, longitude_e6=-2)

    assert locate(here) == Point(1, -2)


@given(
    st.builds(
        Destination,
        country=st.text(max_size=3),
        city=st.text(max_size=8),
        region=st.text(max_size=4),
        postcode=st.text(max_size=8),
    )
)
def test_no_address_is_an_error(anything):
    assert isinstance(locate(anything), Point | None)


def test_distances_are_metres_along_the_surface():
    assert distance_m(BERLIN, PARIS) == distance_m(PARIS, BERLIN) == 877_464
    assert distance_m(BERLIN, BERLIN) == 0
    assert distance_m(Point(0, 179_000_000), Point(0, -179_000_000)) == 222_390
    assert distance_m(Point(90_000_000, 0), Point(-90_000_000, 0)) <= FARTHEST_M


def test_a_place_that_nobody_knows_is_farther_than_any():
    assert distance_m(None, BERLIN) == FARTHEST_M

"""What an address needs in ten countries, and what is said of answers that cannot be right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import addresses, countries, pasted
from bot.addresses import Problem
from bot.model import NOWHERE, Place
from commerce.accounts import Address

P = Place


def of(country: str, **parts: str) -> Address:
    return replace(NOWHERE, country=country, **parts)


def filled(country: str, **written: str) -> Address | Problem:
    """The address after each question was answered as given, in the order of the country."""
    address = of(country)
    place = addresses.next_place(address, P.COUNTRY)
    while place:
        checked = addresses.check(place, written.pop(place), address)
        if isinstance(checked, Problem):
            return checked
        address, place = checked, addresses.next_place(checked, place)
    assert written == {}, "asked less than expected"
    return addresses.mismatch(address) or address


FULL_WIDTH = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}  # as Japanese keyboards do
WHO = {"name": "Ann Lee", "street": "Long Road 12"}


@pytest.mark.parametrize(
    ("country", "written", "expected"),
    [
        ("US", {"city": "Springfield", "postcode": "62701"}, {"region": "IL"}),
        ("US", {"city": "New York", "postcode": "10001-1234"}, {"region": "NY"}),
        ("DE", {"city": "Berlin", "postcode": "10115"}, {}),
        ("GB", {"city": "London", "postcode": "ec1y8sy"}, {"postcode": "EC1Y8SY"}),
        ("ES", {"city": "Madrid", "postcode": "28001"}, {"region": "Madrid"}),
        ("FR", {"city": "Paris", "postcode": "75001"}, {}),
        ("IN", {"city": "Delhi", "postcode": "110001"}, {"region": "Delhi"}),
        ("BR", {"city": "são paulo", "postcode": "01310-100"}, {"region": "SP"}),
        ("BR", {"city": "Sao Paulo", "postcode": "01310100"}, {"region": "SP"}),
        (
            "JP",
            {"postcode": "154-0023".translate(FULL_WIDTH)},
            {"postcode": "154-0023", "region": "Tokyo"},
        ),
        ("AE", {"region": "dubai"}, {"region": "Dubai"}),
        ("AE", {"region": "دبي"}, {"region": "Dubai"}),
        ("IE", {"city": "Dublin", "postcode": "D01 F5P2"}, {}),
        ("IE", {"city": "Dublin", "postcode": "skip"}, {"postcode": ""}),
        (
            "SV",
            {"city": "San Salvador", "postcode": "1101"},
            {"postcode": "CP 1101", "region": "San Salvador"},
        ),
        ("DE", {"city": "Berlin", "postcode": "D-10115"}, {"postcode": "10115"}),
        ("LV", {"city": "Riga", "postcode": "1010"}, {"postcode": "LV-1010"}),
        ("SG", {"postcode": "546080"}, {}),
    ],
)
def test_only_what_the_country_needs_is_asked(country, written, expected):
    address = filled(country, **WHO, **written)

    wanted = {addresses.FIELDS[Place(place)]: text for place, text in (WHO | written).items()}
    assert address == of(country, **(wanted | expected))
    assert addresses.is_complete(address)


@pytest.mark.parametrize(
    ("country", "written", "problem"),
    [
        ("US", {"city": "Springfield", "postcode": "ABC"}, Problem(P.POSTCODE, "postcode")),
        ("US", {"city": "Springfield", "postcode": "6270"}, Problem(P.POSTCODE, "postcode")),
        ("DE", {"city": "Berlin", "postcode": "1011"}, Problem(P.POSTCODE, "postcode")),
        ("GB", {"city": "London", "postcode": "12345"}, Problem(P.POSTCODE, "postcode")),
        ("GB", {"city": "X1", "postcode": "GIR 0AAxyz"}, Problem(P.POSTCODE, "postcode")),
        ("ES", {"city": "Madrid", "postcode": "280011"}, Problem(P.POSTCODE, "postcode")),
        ("FR", {"city": "Paris", "postcode": "Paris"}, Problem(P.POSTCODE, "postcode")),
        ("IN", {"city": "Delhi", "postcode": "11000"}, Problem(P.POSTCODE, "postcode")),
        ("BR", {"city": "Atlantis", "postcode": "01310-100"}, Problem(P.CITY, "city_region")),
        ("JP", {"postcode": "154-002"}, Problem(P.POSTCODE, "postcode")),
        ("AE", {"region": "Texas"}, Problem(P.REGION, "region")),
        ("IE", {"city": "Dublin", "postcode": "10115"}, Problem(P.POSTCODE, "postcode")),
        ("DE", {"city": "12345"}, Problem(P.CITY, "letters")),
        ("DE", {"city": "B" * 200}, Problem(P.CITY, "long")),
    ],
)
def test_what_cannot_be_there_is_named(country, written, problem):
    assert filled(country, **WHO, **written) == problem


@pytest.mark.parametrize(
    ("place", "text", "code"),
    [
        (P.NAME, "🔥" * 50, "letters"),
        (P.NAME, "7", "letters"),
        (P.NAME, "A" * 81, "long"),
        (P.STREET, "12", "letters"),
        (P.STREET, "Long Road 12\n" + "B" * 121, "long"),
        (P.COUNTRY, "Narnia", "country"),
        (P.COUNTRY, "no", "country"),  # not Norway
    ],
)
def test_what_is_no_answer_is_not_kept(place, text, code):
    assert addresses.check(place, text, of("DE")) == Problem(place, code)


def test_a_second_line_of_the_street_is_kept_as_one():
    checked = addresses.check(P.STREET, " 12  Main St \n\n Apt 4\nBack door", of("US"))

    assert checked == of("US", line1="12 Main St", line2="Apt 4, Back door")


def test_a_postcode_of_another_region_is_named():
    address = of("US", name="Ann", line1="1 A St", city="Albany", region="NY", postcode="62701")

    assert addresses.mismatch(address) == Problem(P.POSTCODE, "postcode_region")


def test_another_country_keeps_who_and_street_only():
    address = of("US", name="Ann", line1="1 A St", city="Albany", region="NY", postcode="12201")

    assert addresses.check(P.COUNTRY, "Germany", address) == of("DE", name="Ann", line1="1 A St")


def test_the_region_told_by_a_postcode_goes_with_it():
    address = of("US", name="Ann", line1="1 A St", city="Albany", region="NY", postcode="12201")

    assert addresses.previous_place(address, P.SUMMARY) is P.POSTCODE
    assert addresses.without(address, P.POSTCODE) == replace(address, postcode="", region="")


@pytest.mark.parametrize(
    ("address", "language", "expected"),
    [
        (
            of("US", name="Ann", line1="1 A St", line2="Apt 4", city="Albany", region="NY",
               postcode="12201"),
            "en", ("Ann", "1 A St, Apt 4", "Albany, NY 12201", "United States"),
        ),
        (
            of("ES", name="Ana", line1="Calle Mayor 1", city="Madrid", region="Madrid",
               postcode="28001"),
            "es", ("Ana", "Calle Mayor 1", "28001 Madrid", "España"),
        ),
        (of("AE", name="Ali", line1="Road 7", region="Dubai"), "es",
         ("Ali", "Road 7", "Dubai", "Emiratos Árabes Unidos")),
        (of("JP", name="Taro", line1="Shibuya 1-2", region="Tokyo", postcode="150-0002"), "en",
         ("Taro", "Shibuya 1-2, Tokyo", "150-0002", "Japan")),
    ],
)  # fmt: skip
def test_an_address_is_written_as_in_its_country(address, language, expected):
    assert addresses.lines(address, language) == expected


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("USA", "US"), ("us", "US"), ("Estados Unidos", "US"), ("the united states", "US"),
        ("UK", "GB"), ("England", "GB"), ("Reino Unido", "GB"), ("GBR", "GB"),
        ("España", "ES"), ("espana", "ES"), ("es", "ES"), ("Spain!", "ES"),
        ("Alemania", "DE"), ("Deutschland", "DE"), ("méxico", "MX"), ("日本", "JP"),
        ("U.A.E.", "AE"), ("Irlanda", "IE"), ("brasil", "BR"), ("NO", "NO"),
        ("no", None), ("", None), ("🇪🇸", None), ("European Union", None), ("xx", None),
    ],
)  # fmt: skip
def test_countries_are_known_by_name_code_and_habit(text, country):
    assert countries.read(text) == country


def test_the_likely_countries_begin_with_the_platforms_guess():
    assert countries.likely("es", "MX")[:3] == ("MX", "ES", "AR")
    assert countries.likely("en", "")[0] == "US"
    assert countries.likely("en", "XX")[0] == "US"
    assert {len(countries.likely(lang, "IN")) for lang in ("en", "es")} == {9}


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        (
            "Ann Lee\n12 Main St\nApt 4\nSpringfield, IL 62701\nUSA", "",
            of("US", name="Ann Lee", line1="12 Main St", line2="Apt 4", city="Springfield",
               region="IL", postcode="62701"),
        ),
        (
            "Ann Lee\n10 Downing Street\nLondon\nSW1A 2AA", "GB",
            of("GB", name="Ann Lee", line1="10 Downing Street", city="London",
               postcode="SW1A 2AA"),
        ),
        (
            "Jürgen Groß\nHauptstr. 5\n10115 Berlin\nAlemania", "",
            of("DE", name="Jürgen Groß", line1="Hauptstr. 5", city="Berlin", postcode="10115"),
        ),
        (
            "Ravi Kumar\n12 MG Road\nBengaluru 560001\nKarnataka\nIndia", "",
            of("IN", name="Ravi Kumar", line1="12 MG Road", city="Bengaluru",
               region="Karnataka", postcode="560001"),
        ),
        (
            "João\nAv. Paulista 1000\nSão Paulo - SP\n01310-100\nBrasil", "",
            of("BR", name="João", line1="Av. Paulista 1000", city="São Paulo", region="SP",
               postcode="01310-100"),
        ),
        (
            "Taro\n1-2-3 Shibuya\nTokyo\n150-0002\nJapan", "",
            of("JP", name="Taro", line1="1-2-3 Shibuya", region="Tokyo", postcode="150-0002"),
        ),
        (
            "Aoife\n1 O'Connell St\nDublin 1\nIreland", "",
            of("IE", name="Aoife", line1="1 O'Connell St", city="Dublin 1"),
        ),
        ("hello\nthere\nyou", "US", None),
        ("hello\nthere\nyou", "", None),
        ("12 Main St\nSpringfield", "US", None),
    ],
)  # fmt: skip
def test_a_pasted_address_is_read_as_far_as_it_can_be(text, country, expected):
    assert pasted.read(text, country) == expected


def test_every_country_can_be_asked_for():
    for code in countries.codes():
        rules = addresses.rules(code)
        assert {P.NAME, P.STREET} <= set(rules.places)
        assert rules.required <= set(rules.places), code

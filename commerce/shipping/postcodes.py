"""Where a postcode is, found in the file of GeoNames' postcodes that the package geotz carries.

The file is mapped, not read: it is sorted by country and postcode, so that a search touches a few
of its pages and none of it is kept in memory.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import metadata
from string import ascii_uppercase

from commerce.shipping.points import Point, mean, point
from commerce.shipping.zones import plain

FILE = "geotz/data/geonames_all_countries_sorted.tsv"
LATITUDE, LONGITUDE = 9, 10  # columns of a record, after the country and the postcode
COARSE = 2  # characters that a postcode nearby has in common
REGION_RECORDS_MAX = 5_000
SAME_MAX = 100  # places of one postcode
# These are written with letters before them, or without.
LETTERS = {"AD": "AD", "AZ": "AZ", "HT": "HT", "LU": "L", "LV": "LV", "MD": "MD"}
OUTWARD = {"GB", "GG", "IM", "JE"}  # of these only the first half of a postcode is on record
INWARD_LENGTH = 3

Key = tuple[str, str]


@cache
def _records() -> mmap.mmap:
    path = metadata.distribution("geotz").locate_file(FILE)
    with open(str(path), "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


@lru_cache(maxsize=4096)
def find(country: str, postcode: str) -> tuple[Point, bool] | None:
    """The place of the postcode, or of the one most like it, and whether it is exact."""
    code = written(country, postcode)
    known = max(_around(country, code), key=lambda one: _common(code, one), default="")
    common = _common(code, known)
    where = _middle(country, known) if common >= COARSE else None
    if where is None:
        return None
    return where, common == len(known) or common == len(code) > COARSE


def written(country: str, postcode: str) -> str:
    """The postcode as it stands on record."""
    code = plain(postcode)
    digits = code.lstrip(ascii_uppercase)
    if digits.isdecimal() and len(digits) > COARSE:
        return LETTERS.get(country, "") + digits
    if country in OUTWARD and code[-INWARD_LENGTH:-2].isdecimal() and code[-2:].isalpha():
        return code[:-INWARD_LENGTH]
    return code


@lru_cache(maxsize=1024)
def region(country: str, name: str) -> Point | None:
    """The middle of a region, by its name or its code."""
    lines, needle = _records(), f"\t{name}\t".encode()
    start, end = _offset((country, "")), _offset((country, "\U0010ffff"))
    found: list[Point] = []
    while (start := lines.find(needle, start, end)) >= 0 and len(found) < REGION_RECORDS_MAX:
        found.append(_point(_line(lines, start)))
        start = lines.find(b"\n", start, end)
    return mean((where, 1) for where in found)


def _around(country: str, code: str) -> Iterator[str]:
    """The postcodes on record before and behind the place where this one stands or would stand."""
    lines, at = _records(), _offset((country, code))
    for offset in (at, at - 1):
        if 0 <= offset < len(lines):
            land, known = _key(_line(lines, offset))
            if land == country:
                yield known


def _middle(country: str, known: str) -> Point | None:
    """Of all the places that have this postcode."""
    lines, at = _records(), _offset((country, known))
    found: list[Point] = []
    while at < len(lines) and len(found) < SAME_MAX:
        line = _line(lines, at)
        if _key(line) != (country, known):
            break
        found.append(_point(line))
        at += len(line) + 1
    return mean((where, 1) for where in found)


def _offset(key: Key) -> int:
    """Where the first record begins that does not come before the key."""
    lines = _records()
    low, high = 0, len(lines)
    while low < high:
        start = lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
        line = _line(lines, start)
        if _key(line) < key:
            low = start + len(line) + 1
        else:
            high = start
    return low


def _line(lines: mmap.mmap, offset: int) -> bytes:
    start, end = lines.rfind(b"\n", 0, offset) + 1, lines.find(b"\n", offset)
    return lines[start : end if end >= 0 else len(lines)]


def _key(line: bytes) -> Key:
    country, code, _ = line.split(b"\t", 2)
    return country.decode(), plain(code.decode())


def _point(line: bytes) -> Point:
    columns = line.decode().split("\t")
    return point(columns[LATITUDE], columns[LONGITUDE])


def _common(one: str, other: str) -> int:
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count

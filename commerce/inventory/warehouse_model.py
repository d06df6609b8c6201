"""A warehouse: where it stands, whom it serves, and what may be said about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from zoneinfo import available_timezones

from babel import Locale

from commerce.kernel.errors import Refusal

NAME_MAX, PLACE_MAX, HANDLING_DAYS_MAX = 60, 80, 60
PREFIXES_MAX = 3_000  # of all areas of one warehouse
POSTCODE = re.compile(r"[A-Z0-9][A-Z0-9 -]{0,11}")
PREFIX = re.compile(r"[A-Z0-9]{1,10}")
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
NO_COUNTRIES = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}  # what Babel names besides
POLE_E6, DATE_LINE_E6 = 90_000_000, 180_000_000


class UnknownWarehouse(Refusal):
    code = "unknown_warehouse"


class NotYourWarehouse(Refusal):
    """It belongs to another supplier."""

    code = "not_your_warehouse"


class WarehouseClosed(Refusal):
    """Nothing comes in there any more."""

    code = "warehouse_closed"


class WarehouseNotEmpty(Refusal):
    """`pieces` of `skus` different things are there, or promised from there."""

    code = "warehouse_not_empty"


class WarehouseChanged(Refusal):
    """The warehouse is not what the person saw: `version` is now another one."""

    code = "warehouse_changed"


class BadWarehouse(Refusal):
    """Its `field` cannot be so."""

    code = "bad_warehouse"


@dataclass(frozen=True, slots=True)
class Area:
    """A country that is delivered to, or the parts of it whose postcodes begin so."""

    country: str
    postcode_prefixes: tuple[str, ...] = ()

    def covers(self, country: str, postcode: str) -> bool:
        if country != self.country:
            return False
        return not self.postcode_prefixes or plain(postcode).startswith(self.postcode_prefixes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    id: str
    supplier_id: str
    name: str
    country: str  # ISO 3166 alpha-2
    region: str = ""
    city: str = ""
    postcode: str = ""
    latitude_e6: int | None = None  # millionths of a degree
    longitude_e6: int | None = None
    areas: tuple[Area, ...] = ()  # none: wherever the supplier's rates reach
    handling_days: int = 1  # working days until a parcel leaves
    cutoff: str = "12:00"  # what is paid later than this is handled a day later
    timezone: str = "UTC"
    active: bool = True
    version: int = 1

    def serves(self, country: str, postcode: str) -> bool:
        return not self.areas or any(area.covers(country, postcode) for area in self.areas)


def plain(postcode: str) -> str:
    """A postcode as prefixes are compared with it: `sw1a 1aa` is `SW1A1AA`."""
    return postcode.upper().replace(" ", "").replace("-", "")


def tidy(warehouse: Warehouse) -> Warehouse:
    """The warehouse as it is kept; BadWarehouse names the first field that cannot be so."""
    for field in wrong_fields(warehouse):
        raise BadWarehouse(field=field)
    return _tidied(warehouse)


def wrong_fields(warehouse: Warehouse) -> list[str]:
    tidied = _tidied(warehouse)
    return [field for field, can_be in CHECKS.items() if not can_be(tidied)]


def _tidied(warehouse: Warehouse) -> Warehouse:
    return replace(
        warehouse,
        name=warehouse.name.strip(),
        country=warehouse.country.strip().upper(),
        region=warehouse.region.strip(),
        city=warehouse.city.strip(),
        postcode=warehouse.postcode.strip().upper(),
        areas=tuple(_merged(warehouse.areas)),
    )


def _merged(areas: tuple[Area, ...]) -> Iterator[Area]:
    """One area of each country, its prefixes plain and in order; a whole country needs none."""
    found: dict[str, set[str] | None] = {}
    for area in areas:
        known = found.setdefault(area.country.strip().upper(), set())
        if not area.postcode_prefixes:
            found[area.country.strip().upper()] = None
        elif known is not None:
            known |= {plain(prefix) for prefix in area.postcode_prefixes}
    for country, prefixes in sorted(found.items()):
        yield Area(country, tuple(sorted(prefixes or ())))


def _areas(one: Warehouse) -> bool:
    prefixes = [prefix for area in one.areas for prefix in area.postcode_prefixes]
    known = all(area.country in countries() for area in one.areas)
    return known and len(prefixes) <= PREFIXES_MAX and all(map(PREFIX.fullmatch, prefixes))


def _coordinates(one: Warehouse) -> bool:
    if one.latitude_e6 is None or one.longitude_e6 is None:
        return one.latitude_e6 is one.longitude_e6
    return abs(one.latitude_e6) <= POLE_E6 and abs(one.longitude_e6) <= DATE_LINE_E6


@cache
def countries() -> frozenset[str]:
    """ISO 3166 alpha-2."""
    known = map(str, Locale("en").territories)
    return frozenset(code for code in known if len(code) == 2) - NO_COUNTRIES


@cache
def timezones() -> frozenset[str]:
    return frozenset(available_timezones())


CHECKS: Mapping[str, Callable[[Warehouse], object]] = {
    "name": lambda one: 1 <= len(one.name) <= NAME_MAX,
    "country": lambda one: one.country in countries(),
    "region": lambda one: len(one.region) <= PLACE_MAX,
    "city": lambda one: len(one.city) <= PLACE_MAX,
    "postcode": lambda one: not one.postcode or POSTCODE.fullmatch(one.postcode),
    "coordinates": _coordinates,
    "areas": _areas,
    "handling_days": lambda one: 0 <= one.handling_days <= HANDLING_DAYS_MAX,
    "cutoff": lambda one: TIME.fullmatch(one.cutoff),
    "timezone": lambda one: one.timezone in timezones(),
}

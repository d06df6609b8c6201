"""Zones and their rates: which of them an address is in, and what a parcel costs there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from commerce.inventory import Area
from commerce.kernel.errors import Refusal
from commerce.shipping.model import STANDARD, Destination, NoDelivery, NoRate


def _countries(codes: str) -> frozenset[str]:
    return frozenset(codes.split())


EU = _countries("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK")
SERVED = EU | _countries(
    "AE AR AU BR CA CH CL CO CR DO EC GB HK ID IL IN IS JP KR KW LI MA MX MY NO NZ PA PE PH QA SA"
    " SG TH TR TW US UY VN ZA"
)
# What stands for many countries in the areas of a zone; the narrowest first.
GROUPS = {"EU": EU, "WORLD": SERVED}


class BadZone(Refusal):
    """The `field` of a zone or of one of its rates cannot be so; `problem` says what it is."""

    code = "bad_zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A parcel heavier than `above_grams`, up to and including `up_to_grams`."""

    above_grams: int
    up_to_grams: int | None  # None = however heavy
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    currency: str
    speed: str = STANDARD
    steps: tuple[Step, ...]
    free_from_minor: int | None = None
    days_min: int  # working days on the way
    days_max: int
    cm3_per_kg: int = 0  # volume that costs as much as a kilogram; 0 = only weight counts

    def charge(self, *, grams: int, cm3: int, country: str) -> int:
        heavy = max(grams, -(-cm3 * 1000 // self.cm3_per_kg) if self.cm3_per_kg else 0)
        for step in self.steps:
            if step.up_to_grams is None or heavy <= step.up_to_grams:
                return step.amount_minor
        most = self.steps[-1].up_to_grams
        raise NoDelivery(country=country, reason="too_heavy", grams=heavy, grams_max=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """Where a supplier delivers at the same rates."""

    id: str
    supplier_id: str
    name: str
    origin: str = ""  # only for parcels that leave this country; "" = wherever they leave
    areas: tuple[Area, ...]
    rates: tuple[Rate, ...]
    version: int = 1

    def speeds(self, currency: str) -> list[str]:
        return [rate.speed for rate in self.rates if rate.currency == currency]

    def rate(self, currency: str, speed: str) -> Rate:
        for rate in self.rates:
            if (rate.currency, rate.speed) == (currency, speed):
                return rate
        raise NoRate(currency=currency, speed=speed)


def plain(postcode: str) -> str:
    """A postcode as it is compared: without blanks, dashes and small letters."""
    return "".join(char for char in postcode.upper() if char.isalnum())


def closeness(area: Area, to: Destination) -> int | None:
    """How exactly the area means this address: the larger the closer, None = not at all."""
    if area.country in GROUPS:
        rank = -1 - list(GROUPS).index(area.country)
        return rank if to.country in GROUPS[area.country] else None
    if area.country != to.country:
        return None
    if not area.postcode_prefixes:
        return 0
    code = plain(to.postcode)
    return max((len(p) for p in area.postcode_prefixes if code.startswith(p)), default=None)


def covers(areas: Iterable[Area], to: Destination) -> bool:
    """Whether one of the areas means the address; without a postcode: whether one may."""
    return any(
        closeness(area, to) is not None or (not to.postcode and area.country == to.country)
        for area in areas
    )


def zone_of(zones: Sequence[Zone], origin: str, to: Destination) -> Zone:
    """The zone that means the address most exactly; of two the one for this origin alone."""
    fitting = [
        (close, bool(zone.origin), zone.id)
        for zone in zones
        if zone.origin in ("", origin)
        for area in zone.areas
        if (close := closeness(area, to)) is not None
    ]
    if not fitting:
        elsewhere = covers(
            (area for z in zones for area in z.areas), Destination(country=to.country)
        )
        raise unserved(to, "postcode" if elsewhere else "country")
    chosen = max(fitting)[-1]
    return next(zone for zone in zones if zone.id == chosen)


def unserved(to: Destination, reason: str) -> NoDelivery:
    if reason == "postcode":
        return NoDelivery(country=to.country, postcode=to.postcode, reason=reason)
    return NoDelivery(country=to.country, reason=reason)

"""What a zone may say: every field that cannot be meant is refused by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from babel import Locale

from commerce.inventory import Area, countries
from commerce.shipping.model import STANDARD
from commerce.shipping.zones import GROUPS, BadZone, Rate, Step, Zone

SPEEDS = ("economy", STANDARD, "express", "same_day")
NAME_MAX = 60
PREFIXES_MAX = 3_000
PREFIX = re.compile(r"[A-Z0-9]{1,10}")
RATES_MAX = 40
STEPS_MAX = 40
AMOUNT_MINOR_MAX = 10**12
GRAMS_MAX = 10**8
CM3_PER_KG_MAX = 10**6
DAYS_MAX = 120
Wrong = Iterator[tuple[str, str]]  # the field, and what is wrong with it


def tidy(zone: Zone) -> Zone:
    """The zone as it is kept; BadZone names the first field that cannot be so."""
    found = replace(
        zone,
        name=zone.name.strip(),
        origin=zone.origin.strip().upper(),
        areas=tuple(
            Area(area.country.strip().upper(), tuple(map(_prefix, area.postcode_prefixes)))
            for area in zone.areas
        ),
    )
    for field, problem in wrong(found):
        raise BadZone(field=field, problem=problem)
    return found


def _prefix(typed: str) -> str:
    return typed.upper().replace(" ", "").replace("-", "")


def wrong(zone: Zone) -> Wrong:
    if not 1 <= len(zone.name) <= NAME_MAX:
        yield "name", "length"
    if zone.origin and zone.origin not in countries():
        yield "origin", "unknown"
    yield from _wrong_areas(zone.areas)
    if not 1 <= len(zone.rates) <= RATES_MAX:
        yield "rates", "number"
    for number, rate in enumerate(zone.rates):
        yield from ((f"rates.{number}.{field}", why) for field, why in _wrong_rate(rate))
    yield from _wrong_together(zone.rates)


def _wrong_areas(areas: Sequence[Area]) -> Wrong:
    if not areas or sum(len(area.postcode_prefixes) or 1 for area in areas) > PREFIXES_MAX:
        yield "areas", "number"
    for area in areas:
        if area.country not in countries() and area.country not in GROUPS:
            yield "areas", area.country
        if area.postcode_prefixes and area.country in GROUPS:
            yield "areas", area.country
        yield from (("areas", p) for p in area.postcode_prefixes if not PREFIX.fullmatch(p))


def _wrong_rate(rate: Rate) -> Wrong:
    if rate.currency not in currencies():
        yield "currency", "unknown"
    if rate.speed not in SPEEDS:
        yield "speed", "unknown"
    if not 0 <= rate.days_min <= rate.days_max <= DAYS_MAX:
        yield "days", "order"
    if rate.free_from_minor is not None and not 0 <= rate.free_from_minor <= AMOUNT_MINOR_MAX:
        yield "free_from", "amount"
    if not 0 <= rate.cm3_per_kg <= CM3_PER_KG_MAX:
        yield "cm3_per_kg", "number"
    if not 1 <= len(rate.steps) <= STEPS_MAX:
        yield "steps", "number"
    yield from _wrong_steps(rate.steps)


def _wrong_steps(steps: Sequence[Step]) -> Wrong:
    """Each begins where the one before ends, and only the last may be without an end."""
    reached: int | None = 0
    for number, step in enumerate(steps):
        field = f"steps.{number}"
        if reached is None or step.above_grams < reached:
            yield field, "overlap"
        elif step.above_grams > reached:
            yield field, "gap"
        reached = step.up_to_grams
        if reached is not None and not step.above_grams < reached <= GRAMS_MAX:
            yield field, "order"
        if not 0 <= step.amount_minor <= AMOUNT_MINOR_MAX:
            yield field, "amount"


def _wrong_together(rates: Sequence[Rate]) -> Wrong:
    seen = [(rate.currency, rate.speed) for rate in rates]
    for number, (currency, speed) in enumerate(seen):
        if (currency, speed) in seen[:number]:
            yield f"rates.{number}.speed", "twice"
        if (currency, STANDARD) not in seen:
            yield f"rates.{number}.speed", "no_standard"


@cache
def currencies() -> frozenset[str]:
    return frozenset(map(str, Locale("en").currencies))

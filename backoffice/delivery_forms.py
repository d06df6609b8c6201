"""The form of a zone: what was typed, read into a zone, or into one clear sentence per field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from backoffice import pages
from backoffice import words_delivery as words
from backoffice.forms import ID
from commerce import shipping
from commerce.inventory import Area
from commerce.kernel import ids, money
from commerce.shipping import Rate, Step, Zone

RATES_MAX = 40
WHOLE = re.compile(r"[0-9]{1,9}")
STEP = re.compile(r"(?:([0-9]{1,9}) ?(?:[-–] ?([0-9]{1,9})|\+)) ?(?:g ?)?[:=]? ?(\S.*)")
FLAT = re.compile(r"[0-9][0-9.,' ]*")
UNREADABLE = -1  # stands for what is no number, so that the zone itself refuses it


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneForm:
    """`values` is all text as a person typed it; `version` 0 is a zone that is not there yet."""

    id: str
    version: int
    rates: int
    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def wrong(self, **errors: str) -> ZoneForm:
        return replace(self, errors={**self.errors, **errors})

    def more(self) -> ZoneForm:
        return replace(self, rates=min(self.rates + 1, RATES_MAX), errors={})


def blank(currency: str) -> ZoneForm:
    values = {"currency-0": currency, "speed-0": shipping.STANDARD, "steps-0": ""}
    return ZoneForm(id=ids.new_id(), version=0, rates=1, values=values)


def of(zone: Zone) -> ZoneForm:
    """The form as it opens."""
    values = {"name": zone.name, "origin": zone.origin}
    values["areas"] = "\n".join(map(_area_line, zone.areas))
    for n, rate in enumerate(zone.rates):
        values |= {f"{name}-{n}": text for name, text in _rate_values(rate).items()}
    return ZoneForm(id=zone.id, version=zone.version, rates=len(zone.rates), values=values)


def _area_line(area: Area) -> str:
    prefixes = ", ".join(area.postcode_prefixes)
    return f"{area.country}: {prefixes}" if prefixes else area.country


def _rate_values(rate: Rate) -> dict[str, str]:
    free_from = rate.free_from_minor
    return {
        "currency": rate.currency,
        "speed": rate.speed,
        "days_min": str(rate.days_min),
        "days_max": str(rate.days_max),
        "free_from": "" if free_from is None else pages.major(free_from, rate.currency),
        "cm3_per_kg": str(rate.cm3_per_kg or ""),
        "steps": "\n".join(_step_line(step, rate.currency) for step in rate.steps),
    }


def _step_line(step: Step, currency: str) -> str:
    upto = "+" if step.up_to_grams is None else f"-{step.up_to_grams}"
    return f"{step.above_grams}{upto}: {pages.major(step.amount_minor, currency)}"


def read(fields: Mapping[str, str], supplier_id: str) -> tuple[ZoneForm, Zone]:
    """The form as it was sent, with what is wrong in it; the zone counts where nothing is."""
    values = {name: text.strip() for name, text in fields.items()}
    known = values.get("id", "")
    form = ZoneForm(
        id=known if ID.fullmatch(known) else ids.new_id(),
        version=max(_number(values.get("version", "")), 0),
        rates=min(max(_number(values.get("rates", "")), 1), RATES_MAX),
        values=values,
    )
    used = [n for n in range(form.rates) if form.get(f"currency-{n}") or form.get(f"steps-{n}")]
    zone = Zone(
        id=form.id,
        supplier_id=supplier_id,
        name=form.get("name"),
        origin=form.get("origin"),
        areas=tuple(_areas(form.get("areas"))),
        rates=tuple(_rate(form, n) for n in used),
    )
    return replace(form, errors=_errors(form, zone, used)), zone


def _errors(form: ZoneForm, zone: Zone, used: list[int]) -> dict[str, str]:
    """The first of each field, under the name that it has in the form."""
    errors: dict[str, str] = {}
    for n in used:
        for line, text in enumerate(form.get(f"steps-{n}").splitlines()):
            if _step(text, form.get(f"currency-{n}")) is None:
                said = words.wrong(f"rates.{n}.steps.{line}", "unread")
                errors.setdefault(f"steps-{n}", said)
    for wrong, problem in shipping.wrong(zone):
        _, *rate = wrong.split(".")
        name = f"{rate[1]}-{used[int(rate[0])]}" if rate else wrong
        errors.setdefault(name, words.wrong(wrong, problem))
    return errors


def _areas(text: str) -> Iterator[Area]:
    """Lines like `DE`, `DE, AT` or `DE: 80, 81`; countries by code or by name."""
    for line in filter(None, map(str.strip, text.splitlines())):
        places, _, prefixes = line.partition(":")
        given = tuple(p.upper().replace(" ", "").replace("-", "") for p in prefixes.split(",") if p)
        for name in filter(None, map(str.strip, places.split(","))):
            yield Area(_country(name), tuple(filter(None, given)))


def _country(name: str) -> str:
    named = {known.casefold(): code for code, known in words.countries().items()}
    return named.get(name.casefold(), name.upper())


def _rate(form: ZoneForm, n: int) -> Rate:
    currency = form.get(f"currency-{n}").upper()
    free_from = form.get(f"free_from-{n}")
    lines = form.get(f"steps-{n}").splitlines()
    steps = (_step(line, currency) for line in lines)
    return Rate(
        currency=currency,
        speed=form.get(f"speed-{n}"),
        steps=tuple(step for step in steps if step),
        free_from_minor=_amount(free_from, currency) if free_from else None,
        days_min=_number(form.get(f"days_min-{n}")),
        days_max=_number(form.get(f"days_max-{n}")),
        cm3_per_kg=_number(form.get(f"cm3_per_kg-{n}") or "0"),
    )


def _step(line: str, currency: str) -> Step | None:
    """`0-1000: 4.90`, `5000+: 9.90`, or `4.90` for whatever it weighs."""
    line = line.strip()
    if FLAT.fullmatch(line):
        return Step(above_grams=0, up_to_grams=None, amount_minor=_amount(line, currency))
    found = STEP.fullmatch(line)
    if found is None:
        return None
    return Step(
        above_grams=int(found[1]),
        up_to_grams=int(found[2]) if found[2] else None,
        amount_minor=_amount(found[3], currency),
    )


def _amount(text: str, currency: str) -> int:
    """Minor units; a comma alone stands before the fraction, as a point."""
    written = text if "." in text else text.replace(",", ".")
    try:
        return money.parse_money(written, currency, pages.LOCALE)
    except money.MoneyUnreadable:
        return UNREADABLE


def _number(text: str) -> int:
    return int(text) if WHOLE.fullmatch(text) else UNREADABLE

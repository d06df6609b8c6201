"""The forms of a warehouse and of moving pieces: values, or one clear sentence per field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from backoffice import words_warehouse as words
from backoffice.forms import ID
from commerce import inventory
from commerce.inventory import Area, Warehouse
from commerce.kernel import ids

TEXT_MAX = 20_000
LINE = re.compile(r"([A-Za-z]{2})(?:(?:\s*:|\s)([^:]*))?")
RANGE = re.compile(r"([0-9]{1,9})\s*-\s*([0-9]{1,9})")
RANGE_MAX = 3_001  # one more than a warehouse can have, so that too many are told as such
COORDINATES = re.compile(
    r"(-?[0-9]{1,3}(?:\.[0-9]{1,12})?)\s*[,; ]\s*(-?[0-9]{1,3}(?:\.[0-9]{1,12})?)"
)
DAYS = re.compile(r"[0-9]{1,3}")
PIECES = re.compile(r"[0-9]{1,9}")
VERSION = re.compile(r"[0-9]{1,18}")
REASON_MIN, REASON_MAX = 3, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseForm:
    """Everything as it was typed; the key is the id of the warehouse."""

    key: str
    version: int = 0  # 0 = not open yet
    name: str = ""
    country: str = ""
    region: str = ""
    city: str = ""
    postcode: str = ""
    coordinates: str = ""
    areas: str = ""
    handling_days: str = "1"
    cutoff: str = "12:00"
    timezone: str = "UTC"
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferForm:
    key: str
    sku: str
    origin: str
    to: str = ""
    pieces: str = ""
    reason: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    def wrong(self, **errors: str) -> TransferForm:
        return replace(self, errors={**self.errors, **errors})


class NoSuchArea(ValueError):
    """What of the text is no area."""


def of(warehouse: Warehouse) -> WarehouseForm:
    """The form as it opens."""
    return WarehouseForm(
        key=warehouse.id,
        version=warehouse.version,
        name=warehouse.name,
        country=warehouse.country,
        region=warehouse.region,
        city=warehouse.city,
        postcode=warehouse.postcode,
        coordinates=_coordinates_text(warehouse),
        areas=areas_text(warehouse.areas),
        handling_days=str(warehouse.handling_days),
        cutoff=warehouse.cutoff,
        timezone=warehouse.timezone,
    )


def newer(form: WarehouseForm, warehouse: Warehouse) -> WarehouseForm:
    """The same form over the warehouse as it is now."""
    return replace(form, version=warehouse.version)


def key_of(fields: Mapping[str, str]) -> str:
    return fields["key"] if ID.fullmatch(fields.get("key", "")) else ids.new_id()


def read(fields: Mapping[str, str], supplier_id: str, key: str) -> tuple[WarehouseForm, Warehouse]:
    """The form as it was sent, with what is wrong in it, and the warehouse it means."""

    def typed(name: str) -> str:
        return fields.get(name, "")[:TEXT_MAX].strip()

    form = WarehouseForm(
        key=key,
        version=int(typed("version")) if VERSION.fullmatch(typed("version")) else 0,
        name=typed("name"),
        country=typed("country"),
        region=typed("region"),
        city=typed("city"),
        postcode=typed("postcode"),
        coordinates=typed("coordinates"),
        areas=typed("areas"),
        handling_days=typed("handling_days"),
        cutoff=typed("cutoff"),
        timezone=typed("timezone"),
    )
    errors = {}
    areas: tuple[Area, ...] = ()
    try:
        areas = tuple(areas_from(form.areas))
    except NoSuchArea as unread:
        errors["areas"] = words.WRONG["areas"].format(what=str(unread)[:40])
    warehouse = _meant(form, supplier_id, areas)
    if form.coordinates and warehouse.latitude_e6 is None:
        errors["coordinates"] = words.WRONG["coordinates"]
    for name in inventory.wrong_fields(warehouse):
        errors.setdefault(name, words.WRONG[name])
    if "areas" in errors and areas:
        errors["areas"] = _wrong_areas(areas)
    return replace(form, errors=errors), warehouse


def _meant(form: WarehouseForm, supplier_id: str, areas: tuple[Area, ...]) -> Warehouse:
    latitude, longitude = _coordinates(form.coordinates)
    return Warehouse(
        id=form.key,
        supplier_id=supplier_id,
        name=form.name,
        country=form.country,
        region=form.region,
        city=form.city,
        postcode=form.postcode,
        latitude_e6=latitude,
        longitude_e6=longitude,
        areas=areas,
        handling_days=int(form.handling_days) if DAYS.fullmatch(form.handling_days) else -1,
        cutoff=form.cutoff.rjust(5, "0"),
        timezone=form.timezone,
    )


def _coordinates(text: str) -> tuple[int, int] | tuple[None, None]:
    found = COORDINATES.fullmatch(text)
    if found is None:
        return None, None
    return _e6(found[1]), _e6(found[2])


def _e6(text: str) -> int:
    return int(Decimal(text).scaleb(6).to_integral_value())


def _coordinates_text(warehouse: Warehouse) -> str:
    if warehouse.latitude_e6 is None or warehouse.longitude_e6 is None:
        return ""
    both = (warehouse.latitude_e6, warehouse.longitude_e6)
    return ", ".join(f"{Decimal(one).scaleb(-6).normalize():f}" for one in both)


def areas_from(text: str) -> Iterator[Area]:
    """Lines like `DE 10, 12-14`; a country alone is all of it."""
    for line in filter(None, (part.strip() for part in re.split(r"[\n;]", text))):
        found = LINE.fullmatch(line)
        if found is None or found[1].upper() not in inventory.countries():
            raise NoSuchArea(line)
        given = [part.strip() for part in (found[2] or "").split(",") if part.strip()]
        yield Area(found[1].upper(), tuple(p for part in given for p in _prefixes(part)))


def _prefixes(text: str) -> Sequence[str]:
    ends = RANGE.fullmatch(text)
    if ends is None:
        if not text.replace(" ", "").isalnum() or not text.isascii():
            raise NoSuchArea(text)
        return [text]
    first, last = int(ends[1]), int(ends[2])
    if len(ends[1]) != len(ends[2]) or last < first:
        raise NoSuchArea(text)
    return [str(n).zfill(len(ends[1])) for n in range(first, min(last, first + RANGE_MAX) + 1)]


def _wrong_areas(areas: tuple[Area, ...]) -> str:
    if sum(len(area.postcode_prefixes) for area in areas) > RANGE_MAX - 1:
        return words.TOO_MANY_AREAS
    longest = max((p for area in areas for p in area.postcode_prefixes), key=len, default="")
    return words.WRONG["areas"].format(what=longest[:40])


def areas_text(areas: Sequence[Area]) -> str:
    """What `areas_from` reads."""
    return "\n".join(
        f"{area.country} {', '.join(_runs(area.postcode_prefixes))}".strip() for area in areas
    )


def _runs(prefixes: Sequence[str]) -> Iterator[str]:
    """Prefixes with those that follow each other as a range."""
    left = list(prefixes)
    while left:
        run = 1
        while run < len(left) and _follows(left[run - 1], left[run]):
            run += 1
        yield from [f"{left[0]}-{left[run - 1]}"] if run > 2 else left[:run]
        del left[:run]


def _follows(one: str, other: str) -> bool:
    digits = one.isdigit() and other.isdigit() and len(one) == len(other)
    return digits and int(other) == int(one) + 1


def transfer(fields: Mapping[str, str]) -> TransferForm:
    form = TransferForm(
        key=key_of(fields),
        sku=fields.get("sku", ""),
        origin=fields.get("origin", ""),
        to=fields.get("to", ""),
        pieces=fields.get("pieces", "").strip(),
        reason=fields.get("reason", "").strip()[: REASON_MAX + 1],
    )
    errors = {}
    if not PIECES.fullmatch(form.pieces) or int(form.pieces) == 0:
        errors["pieces"] = words.WRONG["pieces"]
    if not form.to:
        errors["to"] = words.WRONG["to"]
    if not REASON_MIN <= len(form.reason) <= REASON_MAX:
        errors["reason"] = words.WRONG["reason"]
    return replace(form, errors=errors)

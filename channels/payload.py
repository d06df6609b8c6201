"""Platforms' payloads, read without trusting their shape: what is missing or odd is empty."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from bot.messages import Kind
from commerce.kernel.clock import SECOND

TEXT_CHARS_MAX = 16_000  # four times what any platform lets a fan write
NAME_CHARS_MAX = 200
ID_CHARS_MAX = 200
LATEST_SECOND = 1 << 40  # keeps a microsecond instant inside 64 bits

Fields = dict[str, Any]  # some fields of an Incoming

_ENTRY = re.compile(r"\s*/?start(?:\s+([A-Za-z0-9_-]{1,64}))?\s*\Z", re.IGNORECASE)


def mapping_at(value: object, *path: str) -> Fields:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def mappings_at(value: object, key: str) -> Iterator[Fields]:
    """The objects in the list at `key`, anything else in it left out."""
    items = value.get(key) if isinstance(value, dict) else None
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield item


def text_at(value: Fields, key: str, chars_max: int = TEXT_CHARS_MAX) -> str:
    """The text, without the NUL that PostgreSQL cannot store."""
    found = value.get(key)
    return found.replace("\x00", "")[:chars_max] if isinstance(found, str) else ""


def id_at(value: Fields, key: str) -> str:
    """An id as text, or empty: one that is too long or damaged must not be cut into another's."""
    found = value.get(key)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    sound = isinstance(found, str) and len(found) <= ID_CHARS_MAX and found.isprintable()
    return str(found) if sound else ""


def number_at(value: Fields, key: str) -> int:
    """A natural number, written as a number or in digits; 0 where there is none."""
    digits = id_at(value, key)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else 0


def instant_at(value: Fields, key: str) -> int:
    """Seconds since the epoch in µs; 0 where unknown."""
    second = number_at(value, key)
    return second * SECOND if second < LATEST_SECOND else 0


def located(latitude: object, longitude: object) -> Fields | None:
    """The fields of a LOCATION, or None where that is no place on earth."""
    north, east = _degrees(latitude, 90), _degrees(longitude, 180)
    if north is None or east is None:
        return None
    return {"kind": Kind.LOCATION, "facts": {"latitude": north, "longitude": east}}


def _degrees(value: object, limit: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        degrees = float(value)
    except (ValueError, OverflowError):
        return None
    return degrees if math.isfinite(degrees) and abs(degrees) <= limit else None


def media(name: str, caption: str = "") -> Fields:
    """A captioned picture is what its caption says; one without words is only a picture."""
    if caption.strip():
        return {"kind": Kind.TEXT, "text": caption, "facts": {"media": name}}
    return {"kind": Kind.MEDIA, "text": name}


def written(text: str) -> Fields | None:
    """A text; where the platform has no deep links, a prefilled "start PAYLOAD" is one."""
    entry = _ENTRY.match(text)
    if entry:
        return {"kind": Kind.START, "text": entry[1] or ""}
    return {"kind": Kind.TEXT, "text": text} if text.strip() else None

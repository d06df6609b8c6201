"""An address pasted as a whole, in several lines as on a parcel, read as far as it can be."""

from __future__ import annotations

import re
from functools import lru_cache

from bot import addresses, countries, words
from bot.model import NOWHERE, Place
from commerce.accounts import Address

LINES_MIN = 3
LINES_MAX = 8


def read(text: str, country: str) -> Address | None:
    """What of the address could be understood; None if it is no address, or of no known country."""
    lines = [line.strip(" ,;\t") for line in text.split("\n") if line.strip(" ,;\t")]
    if not LINES_MIN <= len(lines) <= LINES_MAX:
        return None
    named = countries.read(lines[-1])
    if named:
        lines.pop()
    if not (named or country):
        return None
    return _filled(named or country, lines)


def _filled(country: str, lines: list[str]) -> Address | None:
    parts = {Place.COUNTRY: country}
    wanted = addresses.rules(country)
    _take_region_line(wanted, lines, parts)
    _take_postcode_line(wanted, lines, parts)
    _take_region_line(wanted, lines, parts)
    if Place.CITY in wanted.places and Place.CITY not in parts and len(lines) > 2:
        _take_city(wanted, lines.pop(), parts)
    if lines and not any(character.isdigit() for character in lines[0]):
        parts[Place.NAME] = lines.pop(0)
    parts[Place.STREET] = "\n".join(lines)
    address = NOWHERE
    for place, written in parts.items():
        checked = addresses.check(place, written, address) if written else address
        address = checked if isinstance(checked, Address) else address
    is_one = address.postcode or any(c.isdigit() for c in address.line1)
    return address if is_one else None


def _take_region_line(wanted: addresses.Rules, lines: list[str], parts: dict[Place, str]) -> None:
    """A region on a line of its own, as in India or the Emirates."""
    if lines and Place.REGION in wanted.places and words.fold(lines[-1]) in wanted.regions:
        parts[Place.REGION] = lines.pop()


def _take_postcode_line(wanted: addresses.Rules, lines: list[str], parts: dict[Place, str]) -> None:
    """The last line with a postcode; what else it holds is city and region."""
    if wanted.postcode is None:
        return
    for index in range(len(lines) - 1, 0, -1):
        found = _within_a_line(wanted.postcode.pattern).search(lines[index].upper())
        if found and any(character.isdigit() for character in found[0]):
            parts[Place.POSTCODE] = found[0]
            line = lines.pop(index)
            _take_city(wanted, f"{line[: found.start()]} {line[found.end() :]}", parts)
            return


def _take_city(wanted: addresses.Rules, rest: str, parts: dict[Place, str]) -> None:
    tokens = [token for token in re.split(r"[\s,]+", rest) if token not in ("", "-")]
    for size in (3, 2, 1):
        region = " ".join(tokens[-size:])
        if len(tokens) > size and words.fold(region) in wanted.regions:
            parts.setdefault(Place.REGION, region)
            tokens = tokens[:-size]
            break
    if tokens:
        parts[Place.CITY] = " ".join(tokens).strip(" ,-")


@lru_cache(maxsize=256)
def _within_a_line(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern.strip('^$')})(?!\w)")

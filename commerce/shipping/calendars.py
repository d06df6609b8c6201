"""When a country works: its weekends and public holidays, and the hour of its people."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from babel.core import get_global

from commerce.shipping.days import Calendar

# Where a country has several time zones: the one in which most of its people live.
MOSTLY = {
    "AR": "America/Buenos_Aires", "AU": "Australia/Sydney", "BR": "America/Sao_Paulo",
    "CA": "America/Toronto", "CL": "America/Santiago", "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia", "DE": "Europe/Berlin", "EC": "America/Guayaquil",
    "ES": "Europe/Madrid", "ID": "Asia/Jakarta", "KZ": "Asia/Almaty", "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur", "NZ": "Pacific/Auckland", "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow", "UA": "Europe/Kiev", "US": "America/New_York",
}  # fmt: skip
_known: dict[tuple[str, int], Calendar] = {}


def timezone_of(country: str) -> str:
    zones = get_global("territory_zones").get(country)
    return MOSTLY.get(country) or (str(zones[0]) if zones else "UTC")


async def calendars(countries: Iterable[str], at: int) -> dict[str, Calendar]:
    """Of the year of this instant (µs) and the next; read once, where it delays nobody."""
    year = datetime.fromtimestamp(at // 1_000_000, UTC).year
    wanted = {country: (country, year) for country in countries}
    unknown = [key for key in wanted.values() if key not in _known]
    if unknown:
        _known.update(await asyncio.to_thread(_read, unknown))
    return {country: _known[key] for country, key in wanted.items()}


def _read(keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Calendar]:
    # It takes 30 MB and half a second, which whoever plans no parcel need not spend.
    import holidays

    supported = holidays.list_supported_countries()
    found = {}
    for country, year in keys:
        if country in supported:
            off = holidays.country_holidays(country, years=(year, year + 1))
            found[country, year] = Calendar(frozenset(off.weekend), frozenset(off))
        else:
            found[country, year] = Calendar()
    return found

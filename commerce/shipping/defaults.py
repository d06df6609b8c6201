"""The zones and rates of suppliers who have set none: their country, the EU, and the world."""

from __future__ import annotations

from functools import lru_cache

from commerce.inventory import Area
from commerce.shipping.zones import EU, Rate, Step, Zone

# Minor units: within the country, within the EU, to the world; and from which worth of goods the
# delivery within the country is free. Within the EU it is from twice as much, to the world never.
AMOUNTS = {
    "AED": (20_00, 80_00, 80_00, 300_00),
    "BRL": (19_90, 99_00, 99_00, 249_00),
    "CHF": (7_00, 16_00, 22_00, 80_00),
    "EUR": (4_90, 9_90, 19_90, 75_00),
    "GBP": (3_99, 11_99, 17_99, 60_00),
    "INR": (79_00, 1_499_00, 1_499_00, 999_00),
    "JPY": (600, 2_800, 2_800, 8_000),
    "KWD": (1_500, 7_500, 7_500, 25_000),
    "MXN": (99_00, 399_00, 399_00, 999_00),
    "PLN": (14_90, 39_90, 79_90, 249_00),
    "USD": (5_95, 19_95, 19_95, 75_00),
}
DAYS = {"domestic": (1, 3), "eu": (3, 6), "world": (6, 14)}


@lru_cache(maxsize=256)
def zones_from(origin: str) -> tuple[Zone, ...]:
    """As seen from the country that the parcel leaves."""
    places = {"domestic": origin, "eu": "EU", "world": "WORLD"}
    if origin not in EU:
        del places["eu"]
    return tuple(_zone(name, country) for name, country in places.items())


def _zone(name: str, country: str) -> Zone:
    return Zone(
        id=name,
        supplier_id="",
        name=name,
        areas=(Area(country),),
        rates=tuple(_rate(currency, name) for currency in AMOUNTS),
    )


def _rate(currency: str, zone: str) -> Rate:
    domestic, eu, world, free_from = AMOUNTS[currency]
    amount = {"domestic": domestic, "eu": eu, "world": world}[zone]
    days_min, days_max = DAYS[zone]
    return Rate(
        currency=currency,
        steps=(Step(above_grams=0, up_to_grams=None, amount_minor=amount),),
        free_from_minor={"domestic": free_from, "eu": 2 * free_from, "world": None}[zone],
        days_min=days_min,
        days_max=days_max,
    )

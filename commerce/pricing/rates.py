"""Where we deliver and what it costs, as data: per currency and zone, seen from the supplier."""

from __future__ import annotations

from collections.abc import Mapping

from commerce.pricing.model import Rate, Rates, Zone


def _countries(codes: str) -> frozenset[str]:
    return frozenset(codes.split())


EU = _countries("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK")
SERVED = EU | _countries(
    "AE AR AU BR CA CH CL CO CR DO EC GB HK ID IL IN IS JP KR KW LI MA MX MY NO NZ PA PE PH QA SA"
    " SG TH TR TW US UY VN ZA"
)


def _zones(domestic: int, eu: int, world: int, *, free_from: int) -> Mapping[Zone, Rate]:
    """In minor units of the currency; delivery within the country is free from an amount."""
    return {
        Zone.DOMESTIC: Rate(amount_minor=domestic, free_from_minor=free_from),
        Zone.EU: Rate(amount_minor=eu, free_from_minor=2 * free_from),
        Zone.WORLD: Rate(amount_minor=world),
    }


RATES = Rates(
    eu=EU,
    served=SERVED,
    table={
        "AED": _zones(20_00, 80_00, 80_00, free_from=300_00),
        "BRL": _zones(19_90, 99_00, 99_00, free_from=249_00),
        "CHF": _zones(7_00, 16_00, 22_00, free_from=80_00),
        "EUR": _zones(4_90, 9_90, 19_90, free_from=75_00),
        "GBP": _zones(3_99, 11_99, 17_99, free_from=60_00),
        "INR": _zones(79_00, 1_499_00, 1_499_00, free_from=999_00),
        "JPY": _zones(600, 2_800, 2_800, free_from=8_000),
        "KWD": _zones(1_500, 7_500, 7_500, free_from=25_000),
        "MXN": _zones(99_00, 399_00, 399_00, free_from=999_00),
        "PLN": _zones(14_90, 39_90, 79_90, free_from=249_00),
        "USD": _zones(5_95, 19_95, 19_95, free_from=75_00),
    },
)

"""Reads the table of tax rates that lies beside it, once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from commerce.pricing.tax import Band, Component, Dated, Method, OnDelivery, Regime, Rounding
from commerce.pricing.tax import TaxTable as Table

FILE = Path(__file__).with_name("tax_rates.toml")
WORDS = ("since", "name")  # of a row of rates; all else in it are categories


@cache
def table() -> Table:
    body = tomllib.loads(FILE.read_text(encoding="utf-8"), parse_float=Decimal)
    return Table(
        union=frozenset(body["union"]),
        regimes={country: _regime(entry, {}) for country, entry in body["country"].items()},
    )


def _regime(entry: Mapping[str, Any], above: Mapping[str, Any]) -> Regime:
    """A region is taxed as its country where it says nothing else."""
    said = {"name": "", **above, **entry}
    return Regime(
        method=Method(said["method"]),
        rounding=Rounding(said.get("rounding", Rounding.LINE)),
        down=bool(said.get("down", False)),
        delivery=OnDelivery(said.get("delivery", OnDelivery.FOLLOWS)),
        rates=tuple(_dated(row, said["name"]) for row in entry.get("rates", ())),
        regions={
            region: _regime(own, {k: v for k, v in entry.items() if k not in ("regions", "rates")})
            for region, own in entry.get("regions", {}).items()
        },
    )


def _dated(row: Mapping[str, Any], name: str) -> Dated:
    return Dated(
        since=row["since"],
        categories={
            category: _bands(rate, row.get("name", name))
            for category, rate in row.items()
            if category not in WORDS
        },
    )


def _bands(rate: Any, name: str) -> tuple[Band, ...]:
    """A rate is a percentage, several of them by name, or a list of them by price."""
    if not isinstance(rate, list):
        return (Band(components=_components(rate, name)),)
    return tuple(
        Band(components=_components(band["rate"], name), up_to_minor=band.get("up_to_minor"))
        for band in rate
    )


def _components(rate: Any, name: str) -> tuple[Component, ...]:
    named = rate if isinstance(rate, dict) else {name: rate}
    return tuple(
        Component(word, int(percent * 10_000)) for word, percent in named.items() if percent
    )

"""Tax as data with days from which it holds, and the pure sums that are made with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from commerce.kernel import money

MILLION = 1_000_000
STANDARD = "standard"
EXEMPT = "exempt"
BROADER = {"children": "clothing"}  # whose rate counts where the law names no other


class Method(StrEnum):
    ADDED = "added"  # prices are net, the tax comes on top
    INCLUDED = "included"  # prices are gross, the rate is of the net price
    INSIDE = "inside"  # prices are gross, and so is what the rate is of


class Rounding(StrEnum):
    LINE = "line"  # each line is rounded, then added up
    ORDER = "order"  # everything of one rate is added up, then rounded


class OnDelivery(StrEnum):
    FOLLOWS = "follows"  # taxed as the goods it brings, in proportion
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True)
class Component:
    name: str  # as it is called there: MwSt., TVA, GST
    rate_ppm: int  # 190_000 = 19 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    components: tuple[Component, ...]  # none = nothing to pay
    up_to_minor: int | None = None  # of the price of one piece; None = of whatever price


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds in one place on one day. The default is a place that taxes nothing."""

    country: str = ""
    region: str = ""
    method: Method = Method.INCLUDED
    rounding: Rounding = Rounding.LINE
    down: bool = False  # fractions are dropped; otherwise a half is rounded up
    delivery: OnDelivery = OnDelivery.FOLLOWS
    categories: Mapping[str, tuple[Band, ...]] = field(default_factory=dict)

    def components(self, category: str, unit_minor: int) -> tuple[Component, ...]:
        if category == EXEMPT:
            return ()
        bands = (
            self.categories.get(category)
            or self.categories.get(BROADER.get(category, STANDARD))
            or self.categories.get(STANDARD, ())
        )
        for band in bands:
            if band.up_to_minor is None or unit_minor <= band.up_to_minor:
                return band.components
        return ()


@dataclass(frozen=True, slots=True)
class Taxable:
    amount_minor: int  # after discounts
    unit_minor: int  # of one piece, which decides the band
    category: str


@dataclass(frozen=True, slots=True)
class Tax:
    component: Component
    amount_minor: int


def taxes(terms: Terms, goods: Sequence[Taxable], delivery_minor: int) -> list[Tax]:
    """What each rate comes to, in the order in which the goods meet them."""
    bases: dict[tuple[Component, ...], list[int]] = {}
    for good in [*goods, *_delivery(terms, goods, delivery_minor)]:
        components = terms.components(good.category, good.unit_minor)
        if components:
            bases.setdefault(components, []).append(good.amount_minor)
    found: dict[Component, int] = {}
    for components, amounts in bases.items():
        rounded = amounts if terms.rounding is Rounding.LINE else [sum(amounts)]
        for component, amount in _each(terms, components, rounded):
            found[component] = found.get(component, 0) + amount
    return [Tax(component, amount) for component, amount in found.items()]


def _each(
    terms: Terms, components: Sequence[Component], amounts: Sequence[int]
) -> Iterable[tuple[Component, int]]:
    """Taxes that are added are sums of their own; those inside a price are parts of one."""
    rates = [component.rate_ppm for component in components]
    if terms.method is Method.ADDED:
        each = [sum(_rounded(terms, amount, rate) for amount in amounts) for rate in rates]
    else:
        whole = sum(_rounded(terms, amount, sum(rates)) for amount in amounts)
        each = list(money.split(whole, rates))
    return zip(components, each, strict=True)


def _delivery(terms: Terms, goods: Sequence[Taxable], delivery_minor: int) -> list[Taxable]:
    if terms.delivery is OnDelivery.EXEMPT or not delivery_minor:
        return []
    worth = [good.amount_minor for good in goods]
    shares = money.split(delivery_minor, worth if any(worth) else [1] * len(goods))
    return [
        Taxable(share, good.unit_minor, good.category)
        for share, good in zip(shares, goods, strict=True)
    ]


def _rounded(terms: Terms, amount_minor: int, rate_ppm: int) -> int:
    base = MILLION + rate_ppm if terms.method is Method.INCLUDED else MILLION
    if terms.down:
        return amount_minor * rate_ppm // base
    return (2 * amount_minor * rate_ppm + base) // (2 * base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """What a country, or a region of it, asks from a day on."""

    since: date
    categories: Mapping[str, tuple[Band, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A country's way of taxing sales to people who live there."""

    method: Method
    rounding: Rounding
    down: bool
    delivery: OnDelivery
    rates: tuple[Dated, ...]  # the oldest first
    regions: Mapping[str, Regime] = field(default_factory=dict)

    def on(self, day: date) -> Mapping[str, tuple[Band, ...]]:
        """Nothing before the first day that is known."""
        found: Mapping[str, tuple[Band, ...]] = {}
        for dated in self.rates:
            if dated.since <= day:
                found = dated.categories
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxTable:
    """All regimes, and the union whose members sell to each other at the buyer's rates."""

    union: frozenset[str]
    regimes: Mapping[str, Regime]

    def terms(self, *, origin: str, country: str, region: str, day: date) -> Terms:
        """What a sale from there to here is taxed by; a sale abroad is an export, and untaxed."""
        regime = self.regimes.get(country)
        at_home = origin == country or {origin, country} <= self.union
        if regime is None or not at_home:
            return Terms(country=country, region=region)
        here = regime.regions.get(region, regime)
        return Terms(
            country=country,
            region=region,
            method=here.method,
            rounding=here.rounding,
            down=here.down,
            delivery=here.delivery,
            categories={**regime.on(day), **here.on(day)},
        )


def terms_from_json(body: Mapping[str, Any]) -> Terms:
    return Terms(
        country=body["country"],
        region=body["region"],
        method=Method(body["method"]),
        rounding=Rounding(body["rounding"]),
        down=body["down"],
        delivery=OnDelivery(body["delivery"]),
        categories={
            category: tuple(_band(band) for band in bands)
            for category, bands in body["categories"].items()
        },
    )


def _band(body: Mapping[str, Any]) -> Band:
    return Band(
        components=tuple(Component(**component) for component in body["components"]),
        up_to_minor=body["up_to_minor"],
    )

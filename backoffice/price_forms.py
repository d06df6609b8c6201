"""A price of a list: the form, read into values; and the lists as bars over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from itertools import groupby

from babel import Locale

from backoffice import forms, pages
from backoffice import words_products as words
from commerce.catalog import Product, Variant
from commerce.kernel import clock
from commerce.pricing import Price

BEFORE, AFTER = 30 * clock.DAY, 60 * clock.DAY  # what a plot shows
WIDTH, HEIGHT = 600, 56


@cache
def currencies() -> frozenset[str]:
    """Read when a form first comes: there are hundreds."""
    return frozenset(Locale(pages.LOCALE).currencies)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceForm:
    sku: str = ""  # empty for every variant
    currency: str = ""
    amount: str = ""
    warehouse: str = ""
    valid_from: str = ""
    valid_until: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    def wrong(self, name: str, said: str) -> PriceForm:
        return replace(self, errors={**self.errors, name: said})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the form says, where nothing in it is wrong."""

    skus: tuple[str, ...]
    currency: str
    amount_minor: int
    warehouse: str
    valid_from: int | None
    valid_until: int | None


@dataclass(frozen=True, slots=True)
class Bar:
    price: Price
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """The prices of a variant in one currency and place, and how they follow each other."""

    currency: str
    warehouse: str
    prices: tuple[Price, ...]
    bars: tuple[Bar, ...]
    now: Price | None


def read(
    fields: Mapping[str, str], product: Product, warehouses: Sequence[str], now: int
) -> tuple[PriceForm, Wanted | None]:
    """The form as it was sent, with what is wrong in it; nothing typed is lost."""
    names = ("sku", "currency", "amount", "warehouse", "valid_from", "valid_until")
    typed = {name: fields.get(name, "").strip() for name in names}
    typed["currency"] = typed["currency"].upper()
    errors: dict[str, str] = {}
    skus = [v.sku for v in product.variants if typed["sku"] in ("", v.sku)]
    if not skus:
        errors["sku"] = words.CHOOSE
    if typed["currency"] not in currencies():
        errors["currency"] = words.CURRENCY
    if typed["warehouse"] not in ("", *warehouses):
        errors["warehouse"] = words.CHOOSE
    wanted = Wanted(
        skus=tuple(skus),
        currency=typed["currency"],
        amount_minor=0 if "currency" in errors else _amount(typed, errors),
        warehouse=typed["warehouse"],
        valid_from=_moment(typed, "valid_from", errors),
        valid_until=_moment(typed, "valid_until", errors),
    )
    begins = now if wanted.valid_from is None else wanted.valid_from
    if begins < now:
        errors["valid_from"] = words.PAST
    elif wanted.valid_until is not None and wanted.valid_until <= begins:
        errors["valid_until"] = words.AFTER
    form = PriceForm(**typed, errors=errors)
    return form, None if errors else wanted


def _amount(typed: Mapping[str, str], errors: dict[str, str]) -> int:
    try:
        return forms.amount(typed["amount"], typed["currency"])
    except forms.NoSuchAmount:
        errors["amount"] = words.AMOUNT
        return 0


def _moment(typed: Mapping[str, str], name: str, errors: dict[str, str]) -> int | None:
    """As a browser writes a day and an hour; None where nothing is said."""
    if not typed[name]:
        return None
    try:
        at = datetime.fromisoformat(typed[name]).replace(tzinfo=UTC)
        return (at - pages.EPOCH) // pages.MICROSECOND
    except (ValueError, OverflowError):
        errors[name] = words.DAY
        return None


def lists(variant: Variant, prices: Sequence[Price], now: int) -> list[PriceList]:
    """By currency and place; what ended before the plot begins is not shown."""
    shown = [p for p in prices if p.valid_until is None or p.valid_until > now - BEFORE]
    return [
        _list(currency, warehouse, tuple(group), now)
        for (currency, warehouse), group in groupby(shown, lambda p: (p.currency, p.warehouse))
    ]


def _list(currency: str, warehouse: str, prices: tuple[Price, ...], now: int) -> PriceList:
    highest = max(price.amount_minor for price in prices)
    return PriceList(
        currency=currency,
        warehouse=warehouse,
        prices=prices,
        bars=tuple(_bar(price, highest, now) for price in prices),
        now=next((price for price in prices if price.holds_at(now)), None),
    )


def _bar(price: Price, highest: int, now: int) -> Bar:
    begins = _place(price.valid_from, now)
    ends = WIDTH if price.valid_until is None else _place(price.valid_until, now)
    height = max(HEIGHT * price.amount_minor // highest, 3)
    return Bar(price, begins, HEIGHT - height, max(ends - begins, 2), height)


def _place(at: int, now: int) -> int:
    return min(max((at - now + BEFORE) * WIDTH // (BEFORE + AFTER), 0), WIDTH)

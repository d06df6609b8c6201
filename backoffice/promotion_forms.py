"""The form that draws up a promotion: plain words in, a draft or one sentence per field out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from backoffice import forms
from backoffice import words_promotions as words
from commerce.catalog import Category, Product
from commerce.kernel.errors import Refusal
from commerce.promotions import (
    Bundle,
    BuyGet,
    Combining,
    Conditions,
    Draft,
    Effect,
    Fixed,
    FreeDelivery,
    Funder,
    Kind,
    Percent,
    Rule,
    Stacking,
    Tiered,
    Visibility,
)

WHOLE = "whole"  # what is wrong with no field in particular
LANGUAGES = ("en", "es")
PLACES = ("product_1", "product_2", "product_3")
KINDS = {0: Kind.DEFAULT, 1: Kind.SINGLE}
TEXT_MAX = 200
CODES_MAX = 20  # segments, channels, warehouses in one field
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIER = re.compile(r"([0-9.,]{1,12}) *([A-Z]{3})? *[=:] *([0-9]{1,3}(?:[.,][0-9]{1,2})?) *%?")
HOUR = re.compile(r"([01]?[0-9]|2[0-3])[:.]?([0-5][0-9])?|24(?:[:.]?00)?")


class Wrong(Exception):
    """What was typed into one field is not what belongs there."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field, self.sentence = field, sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What the form is about: what may be chosen, and whose clock it is."""

    by_sku: Mapping[str, Product]
    categories: Sequence[Category] = ()
    leaders: Mapping[str, str] = field(default_factory=dict)  # id -> name
    sessions: Mapping[str, str] = field(default_factory=dict)  # id -> title
    currencies: Sequence[str] = ("EUR",)
    timezone: str = "UTC"
    visibilities: Sequence[Visibility] = tuple(Visibility)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What was typed, as it was typed."""

    typed: Mapping[str, str]
    key: str
    version: int = 0
    errors: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.typed.get(name, "")

    def wrong(self, name: str, sentence: str) -> Form:
        return replace(self, errors={**self.errors, name: sentence})

    def refused(self, refusal: Refusal) -> Form:
        """With the words at the field that the promotion itself did not like."""
        name = words.FIELDS.get(str(refusal.facts.get("field", "")), WHOLE)
        return self.wrong(name, words.of_refusal(refusal))


def read(fields: Mapping[str, str], key: str) -> Form:
    typed = {name: value.strip()[:TEXT_MAX] for name, value in fields.items() if name != "csrf"}
    version = typed.get("version", "")
    return Form(
        typed=typed, key=key, version=int(version) if re.fullmatch("[0-9]{1,9}", version) else 0
    )


def draft_of(form: Form, shop: Shop, now: int) -> Draft:
    """Raises Wrong with the first field that cannot be understood."""
    products = _products(form, shop)
    visibility = form.get("visibility") or shop.visibilities[0].value
    if visibility not in {one.value for one in shop.visibilities}:
        raise Wrong("visibility", words.CHOOSE)
    starts = _moment(form, "starts", shop.timezone)
    asked = _conditions(form, shop, products)
    rule = Rule(
        id="",
        title={language: said for language in LANGUAGES if (said := form.get(f"title_{language}"))},
        effect=_effect(form, shop, products),
        conditions=asked,
        stacking=_stacking(form),
        priority=number(form, "priority") or 0,
        maximum_minor=_amounts(form, "maximum", shop),
        per_fan=number(form, "per_fan"),
        starts_at=now if starts is None else starts,
        ends_at=_moment(form, "ends", shop.timezone),
        funder=Funder.PLATFORM,
    )
    if form.get("leader_id") and form.get("leader_id") not in shop.leaders:
        raise Wrong("leader_id", words.CHOOSE)
    return Draft(
        kind=KINDS.get(len(products), Kind.CAMPAIGN),
        visibility=Visibility(visibility),
        leader_id=form.get("leader_id"),
        rule=rule,
        by_code=form.get("by_code") == "1",
        total_limit=number(form, "total_limit"),
    )


def _products(form: Form, shop: Shop, places: Sequence[str] = PLACES) -> tuple[str, ...]:
    found = []
    for place in places:
        sku = form.get(place)
        if sku and sku not in shop.by_sku:
            raise Wrong(place, words.NO_SUCH_PRODUCT)
        if sku:
            found.append(shop.by_sku[sku].id)
    return tuple(dict.fromkeys(found))


def _effect(form: Form, shop: Shop, products: tuple[str, ...]) -> Effect:
    match form.get("effect"):
        case "percent":
            return Percent(bp=basis_points(form, "percent"))
        case "fixed":
            amounts = _needed_amounts(form, "amount", shop)
            return Fixed(amounts_minor=amounts, each=form.get("each") == "1")
        case "buy_get":
            return BuyGet(
                buy=needed(form, "buy"),
                get=needed(form, "get"),
                bp=basis_points(form, "get_percent") if form.get("get_percent") else 10_000,
                product_ids=_products(form, shop, ["get_product"]),
            )
        case "bundle":
            return Bundle(product_ids=products, prices_minor=_needed_amounts(form, "bundle", shop))
        case "free_delivery":
            return FreeDelivery()
        case "tiered":
            return _tiered(form, shop)
    raise Wrong("effect", words.CHOOSE)


def _tiered(form: Form, shop: Shop) -> Tiered:
    """As `2 = 5, 3 = 10`: pieces and percent, or as `50 EUR = 5`: from such a worth."""
    by_quantity, by_worth = [], dict[str, tuple[tuple[int, int], ...]]()
    for part in filter(None, (one.strip() for one in re.split(r";|, +", form.get("tiers")))):
        tier = TIER.fullmatch(part.upper())
        if tier is None or (tier[2] or shop.currencies[0]) not in shop.currencies:
            raise Wrong("tiers", words.TIERS)
        off = _hundredths(tier[3])
        if tier[2]:
            least = _amount(tier[1], tier[2], "tiers")
            by_worth[tier[2]] = (*by_worth.get(tier[2], ()), (least, off))
        elif tier[1].isdecimal():
            by_quantity.append((int(tier[1]), off))
        else:
            raise Wrong("tiers", words.TIERS)
    if not by_quantity and not by_worth:
        raise Wrong("tiers", words.TIERS)
    return Tiered(by_quantity=tuple(by_quantity), by_worth=by_worth)


def _conditions(form: Form, shop: Shop, products: tuple[str, ...]) -> Conditions:
    session, category = form.get("session_id"), form.get("category_id")
    if session and session not in shop.sessions:
        raise Wrong("session_id", words.CHOOSE)
    if category and category not in {one.id for one in shop.categories}:
        raise Wrong("category_id", words.CHOOSE)
    return Conditions(
        product_ids=products,
        category_ids=(category,) if category else (),
        session_ids=(session,) if session else (),
        warehouses=_codes(form, "warehouses"),
        channels=_codes(form, "channels"),
        segments=_codes(form, "segments"),
        weekdays=tuple(day for day in range(7) if form.get(f"day_{day}")),
        minutes=_hours(form),
        first_purchase=form.get("first_purchase") == "1",
        min_quantity=number(form, "min_quantity") or 0,
        min_worth_minor=_amounts(form, "min_worth", shop),
    )


def _hours(form: Form) -> tuple[int, int] | None:
    if not form.get("from") and not form.get("until"):
        return None
    start = _minute(form, "from") if form.get("from") else 0
    until = _minute(form, "until") if form.get("until") else 24 * 60
    return start, until or 24 * 60


def _minute(form: Form, name: str) -> int:
    found = HOUR.fullmatch(form.get(name))
    if found is None:
        raise Wrong(name, words.HOUR)
    return int(found[1] or 24) * 60 + int(found[2] or 0)


def _stacking(form: Form) -> Stacking:
    said = form.get("combining") or Combining.COMBINE.value
    if said not in {one.value for one in Combining}:
        raise Wrong("combining", words.CHOOSE)
    return Stacking(combining=Combining(said), group=form.get("group").lower())


def _codes(form: Form, name: str) -> tuple[str, ...]:
    found = [one.strip() for one in form.get(name).split(",") if one.strip()]
    return tuple(dict.fromkeys(found[:CODES_MAX]))


def basis_points(form: Form, name: str) -> int:
    text = form.get(name).rstrip("% ")
    if not re.fullmatch(r"-?[0-9]{1,5}(?:[.,][0-9]{1,2})?", text):
        raise Wrong(name, words.PERCENT)
    return _hundredths(text)


def _hundredths(text: str) -> int:
    whole, _, rest = text.replace(",", ".").partition(".")
    return int(whole + rest.ljust(2, "0"))


def number(form: Form, name: str) -> int | None:
    text = form.get(name)
    if text and not re.fullmatch("-?[0-9]{1,9}", text):
        raise Wrong(name, words.NUMBER)
    return int(text) if text else None


def needed(form: Form, name: str) -> int:
    found = number(form, name)
    if found is None:
        raise Wrong(name, words.NUMBER)
    return found


def _amounts(form: Form, name: str, shop: Shop) -> dict[str, int]:
    found = {}
    for currency in shop.currencies:
        text = form.get(f"{name}_{currency}")
        if text:
            found[currency] = _amount(text, currency, f"{name}_{currency}")
    return found


def _amount(text: str, currency: str, name: str) -> int:
    try:
        return forms.amount(text, currency)
    except forms.NoSuchAmount:
        raise Wrong(name, words.AMOUNT) from None


def _needed_amounts(form: Form, name: str, shop: Shop) -> dict[str, int]:
    found = _amounts(form, name, shop)
    if not found:
        raise Wrong(f"{name}_{shop.currencies[0]}", words.AMOUNT)
    return found


def _moment(form: Form, name: str, timezone: str) -> int | None:
    """As the browser's own picker writes it, by the clock on the shop's wall."""
    text = form.get(name)
    if not text:
        return None
    try:
        there = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone))
    except ValueError:
        raise Wrong(name, words.MOMENT) from None
    since = there.astimezone(UTC) - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000

"""The form that draws up a promotion: plain words in, a draft or one sentence per field out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from backoffice import forms, pages
from backoffice import words_promotions as words
from commerce.catalog import Category, Product
from commerce.kernel import money
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
    Promotion,
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
TIER = re.compile(r"([0-9]{1,9}) *[=:] *([0-9]{1,3}(?:[.,][0-9]{1,2})?) *%?")
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


def _products(form: Form, shop: Shop) -> tuple[str, ...]:
    found = []
    for place in PLACES:
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
            )
        case "bundle":
            return Bundle(product_ids=products, prices_minor=_needed_amounts(form, "bundle", shop))
        case "free_delivery":
            return FreeDelivery()
        case "tiered":
            return Tiered(by_quantity=_tiers(form))
    raise Wrong("effect", words.CHOOSE)


def _tiers(form: Form) -> tuple[tuple[int, int], ...]:
    """As `2 = 5, 3 = 10`: from so many pieces so many percent."""
    found = []
    for part in filter(None, (one.strip() for one in re.split(r"[;\n]|, +", form.get("tiers")))):
        tier = TIER.fullmatch(part)
        if tier is None:
            raise Wrong("tiers", words.TIERS)
        found.append((int(tier[1]), _hundredths(tier[2])))
    if not found:
        raise Wrong("tiers", words.TIERS)
    return tuple(found)


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
            try:
                found[currency] = forms.amount(text, currency)
            except forms.NoSuchAmount:
                raise Wrong(f"{name}_{currency}", words.AMOUNT) from None
    return found


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


def filled(promotion: Promotion, shop: Shop, key: str) -> Form:
    """The form as it would have been typed."""
    rule, asked = promotion.rule, promotion.rule.conditions
    skus = {product.id: sku for sku, product in reversed(list(shop.by_sku.items()))}
    typed = {
        "visibility": promotion.visibility.value,
        "leader_id": promotion.leader_id,
        "by_code": "1" if promotion.by_code else "",
        "total_limit": _shown(promotion.total_limit),
        "per_fan": _shown(rule.per_fan),
        "priority": _shown(rule.priority or None),
        "starts": written(rule.starts_at, shop.timezone),
        "ends": "" if rule.ends_at is None else written(rule.ends_at, shop.timezone),
        "combining": rule.stacking.combining.value,
        "group": rule.stacking.group,
        "category_id": next(iter(asked.category_ids), ""),
        "session_id": next(iter(asked.session_ids), ""),
        "warehouses": ", ".join(asked.warehouses),
        "channels": ", ".join(asked.channels),
        "segments": ", ".join(asked.segments),
        "first_purchase": "1" if asked.first_purchase else "",
        "min_quantity": _shown(asked.min_quantity or None),
        **{f"day_{day}": "1" for day in asked.weekdays},
        **{f"title_{language}": said for language, said in rule.title.items()},
        **dict(zip(PLACES, (skus.get(one, "") for one in asked.product_ids), strict=False)),
        **_typed_amounts("maximum", rule.maximum_minor),
        **_typed_amounts("min_worth", asked.min_worth_minor),
        **_typed_effect(rule.effect),
    }
    if asked.minutes is not None:
        typed["from"], typed["until"] = (f"{m // 60:02}:{m % 60:02}" for m in asked.minutes)
    return Form(typed=typed, key=key, version=promotion.version)


def _typed_effect(effect: Effect) -> dict[str, str]:
    typed = {"effect": effect.kind}
    match effect:
        case Percent(bp=bp):
            typed["percent"] = percent(bp)
        case Fixed():
            typed |= _typed_amounts("amount", effect.amounts_minor)
            typed["each"] = "1" if effect.each else ""
        case BuyGet():
            typed |= {"buy": str(effect.buy), "get": str(effect.get)}
            typed["get_percent"] = percent(effect.bp)
        case Bundle():
            typed |= _typed_amounts("bundle", effect.prices_minor)
        case Tiered():
            typed["tiers"] = ", ".join(f"{n} = {percent(bp)}" for n, bp in effect.by_quantity)
    return typed


def percent(bp: int) -> str:
    whole, rest = divmod(bp, 100)
    return f"{whole}.{rest:02}".rstrip("0") if rest else str(whole)


def _typed_amounts(name: str, amounts: Mapping[str, int]) -> dict[str, str]:
    return {
        f"{name}_{currency}": money.format_amount(minor, currency, pages.LOCALE)
        for currency, minor in amounts.items()
    }


def _shown(number: int | None) -> str:
    return "" if number is None else str(number)


def written(at: int, timezone: str) -> str:
    there = datetime.fromtimestamp(at // 1_000_000, ZoneInfo(timezone))
    return there.strftime("%Y-%m-%dT%H:%M")

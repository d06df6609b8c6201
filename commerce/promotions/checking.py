"""What a promotion may not say, each with the field that says it; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

from commerce.promotions.basket import Funder
from commerce.promotions.conditions import Conditions
from commerce.promotions.effects import (
    WHOLE_BP,
    Bundle,
    BuyGet,
    Effect,
    Fixed,
    Percent,
    Tier,
    Tiered,
)
from commerce.promotions.model import BadPromotion, Draft, Kind, Visibility
from commerce.promotions.rules import Combining

TITLE_MAX = 80
MANY = 1_000_000  # pieces, uses, a priority
PRODUCTS = {Kind.CAMPAIGN: (2, 3), Kind.SINGLE: (1, 1), Kind.DEFAULT: (0, 0)}
DAY_MINUTES = 24 * 60


def scoped(draft: Draft, *, funder: Funder, supplier_id: str) -> Draft:
    """Held to what its owner may promote, and to the audience it is for."""
    asked = draft.rule.conditions
    if draft.visibility is Visibility.LEADER:
        asked = replace(asked, leader_ids=(draft.leader_id,))
    if funder is Funder.SUPPLIER:
        asked = replace(asked, supplier_ids=(supplier_id,))
    return replace(draft, rule=replace(draft.rule, conditions=asked, funder=funder))


def products_named(draft: Draft) -> frozenset[str]:
    effect = draft.rule.effect
    others = effect.product_ids if isinstance(effect, Bundle | BuyGet) else ()
    return frozenset((*draft.rule.conditions.product_ids, *others))


def check(draft: Draft) -> None:
    """BadPromotion with the first field that cannot be so."""
    rule = draft.rule
    if not any(words.strip() for words in rule.title.values()):
        raise BadPromotion(field="title", reason="missing")
    if any(len(words) > TITLE_MAX for words in rule.title.values()):
        raise BadPromotion(field="title", reason="too_long", most=TITLE_MAX)
    if draft.visibility is not Visibility.GLOBAL and not draft.leader_id:
        raise BadPromotion(field="leader", reason="missing")
    _check_products(draft)
    _check_effect(rule.effect)
    _check_conditions(rule.conditions)
    for name, amount in (("per_fan", rule.per_fan), ("total_limit", draft.total_limit)):
        if amount is not None:
            _within(name, amount, 1, MANY)
    _within("priority", rule.priority, -MANY, MANY)
    if rule.maximum_minor:
        _positive("maximum", rule.maximum_minor)
    if rule.stacking.combining is Combining.BEST_OF_GROUP and not rule.stacking.group:
        raise BadPromotion(field="group", reason="missing")
    if rule.ends_at is not None and rule.ends_at <= rule.starts_at:
        raise BadPromotion(field="ends", reason="end_before_start")


def check_currencies(draft: Draft, currencies: Collection[str]) -> None:
    """Every amount is there for each currency in which the products are sold."""
    rule = draft.rule
    amounts: list[tuple[str, Mapping[str, object]]] = [
        ("maximum", rule.maximum_minor),
        ("min_worth", rule.conditions.min_worth_minor),
    ]
    effect = rule.effect
    if isinstance(effect, Fixed):
        amounts.append(("amount", effect.amounts_minor))
    elif isinstance(effect, Bundle):
        amounts.append(("amount", effect.prices_minor))
    elif isinstance(effect, Tiered) and not effect.by_quantity:
        amounts.append(("tiers", effect.by_worth))
    for name, by_currency in amounts:
        lacking = sorted(set(currencies) - set(by_currency)) if by_currency else []
        if lacking:
            raise BadPromotion(field=name, reason="no_amount_in_currency", currency=lacking[0])


def _check_products(draft: Draft) -> None:
    ids = draft.rule.conditions.product_ids
    least, most = PRODUCTS[draft.kind]
    if not least <= len(set(ids)) <= most or len(set(ids)) != len(ids):
        raise BadPromotion(field="products", reason="count", least=least, most=most)
    effect = draft.rule.effect
    if isinstance(effect, Bundle) and set(effect.product_ids) != set(ids):
        raise BadPromotion(field="products", reason="not_the_bundle")
    if isinstance(effect, Bundle) and draft.kind is not Kind.CAMPAIGN:
        raise BadPromotion(field="kind", reason="bundle_is_a_campaign")


def _check_effect(effect: Effect) -> None:
    match effect:
        case Percent(bp=bp):
            _percent("percent", bp)
        case Fixed(amounts_minor=amounts):
            _positive("amount", amounts)
        case Bundle(prices_minor=prices):
            _positive("amount", prices)
        case BuyGet():
            _within("buy", effect.buy, 1, 100)
            _within("get", effect.get, 1, 100)
            _percent("percent", effect.bp)
        case Tiered():
            _check_tiers(effect)


def _check_tiers(effect: Tiered) -> None:
    lists = [effect.by_quantity] if effect.by_quantity else list(effect.by_worth.values())
    if not lists or not all(lists) or (effect.by_quantity and effect.by_worth):
        raise BadPromotion(field="tiers", reason="missing")
    for tiers in lists:
        for least, bp in tiers:
            _within("tiers", least, 1, None)
            _percent("tiers", bp)
        if not _rising(tiers):
            raise BadPromotion(field="tiers", reason="not_rising")


def _rising(tiers: Iterable[Tier]) -> bool:
    known = list(tiers)
    return all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(known))


def _check_conditions(asked: Conditions) -> None:
    if any(day not in range(7) for day in asked.weekdays):
        raise BadPromotion(field="weekdays", reason="unknown")
    if asked.minutes is not None:
        start, until = asked.minutes
        if not (0 <= start < DAY_MINUTES and 0 < until <= DAY_MINUTES and start != until):
            raise BadPromotion(field="hours", reason="unknown")
    _within("min_quantity", asked.min_quantity, 0, MANY)
    if asked.min_worth_minor:
        _positive("min_worth", asked.min_worth_minor)


def _percent(field: str, bp: int) -> None:
    if bp > WHOLE_BP:
        raise BadPromotion(field=field, reason="over_100")
    _within(field, bp, 1, WHOLE_BP)


def _positive(field: str, amounts: Mapping[str, int]) -> None:
    if not amounts:
        raise BadPromotion(field=field, reason="missing")
    for currency, amount in amounts.items():
        if len(currency) != 3:
            raise BadPromotion(field=field, reason="unknown_currency", currency=currency)
        _within(field, amount, 1, None)


def _within(field: str, number: int, least: int, most: int | None) -> None:
    if number < least:
        raise BadPromotion(field=field, reason="too_small", least=least)
    if most is not None and number > most:
        raise BadPromotion(field=field, reason="too_large", most=most)

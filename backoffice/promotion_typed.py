"""A promotion as its form would have been typed: for editing it, and for copying it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from backoffice import pages
from backoffice.promotion_forms import PLACES, Form, Shop
from commerce.promotions import Bundle, BuyGet, Effect, Fixed, Percent, Promotion, Tiered


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
        **_typed_effect(rule.effect, skus),
    }
    if asked.minutes is not None:
        typed["from"], typed["until"] = (f"{m // 60:02}:{m % 60:02}" for m in asked.minutes)
    return Form(typed=typed, key=key, version=promotion.version)


def _typed_effect(effect: Effect, skus: Mapping[str, str]) -> dict[str, str]:
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
            typed["get_product"] = skus.get(next(iter(effect.product_ids), ""), "")
        case Bundle():
            typed |= _typed_amounts("bundle", effect.prices_minor)
        case Tiered():
            steps = [f"{n} = {percent(bp)}" for n, bp in effect.by_quantity]
            for currency, tiers in effect.by_worth.items():
                steps += [
                    f"{pages.major(m, currency)} {currency} = {percent(bp)}" for m, bp in tiers
                ]
            typed["tiers"] = ", ".join(steps)
    return typed


def percent(bp: int) -> str:
    whole, rest = divmod(bp, 100)
    return f"{whole}.{rest:02}".rstrip("0") if rest else str(whole)


def _typed_amounts(name: str, amounts: Mapping[str, int]) -> dict[str, str]:
    return {
        f"{name}_{currency}": pages.major(minor, currency) for currency, minor in amounts.items()
    }


def _shown(number: int | None) -> str:
    return "" if number is None else str(number)


def written(at: int, timezone: str) -> str:
    there = datetime.fromtimestamp(at // 1_000_000, ZoneInfo(timezone))
    return there.strftime("%Y-%m-%dT%H:%M")

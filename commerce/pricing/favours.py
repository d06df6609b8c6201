"""What may take something off for this fan: promotions, a code, a personal offer, loyalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from commerce import loyalty, offers, promotions
from commerce.kernel.database import Tx
from commerce.loyalty import Standing
from commerce.pricing.basis import ANYBODY, Item
from commerce.pricing.model import Buying
from commerce.promotions import (
    Buyer,
    Conditions,
    Funder,
    NotApplied,
    Percent,
    Rule,
    Sought,
    Source,
)

FOR_YOU: Mapping[str, str] = {"en": "For you", "es": "Para ti"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Favours:
    rules: tuple[Rule, ...] = ()
    buyer: Buyer = ANYBODY
    code: str = ""  # as it is written on the coupon
    coupon_refused: NotApplied | None = None


async def favours(tx: Tx, items: Sequence[Item], buying: Buying, at: int) -> Favours:
    rules = await promotions.rules_for(tx, _sought(items, buying), at)
    code, refused = "", None
    if buying.coupon:
        try:
            rule = await promotions.coupon_rule(
                tx, buying.coupon, at, buying.fan_id, buying.leader_id
            )
            code = rule.code
            rules.append(rule)
        except promotions.CouponRefused as refusal:
            refused = _refused(refusal)
    buyer = ANYBODY
    if buying.fan_id:
        stands = await loyalty.standing(tx, buying.fan_id)
        buyer = await _buyer(tx, buying.fan_id, stands, rules)
        rules += [*await _personal(tx, items, buying.fan_id, at), *_loyal(stands)]
    return Favours(rules=tuple(rules), buyer=buyer, code=code, coupon_refused=refused)


def _sought(items: Sequence[Item], buying: Buying) -> Sought:
    return Sought(
        product_ids=sorted({item.product_id for item in items}),
        category_ids=sorted({one for item in items for one in item.category_ids}),
        supplier_ids=sorted({item.supplier_id for item in items}),
        leader_id=buying.leader_id,
        session_id=buying.session_id,
    )


def _refused(refusal: promotions.CouponRefused) -> NotApplied:
    facts = {name: fact for name, fact in refusal.facts.items() if name != "reason"}
    reason = str(refusal.facts["reason"])
    return NotApplied(rule_id="", source=Source.COUPON, reason=reason, facts=facts)


async def _buyer(tx: Tx, fan_id: str, stands: Standing, rules: Sequence[Rule]) -> Buyer:
    counted = [rule.id for rule in rules if rule.per_fan is not None]
    return Buyer(
        id=fan_id,
        orders=stands.orders,
        segments=stands.segments,
        uses=await promotions.uses_of(tx, fan_id, counted),
    )


async def _personal(tx: Tx, items: Sequence[Item], fan_id: str, at: int) -> list[Rule]:
    found: dict[str, Rule] = {}
    for item in items:
        offer = await offers.standing(tx, fan_id, item.sku, at)
        if offer is not None and offer.percent_bp:
            found[offer.id] = Rule(
                id=offer.id,
                source=Source.PERSONAL,
                title=FOR_YOU,
                effect=Percent(bp=offer.percent_bp),
                conditions=Conditions(product_ids=(item.product_id,)),
                funder=Funder.PLATFORM,
            )
    return list(found.values())


def _loyal(stands: Standing) -> list[Rule]:
    if not stands.percent_bp:
        return []
    return [
        Rule(
            id=f"loyalty:{stands.tier}",
            source=Source.LOYALTY,
            title={"en": stands.tier},
            effect=Percent(bp=stands.percent_bp),
            funder=Funder.PLATFORM,
        )
    ]

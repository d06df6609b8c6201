"""Promotions, coupons and flash prices: what is taken off, for whom, and why."""

from commerce.promotions.basket import (
    Basket,
    Buyer,
    Discount,
    Funder,
    Good,
    NotApplied,
    Outcome,
    Source,
)
from commerce.promotions.conditions import Conditions
from commerce.promotions.effects import (
    Bundle,
    BuyGet,
    Effect,
    Fixed,
    FreeDelivery,
    Percent,
    Tiered,
)
from commerce.promotions.evaluation import evaluate
from commerce.promotions.rules import (
    Combining,
    Mode,
    Policy,
    Rule,
    Stacking,
    policy_from_json,
    rule_from_json,
)

__all__ = [
    "Basket",
    "Bundle",
    "BuyGet",
    "Buyer",
    "Combining",
    "Conditions",
    "Discount",
    "Effect",
    "Fixed",
    "FreeDelivery",
    "Funder",
    "Good",
    "Mode",
    "NotApplied",
    "Outcome",
    "Percent",
    "Policy",
    "Rule",
    "Source",
    "Stacking",
    "Tiered",
    "evaluate",
    "policy_from_json",
    "rule_from_json",
]

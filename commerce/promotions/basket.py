"""What promotions look at and what they answer: a basket in, discounts with their reasons out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Source(StrEnum):
    """Where a rule comes from; the order in which they are considered."""

    PROMOTION = "promotion"
    COUPON = "coupon"
    PERSONAL = "personal"
    LOYALTY = "loyalty"


class Funder(StrEnum):
    """Whose share pays for the discount."""

    SUPPLIER = "supplier"
    LEADER = "leader"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """One line of the basket."""

    sku: str
    product_id: str
    supplier_id: str
    category_ids: tuple[str, ...] = ()  # from the root down
    warehouse: str = ""
    quantity: int
    unit_minor: int  # what one costs before promotions: list, leader's or flash price
    floor_minor: int  # what one never undercuts, whatever combines


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """What a rule may know of the fan: behaviour, never who they are."""

    id: str = ""
    orders: int = 0  # paid before
    segments: frozenset[str] = frozenset()
    uses: Mapping[str, int] = field(default_factory=dict)  # by rule id, reserved or confirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    goods: tuple[Good, ...]
    currency: str
    delivery_minor: int = 0
    leader_id: str = ""
    session_id: str = ""
    channel: str = ""
    at: int  # µs
    buyer: Buyer = Buyer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """What one rule takes off; amounts are not negative."""

    rule_id: str
    source: Source
    title: Mapping[str, str]  # language -> words for the fan
    code: str = ""  # of the coupon
    funder: Funder
    off_goods_minor: tuple[int, ...]  # for each good of the basket
    off_delivery_minor: int = 0

    @property
    def amount_minor(self) -> int:
        return sum(self.off_goods_minor) + self.off_delivery_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class NotApplied:
    """A rule that was considered and takes nothing off."""

    rule_id: str
    source: Source
    reason: str  # a code, as of a refusal
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    discounts: tuple[Discount, ...]
    not_applied: tuple[NotApplied, ...] = ()

"""What follows from a fan's paid orders: segments and a tier. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from commerce.kernel import clock
from commerce.kernel.errors import Refusal

FREQUENT_WITHIN = 90 * clock.DAY
FREQUENT_ORDERS = 3
LAPSED_AFTER = 180 * clock.DAY
CATEGORY = "category:"  # before the id of a category in which the fan bought
NAME_MAX = 40
ORDERS_MAX = 10_000
PERCENT_BP_MAX = 5_000


class Segment(StrEnum):
    """How a fan buys; exactly one holds, beside the categories."""

    NEW = "new"  # no paid order yet
    RETURNING = "returning"
    FREQUENT = "frequent"  # three orders or more within 90 days
    LAPSED = "lapsed"  # nothing for 180 days


class BadTier(Refusal):
    code = "bad_tier"


class TierChanged(Refusal):
    """Somebody else changed or removed it since it was looked at."""

    code = "tier_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A threshold of paid orders, and what it gives off every order from then on."""

    name: str
    orders_min: int
    percent_bp: int
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The paid orders of a fan that were not given back."""

    orders: int = 0
    orders_lately: int = 0  # within FREQUENT_WITHIN
    last_at: int = 0
    category_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    orders: int = 0
    segments: frozenset[str] = frozenset({Segment.NEW})
    tier: str = ""
    percent_bp: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    orders: int
    total_minor: int


def standing(history: History, tiers: Sequence[Tier], now: int) -> Standing:
    """The tier with the highest threshold reached counts; of equal ones, the better."""
    reached = [tier for tier in tiers if tier.orders_min <= history.orders]
    tier = max(reached, key=lambda one: (one.orders_min, one.percent_bp), default=None)
    categories = {f"{CATEGORY}{category}" for category in history.category_ids}
    return Standing(
        orders=history.orders,
        segments=frozenset({str(_segment(history, now)), *categories}),
        tier=tier.name if tier else "",
        percent_bp=tier.percent_bp if tier else 0,
    )


def _segment(history: History, now: int) -> Segment:
    if not history.orders:
        return Segment.NEW
    if now - history.last_at > LAPSED_AFTER:
        return Segment.LAPSED
    return Segment.FREQUENT if history.orders_lately >= FREQUENT_ORDERS else Segment.RETURNING


def check(tier: Tier) -> None:
    """BadTier names the field."""
    if not 1 <= len(tier.name) <= NAME_MAX or tier.name != tier.name.strip():
        raise BadTier(field="name", longest=NAME_MAX)
    if not 1 <= tier.orders_min <= ORDERS_MAX:
        raise BadTier(field="orders_min", minimum=1, maximum=ORDERS_MAX)
    if not 0 <= tier.percent_bp <= PERCENT_BP_MAX:
        raise BadTier(field="percent_bp", minimum=0, maximum=PERCENT_BP_MAX)

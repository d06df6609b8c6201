"""When a rule counts, and for which goods of a basket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from commerce.kernel.clock import MINUTE
from commerce.promotions.basket import Basket, Good
from commerce.promotions.effects import Missing

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Local(NamedTuple):
    """A moment as a clock on the shop's wall shows it."""

    weekday: int  # 0 = Monday
    minute: int  # of the day


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Empty says nothing; of several values of one field, one is enough."""

    # which goods
    product_ids: tuple[str, ...] = ()
    category_ids: tuple[str, ...] = ()  # with everything below them
    supplier_ids: tuple[str, ...] = ()
    warehouses: tuple[str, ...] = ()
    # where and when
    leader_ids: tuple[str, ...] = ()
    session_ids: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    minutes: tuple[int, int] | None = None  # of the day, from and until; may pass midnight
    # who
    segments: tuple[str, ...] = ()
    first_purchase: bool = False
    # how much of the goods meant above
    min_quantity: int = 0
    min_worth_minor: Mapping[str, int] = field(default_factory=dict)  # by currency

    @property
    def of_goods(self) -> bool:
        return bool(self.product_ids or self.category_ids or self.supplier_ids or self.warehouses)

    @property
    def of_time(self) -> bool:
        return bool(self.weekdays) or self.minutes is not None


@lru_cache(maxsize=4096)
def local(minute: int, timezone: str) -> Local:
    """The minute since the epoch as it is there, summer time and all."""
    there = (EPOCH + timedelta(minutes=minute)).astimezone(ZoneInfo(timezone))
    return Local(there.weekday(), there.hour * 60 + there.minute)


def goods_meant(conditions: Conditions, basket: Basket) -> Sequence[int] | Missing:
    """The places of the goods it is about."""
    if not conditions.of_goods:
        return range(len(basket.goods))
    places = [place for place, good in enumerate(basket.goods) if _means(conditions, good)]
    return places or Missing("wrong_product", {"product_ids": list(conditions.product_ids)})


def _means(conditions: Conditions, good: Good) -> bool:
    c = conditions
    return (
        (not c.product_ids or good.product_id in c.product_ids)
        and (not c.supplier_ids or good.supplier_id in c.supplier_ids)
        and (not c.warehouses or good.warehouse in c.warehouses)
        and (not c.category_ids or any(one in c.category_ids for one in good.category_ids))
    )


def unmet(conditions: Conditions, basket: Basket, timezone: str) -> Missing | None:
    """The first that does not hold of the moment, the place and the fan."""
    c = conditions
    if c.leader_ids and basket.leader_id not in c.leader_ids:
        return Missing("other_audience", {})
    if c.session_ids and basket.session_id not in c.session_ids:
        return Missing("other_session", {})
    if c.channels and basket.channel not in c.channels:
        return Missing("other_channel", {"channels": list(c.channels)})
    if c.of_time and not _at_this_hour(c, local(basket.at // MINUTE, timezone)):
        return Missing("other_hour", {"weekdays": list(c.weekdays), "minutes": c.minutes})
    if c.first_purchase and basket.buyer.orders:
        return Missing("not_first_purchase", {})
    if c.segments and basket.buyer.segments.isdisjoint(c.segments):
        return Missing("other_segment", {})
    return None


def _at_this_hour(conditions: Conditions, now: Local) -> bool:
    weekday = now.weekday
    if conditions.minutes is not None:
        start, until = conditions.minutes
        if start <= until:
            if not start <= now.minute < until:
                return False
        elif now.minute < until:
            weekday = (weekday - 1) % 7  # the night belongs to the day it began on
        elif now.minute < start:
            return False
    return not conditions.weekdays or weekday in conditions.weekdays


def too_little(conditions: Conditions, currency: str, pieces: int, worth: int) -> Missing | None:
    """What is missing of the minimum."""
    if pieces < conditions.min_quantity:
        return Missing("minimum_quantity", {"missing": conditions.min_quantity - pieces})
    if conditions.min_worth_minor:
        least = conditions.min_worth_minor.get(currency)
        if least is None:
            return Missing("no_amount_in_currency", {"currency": currency})
        if worth < least:
            return Missing("minimum_worth", {"missing_minor": least - worth, "currency": currency})
    return None

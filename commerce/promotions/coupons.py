"""Codes: how they are made, and why one does not count."""

from __future__ import annotations

from dataclasses import dataclass

from commerce.accounts import Staff
from commerce.kernel import ids
from commerce.kernel.database import Tx
from commerce.promotions import coupon_store, limits, model, service, store
from commerce.promotions.model import BadCode, CodeTaken, CouponRefused, Promotion, Status
from commerce.promotions.rules import Rule

LENGTH_MIN, LENGTH_MAX = 3, 40
RANDOM_LENGTH = 12  # of an alphabet of 23: nobody guesses one in fifty bits
BATCH_MAX = 10_000
PAGE = 200
# What nobody outside has heard of yet, or ever will, is as unknown as what was never made.
HIDDEN = frozenset({Status.DRAFT, Status.PENDING, Status.REJECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    code: str
    promotion_id: str
    most: int | None  # None = as often as the promotion lets
    batch: str
    used: int  # counted where there is a limit
    created_at: int


async def coupon_rule(tx: Tx, code: str, at: int, fan_id: str, leader_id: str) -> Rule:
    """The rule behind a code, or why it does not count; all unknown codes hear the same."""
    normal = model.normal(code)
    found = await coupon_store.coupon(tx, normal)
    known = await store.some(tx, [found["promotion_id"]]) if found else {}
    if found is None or known[found["promotion_id"]].status in HIDDEN:
        raise CouponRefused(reason="unknown", code=normal)
    promotion = known[found["promotion_id"]]
    _must_run(promotion, normal, at)
    asked = promotion.rule.conditions
    if asked.leader_ids and leader_id not in asked.leader_ids:
        raise CouponRefused(reason="other_audience", code=normal)
    reached = await coupon_store.full(tx, limits.keys(promotion.id, normal, fan_id))
    if limits.of_fan(promotion.id, fan_id) in reached:
        raise CouponRefused(reason="already_used", code=normal, times=promotion.rule.per_fan)
    if reached:
        raise CouponRefused(reason="used_up", code=normal)
    return model.as_rule(promotion, normal)


def _must_run(promotion: Promotion, code: str, at: int) -> None:
    if promotion.status is Status.PAUSED:
        raise CouponRefused(reason="paused", code=code)
    if promotion.status is Status.CANCELLED:
        raise CouponRefused(reason="ended", code=code)
    if promotion.ends_at is not None and at >= promotion.ends_at:
        raise CouponRefused(reason="ended", code=code, ended_at=promotion.ends_at)
    if at < promotion.starts_at:
        raise CouponRefused(reason="not_started", code=code, starts_at=promotion.starts_at)


async def add_code(
    tx: Tx, staff: Staff, promotion_id: str, code: str, *, most: int | None = None
) -> str:
    """A code of one's own choice, as it is kept. The same again changes nothing."""
    promotion = await _own_by_code(tx, staff, promotion_id)
    normal = model.normal(code)
    if not LENGTH_MIN <= len(normal) <= LENGTH_MAX:
        raise BadCode(field="code", reason="length", least=LENGTH_MIN, most=LENGTH_MAX)
    if most is not None and most < 1:
        raise BadCode(field="most", reason="too_small", least=1)
    if not await coupon_store.add_coupon(tx, normal, promotion.id, most, ""):
        known = await coupon_store.coupon(tx, normal)
        if known is None or (known["promotion_id"], known["most"]) != (promotion.id, most):
            raise CodeTaken(code=normal)
    return normal


async def generate_codes(
    tx: Tx,
    staff: Staff,
    promotion_id: str,
    count: int,
    *,
    prefix: str = "",
    most: int | None = 1,
    batch: str = "",
) -> list[str]:
    """That many codes that nobody guesses; the same batch again gives the same codes."""
    promotion = await _own_by_code(tx, staff, promotion_id)
    start = model.normal(prefix)
    if not 1 <= count <= BATCH_MAX:
        raise BadCode(field="count", reason="range", least=1, most=BATCH_MAX)
    if len(start) > LENGTH_MAX - RANDOM_LENGTH:
        raise BadCode(field="prefix", reason="length", most=LENGTH_MAX - RANDOM_LENGTH)
    if most is not None and most < 1:
        raise BadCode(field="most", reason="too_small", least=1)
    name = batch or ids.new_id()
    made = await coupon_store.codes_of_batch(tx, promotion.id, name)
    if not made:
        made = sorted(f"{start}{ids.short_code(RANDOM_LENGTH)}" for _ in range(count))
        await coupon_store.add_coupons(tx, made, promotion.id, most, name)
    return made


async def coupons_of(tx: Tx, promotion_id: str, *, page: int = 1, size: int = PAGE) -> list[Coupon]:
    rows = await coupon_store.coupons_of(tx, promotion_id, size, (page - 1) * size)
    names = ("code", "promotion_id", "most", "batch", "used", "created_at")
    return [Coupon(**{name: row[name] for name in names}) for row in rows]


async def count_coupons(tx: Tx, promotion_id: str) -> int:
    return await coupon_store.count_coupons(tx, promotion_id)


async def _own_by_code(tx: Tx, staff: Staff, promotion_id: str) -> Promotion:
    promotion = await service.own(tx, staff, promotion_id)
    if not promotion.by_code:
        raise BadCode(field="promotion", reason="needs_no_code")
    return promotion

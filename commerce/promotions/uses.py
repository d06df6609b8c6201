"""Uses of promotions: reserved with the checkout, confirmed with the money, released without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from commerce.kernel.database import Row, Tx
from commerce.kernel.idempotency import KeyReused
from commerce.promotions import coupon_store, limits, store
from commerce.promotions.limits import Limit
from commerce.promotions.model import (
    USE,
    CouponRefused,
    LimitReached,
    NoSuchPromotion,
    Promotion,
    UseAction,
    UseStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a promotion, or its coupon, takes off one checkout."""

    rule_id: str
    code: str = ""
    amount_minor: int
    currency: str


async def reserve(
    tx: Tx, *, key: str, fan_id: str, uses: Sequence[Use], leader_id: str = "", channel: str = ""
) -> None:
    """All of them or, with LimitReached, none. The same key again changes nothing."""
    known = await store.some(tx, [use.rule_id for use in uses])
    mosts = await _mosts(tx, uses)
    wanted: list[Limit] = []
    for use in uses:
        if use.rule_id not in known:
            raise NoSuchPromotion(promotion_id=use.rule_id)
        if await _added(tx, use, key, fan_id, leader_id, channel):
            promotion = known[use.rule_id]
            wanted += limits.counted(promotion, use.code, mosts.get(use.code), fan_id)
    # In one order for everybody, so that nobody waits for one who waits for them.
    for limit in sorted(wanted, key=lambda limit: limit["key"]):
        if not await coupon_store.take(tx, limit):
            raise LimitReached(
                promotion_id=limit["promotion_id"],
                code=limit["code"],
                limit=limit["key"].partition(":")[0],
                most=limit["most"],
            )


async def confirm(tx: Tx, key: str, *, revenue_minor: int) -> None:
    """The money came: `revenue_minor` is what the fan paid for all of the checkout.

    What was released meanwhile is taken again; where the limit is full, the fan's price stands and
    the use is told apart.
    """
    known: dict[str, Promotion] = {}
    rows = await coupon_store.uses_of_key(tx, key)
    if any(row["status"] == UseStatus.RELEASED for row in rows):
        known = await store.some(tx, [row["promotion_id"] for row in rows])
    for row in rows:
        if row["status"] == UseStatus.RESERVED:
            action = UseAction.CONFIRM
        elif row["status"] == UseStatus.RELEASED:
            again = await _taken_again(tx, row, known[row["promotion_id"]])
            action = UseAction.CONFIRM if again else UseAction.HONOUR
        else:
            continue
        after = USE.after(UseStatus(row["status"]), action)
        await coupon_store.decide(tx, row, after, revenue_minor)


async def release(tx: Tx, key: str) -> None:
    """No money comes: what is still reserved is free for others."""
    given_back: list[str] = []
    for row in await coupon_store.uses_of_key(tx, key):
        if row["status"] == UseStatus.RESERVED:
            await coupon_store.decide(tx, row, USE.after(UseStatus.RESERVED, UseAction.RELEASE), 0)
            given_back += limits.keys(row["promotion_id"], row["code"], row["fan_id"])
    for limit in sorted(given_back):
        await coupon_store.give_back(tx, limit)


async def uses_of(tx: Tx, fan_id: str, rule_ids: Sequence[str]) -> dict[str, int]:
    """How often this fan has used each of them, reserved or paid."""
    return await coupon_store.used_by(tx, fan_id, rule_ids) if rule_ids else {}


async def _mosts(tx: Tx, uses: Sequence[Use]) -> dict[str, int | None]:
    codes = [use.code for use in uses if use.code]
    known = await coupon_store.coupons(tx, codes)
    for use in uses:
        if use.code and (use.code not in known or known[use.code]["promotion_id"] != use.rule_id):
            raise CouponRefused(reason="unknown", code=use.code)
    return {code: row["most"] for code, row in known.items()}


async def _added(tx: Tx, use: Use, key: str, fan_id: str, leader_id: str, channel: str) -> bool:
    """False where it was reserved under this key before; for something else it is refused."""
    said: dict[str, str | int] = {
        "code": use.code,
        "amount_minor": use.amount_minor,
        "currency": use.currency,
    }
    if await coupon_store.add_use(
        tx,
        key=key,
        promotion_id=use.rule_id,
        fan_id=fan_id,
        leader_id=leader_id,
        channel=channel,
        **said,
    ):
        return True
    for row in await coupon_store.uses_of_key(tx, key):
        if row["promotion_id"] == use.rule_id:
            for field, value in said.items():
                if row[field] != value:
                    raise KeyReused(scope="promotion_uses", key=key, field=field)
    return False


async def _taken_again(tx: Tx, row: Row, promotion: Promotion) -> bool:
    """All the limits it counts in, or none of them."""
    most = (await coupon_store.coupons(tx, [row["code"]])).get(row["code"])
    wanted = limits.counted(promotion, row["code"], most["most"] if most else None, row["fan_id"])
    taken: list[str] = []
    for limit in sorted(wanted, key=lambda limit: limit["key"]):
        if not await coupon_store.take(tx, limit):
            for key in taken:
                await coupon_store.give_back(tx, key)
            return False
        taken.append(limit["key"])
    return True

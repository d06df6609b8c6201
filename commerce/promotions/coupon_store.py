"""Every query of coupons, of what limits them, and of the uses of promotions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Integer, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql

from commerce.kernel import clock
from commerce.kernel.columns import Amount, Instant
from commerce.kernel.database import Row, Tx, any_of, insert_once
from commerce.promotions.limits import Limit
from commerce.promotions.model import UseStatus
from commerce.promotions.tables import COUPONS, LIMITS, USES

L, U = LIMITS.c, USES.c
GIVEN = [UseStatus.RESERVED, UseStatus.CONFIRMED, UseStatus.HONOURED]

ADD_COUPON = insert_once(COUPONS, "code")
ADD_COUPONS = insert(COUPONS)
OF_BATCH = (
    select(COUPONS.c.code)
    .where(COUPONS.c.promotion_id == bindparam("promotion"), COUPONS.c.batch == bindparam("name"))
    .order_by(COUPONS.c.code)
)
COUPON = select(COUPONS).where(COUPONS.c.code == bindparam("code"))
SOME_COUPONS = select(COUPONS).where(any_of(COUPONS.c.code, "codes"))
COUPONS_OF = (
    select(COUPONS, func.coalesce(L.used, 0).label("used"))
    .outerjoin(LIMITS, L.key == "code:" + COUPONS.c.code)
    .where(COUPONS.c.promotion_id == bindparam("promotion"))
    .order_by(COUPONS.c.created_at, COUPONS.c.code)
    .limit(bindparam("most", type_=Integer))
    .offset(bindparam("skip", type_=Integer))
)
COUNT_COUPONS = select(func.count()).where(COUPONS.c.promotion_id == bindparam("promotion"))
SPENT = select(L.key, L.used, L.most).where(any_of(L.key, "keys"))
# The row is made by its first use. Who finds it full changes nothing, and is told by 0 rows.
TAKE = postgresql.insert(LIMITS).on_conflict_do_update(
    index_elements=["key"], set_={"used": L.used + 1}, where=L.used < L.most
)
GIVE_BACK = update(LIMITS).where(L.key == bindparam("limit"), L.used > 0).values(used=L.used - 1)
ADD_USE = insert_once(USES, "key", "promotion_id")
USES_OF_KEY = (
    select(USES).where(U.key == bindparam("which")).order_by(U.promotion_id).with_for_update()
)
DECIDE = (
    update(USES)
    .where(
        U.key == bindparam("which"),
        U.promotion_id == bindparam("promotion"),
        U.status == bindparam("before"),
    )
    .values(
        status=bindparam("after"),
        revenue_minor=bindparam("revenue", type_=Amount),
        decided_at=bindparam("now", type_=Instant),
    )
)
USED_BY_FAN = (
    select(U.promotion_id, func.count().label("times"))
    .where(U.fan_id == bindparam("fan"), any_of(U.promotion_id, "promotions"), U.status.in_(GIVEN))
    .group_by(U.promotion_id)
)


async def add_coupon(tx: Tx, code: str, promotion_id: str, most: int | None, batch: str) -> bool:
    """False where the code exists."""
    added = await tx.run(
        ADD_COUPON,
        code=code,
        promotion_id=promotion_id,
        most=most,
        batch=batch,
        created_at=clock.now(),
    )
    return bool(added)


async def add_coupons(
    tx: Tx, codes: Sequence[str], promotion_id: str, most: int | None, batch: str
) -> None:
    row = {"promotion_id": promotion_id, "most": most, "batch": batch, "created_at": clock.now()}
    await tx.run_many(ADD_COUPONS, [{"code": code, **row} for code in codes])


async def codes_of_batch(tx: Tx, promotion_id: str, batch: str) -> list[str]:
    rows = await tx.all(OF_BATCH, promotion=promotion_id, name=batch)
    return [row["code"] for row in rows]


async def coupon(tx: Tx, code: str) -> Row | None:
    return await tx.first(COUPON, code=code)


async def coupons(tx: Tx, codes: Sequence[str]) -> dict[str, Row]:
    rows = await tx.all(SOME_COUPONS, codes=list(codes)) if codes else []
    return {row["code"]: row for row in rows}


async def coupons_of(tx: Tx, promotion_id: str, most: int, skip: int) -> list[Row]:
    return await tx.all(COUPONS_OF, promotion=promotion_id, most=most, skip=skip)


async def count_coupons(tx: Tx, promotion_id: str) -> int:
    return int(await tx.scalar(COUNT_COUPONS, promotion=promotion_id))


async def full(tx: Tx, keys: Sequence[str]) -> frozenset[str]:
    """Those of the limits that are reached."""
    rows = await tx.all(SPENT, keys=list(keys))
    return frozenset(row["key"] for row in rows if row["used"] >= row["most"])


async def take(tx: Tx, limit: Limit) -> bool:
    """One more, if there is one left."""
    return bool(await tx.run(TAKE, **limit, used=1))


async def give_back(tx: Tx, key: str) -> None:
    await tx.run(GIVE_BACK, limit=key)


async def add_use(tx: Tx, **use: str | int) -> bool:
    """False where this key used the promotion before."""
    return bool(
        await tx.run(
            ADD_USE,
            **use,
            revenue_minor=0,
            status=UseStatus.RESERVED,
            reserved_at=clock.now(),
        )
    )


async def uses_of_key(tx: Tx, key: str) -> list[Row]:
    return await tx.all(USES_OF_KEY, which=key)


async def decide(tx: Tx, use: Row, after: UseStatus, revenue_minor: int) -> None:
    await tx.run(
        DECIDE,
        which=use["key"],
        promotion=use["promotion_id"],
        before=use["status"],
        after=after,
        revenue=revenue_minor,
        now=clock.now(),
    )


async def used_by(tx: Tx, fan_id: str, promotion_ids: Sequence[str]) -> dict[str, int]:
    rows = await tx.all(USED_BY_FAN, fan=fan_id, promotions=list(promotion_ids))
    return {row["promotion_id"]: row["times"] for row in rows}

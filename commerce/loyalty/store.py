"""Every query of loyalty."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, case, delete, func, insert, select, update

from commerce.kernel.columns import Count
from commerce.kernel.database import Tx, insert_once
from commerce.loyalty.model import History, Spent, Tier
from commerce.loyalty.tables import PURCHASE_GOODS, PURCHASES, TIERS

_kept = (PURCHASES.c.fan_id == bindparam("fan"), PURCHASES.c.taken_back_at.is_(None))
_lately = case((PURCHASES.c.bought_at > bindparam("since", type_=Count), 1), else_=0)

ADD = insert_once(PURCHASES, "order_id")
ADD_GOODS = insert(PURCHASE_GOODS)
TAKE_BACK = (
    update(PURCHASES)
    .where(PURCHASES.c.order_id == bindparam("which"), PURCHASES.c.taken_back_at.is_(None))
    .values(taken_back_at=bindparam("now"))
)
COUNTED = select(
    func.count().label("orders"),
    func.coalesce(func.sum(_lately), 0).label("orders_lately"),
    func.coalesce(func.max(PURCHASES.c.bought_at), 0).label("last_at"),
).where(*_kept)
CATEGORIES = (
    select(PURCHASE_GOODS.c.category_id)
    .join(PURCHASES, PURCHASES.c.order_id == PURCHASE_GOODS.c.order_id)
    .where(*_kept, PURCHASE_GOODS.c.category_id != "")
    .distinct()
)
SUMS = (
    select(
        PURCHASES.c.currency,
        func.count().label("orders"),
        func.sum(PURCHASES.c.total_minor).label("total_minor"),
    )
    .where(*_kept)
    .group_by(PURCHASES.c.currency)
)
ALL_TIERS = select(TIERS).order_by(TIERS.c.orders_min)
ADD_TIER = insert_once(TIERS, "name")
_this_tier = (TIERS.c.name == bindparam("which"), TIERS.c.version == bindparam("seen"))
EDIT_TIER = (
    update(TIERS)
    .where(*_this_tier)
    .values(
        orders_min=bindparam("new_orders"),
        percent_bp=bindparam("new_percent"),
        version=TIERS.c.version + 1,
    )
)
REMOVE_TIER = delete(TIERS).where(*_this_tier)


async def add(
    tx: Tx, *, order_id: str, fan_id: str, currency: str, total_minor: int, bought_at: int
) -> bool:
    """False where the order is known."""
    added = await tx.run(
        ADD,
        order_id=order_id,
        fan_id=fan_id,
        currency=currency,
        total_minor=total_minor,
        bought_at=bought_at,
    )
    return bool(added)


async def add_goods(tx: Tx, order_id: str, goods: Mapping[tuple[str, str], int]) -> None:
    """By SKU and category, the pieces."""
    rows = [
        {"order_id": order_id, "sku": sku, "category_id": category, "quantity": pieces}
        for (sku, category), pieces in goods.items()
    ]
    await tx.run_many(ADD_GOODS, rows)


async def take_back(tx: Tx, order_id: str, now: int) -> bool:
    return bool(await tx.run(TAKE_BACK, which=order_id, now=now))


async def history(tx: Tx, fan_id: str, since: int) -> History:
    """`since` begins what counts as lately."""
    row = await tx.first(COUNTED, fan=fan_id, since=since)
    if row is None or not row["orders"]:
        return History()
    categories = await tx.all(CATEGORIES, fan=fan_id)
    return History(
        orders=row["orders"],
        orders_lately=int(row["orders_lately"]),
        last_at=row["last_at"],
        category_ids=frozenset(category["category_id"] for category in categories),
    )


async def spent(tx: Tx, fan_id: str) -> dict[str, Spent]:
    rows = await tx.all(SUMS, fan=fan_id)
    return {
        row["currency"]: Spent(orders=row["orders"], total_minor=int(row["total_minor"]))
        for row in rows
    }


async def tiers(tx: Tx) -> list[Tier]:
    return [
        Tier(
            name=row["name"],
            orders_min=row["orders_min"],
            percent_bp=row["percent_bp"],
            version=row["version"],
        )
        for row in await tx.all(ALL_TIERS)
    ]


async def add_tier(tx: Tx, tier: Tier) -> bool:
    added = await tx.run(
        ADD_TIER,
        name=tier.name,
        orders_min=tier.orders_min,
        percent_bp=tier.percent_bp,
        version=1,
    )
    return bool(added)


async def edit_tier(tx: Tx, tier: Tier) -> bool:
    """False where the tier no longer has the version that `tier` says."""
    edited = await tx.run(
        EDIT_TIER,
        which=tier.name,
        seen=tier.version,
        new_orders=tier.orders_min,
        new_percent=tier.percent_bp,
    )
    return bool(edited)


async def remove_tier(tx: Tx, name: str, version: int) -> bool:
    return bool(await tx.run(REMOVE_TIER, which=name, seen=version))

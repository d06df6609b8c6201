"""Remembers paid orders, answers how a fan stands, and lets admins set the tiers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from commerce.kernel.database import Tx
from commerce.loyalty import model, store
from commerce.loyalty.model import Spent, Standing, Tier, TierChanged


async def standing(tx: Tx, fan_id: str) -> Standing:
    """A fan who never bought, and one that nobody knows, is new."""
    now = await tx.now()
    history = await store.history(tx, fan_id, now - model.FREQUENT_WITHIN)
    if not history.orders:
        return Standing()
    return model.standing(history, await store.tiers(tx), now)


async def spent(tx: Tx, fan_id: str) -> dict[str, Spent]:
    """What the fan paid for, per currency; amounts of two currencies have no sum."""
    return await store.spent(tx, fan_id)


async def record(
    tx: Tx,
    *,
    order_id: str,
    fan_id: str,
    currency: str,
    total_minor: int,
    goods: Iterable[tuple[str, str, int]],
    at: int,
) -> bool:
    """A paid order with its (SKU, category, pieces); False where it was recorded before."""
    added = await store.add(
        tx,
        order_id=order_id,
        fan_id=fan_id,
        currency=currency,
        total_minor=total_minor,
        bought_at=at,
    )
    if added:
        pieces: Counter[tuple[str, str]] = Counter()
        for sku, category_id, quantity in goods:
            pieces[sku, category_id] += quantity
        await store.add_goods(tx, order_id, pieces)
    return added


async def take_back(tx: Tx, order_id: str) -> bool:
    """The money went back: the order counts no longer. False where it did not count."""
    return await store.take_back(tx, order_id, await tx.now())


async def tiers(tx: Tx) -> list[Tier]:
    """The lowest threshold first."""
    return await store.tiers(tx)


async def put_tier(tx: Tx, tier: Tier) -> None:
    """A new one has version 0; an edit names the version that was looked at."""
    model.check(tier)
    done = await (store.edit_tier(tx, tier) if tier.version else store.add_tier(tx, tier))
    if not done:
        raise TierChanged(name=tier.name)


async def remove_tier(tx: Tx, name: str, version: int) -> None:
    if not await store.remove_tier(tx, name, version):
        raise TierChanged(name=name)

"""Taking holds: requests that gather during one commit are written by the next, in their order.

One hot SKU is one row; the fewer transactions lock it, the more fans it serves.
"""

from __future__ import annotations

from collections.abc import Sequence

from commerce.inventory import allotting, hold_store, store
from commerce.inventory.model import Hold, HoldRequest
from commerce.kernel import ids
from commerce.kernel.committer import GroupCommitter
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Contended


class Holds:
    """The door through which stock is promised."""

    def __init__(self, database: Database) -> None:
        self._committer = GroupCommitter[HoldRequest, Hold]("holds", database, hold_within)

    async def hold(
        self, *, key: str, sku: str, quantity: int, owner: str, reference: str, seconds: int
    ) -> Hold:
        """Promise pieces for `seconds`. The same key again answers with the same hold.

        Raises OutOfStock with what is left, UnknownSku, SkuSuspended, BadQuantity, or HoldDiffers
        for a key used otherwise.
        """
        return await self._committer.submit(
            HoldRequest(
                key=key,
                sku=sku,
                quantity=quantity,
                owner=owner,
                reference=reference,
                seconds=seconds,
            )
        )

    async def close(self) -> None:
        await self._committer.close()


async def hold_under(tx: Tx, key: str) -> Hold | None:
    """What this key has held, however that ended."""
    return (await hold_store.by_keys(tx, [key])).get(key)


async def lock_available(tx: Tx, sku: str) -> int:
    """As `available`; until the commit nobody else holds, frees or counts pieces of it."""
    shelves = (await store.stock_locked(tx, [sku])).get(sku, ())
    return sum(allotting.left_of(shelves).values())


async def hold_within(tx: Tx, requests: Sequence[HoldRequest]) -> list[allotting.Answer]:
    """Answer each request, first come first served, in the caller's transaction."""
    # The stock is locked first, so that a repeated key's earlier hold is seen when it commits.
    stock = await store.stock_locked(tx, {request.sku for request in requests})
    known = await hold_store.by_keys(tx, [request.key for request in requests])
    now = await tx.now()
    answers, fresh = allotting.allot(
        requests,
        stock=stock,
        known=known,
        new_ids=[ids.new_id() for _ in requests],
        now=now,
    )
    if fresh:
        if not await hold_store.add_holds(tx, fresh, now):
            raise Contended("a SKU was suspended meanwhile")
        for reference in {hold.reference for hold in fresh}:
            tx.wake(f"session:{reference}")
    return answers

"""How a promotion goes from a draft to its end: who asks, agrees and stops it, and the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from commerce import catalog
from commerce.accounts import Staff
from commerce.kernel import audit, clock
from commerce.kernel.audit import Intervention
from commerce.kernel.database import Tx
from commerce.kernel.machine import IllegalMove
from commerce.promotions import model, service, store
from commerce.promotions.basket import Funder
from commerce.promotions.events import PromotionMoved
from commerce.promotions.model import Action, Promotion, Side
from commerce.promotions.service import may_manage, own, sides_of

Work = Callable[[], Awaitable[Mapping[str, Any]]]


async def submit(tx: Tx, staff: Staff, promotion_id: str, will: Intervention) -> None:
    """Asks those who have to agree; who may agree themselves does so by asking."""
    before = await own(tx, staff, promotion_id)

    async def work() -> Mapping[str, Any]:
        if before.ends_at is not None and before.ends_at <= clock.now():
            raise model.BadPromotion(field="ends", reason="in_the_past")
        await _suppliers_active(tx, before)
        asked = await _move(tx, before, Action.SUBMIT)
        agrees = asked.awaited & sides_of(staff, asked)
        if agrees:
            asked = await _agree(tx, asked, agrees, staff.id)
        return {"status": asked.status, "approved": sorted(asked.approved)}

    await _once(tx, will, "promotion.submitted", promotion_id, work)


async def approve(tx: Tx, staff: Staff, promotion_id: str, will: Intervention) -> None:
    """For whomever of those who are still awaited this person may speak."""
    before = await store.locked(tx, promotion_id)
    sides = sides_of(staff, before)
    if not sides & model.NEEDED[before.visibility]:
        raise model.NotYourPromotion(promotion_id=promotion_id)

    async def work() -> Mapping[str, Any]:
        await _suppliers_active(tx, before)
        agreed = sides & before.awaited
        if not agreed:
            raise IllegalMove(status=before.status.value, action=Action.APPROVE.value)
        after = await _agree(tx, before, agreed, staff.id)
        return {"status": after.status, "approved": sorted(after.approved)}

    await _once(tx, will, "promotion.approved", promotion_id, work)


async def reject(tx: Tx, staff: Staff, promotion_id: str, will: Intervention) -> None:
    """One no of those who were asked is enough."""
    before = await store.locked(tx, promotion_id)
    if not sides_of(staff, before) & model.NEEDED[before.visibility]:
        raise model.NotYourPromotion(promotion_id=promotion_id)
    await _moved_by_hand(tx, before, Action.REJECT, "promotion.rejected", will)


async def pause(tx: Tx, staff: Staff, promotion_id: str, will: Intervention) -> None:
    """The leader of the audience may stop what a supplier promotes there."""
    before = await _stoppable(tx, staff, promotion_id)
    await _moved_by_hand(tx, before, Action.PAUSE, "promotion.paused", will)


async def resume(tx: Tx, staff: Staff, promotion_id: str, will: Intervention) -> None:
    before = await _stoppable(tx, staff, promotion_id)
    await _suppliers_active(tx, before)
    await _moved_by_hand(tx, before, Action.RESUME, "promotion.resumed", will)


async def cancel(tx: Tx, staff: Staff, promotion_id: str, will: Intervention) -> None:
    before = await own(tx, staff, promotion_id)
    await _moved_by_hand(tx, before, Action.CANCEL, "promotion.cancelled", will)


async def move_by_clock(tx: Tx) -> int:
    """Those whose time came, or went by; how many."""
    now = await tx.now()
    starting, ending = await store.due(tx, now)
    for one in starting:
        await _move(tx, one, Action.ACTIVATE)
    for one in ending:
        await _move(tx, one, Action.END)
    return len(starting) + len(ending)


async def _suppliers_active(tx: Tx, promotion: Promotion) -> None:
    """Also at the moment it is agreed to or resumed, not only when it was drawn up."""
    found = await catalog.products(tx, promotion.rule.conditions.product_ids)
    owner = [promotion.supplier_id] if promotion.funder is Funder.SUPPLIER else []
    await service.active(tx, [*owner, *(product.supplier_id for product in found)])


async def _stoppable(tx: Tx, staff: Staff, promotion_id: str) -> Promotion:
    found = await store.locked(tx, promotion_id)
    if not may_manage(staff, found) and Side.LEADER not in sides_of(staff, found):
        raise model.NotYourPromotion(promotion_id=promotion_id)
    return found


async def _agree(tx: Tx, promotion: Promotion, sides: frozenset[Side], by: str) -> Promotion:
    for side in sorted(sides):
        promotion = model.agreed(promotion, side)
        await store.agree(tx, promotion.id, side, by)
    return promotion if promotion.awaited else await _move(tx, promotion, Action.APPROVE)


async def _moved_by_hand(
    tx: Tx, before: Promotion, action: Action, said: str, will: Intervention
) -> None:
    async def work() -> Mapping[str, Any]:
        after = await _move(tx, before, action)
        return {"before": before.status, "status": after.status}

    await _once(tx, will, said, before.id, work)


async def _once(
    tx: Tx,
    will: Intervention,
    action: str,
    promotion_id: str,
    work: Callable[[], Awaitable[Mapping[str, Any]]],
) -> None:
    await audit.once(tx, will, action=action, subject=f"promotion:{promotion_id}", work=work)


async def _move(tx: Tx, before: Promotion, action: Action) -> Promotion:
    after = model.moved(before, action, now=await tx.now())
    await store.save(tx, after)
    await tx.emit(
        PromotionMoved(
            promotion_id=after.id,
            promotion_version=after.version,
            status=after.status,
            supplier_id=after.supplier_id,
            leader_id=after.leader_id,
        )
    )
    return after

"""What a checkout took from promotions: kept aside with the order, used up, or given back."""

from __future__ import annotations

from commerce import loyalty, offers, orders, pricing, promotions
from commerce.kernel import clock
from commerce.kernel.database import Tx
from commerce.promotions import Source, Use

COUNTED = (Source.PROMOTION, Source.COUPON)  # what has limits and is measured


async def reserve(
    tx: Tx, *, checkout_id: str, fan_id: str, leader_id: str, quote: pricing.Quote
) -> None:
    """All or, with limit_reached, nothing."""
    uses = [
        Use(
            rule_id=discount.rule_id,
            code=discount.code,
            amount_minor=discount.amount_minor,
            currency=quote.currency,
        )
        for discount in quote.discounts
        if discount.source in COUNTED
    ]
    if uses:
        await promotions.reserve(
            tx,
            key=checkout_id,
            fan_id=fan_id,
            uses=uses,
            leader_id=leader_id,
            channel=quote.basis.channel,
        )


async def use_up(tx: Tx, order: orders.Order, hold_id: str) -> None:
    """It is paid for. What was given back meanwhile is taken again: the frozen price stands."""
    quote = await pricing.frozen(tx, order.quote_id)
    now = clock.now()
    await promotions.confirm_flash(tx, hold_id)
    await loyalty.record(
        tx,
        order_id=order.id,
        fan_id=order.fan_id,
        currency=order.currency,
        total_minor=order.total_minor,
        goods=[(item.sku, item.category_id, item.quantity) for item in quote.items],
        at=now,
    )
    for item in order.items:
        await offers.sold(
            tx,
            fan_id=order.fan_id,
            sku=item.sku,
            quantity=item.quantity,
            order_id=order.id,
            at=now,
        )
    await promotions.confirm(tx, order.reference, revenue_minor=order.total_minor)


async def give_back(tx: Tx, order: orders.Order, hold_id: str) -> None:
    """Nothing is paid for: others may have it."""
    await promotions.release_flash(tx, hold_id)
    await promotions.release(tx, order.reference)


async def forget(tx: Tx, order_id: str) -> None:
    """All of the money went back: the order says nothing of the fan any more."""
    await loyalty.take_back(tx, order_id)
    await offers.returned(tx, order_id)

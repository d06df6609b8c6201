"""Use cases of orders, each inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from commerce.accounts import Address
from commerce.kernel import clock, ids
from commerce.kernel.database import Tx
from commerce.kernel.errors import Contended
from commerce.kernel.idempotency import KeyReused
from commerce.orders import model, store
from commerce.orders.events import (
    OrderCancelled,
    OrderConfirmed,
    OrderEvent,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
)
from commerce.orders.model import Action, Item, Line, Move, Order, Tally
from commerce.pricing import Quote

CODES_TRIED_MAX = 8  # of 148 million: needing a second one is already rare


async def place(
    tx: Tx,
    *,
    key: str,
    fan_id: str,
    conversation_id: str,
    session_id: str,
    leader_id: str,
    reference: str,
    quote: Quote,
    address: Address,
    language: str = "",
) -> Order:
    """A pending order from a frozen quote; repeated under its key, it is the order as it is now."""
    draft = Order(
        id=ids.new_id(),
        key=key,
        code=ids.short_code(),
        fan_id=fan_id,
        conversation_id=conversation_id,
        session_id=session_id,
        leader_id=leader_id,
        reference=reference,
        quote_id=quote.id,
        language=language,
        currency=quote.currency,
        total_minor=quote.total_minor,
        items=_items(quote),
        lines=_lines(quote),
        address=address,
        placed_at=clock.now(),
    )
    order = await _placed(tx, draft)
    if order.id == draft.id:
        await store.add_move(tx, order, action=model.PLACED, reason="", at=order.placed_at)
        await tx.emit(OrderPlaced(**_facts(order)))
    return order


async def _placed(tx: Tx, draft: Order) -> Order:
    """The draft, under a code that was free; or what its key stands for already."""
    for _ in range(CODES_TRIED_MAX):
        if await store.add(tx, draft):
            return draft
        known = await store.by_key(tx, draft.key)
        if known is not None:
            if field := model.difference(known, draft):
                raise KeyReused(scope="orders", key=draft.key, field=field)
            return known
        draft = replace(draft, code=ids.short_code())
    raise Contended("no free order code found")


def _items(quote: Quote) -> tuple[Item, ...]:
    return tuple(
        Item(
            sku=item.sku,
            product_id=item.product_id,
            supplier_id=item.supplier_id,
            title=item.title,
            option=item.option,
            image=item.image,
            quantity=item.quantity,
            unit_price_minor=item.unit_price_minor,
        )
        for item in quote.items
    )


def _lines(quote: Quote) -> tuple[Line, ...]:
    return tuple(
        Line(
            kind=line.kind.value,
            label=line.label,
            amount_minor=line.amount_minor,
            contained_minor=line.contained_minor,
            source=line.source,
            code=line.code,
        )
        for line in quote.lines
    )


async def confirm(tx: Tx, order_id: str) -> Order:
    """The pieces are the fan's on their promise to pay at the door."""
    return await _move(tx, order_id, Action.CONFIRM, OrderConfirmed, "")


async def confirm_paid(tx: Tx, order_id: str, *, reason: str = "") -> Order:
    """On proof of payment. A cancelled order comes back to life: its money came late."""
    return await _move(tx, order_id, Action.PAY, OrderPaid, reason)


async def cancel(tx: Tx, order_id: str, reason: str) -> Order:
    return await _move(tx, order_id, Action.CANCEL, OrderCancelled, reason)


async def mark_refunded(tx: Tx, order_id: str, reason: str = "") -> Order:
    """After all of the money went back."""
    return await _move(tx, order_id, Action.REFUND, OrderRefunded, reason)


async def _move(
    tx: Tx, order_id: str, action: Action, event: type[OrderEvent], reason: str
) -> Order:
    before = _found(await store.lock(tx, order_id), order_id=order_id)
    now = clock.now()
    after = model.move(before, action, now=now)
    if after is before:
        return before
    await store.save_status(tx, after)
    await store.add_move(tx, after, action=action, reason=reason, at=now)
    await tx.emit(event(**_facts(after), reason=reason))
    return after


def _facts(order: Order) -> dict[str, Any]:
    first = order.items[0]
    return {
        "order_id": order.id,
        "order_version": order.version,
        "order_code": order.code,
        "reference": order.reference,
        "conversation_id": order.conversation_id,
        "session_id": order.session_id,
        "leader_id": order.leader_id,
        "fan_id": order.fan_id,
        "total_minor": order.total_minor,
        "currency": order.currency,
        "sku": first.sku,
        "title": first.title,
        "label": first.option,
        "quantity": first.quantity,
    }


def _found(order: Order | None, **asked: str) -> Order:
    if order is None:
        raise model.NoSuchOrder(**asked)
    return order


async def order(tx: Tx, order_id: str) -> Order:
    return _found(await store.get(tx, order_id), order_id=order_id)


async def by_code(tx: Tx, code: str) -> Order | None:
    """As a person writes it: in any case, with spaces or dashes."""
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    return await store.by_code(tx, letters)


async def codes(tx: Tx, order_ids: Sequence[str]) -> dict[str, str]:
    """Order -> its code, for lists."""
    return await store.codes(tx, order_ids)


async def order_of(tx: Tx, reference: str) -> Order | None:
    """The order of a checkout."""
    return await store.of_reference(tx, reference)


async def orders_of(tx: Tx, fan_id: str, limit: int = 5) -> list[Order]:
    """Newest first."""
    return await store.of_fan(tx, fan_id, limit)


async def orders_of_session(tx: Tx, session_id: str, limit: int = 50) -> list[Order]:
    """Newest first."""
    return await store.of_session(tx, session_id, limit)


async def history(tx: Tx, order_id: str) -> list[Move]:
    return await store.history(tx, order_id)


async def session_counts(tx: Tx, session_id: str) -> dict[str, Tally]:
    """By status, every status present."""
    return await store.counts(tx, session_id)


async def paid_per_minute(tx: Tx, session_id: str, since: int) -> list[tuple[int, int]]:
    """(start of the minute, orders paid in it), oldest first; minutes without any are left out."""
    return await store.paid_per_minute(tx, session_id, since)

"""What the core announces becomes a message in the fan's conversation, in order with theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import live
from bot.messages import Kind
from commerce import orders
from commerce.kernel import inbox
from commerce.kernel.database import Tx
from commerce.kernel.events import Envelope, Handlers

CANCELLED_BY_FAN = "cancelled"


async def payment_ready(tx: Tx, event: Envelope) -> None:
    fact = event.payload
    told = {name: fact[name] for name in ("checkout_id", "order_code", "url", "expires_at")}
    await _tell(tx, event, fact["conversation_id"], "payment_ready", told)


async def payment_declined(tx: Tx, event: Envelope) -> None:
    order = await orders.order(tx, event.payload["order_id"])
    told = {"checkout_id": order.reference, "order_code": order.code}
    await _tell(tx, event, order.conversation_id, "payment_declined", told)


async def order_confirmed(tx: Tx, event: Envelope) -> None:
    """To be paid at the door."""
    await _tell_of_order(tx, event, "order_confirmed")


async def order_paid(tx: Tx, event: Envelope) -> None:
    await _tell_of_order(tx, event, "order_paid")


async def _tell_of_order(tx: Tx, event: Envelope, name: str) -> None:
    fact = event.payload
    order = await orders.order(tx, fact["order_id"])
    names = ("order_code", "total_minor", "currency", "title", "label", "quantity")
    told = {name: fact[name] for name in names}
    told |= {"checkout_id": fact["reference"], "address": asdict(order.address)}
    await _tell(tx, event, fact["conversation_id"], name, told)


async def order_cancelled(tx: Tx, event: Envelope) -> None:
    fact = event.payload
    by_fan = fact["reason"] == CANCELLED_BY_FAN
    told = {"checkout_id": fact["reference"], "order_code": fact["order_code"]}
    name = "order_cancelled" if by_fan else "checkout_expired"
    await _tell(tx, event, fact["conversation_id"], name, told)


async def payment_refunded(tx: Tx, event: Envelope) -> None:
    fact = event.payload
    order = await orders.order(tx, fact["order_id"])
    told = {
        "order_code": order.code,
        "total_minor": fact["amount_minor"],
        "currency": fact["currency"],
    }
    await _tell(tx, event, order.conversation_id, "order_refunded", told)


async def hold_expired(tx: Tx, event: Envelope) -> None:
    await _tell(tx, event, event.payload["owner"], "hold_expired", dict(event.payload))


async def turn_comes(tx: Tx, event: Envelope) -> None:
    fact = event.payload
    names = ("entry_id", "hold_id", "sku", "session_id", "quantity", "asked", "expires_at")
    told = {name: fact[name] for name in names} | await _goods(tx, fact["sku"])
    await _tell(tx, event, fact["owner"], "turn_comes", told)


async def turn_lapses(tx: Tx, event: Envelope) -> None:
    fact = event.payload
    await _tell(tx, event, fact["owner"], "turn_lapses", {"entry_id": fact["entry_id"]})


async def waitlist_closed(tx: Tx, event: Envelope) -> None:
    fact = event.payload
    told = {"entry_id": fact["entry_id"]} | await _goods(tx, fact["sku"])
    await _tell(tx, event, fact["owner"], "waitlist_closed", told)


async def _goods(tx: Tx, sku: str) -> dict[str, str]:
    title, label = (await live.names_of(tx, [sku]))[sku]
    return {"title": title, "label": label}


async def _tell(
    tx: Tx, event: Envelope, conversation_id: str, name: str, facts: Mapping[str, Any]
) -> None:
    account = ":".join(conversation_id.split(":", 2)[:2])
    message = inbox.Message(
        account=account,
        message_id=f"event:{event.id}:{name}",
        conversation_id=conversation_id,
        body={"kind": Kind.EVENT, "text": name, "facts": dict(facts)},
        correlation_id=event.correlation_id,
    )
    await inbox.put(tx, [message])


HANDLERS: Handlers = {
    "checkout.ready": [payment_ready],
    "payment.declined": [payment_declined],
    "payment.refunded": [payment_refunded],
    "order.confirmed": [order_confirmed],
    "order.paid": [order_paid],
    "order.cancelled": [order_cancelled],
    "hold.expired": [hold_expired],
    "waitlist.offered": [turn_comes],
    "waitlist.lapsed": [turn_lapses],
    "waitlist.closed": [waitlist_closed],
}

"""What a live session does when others announce something: rooms look again, waitlists move on."""

from __future__ import annotations

from typing import Protocol

from commerce.kernel.database import Tx
from commerce.kernel.events import Envelope, Handlers
from live import service, waitlist


class Publishes(Protocol):
    async def publish(self, topic: str, message: dict[str, object]) -> None: ...


HEARD = (
    "session.started",
    "session.ended",
    "product.pinned",
    "product.unpinned",
    "order.placed",
    "order.paid",
    "order.cancelled",
    "order.refunded",
    "hold.expired",
    "flash.started",
    "flash.ended",
)


async def nudge_room(tx: Tx, event: Envelope) -> None:
    session_id = event.payload.get("session_id") or event.payload.get("reference")
    if session_id:
        tx.wake(f"session:{session_id}")


async def nudge(fanout: Publishes, session_id: str) -> None:
    """Something visible changed in this session: its rooms read their state again."""
    await fanout.publish(f"session:{session_id}", {})


async def nudge_rooms_showing(tx: Tx, event: Envelope) -> None:
    await service.wake_rooms_showing(tx, event.payload["sku"])


async def serve_waitlist(tx: Tx, event: Envelope) -> None:
    await waitlist.serve(tx, event.payload["sku"])


async def lapse_turn(tx: Tx, event: Envelope) -> None:
    await waitlist.lapse(tx, event.payload["hold_id"])


async def take_off_buyer(tx: Tx, event: Envelope) -> None:
    fact = event.payload
    await waitlist.bought(
        tx, fact["conversation_id"], fact["session_id"], fact["sku"], event.occurred_at
    )


async def close_waitlists(tx: Tx, event: Envelope) -> None:
    await waitlist.close(tx, event.payload["session_id"])


HANDLERS: Handlers = {
    **{name: [nudge_room] for name in HEARD},
    "stock.freed": [nudge_rooms_showing, serve_waitlist],
    "stock.resumed": [nudge_rooms_showing, serve_waitlist],
    "stock.suspended": [nudge_rooms_showing],
    "hold.expired": [nudge_room, lapse_turn],
    "order.placed": [nudge_room, take_off_buyer],
    "session.ended": [nudge_room, close_waitlists],
}

"""What a live session does when others announce something: it tells its rooms to look again."""

from __future__ import annotations

from typing import Protocol

from commerce.kernel.database import Tx
from commerce.kernel.events import Envelope, Handlers


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
)


async def nudge_room(tx: Tx, event: Envelope) -> None:
    session_id = event.payload.get("session_id") or event.payload.get("reference")
    if session_id:
        tx.wake(f"session:{session_id}")


async def nudge(fanout: Publishes, session_id: str) -> None:
    """Something visible changed in this session: its rooms read their state again."""
    await fanout.publish(f"session:{session_id}", {})


HANDLERS: Handlers = {name: [nudge_room] for name in HEARD}

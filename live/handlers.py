"""What a live session does when others announce something: it tells its rooms to look again."""

from __future__ import annotations

from typing import Protocol

from commerce.kernel.database import Tx
from commerce.kernel.events import Envelope, Handler


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


def handlers(fanout: Publishes) -> dict[str, list[Handler]]:
    async def nudge_room(tx: Tx, event: Envelope) -> None:
        session_id = event.payload.get("session_id") or event.payload.get("reference")
        if session_id:
            await nudge(fanout, str(session_id))

    return {name: [nudge_room] for name in HEARD}


async def nudge(fanout: Publishes, session_id: str) -> None:
    """Something visible changed in this session: its rooms read their state again."""
    await fanout.publish(f"session:{session_id}", {})

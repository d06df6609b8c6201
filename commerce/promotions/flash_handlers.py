"""What flash prices do when a hold goes or a live ends."""

from __future__ import annotations

from commerce.kernel.database import Tx
from commerce.kernel.events import Envelope, Handlers
from commerce.promotions import flash_service


async def give_back(tx: Tx, event: Envelope) -> None:
    await flash_service.release_flash(tx, event.payload["hold_id"])


async def end_with_session(tx: Tx, event: Envelope) -> None:
    await flash_service.end_flashes_of(tx, event.payload["session_id"])


HANDLERS: Handlers = {
    "hold.released": [give_back],
    "hold.expired": [give_back],
    "session.ended": [end_with_session],
}

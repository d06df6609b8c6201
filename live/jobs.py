"""What time makes live sessions do: whoever waits is served, whatever was missed or came late."""

from __future__ import annotations

from functools import partial

from commerce import inventory
from commerce.kernel.database import Database, Tx
from live import waitlist, waitlist_store


async def serve_waitlists(database: Database) -> int:
    """Serve every queue that pieces are free for, close what a session left open; how many fans."""
    for session_id in await database.read(waitlist_store.sessions_over):
        await database.unit_of_work(partial(waitlist.close, session_id=session_id))
    served = 0
    for sku in await database.read(_to_serve):
        served += len(await database.unit_of_work(partial(waitlist.serve, sku=sku)))
    return served


async def _to_serve(tx: Tx) -> list[str]:
    free = await inventory.available(tx, await waitlist_store.skus(tx))
    return [sku for sku, pieces in free.items() if pieces]

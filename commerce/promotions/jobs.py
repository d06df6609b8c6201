"""What time makes promotions do: they become active and end."""

from __future__ import annotations

from commerce.kernel.database import Database
from commerce.promotions import moving, store


async def move_promotions(database: Database) -> int:
    """Those that start or end by now; how many."""
    total = 0
    while True:
        moved = await database.unit_of_work(moving.move_by_clock)
        total += moved
        if moved < store.BATCH:
            return total

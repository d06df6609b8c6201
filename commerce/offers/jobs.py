"""What time makes offers do: they run out, and how they ended is learned from."""

from __future__ import annotations

import asyncio

from commerce.kernel.database import Database, Tx, Work
from commerce.offers import demand, learning, store

BATCH = 500


async def run_out(database: Database) -> int:
    """Close what nobody took in time; how many."""

    async def some(tx: Tx) -> int:
        return await store.run_out(tx, await tx.now(), BATCH)

    return await _until_done(database, some, BATCH)


async def learn(database: Database) -> int:
    """Count what ended, then sum up what all counts teach; how many were counted."""

    async def some(tx: Tx) -> int:
        return await learning.learn_some(tx, (await store.rules(tx)).explore_bp)

    learned = await _until_done(database, some, learning.BATCH)
    fresh = await database.read(learning.unfitted)
    if fresh is not None:
        version, cells = fresh
        # Apart, because it takes a tenth of a second where there are many cells.
        populations = await asyncio.to_thread(demand.populations, cells)
        await database.unit_of_work(lambda tx: learning.keep(tx, version, populations))
    return learned


async def _until_done(database: Database, work: Work[int], batch: int) -> int:
    total = 0
    while True:
        done = await database.unit_of_work(work)
        total += done
        if done < batch:
            return total

"""What time makes the search do: prove, a part at a time, that its entries say what is so."""

from __future__ import annotations

from collections.abc import Callable

from commerce.catalog import search_feeding
from commerce.kernel import logs, metrics, rounds
from commerce.kernel.database import Database, Tx

ROUND = "search"
SWEPT_TOGETHER = 50  # nobody waits long for them
log = logs.get(__name__)
DRIFTED = metrics.counter("livetill_search_drifted_total", "Entries that the sweep put right")


async def sweep(database: Database) -> int:
    """The next products of the round; how many entries had to be put right."""
    wrong = await database.unit_of_work(_sweep_next)
    if wrong:
        DRIFTED.inc(wrong)
        log.info("search_drifted", entries=wrong)
    return wrong


async def _sweep_next(tx: Tx) -> int:
    after = (await rounds.positions(tx)).get(ROUND, "")
    last, wrong = await search_feeding.refresh_next(tx, after, SWEPT_TOGETHER)
    await rounds.move(tx, ROUND, last)
    return wrong


async def reindex(database: Database, told: Callable[[int], None]) -> int:
    """Every product once, in units of work so small that others go on beside it."""
    last, looked_at, wrong = "", 0, 0
    while True:
        after = last
        last, mended = await database.unit_of_work(
            lambda tx, after=after: search_feeding.refresh_next(tx, after)  # type: ignore[misc]
        )
        wrong += mended
        looked_at += search_feeding.TOGETHER_MAX
        if not last:
            return wrong
        told(looked_at)

"""What is in the books of a till: every row counted, everything still under way, every promise."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from sqlalchemy import exists, or_, select

from commerce import ledger
from commerce.inventory.tables import STOCK
from commerce.kernel.columns import metadata
from commerce.kernel.database import Database, Tx, connect
from commerce.kernel.tables import INBOX, OUTBOX, OUTGOING, SAGA_SIGNALS, SAGAS
from commerce.payments.gateways.tables import SANDBOX_DELIVERIES
from deploy import checkup, tables

SKU = "HOODIE-M"
LOOK_EVERY_SECONDS = 0.02
QUIET_SECONDS_MAX = 30
# One statement, because one moment has to be looked at as a whole.
UNDER_WAY = select(
    or_(
        exists().where(INBOX.c.status == "waiting"),
        exists().where(OUTBOX.c.status == "waiting"),
        exists().where(OUTGOING.c.status == "waiting"),
        exists().where(SAGAS.c.status.in_(["running", "compensating"])),
        exists().where(SAGAS.c.status == "waiting", SAGAS.c.id == SAGA_SIGNALS.c.saga_id),
        exists().where(SAGAS.c.lease_until > 0),
        exists().where(SANDBOX_DELIVERIES.c.delivered_at.is_(None)),
    )
)
STOCK_OF = select(STOCK).where(STOCK.c.sku == SKU)  # a shelf in each warehouse
assert tables.LOADED  # all of them are in `metadata`

# What jobs note of their own progress: when they ran is no part of any story.
NOTES_OF_JOBS = {
    *("rounds", "reconciliation_runs"),
    *("unsealed", "seals", "seal_head", "account_balances"),
    "learning",
}

Counts = dict[str, dict[str, int]]


async def quiet(url: str) -> None:
    """Until nothing is under way any more."""
    database = await connect(url)
    try:
        async with asyncio.timeout(QUIET_SECONDS_MAX):
            while await database.read(lambda tx: tx.scalar(UNDER_WAY)):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY_SECONDS)
    finally:
        await database.close()


async def rows(database: Database) -> Counts:
    """How many rows every table has, by status where it has one."""
    return await database.read(_rows)


async def _rows(tx: Tx) -> Counts:
    found = {}
    for table in metadata.sorted_tables:
        if table.name in NOTES_OF_JOBS:
            continue
        counted = Counter(
            str(row.get("status", "")) for row in map(dict, await tx.all(select(table)))
        )
        found[table.name] = dict(sorted(counted.items()))
    return found


async def stock(database: Database) -> dict[str, int]:
    shelves = await database.read(lambda tx: tx.all(STOCK_OF))
    return {name: sum(row[name] for row in shelves) for name in ("on_hand", "held", "sold")}


async def balances(database: Database) -> dict[str, int]:
    """Of the ledger: account -> what was debited less what was credited."""
    return {b.account: b.balance_minor for b in await database.read(ledger.trial_balance)}


async def doctor(url: str) -> list[str]:
    """What `livetill doctor` says; empty where all invariants hold."""
    said: list[str] = []
    return said if await checkup.report(url, said.append) else []


async def replies(database: Database) -> list[tuple[int, dict[str, Any]]]:
    """The whole transcript, as it is stored."""
    from commerce.kernel import jsons

    every = select(OUTGOING).order_by(OUTGOING.c.conversation_id, OUTGOING.c.number)
    found = await database.read(lambda tx: tx.all(every))
    return [(row["number"], jsons.loads(row["body"])) for row in found]

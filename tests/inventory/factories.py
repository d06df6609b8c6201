"""Stock and holds for tests: forty shirts, held by fans of one session."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from commerce import inventory
from commerce.inventory import Hold, Holds
from commerce.inventory.tables import HOLDS
from commerce.kernel.database import Database
from deploy import invariants

SKU = "shirt-m"
FAN = "telegram:platform:1"
SESSION = "session-1"
PIECES = select(HOLDS.c.status, func.sum(HOLDS.c.quantity).label("pieces")).group_by("status")


async def received(
    database: Database, quantity: int = 40, sku: str = SKU, warehouse: str = "main"
) -> None:
    await database.unit_of_work(
        lambda tx: inventory.receive(tx, sku, quantity, reason="delivery", warehouse=warehouse)
    )


async def held(database: Database, key: str = "k", **changes: Any) -> Hold:
    return await taken(Holds(database), key, **changes)


async def taken(holds: Holds, key: str, **changes: Any) -> Hold:
    asked = {"sku": SKU, "quantity": 1, "owner": FAN, "reference": SESSION, "seconds": 600}
    return await holds.hold(key=key, **asked | changes)


async def shelf(database: Database, sku: str = SKU) -> tuple[int, int, int]:
    """On hand, held, sold in all warehouses; after a look that everything agrees."""
    found = await database.read(invariants.violations)
    assert [one for one in found if one.invariant.startswith("stock_")] == []
    shelves = (await database.read(lambda tx: inventory.stock_of(tx, [sku])))[sku]
    return (
        sum(s.on_hand for s in shelves),
        sum(s.held for s in shelves),
        sum(s.sold for s in shelves),
    )


async def status(database: Database, hold: Hold) -> str:
    return str((await database.read(lambda tx: inventory.hold_of(tx, hold.id))).status)


async def released(database: Database, hold: Hold) -> bool:
    return await database.unit_of_work(lambda tx: inventory.release(tx, hold.id))


async def claimed(database: Database, hold: Hold) -> None:
    await database.unit_of_work(lambda tx: inventory.claim(tx, hold.id, reference=hold.key))


async def reclaimed(database: Database, hold: Hold) -> None:
    await database.unit_of_work(lambda tx: inventory.reclaim(tx, hold.id, reference=hold.key))

"""Stock and holds for tests: forty shirts, held by fans of one session."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from commerce import inventory
from commerce.inventory import MAIN, Hold, Holds, Movement, Part, Stock, Warehouse
from commerce.kernel import jsons
from commerce.kernel.database import Database, Tx
from commerce.kernel.tables import OUTBOX
from deploy import invariants

SKU = "shirt-m"
FAN = "telegram:platform:1"
SESSION = "session-1"
SUPPLIER = "supplier-1"
SAID = select(OUTBOX.c.name, OUTBOX.c.payload).order_by(OUTBOX.c.seq)


async def received(
    database: Database, quantity: int = 40, sku: str = SKU, warehouse: str = "main"
) -> None:
    async def deliver(tx: Tx) -> None:
        if warehouse != MAIN:
            await inventory.open_warehouse(tx, a_warehouse(warehouse))
        await inventory.receive(
            tx, sku, quantity, reason="delivery", warehouse=warehouse, supplier_id=SUPPLIER
        )

    await database.unit_of_work(deliver)


def a_warehouse(warehouse_id: str, **facts: Any) -> Warehouse:
    known = {"supplier_id": SUPPLIER, "name": warehouse_id.title(), "country": "DE"}
    return Warehouse(id=warehouse_id, **known | facts)


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


async def stock(database: Database, warehouse: str = "main") -> Stock:
    shelves = (await database.read(lambda tx: inventory.stock_of(tx, [SKU])))[SKU]
    return next(one for one in shelves if one.warehouse == warehouse)


async def movements(database: Database) -> list[tuple[str, int, str, str]]:
    """Kind, pieces, reason and reference of all but the first delivery, oldest first."""
    found = await database.read(lambda tx: inventory.movements_of(tx, SKU))
    return [(m.kind, m.quantity, m.reason, m.reference) for m in reversed(found)][1:]


async def newest_movement(database: Database) -> Movement:
    return (await database.read(lambda tx: inventory.movements_of(tx, SKU, limit=1)))[0]


async def announced(database: Database) -> list[tuple[str, Any]]:
    """What was said since the first delivery."""
    rows = await database.read(lambda tx: tx.all(SAID))
    return [(row["name"], jsons.loads(row["payload"])) for row in rows][1:]


async def free(database: Database) -> int:
    return (await database.read(lambda tx: inventory.available(tx, [SKU])))[SKU]


async def found(database: Database, hold: Hold) -> Hold:
    return await database.read(lambda tx: inventory.hold_of(tx, hold.id))


async def relocated(database: Database, hold: Hold, **parts: int) -> Hold:
    wanted = [Part(warehouse, quantity) for warehouse, quantity in parts.items()]
    return await database.unit_of_work(lambda tx: inventory.relocate(tx, hold.id, wanted))


async def status(database: Database, hold: Hold) -> str:
    return str((await database.read(lambda tx: inventory.hold_of(tx, hold.id))).status)


async def released(database: Database, hold: Hold) -> bool:
    return await database.unit_of_work(lambda tx: inventory.release(tx, hold.id))


async def claimed(database: Database, hold: Hold) -> None:
    await database.unit_of_work(lambda tx: inventory.claim(tx, hold.id, reference=hold.key))


async def begun(database: Database, hold: Hold) -> None:
    await database.unit_of_work(lambda tx: inventory.begin_claim(tx, hold.id))


async def secured(database: Database, hold: Hold) -> None:
    await database.unit_of_work(lambda tx: inventory.secure(tx, hold.id))


async def given_back(database: Database, hold: Hold) -> bool:
    return await database.unit_of_work(
        lambda tx: inventory.give_back(tx, hold.id, reference=hold.key, reason="unwanted")
    )


async def adjusted(database: Database, key: str, change: int, version: int, **where: str) -> Stock:
    to = {"sku": SKU, "warehouse": "main", "reason": "broken", "by": "nell"} | where
    return await database.unit_of_work(
        lambda tx: inventory.adjust(tx, key, change=change, expected_version=version, **to)
    )


async def counted(database: Database, key: str, pieces: int, version: int, **where: str) -> Stock:
    to = {"sku": SKU, "warehouse": "main", "reason": "monthly", "by": "nell"} | where
    return await database.unit_of_work(
        lambda tx: inventory.count(tx, key, counted=pieces, expected_version=version, **to)
    )


async def suspended(database: Database) -> bool:
    return await database.unit_of_work(lambda tx: inventory.suspend(tx, SKU, "doubt", by="ada"))


async def resumed(database: Database) -> bool:
    return await database.unit_of_work(
        lambda tx: inventory.resume(tx, SKU, by="ada", reason="counted")
    )


async def reclaimed(database: Database, hold: Hold) -> None:
    await database.unit_of_work(lambda tx: inventory.reclaim(tx, hold.id, reference=hold.key))

"""A live in which a dress is sold out, its winners, and the fans who wait for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import select

import live
from commerce import catalog, inventory
from commerce.inventory import Hold, Holds
from commerce.inventory.jobs import expire_holds
from commerce.inventory.tables import HOLDS
from commerce.kernel import jsons
from commerce.kernel.clock import SECOND, FakeClock
from commerce.kernel.database import Database, Tx
from commerce.kernel.outbox import Dispatcher, Relay
from commerce.kernel.tables import OUTBOX
from deploy import invariants
from live import WaitlistEntry, waitlist, waitlist_store
from live.handlers import HANDLERS
from live.waitlist import Place
from tests.live.factories import LEADER, a_product, a_session, pin

SKU = "linen-dress-m"
HOLD_SECONDS = 600
HELD = select(HOLDS.c.owner, HOLDS.c.quantity).where(HOLDS.c.status == "held")
TOLD = select(OUTBOX.c.name, OUTBOX.c.payload).order_by(OUTBOX.c.seq)


@dataclass
class Line:
    database: Database
    clock: FakeClock
    winners: list[Hold] = field(default_factory=list)
    joins: int = 0

    async def opens(self, pieces: int = 1) -> None:
        """Pinned, and every piece is held by somebody."""
        self.session = await a_session(self.database)
        await pin(self.database, self.session, await a_product(self.database, left=pieces))
        for n in range(pieces):
            self.winners.append(await self.holds(f"winner {n}"))
        await self.settles()

    async def holds(self, fan: str, quantity: int = 1) -> Hold:
        return await Holds(self.database).hold(
            key=f"{fan}:{quantity}", sku=SKU, quantity=quantity, owner=fan,
            reference=self.session.id, seconds=HOLD_SECONDS,
        )  # fmt: skip

    async def joins_as(
        self, fan: str, quantity: int = 1, key: str = "", session: live.Session | None = None
    ) -> Place:
        self.joins += 1
        return await self.database.unit_of_work(
            partial(
                waitlist.join, key=key or f"join {self.joins}", sku=SKU, quantity=quantity,
                session_id=(session or self.session).id, owner=fan, hold_seconds=HOLD_SECONDS,
            )
        )  # fmt: skip

    async def all_join(self, *fans: str) -> None:
        for fan in fans:
            await self.joins_as(fan)

    async def lets_go(self, *winners: int) -> None:
        for n in winners:
            await self.database.unit_of_work(partial(inventory.release, hold_id=self.winners[n].id))

    async def receives(self, pieces: int, warehouse: str = "main") -> None:
        async def deliver(tx: Tx) -> None:
            seller = next(iter((await catalog.products_of_skus(tx, [SKU])).values())).supplier_id
            place = {"warehouse": warehouse, "supplier_id": seller}
            if warehouse != inventory.MAIN:
                opened = inventory.Warehouse(
                    id=warehouse, supplier_id=seller, name=warehouse, country="DE"
                )
                await inventory.open_warehouse(tx, opened)
            await inventory.receive(tx, SKU, pieces, reason="more", **place)

        await self.database.unit_of_work(deliver)

    async def takes_up(self, fan: str) -> WaitlistEntry:
        entry = await self.entry(fan)
        return await self.database.unit_of_work(lambda tx: waitlist.take_up(tx, entry.id, fan))

    async def leaves(self, fan: str) -> int:
        return len(await self.database.unit_of_work(lambda tx: waitlist.leave(tx, fan)))

    async def waits(self, seconds: int) -> None:
        self.clock.advance(seconds * SECOND)
        await expire_holds(self.database)
        await self.settles()

    async def ends(self) -> None:
        await self.database.unit_of_work(
            lambda tx: live.end_session(tx, self.session.id, leader_id=LEADER)
        )
        await self.settles()

    async def settles(self) -> None:
        """Every event is heard, and those that come of it."""
        relay = Relay(self.database, Dispatcher(self.database, [HANDLERS]).deliver)
        while await relay.relay_due():
            pass

    async def entry(self, fan: str) -> WaitlistEntry:
        """The fan's only active place."""
        [entry] = await self.database.read(lambda tx: waitlist_store.of_owner(tx, fan))
        return entry

    async def status(self, entry: WaitlistEntry) -> str:
        found = await self.database.read(lambda tx: waitlist_store.get(tx, entry.id))
        assert found is not None
        return str(found.status)

    async def standing(self, *fans: str) -> list[int | None]:
        """Each one's position; 0 where pieces are held, None who is not in the line."""
        found: list[int | None] = []
        for fan in fans:
            places = await self.database.read(partial(waitlist.places_of, owner=fan))
            found.append(places[0].position if places else None)
        return found

    async def held_for(self) -> dict[str, int]:
        """Pieces held by owner, where the books agree that they are."""
        await self.agrees()
        rows = await self.database.read(lambda tx: tx.all(HELD))
        return {row["owner"]: row["quantity"] for row in rows}

    async def agrees(self) -> None:
        assert await self.database.read(invariants.violations) == []

    async def told(self, name: str) -> list[str]:
        """Whom the waitlist told this, in order."""
        rows = await self.database.read(lambda tx: tx.all(TOLD))
        return [jsons.loads(r["payload"])["owner"] for r in rows if r["name"] == name]

"""A dress of which a supplier offers some pieces cheaper to a leader who is live."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import live
from commerce import inventory, promotions
from commerce.inventory import Hold, Holds
from commerce.inventory.jobs import expire_holds
from commerce.kernel.clock import MINUTE
from commerce.kernel.database import Database
from commerce.kernel.outbox import Dispatcher, Relay
from commerce.promotions import Flash, FlashClaim, FlashTerms, flash_handlers
from deploy import invariants
from tests.live.factories import LEADER, a_product, a_session, pin

SUPPLIER = "supplier-1"
SKU = "linen-dress-m"  # 59.00 EUR
TERMS = FlashTerms(price_minor=3900, quantity=5, duration=10 * MINUTE)


@dataclass
class Shop:
    database: Database

    async def opens(self, pieces: int = 12) -> None:
        self.session = await a_session(self.database)
        self.product_id = await a_product(self.database, left=pieces)
        await pin(self.database, self.session, self.product_id)

    async def does(self, work: Any, *args: Any, **kw: Any) -> Any:
        return await self.database.unit_of_work(partial(_with_tx, work, args, kw))

    async def offers(self, flash_id: str = "f", **changes: Any) -> Flash:
        facts = {
            "supplier_id": SUPPLIER, "leader_id": LEADER, "sku": SKU, "terms": TERMS, "per_fan": 2,
        }  # fmt: skip
        return await self.does(promotions.offer_flash, flash_id=flash_id, **facts | changes)

    async def starts(self, flash: Flash, terms: FlashTerms | None = None, **changes: Any) -> Flash:
        facts = {
            "leader_id": LEADER, "session_id": self.session.id, "terms": terms or flash.terms,
            "expected_version": flash.version,
        }  # fmt: skip
        return await self.does(live.start_flash, flash.id, **facts | changes)

    async def runs(self, terms: FlashTerms = TERMS, per_fan: int = 2) -> Flash:
        return await self.starts(
            await self.offers(terms=terms, per_fan=min(per_fan, terms.quantity))
        )

    async def holds(self, fan: str, quantity: int = 1, seconds: int = 600) -> Hold:
        return await Holds(self.database).hold(
            key=f"{fan}:{quantity}", sku=SKU, quantity=quantity, owner=fan,
            reference=self.session.id, seconds=seconds,
        )  # fmt: skip

    async def claims(self, hold: Hold) -> FlashClaim | None:
        return await self.does(
            promotions.claim_flash, hold_id=hold.id, session_id=self.session.id, sku=hold.sku,
            owner=hold.owner, quantity=hold.quantity,
        )  # fmt: skip

    async def gets(self, fan: str, quantity: int = 1) -> int:
        """Pieces at the price for a fan who holds so many now."""
        claim = await self.claims(await self.holds(fan, quantity))
        return claim.pieces if claim else 0

    async def lets_go(self, hold: Hold) -> None:
        await self.does(inventory.release, hold.id)
        await self.hears()

    async def expires(self) -> None:
        await expire_holds(self.database)
        await self.hears()

    async def hears(self) -> None:
        dispatcher = Dispatcher(self.database, [flash_handlers.HANDLERS])
        await Relay(self.database, dispatcher.deliver).relay_due()

    async def flash(self, flash_id: str = "f") -> Flash:
        """As it stands, after a look that everything agrees."""
        assert await self.database.read(invariants.violations) == []
        found = await self.database.read(lambda tx: promotions.flashes_by(tx, None))
        return next(one for one in found if one.id == flash_id)

    async def count(self) -> tuple[int, int, int]:
        """Taken, sold, sold late."""
        flash = await self.flash()
        return flash.taken, flash.sold, flash.late


async def _with_tx(work: Any, args: Any, kw: Any, tx: Any) -> Any:
    return await work(tx, *args, **kw)

"""The till without its edges: fans ask the doors of the core, and its own loops do the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import exists, or_, select

from commerce import checkout, inventory, orders, payments, pricing
from commerce.kernel import saga
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Outage
from commerce.kernel.outbox import Dispatcher, Relay
from commerce.kernel.saga_engine import Engine
from commerce.kernel.tables import OUTBOX, SAGAS
from commerce.payments import EventKind, ProviderEvent
from tests.accounts.factories import an_address

T = TypeVar("T")
UNDER_WAY = select(
    or_(
        exists().where(SAGAS.c.status.in_(saga.OPEN)),
        exists().where(OUTBOX.c.status == "waiting"),
    )
)
SKU = "shirt-m"
HOLD_SECONDS = 600
TRIES_MAX = 400


async def insist(work: Callable[[], Awaitable[T]]) -> T:
    """As a client does whose answer got lost: the same again, until there is one."""
    for _ in range(TRIES_MAX):
        try:
            return await work()
        except Outage:
            await asyncio.sleep(0.02)
    raise AssertionError("the till never answered")


@dataclass
class Core:
    """One process's worth of a till around a provider."""

    database: Database
    provider: payments.Gateway

    def __post_init__(self) -> None:
        gateways = {self.provider.name: self.provider}
        self.gateways: payments.Gateways = gateways
        self.holds = inventory.Holds(self.database)
        self.engine = Engine(self.database, checkout.definitions(self.database, gateways))
        self.dispatcher = Dispatcher(self.database, [checkout.HANDLERS])
        self.relay = Relay(
            self.database, self.dispatcher.deliver, within=self.dispatcher.deliver_within
        )
        self.modes: dict[str, payments.CaptureMode] = {}  # by the id of the checkout

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        loops = [asyncio.create_task(self.engine.run()), asyncio.create_task(self.relay.run())]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            for loop in loops:
                with suppress(asyncio.CancelledError):
                    await loop
            await self.engine.close()

    async def settles(self) -> None:
        """Everything that is due now, until nothing is."""
        await self.engine.settle()
        while await self.relay.relay_due():
            await self.engine.settle()

    async def under_way(self) -> bool:
        """Whether anything waits for anything but the fans."""
        return bool(await self.database.read(lambda tx: tx.scalar(UNDER_WAY)))

    async def check_out(
        self,
        fan: str,
        *,
        quantity: int = 1,
        capture: payments.CaptureMode = payments.CaptureMode.AUTOMATIC,
    ) -> checkout.Checkout:
        """Hold, price and open; every part under this fan's own key."""
        owner = f"telegram:platform:{fan}"
        hold = await insist(
            lambda: self.holds.hold(
                key=f"{fan}:hold", sku=SKU, quantity=quantity, owner=owner,
                reference="session-1", seconds=HOLD_SECONDS,
            )
        )  # fmt: skip
        quote = await insist(lambda: self.database.unit_of_work(lambda tx: _price(tx, fan, hold)))
        request = checkout.Request(
            key=f"{fan}:checkout", fan_id=f"fan-{fan}", conversation_id=owner,
            leader_id="leader-1", hold_id=hold.id, quote_id=quote.id, address=an_address(),
            language="es", provider=self.provider.name, capture=capture,
        )  # fmt: skip
        bought = await insist(
            lambda: self.database.unit_of_work(lambda tx: checkout.open_checkout(tx, request))
        )
        self.modes[bought.id] = capture
        return bought

    async def paid(self, bought: checkout.Checkout) -> payments.Payment:
        """The provider's webhook arrives, as often as it takes."""
        payment = await insist(
            lambda: self.database.read(lambda tx: payments.by_key(tx, bought.id))
        )
        assert payment is not None
        event = ProviderEvent(
            event_id=f"paid:{payment.key}", kind=EventKind.PAID, type="paid",
            payment_key=payment.key, charge_ref=f"charge of {payment.key}",
            amount_minor=payment.amount_minor, currency=payment.currency,
        )  # fmt: skip
        await insist(
            lambda: self.database.unit_of_work(
                lambda tx: payments.record_event(tx, payment.provider, event)
            )
        )
        return payment

    async def order_of(self, bought: checkout.Checkout) -> orders.Order:
        found = await insist(lambda: self.database.read(lambda tx: orders.order_of(tx, bought.id)))
        assert found is not None
        return found


async def _price(tx: Tx, fan: str, hold: inventory.Hold) -> pricing.Quote:
    wanted = [pricing.Wanted(hold.sku, hold.quantity)]
    return await pricing.price(tx, key=f"{fan}:quote", items=wanted, address=an_address())

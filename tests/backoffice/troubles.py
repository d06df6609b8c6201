"""Real trouble for the operations pages: what was bought, said and heard, and cannot go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from commerce import checkout, payments
from commerce.kernel import ids, inbox, parked, saga
from commerce.kernel.clock import DAY, MINUTE
from commerce.kernel.database import Tx
from commerce.kernel.events import Envelope, Event
from commerce.kernel.inbox import Message
from commerce.kernel.outbox import TRIES_MAX, Relay
from commerce.kernel.saga import STUCK_AFTER, Saga
from commerce.payments import EventKind, ProviderEvent, ReportKind
from commerce.payments.gateways.cash import CashGateway
from tests.checkout.fakes import REFUSED
from tests.checkout.reporter import Reporter
from tests.checkout.shop import Purchase, Shop

FAN = "whatsapp:platform:+34600111222"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressTold(Event):
    name: ClassVar[str] = "address.told"
    order_id: str = "0197-order"
    street: str = "Calle Mayor 1"
    conversation_id: str = FAN
    total_minor: int = 4_900

    @property
    def aggregate_id(self) -> str:
        return self.conversation_id


@dataclass
class ShopWithCash(Shop):
    provider: Reporter = field(default_factory=Reporter)

    @property
    def gateways(self) -> payments.Gateways:
        return {"sandbox": self.provider, "cash": CashGateway(self.database)}


@dataclass
class Troubles:
    shop: ShopWithCash
    fans: int = 0
    heard: list[str] = field(default_factory=list)

    async def paid(self) -> Purchase:
        self.fans += 1
        purchase = await self.shop.buys(str(self.fans))
        await self.shop.settles()
        await self.shop.is_paid(purchase)
        await self.shop.settles()
        return purchase

    async def failed_refund(self) -> tuple[Purchase, Saga]:
        """Asked for and refused by the provider: its saga is parked."""
        purchase = await self.paid()
        self.shop.provider.trouble["refund"] = [REFUSED]
        await self.shop.database.unit_of_work(
            lambda tx: checkout.request_refund(
                tx,
                key=ids.new_id(),
                order_id=purchase.data.order_id,
                amount_minor=1_000,
                reason="does not fit",
            )
        )
        await self.shop.settles()
        [found] = await self.shop.database.read(saga.parked)
        return purchase, found

    async def promised(self) -> Purchase:
        """Bought for cash at the door, and sent."""
        self.fans += 1
        purchase = await self.shop.buys(str(self.fans), provider="cash")
        await self.shop.settles()
        return purchase

    async def differing_books(self) -> Purchase:
        """The provider tells of one cent too little, and of a payout to our bank."""
        purchase = await self.paid()
        payment = await self.shop.payment(purchase)
        self.shop.provider.moved(payment, ReportKind.CHARGE, payment.captured_minor - 1)
        self.shop.provider.moved(
            payment, ReportKind.PAYOUT, -4_000, ref="po_1", payment_key=None, charge_ref=None
        )
        today = self.shop.clock.at // DAY * DAY
        await checkout.compare_day(self.shop.database, self.shop.gateways, "sandbox", today)
        return purchase

    async def stuck_checkout(self) -> Purchase:
        """Begun, and then nobody was there to run it."""
        self.fans += 1
        purchase = await self.shop.buys(str(self.fans))
        self.shop.clock.advance(STUCK_AFTER + MINUTE)
        return purchase

    async def parked_event(self) -> parked.Event:
        await self.shop.database.unit_of_work(lambda tx: tx.emit(AddressTold()))
        relay = Relay(self.shop.database, self._deliver, proven=True)
        for _ in range(TRIES_MAX):
            await relay.relay_due()
            self.shop.clock.advance(MINUTE)
        return (await self.shop.database.read(parked.events))[-1]

    async def _deliver(self, event: Envelope) -> None:
        if event.name == AddressTold.name:
            raise KeyError("postcode")
        self.heard.append(event.name)

    async def parked_message(self) -> parked.Message:
        message = Message(
            account="whatsapp:platform",
            message_id=ids.new_id(),
            conversation_id=FAN,
            body={"kind": "text", "text": "I live in Calle Mayor 1"},
            correlation_id="",
        )
        await self.shop.database.unit_of_work(lambda tx: inbox.put(tx, [message]))

        async def fail(tx: Tx) -> None:
            rows = await inbox.waiting(tx, [FAN])
            await inbox.failed(tx, rows[-1], "KeyError('size')")

        for _ in range(inbox.TRIES_MAX):
            await self.shop.database.unit_of_work(fail)
        return (await self.shop.database.read(parked.messages))[-1]

    async def wrong_money(self) -> Purchase:
        self.fans += 1
        purchase = await self.shop.buys(str(self.fans))
        await self.shop.settles()
        await self.shop.hears(purchase, EventKind.PAID, amount_minor=100)
        return purchase

    async def unknown_payment(self) -> None:
        event = ProviderEvent(
            event_id="evt_of_nobody",
            kind=EventKind.PAID,
            type="checkout.paid",
            payment_key="nobody's",
            amount_minor=700,
            currency="EUR",
        )
        await self.shop.database.unit_of_work(
            lambda tx: payments.record_event(tx, "sandbox", event)
        )
        self.shop.clock.advance(11 * MINUTE)

    async def dispute(self) -> Purchase:
        purchase = await self.paid()
        await self.shop.hears(
            purchase,
            EventKind.DISPUTE,
            dispute_ref="dp_1",
            dispute_status=payments.DisputeStatus.OPENED,
            amount_minor=5_490,
            fee_minor=1_500,
            reason="fraudulent",
        )
        await self.shop.settles()
        return purchase

"""A shop for stories of the checkout: shirts on sale, fans, a provider, and all the books."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from commerce import checkout, inventory, ledger, orders, payments, pricing
from commerce.checkout import CheckoutData
from commerce.inventory.jobs import expire_holds
from commerce.kernel import saga
from commerce.kernel.clock import SECOND, FakeClock
from commerce.kernel.database import Database, Tx
from commerce.kernel.outbox import Dispatcher, Relay
from commerce.kernel.saga import LEASE_SECONDS
from commerce.kernel.saga_engine import Engine
from commerce.payments import EventKind, Payment, ProviderEvent, Refund
from commerce.payments import jobs as payments_jobs
from commerce.pricing import Quote
from deploy import invariants
from tests.accounts.factories import an_address
from tests.catalog.factories import a_product_on_sale
from tests.checkout.fakes import Provider

SKU = "shirt-m"
TOTAL = 5_490  # two shirts and their delivery
TAX = 953  # that these contain: 868 and 85
EARNED = {"sales": TAX - 5_000, "delivery_income": -490, "tax_payable:ES": -TAX}
HOLD_SECONDS = 600


@dataclass
class Purchase:
    id: str
    code: str
    data: CheckoutData

    @property
    def key(self) -> str:
        return self.id  # of the payment, and so at the provider


@dataclass
class Shop:
    database: Database
    clock: FakeClock
    provider: Provider = field(default_factory=Provider)

    @property
    def gateways(self) -> payments.Gateways:
        return {"sandbox": self.provider}

    @property
    def engine(self) -> Engine:
        return Engine(self.database, checkout.definitions(self.database, self.gateways))

    @property
    def relay(self) -> Relay:
        dispatcher = Dispatcher(self.database, [checkout.HANDLERS])
        return Relay(self.database, dispatcher.deliver, proven=True)

    async def opens(self, pieces: int = 10) -> None:
        await self.database.unit_of_work(a_product_on_sale)
        await self.receives(pieces)

    async def receives(self, pieces: int) -> None:
        await self.database.unit_of_work(
            lambda tx: inventory.receive(tx, SKU, pieces, reason="delivery")
        )

    async def holds(self, fan: str = "1", quantity: int = 2) -> inventory.Hold:
        return await inventory.Holds(self.database).hold(
            key=f"{fan}:hold", sku=SKU, quantity=quantity, owner=f"telegram:platform:{fan}",
            reference="session-1", seconds=HOLD_SECONDS,
        )  # fmt: skip

    async def prices(self, fan: str = "1", quantity: int = 2, sku: str = SKU) -> Quote:
        async def work(tx: Tx) -> Quote:
            wanted = [pricing.Wanted(sku, quantity)]
            return await pricing.price(tx, key=f"{fan}:quote", items=wanted, address=an_address())

        return await self.database.unit_of_work(work)

    def asks(self, hold: inventory.Hold, quote: Quote, **changes: Any) -> checkout.Request:
        fan = hold.owner.rpartition(":")[2]
        facts = {
            "key": f"{fan}:checkout", "fan_id": f"fan-{fan}", "conversation_id": hold.owner,
            "leader_id": "leader-1", "hold_id": hold.id, "quote_id": quote.id,
            "address": an_address(), "language": "es", "provider": "sandbox",
        }  # fmt: skip
        return checkout.Request(**facts | changes)

    async def checks_out(self, request: checkout.Request) -> Purchase:
        opened = await self.database.unit_of_work(lambda tx: checkout.open_checkout(tx, request))
        found = await self.saga(opened.id)
        return Purchase(opened.id, opened.order_code, CheckoutData.of(found.data))

    async def buys(self, fan: str = "1", quantity: int = 2, **changes: Any) -> Purchase:
        hold = await self.holds(fan, quantity)
        return await self.checks_out(self.asks(hold, await self.prices(fan, quantity), **changes))

    async def bought(self, fan: str = "1", quantity: int = 2) -> Purchase:
        purchase = await self.buys(fan, quantity)
        await self.settles()
        await self.is_paid(purchase)
        await self.settles()
        return purchase

    async def refunds(self, purchase: Purchase, amount_minor: int, **changes: Any) -> Refund:
        facts = {"key": "refund-1", "reason": "returned", "restock": False} | changes
        return await self.database.unit_of_work(
            lambda tx: checkout.request_refund(
                tx, order_id=purchase.data.order_id, amount_minor=amount_minor, **facts
            )
        )

    async def cancels(self, purchase: Purchase) -> bool:
        return await self.database.unit_of_work(
            lambda tx: checkout.cancel_checkout(tx, purchase.id)
        )

    async def hears(self, purchase: Purchase, kind: EventKind, **changes: Any) -> bool:
        """A webhook of the provider about this purchase."""
        payment = await self.payment(purchase)
        facts = {
            "event_id": f"{kind}:{purchase.key}", "kind": kind, "type": str(kind),
            "payment_key": purchase.key, "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "charge_ref": f"charge of {purchase.key}" if kind is EventKind.PAID else None,
        }  # fmt: skip
        event = ProviderEvent(**facts | changes)
        return await self.database.unit_of_work(
            lambda tx: payments.record_event(tx, "sandbox", event)
        )

    async def is_authorised(self, purchase: Purchase) -> None:
        self.provider.authorise(purchase.key)
        await self.hears(purchase, EventKind.AUTHORISED, charge_ref=f"charge of {purchase.key}")

    async def is_paid(self, purchase: Purchase) -> None:
        if purchase.key in self.provider.pages:
            self.provider.pay(purchase.key)
        await self.hears(purchase, EventKind.PAID)

    async def steps(self) -> bool:
        """One step of each saga that is due, by a worker that then forgets it."""
        due = await self.database.unit_of_work(lambda tx: saga.claim_due(tx, 10))
        for one in due:
            await self.engine._one_step(one)
        self.clock.advance(LEASE_SECONDS * SECOND)
        return bool(due)

    async def delivers(self) -> bool:
        return await self.relay.relay_due()

    async def settles(self) -> None:
        """Everything that is due now, until nothing is."""
        while True:
            await self.engine.settle()
            refunds = await payments_jobs.settle_refunds(self.database, self.gateways)
            if not await self.delivers() and not refunds:
                return

    async def waits(self, seconds: int) -> None:
        self.clock.advance(seconds * SECOND)
        await expire_holds(self.database)
        await payments_jobs.reconcile_open(self.database, self.gateways)
        await self.settles()

    async def saga(self, checkout_id: str) -> saga.Saga:
        row = await self.database.read(lambda tx: tx.first(saga.BY_ID, id=checkout_id))
        assert row is not None
        return saga.from_row(row)

    async def payment(self, purchase: Purchase) -> Payment:
        return await self.database.read(lambda tx: payments.get(tx, purchase.data.payment_id))

    async def order(self, purchase: Purchase) -> orders.Order:
        return await self.database.read(lambda tx: orders.order(tx, purchase.data.order_id))

    async def hold(self, purchase: Purchase) -> inventory.Hold:
        return await self.database.read(lambda tx: inventory.hold_of(tx, purchase.data.hold_id))

    async def ends(self, purchase: Purchase) -> tuple[str, str, str]:
        """How order, hold and saga of a purchase stand; after a look that all books agree."""
        await self.agrees()
        found = await self.saga(purchase.id)
        order, hold = await self.order(purchase), await self.hold(purchase)
        return str(order.status), str(hold.status), str(found.status)

    async def stock(self) -> tuple[int, int, int]:
        (found,) = (await self.database.read(lambda tx: inventory.stock_of(tx, [SKU])))[SKU]
        return found.on_hand, found.held, found.sold

    async def books(self) -> dict[str, int]:
        """The balances that are not zero; debits are positive."""
        found = await self.database.read(ledger.trial_balance)
        assert sum(one.balance_minor for one in found) == 0
        return {one.account: one.balance_minor for one in found if one.balance_minor}

    async def agrees(self) -> None:
        assert await self.database.read(invariants.violations) == []

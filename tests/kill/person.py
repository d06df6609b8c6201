"""One fan's purchase around the sagas alone, told from its beginning in every life of the till."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, exists, select

from commerce import checkout, inventory, ledger, loyalty, orders, payments, pricing
from commerce.checkout import CheckoutData
from commerce.inventory.jobs import expire_holds
from commerce.inventory.tables import STOCK_MOVEMENTS
from commerce.kernel import saga
from commerce.kernel.columns import db_now
from commerce.kernel.database import Database, Tx
from commerce.kernel.outbox import Dispatcher, Relay
from commerce.kernel.saga_engine import Engine
from commerce.kernel.tables import OUTBOX, SAGAS
from commerce.payments import jobs as payments_jobs
from commerce.payments import sandbox_desk
from commerce.payments.gateways.sandbox import SandboxGateway
from commerce.payments.gateways.sandbox_delivery import SandboxDeliverer
from commerce.payments.gateways.tables import SANDBOX_DELIVERIES, SANDBOX_REFUNDS, SANDBOX_SESSIONS
from commerce.promotions.tables import USES
from tests.accounts.factories import an_address
from tests.kill import books

SKU = "shirt-m"
CODE = "SUN10"
SECRET = "the sandbox's secret"
HOLD_SECONDS = 600
MOVEMENTS = select(STOCK_MOVEMENTS).where(STOCK_MOVEMENTS.c.reference == bindparam("about"))
SAID = select(OUTBOX.c.name).where(OUTBOX.c.aggregate_id == bindparam("about"))
SESSION = select(SANDBOX_SESSIONS).where(SANDBOX_SESSIONS.c.key == bindparam("about"))
USED = select(USES.c.status).where(USES.c.key == bindparam("about"))
GIVEN_BACK = select(SANDBOX_REFUNDS).where(SANDBOX_REFUNDS.c.session_id == bindparam("about"))
SAGA_DUE = select(
    exists().where(
        SAGAS.c.status.in_(saga.OPEN),
        SAGAS.c.next_at <= db_now(),
        SAGAS.c.lease_until <= db_now(),
    )
)
EVENT_WAITS = select(exists().where(OUTBOX.c.status == "waiting"))
WEBHOOK_WAITS = select(exists().where(SANDBOX_DELIVERIES.c.delivered_at.is_(None)))
REFUND_SAGA = select(SAGAS.c.status).where(SAGAS.c.key == bindparam("about"))


@dataclass
class Person:
    """Everything asked for is asked for under this person's own keys, however often."""

    database: Database
    name: str
    capture: payments.CaptureMode = payments.CaptureMode.AUTOMATIC

    def __post_init__(self) -> None:
        gateway = SandboxGateway(
            self.database,
            public_url="https://till.example",
            secrets=[SECRET],
            return_url="https://till.example/pay/return",
        )
        self._gateways: payments.Gateways = {"sandbox": gateway}
        self._engine = Engine(self.database, checkout.definitions(self.database, self._gateways))
        dispatcher = Dispatcher(self.database, [checkout.HANDLERS])
        self._relay = Relay(
            self.database, dispatcher.deliver, within=dispatcher.deliver_within, proven=True
        )
        self._deliverer = SandboxDeliverer(self.database, self._webhook, secret=SECRET)
        self._holds = inventory.Holds(self.database)

    async def orders(self) -> checkout.Checkout:
        owner = f"telegram:platform:{self.name}"
        hold = await self._holds.hold(
            key=f"{self.name}:hold", sku=SKU, quantity=1, owner=owner, reference="session-1",
            seconds=HOLD_SECONDS,
        )  # fmt: skip
        quote = await self.database.unit_of_work(lambda tx: self._price(tx, hold))
        request = checkout.Request(
            key=f"{self.name}:checkout", fan_id=self.name, conversation_id=owner,
            leader_id="leader-1", hold_id=hold.id, quote_id=quote.id, address=an_address(),
            language="es", provider="sandbox", capture=self.capture,
        )  # fmt: skip
        return await self.database.unit_of_work(lambda tx: checkout.open_checkout(tx, request))

    async def pays(self) -> None:
        bought = await self.orders()
        await self.settles()
        payment = await self._payment(bought.id)
        assert payment.pay_url is not None
        token = payment.pay_url.rpartition("/")[2]
        await self.database.unit_of_work(
            lambda tx: sandbox_desk.press(tx, token, sandbox_desk.Button.APPROVE)
        )
        await self.settles()

    async def cancels(self) -> None:
        bought = await self.orders()
        await self.settles()
        await self.database.unit_of_work(lambda tx: checkout.cancel_checkout(tx, bought.id))
        await self.settles()

    async def waits_in_vain(self) -> None:
        await expire_holds(self.database)
        await payments_jobs.reconcile_open(self.database, self._gateways)
        await self.settles()

    async def orders_only(self) -> None:
        await self.orders()
        await self.settles()

    async def is_refunded(self) -> None:
        order = await self._order()
        await self.database.unit_of_work(
            lambda tx: checkout.request_refund(
                tx, key=f"{self.name}:refund", order_id=order.id,
                amount_minor=order.total_minor, reason="returned", restock=True,
            )
        )  # fmt: skip
        await self.settles()

    async def settles(self) -> None:
        """Everything that is due now, until nothing is under way; who has nothing to do rests."""
        while await self._any(books.UNDER_WAY):
            while await self._any(SAGA_DUE):
                await self._engine.take_due()
                await self._engine.close()
            if await self._any(EVENT_WAITS):
                await self._relay.relay_due()
            if await self._any(WEBHOOK_WAITS):
                await self._deliverer.deliver_due()

    async def _any(self, there_is: Select[Any]) -> bool:
        return bool(await self.database.read(lambda tx: tx.scalar(there_is)))

    async def story(self) -> dict[str, Any]:
        """What is in the books about this purchase; equal for equal purchases."""
        return await self.database.read(self._story)

    async def _story(self, tx: Tx) -> dict[str, Any]:
        begun = await saga.begun_by(tx, checkout.KIND, f"{self.name}:checkout")
        assert begun is not None
        data = CheckoutData.of(begun.data)
        payment = await payments.get(tx, data.payment_id)
        session = await tx.first(SESSION, about=payment.key)
        given_back = await tx.all(GIVEN_BACK, about=session["id"]) if session else []
        return {
            "checkout": str(begun.status),
            "refund saga": await tx.scalar(REFUND_SAGA, about=f"{self.name}:refund"),
            "order": [str(move.status) for move in await orders.history(tx, data.order_id)],
            "hold": str((await inventory.hold_of(tx, data.hold_id)).status),
            "payment": [str(payment.status), payment.captured_minor, payment.refund_minor],
            "refunds": [
                [one.amount_minor, str(one.status)]
                for one in await payments.refunds_of(tx, payment.id)
            ],
            "sandbox": [session["status"], session["refunded_minor"]] if session else [],
            "given back": sorted(row["amount_minor"] for row in given_back),
            "ledger": sorted(
                [posting.reason, one.debit, one.credit, one.amount_minor]
                for posting in await ledger.postings_about(tx, data.order_id)
                for one in posting.transfers
            ),
            "moved": sorted(
                [row["kind"], row["quantity"]]
                for row in await tx.all(MOVEMENTS, about=data.order_id)
            ),
            "code": [row["status"] for row in await tx.all(USED, about=begun.id)],
            "bought before": (await loyalty.standing(tx, self.name)).orders,
            "said": {
                about: Counter(row["name"] for row in await tx.all(SAID, about=about_id))
                for about, about_id in (("order", data.order_id), ("payment", payment.id))
            },
        }

    async def _price(self, tx: Tx, hold: inventory.Hold) -> pricing.Quote:
        return await pricing.price(
            tx, key=f"{self.name}:quote", items=[pricing.Wanted(hold.sku, hold.quantity)],
            address=an_address(), buying=pricing.Buying(fan_id=self.name, coupon=CODE),
        )  # fmt: skip

    async def _payment(self, key: str) -> payments.Payment:
        found = await self.database.read(lambda tx: payments.by_key(tx, key))
        assert found is not None
        return found

    async def _order(self) -> orders.Order:
        async def find(tx: Tx) -> orders.Order:
            begun = await saga.begun_by(tx, checkout.KIND, f"{self.name}:checkout")
            assert begun is not None
            return await orders.order(tx, CheckoutData.of(begun.data).order_id)

        return await self.database.read(find)

    async def _webhook(self, body: bytes, headers: Any) -> int:
        event = self._gateways["sandbox"].verify(headers, body)
        await self.database.unit_of_work(lambda tx: payments.record_event(tx, "sandbox", event))
        return 200

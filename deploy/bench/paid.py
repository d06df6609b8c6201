"""Purchases to "paid" in the core alone: hold, price, saga, sandbox, ledger; no chat, no HTTP.

Beside them, at the same concurrency, what is in them of two mechanisms: a saga of as many local
steps that does nothing, and the two postings of a sale.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any

import psutil

from commerce import catalog, checkout, inventory, ledger, payments, pricing, suppliers
from commerce.accounts import Address
from commerce.kernel import ids, logs, saga
from commerce.kernel.database import Database, Tx, connect
from commerce.kernel.events import Envelope, Handlers
from commerce.kernel.outbox import Dispatcher, Relay
from commerce.kernel.saga import Saga, Step
from commerce.kernel.saga_engine import Engine
from commerce.payments import sandbox_desk
from commerce.payments.gateways.sandbox import SandboxGateway
from commerce.payments.gateways.sandbox_delivery import SandboxDeliverer
from deploy import migrations
from deploy.bench import Kind, baseline, loads, report, till
from deploy.bench.loads import Limits, Operation
from deploy.bench.report import Load, Row

SKU = "hot"
PIECES = 100_000_000
HOLD_SECONDS = 600
SECRET = "a secret of the bench"
STEPS = 4  # as many as a checkout takes that is paid in time
NOTHING = "nothing"
ADDRESS = Address(
    name="Ada Fan", line1="Calle Mayor 1", city="Madrid", postcode="28013", country="ES"
)


class Core:
    """The core with its loops, and who waits for what it announces."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.gateway = SandboxGateway(
            database, public_url="http://bench", secrets=[SECRET], return_url="http://bench"
        )
        self.holds = inventory.Holds(database)
        gateways: payments.Gateways = {"sandbox": self.gateway}
        definitions = {
            **checkout.definitions(database, gateways),
            NOTHING: [Step(name=f"step{n}", do=_nothing) for n in range(STEPS - 1)]
            + [Step(name="end", do=_ended)],
        }
        self.engine = Engine(database, definitions)
        dispatcher = Dispatcher(database, [checkout.HANDLERS, TOLD])
        self.relay = Relay(
            database, dispatcher.deliver, within=dispatcher.deliver_within, proven=True
        )
        self._awaited: dict[str, asyncio.Future[None]] = {}
        database.on_wake("bench:", self._heard)

    def news_of(self, what: str) -> asyncio.Future[None]:
        return self._awaited.setdefault(what, asyncio.get_running_loop().create_future())

    def _heard(self, what: str) -> None:
        if not self.news_of(what).done():
            self.news_of(what).set_result(None)

    async def deliver_webhooks(self) -> None:
        deliverer = SandboxDeliverer(self.database, self._webhook, secret=SECRET)
        nudge = self.database.listen("sandbox")
        while True:
            await nudge.wait()
            nudge.clear()
            while await deliverer.deliver_due():
                continue

    async def _webhook(self, body: bytes, headers: Mapping[str, str]) -> int:
        event = self.gateway.verify(headers, body)
        await self.database.unit_of_work(lambda tx: payments.record_event(tx, "sandbox", event))
        return 200

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        work = (self.engine.run(), self.relay.run(), self.deliver_webhooks())
        loops = [asyncio.create_task(one) for one in work]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
                with suppress(asyncio.CancelledError):
                    await loop
            await self.engine.close()
            await self.holds.close()


async def _ready(tx: Tx, event: Envelope) -> None:
    tx.wake(f"bench:ready:{event.payload['checkout_id']}")


async def _paid(tx: Tx, event: Envelope) -> None:
    tx.wake(f"bench:paid:{event.payload['reference']}")


TOLD: Handlers = {"checkout.ready": [_ready], "order.paid": [_paid]}


async def _nothing(tx: Tx, current: Saga) -> None:
    return None


async def _ended(tx: Tx, current: Saga) -> None:
    tx.wake(f"bench:ended:{current.id}")


async def measure(kind: Kind, limits: Limits) -> list[Row]:
    """A row for whole purchases, one for empty sagas, one for the postings of sales."""
    logs.configure(json=False, level=logging.WARNING)  # thousands of sagas end while it runs
    with till.database_server(kind) as url:
        await asyncio.to_thread(migrations.migrate, url)
        database = await connect(url)
        try:
            await database.unit_of_work(_open_shop)
            return await _rows(kind, url, database, limits)
        finally:
            await database.close()


async def _rows(kind: Kind, url: str, database: Database, limits: Limits) -> list[Row]:
    core = Core(database)
    bare = await baseline.per_second(url, min(loads.BASELINE_SECONDS, limits.seconds))
    rows = []
    async with core.running():
        for name, buyers in (("paid", _buys), ("paid, a saga", _saga), ("paid, the ledger", _post)):
            async with loads.patience(limits.seconds):
                load = await _run(_numbered(core, buyers), limits)
            rss_mb = float(psutil.Process().memory_info().rss) / 2**20
            rows.append(
                report.row(name, kind, limits.concurrency, load, baseline=bare, rss_mb=rss_mb)
            )
    return rows


def _numbered(core: Core, work: Callable[[Core, str], Awaitable[None]]) -> Operation:
    numbers = count()

    async def operation() -> None:
        await work(core, str(next(numbers)))

    return operation


async def _run(operation: Operation, limits: Limits) -> Load:
    """With the processor time of this process, where the core runs, and of the database."""
    before = _own_cpu_seconds()
    load = await loads.run(operation, limits)
    return Load(load.seconds, load.took, load.cpu_seconds + _own_cpu_seconds() - before)


def _own_cpu_seconds() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


async def _buys(core: Core, number: str) -> None:
    owner = f"web:bench:{number}"
    hold = await core.holds.hold(
        key=f"{number}:hold",
        sku=SKU,
        quantity=1,
        owner=owner,
        reference="bench",
        seconds=HOLD_SECONDS,
    )

    async def open_it(tx: Tx) -> checkout.Checkout:
        quote = await pricing.price(
            tx, key=f"{number}:quote", items=[pricing.Wanted(SKU, 1)], address=ADDRESS
        )
        request = checkout.Request(
            key=f"{number}:checkout",
            fan_id=number,
            conversation_id=owner,
            leader_id="bench",
            hold_id=hold.id,
            quote_id=quote.id,
            address=ADDRESS,
            language="en",
            provider="sandbox",
        )
        return await checkout.open_checkout(tx, request)

    bought = await core.database.unit_of_work(open_it)
    await core.news_of(f"ready:{bought.id}")
    payment = await core.database.read(lambda tx: payments.by_key(tx, bought.id))
    assert payment is not None
    assert payment.pay_url is not None
    token = payment.pay_url.rpartition("/")[2]
    approve = sandbox_desk.Button.APPROVE
    await core.database.unit_of_work(lambda tx: sandbox_desk.press(tx, token, approve))
    await core.news_of(f"paid:{bought.id}")


async def _saga(core: Core, number: str) -> None:
    saga_id = ids.new_id()
    data: dict[str, Any] = {"number": number}
    await core.database.unit_of_work(
        lambda tx: saga.start(tx, NOTHING, number, data, saga_id=saga_id)
    )
    await core.news_of(f"ended:{saga_id}")


async def _post(core: Core, number: str) -> None:
    clearing, owed = ledger.clearing("sandbox"), ledger.CUSTOMER_PAYABLE
    received = ledger.Transfer(clearing, owed, "EUR", 5_490)
    goods = ledger.Transfer(owed, ledger.SALES, "EUR", 5_000)
    delivery = ledger.Transfer(owed, ledger.DELIVERY_INCOME, "EUR", 490)

    async def post(tx: Tx) -> None:
        for name, transfers in (("in", (received,)), ("out", (goods, delivery))):
            await ledger.post(tx, ledger.Posting(f"{name}:{number}", "sale", number, transfers))

    await core.database.unit_of_work(post)


async def _open_shop(tx: Tx) -> None:
    await suppliers.create(tx, supplier_id="bench", name="Bench", country="ES", currency="EUR")
    variant = catalog.Variant(sku=SKU, label="M", attributes={"size": "M"}, price_minor=5_000)
    await catalog.create_product(
        tx,
        product_id="bench",
        supplier_id="bench",
        title="Bench",
        description="",
        image="/media/bench.svg",
        currency="EUR",
        variants=(variant,),
    )
    await inventory.receive(tx, SKU, PIECES, reason="for measuring")
    await catalog.publish(tx, "bench")

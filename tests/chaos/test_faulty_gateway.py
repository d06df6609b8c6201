"""Thousands of orders at a provider of which every tenth call goes wrong: all money has one end."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

from commerce import checkout, inventory, orders, payments
from commerce.checkout import CheckoutData
from commerce.kernel import saga
from commerce.kernel.clock import SECOND
from commerce.kernel.database import Tx
from commerce.payments import CaptureMode, Stands
from commerce.payments import jobs as payments_jobs
from deploy import invariants
from tests.catalog.factories import a_product_on_sale
from tests.chaos.faulty import FaultyGateway
from tests.chaos.till import SKU, Core
from tests.checkout.fakes import Provider

ORDERS = {"sqlite": 600, "postgresql": 500}  # on which an order takes three times as long
AT_ONCE = 100
RATE = 0.10
REFUNDED = 0.2  # of the orders, in one or two parts
ROUNDS_MAX = 60
ROUND = 40 * SECOND  # of the virtual clock: retries come due; a hold lives for ten minutes


class Evening:
    def __init__(self, core: Core, provider: FaultyGateway, random: Random) -> None:
        self.core = core
        self.provider = provider
        self.random = random
        self.bought: list[checkout.Checkout] = []
        self.asked: Counter[str] = Counter()  # refund key -> amount

    async def crowd_comes(self, numbers: range) -> None:
        modes = [self.random.choice(list(CaptureMode)) for _ in numbers]
        self.bought += await asyncio.gather(
            *(
                self.core.check_out(str(number), capture=mode)
                for number, mode in zip(numbers, modes, strict=True)
            )
        )

    async def round(self) -> None:
        """Everybody does what they can do now, then time passes."""
        await self.core.settles()
        self._fans_pay()
        await self._webhooks()
        await self.core.settles()
        await self.provider.late()

    def _fans_pay(self) -> None:
        for key, page in self.provider.inner.pages.items():
            if page.status is Stands.OPEN:
                self.provider.fan_pays(key, at_once=self.automatic(key))

    def automatic(self, key: str) -> bool:
        return self.core.modes[key] is CaptureMode.AUTOMATIC

    async def _webhooks(self) -> None:
        news = self.provider.news()

        async def hear(tx: Tx) -> None:
            for event in news:
                await payments.record_event(tx, "sandbox", event)

        await self.core.database.unit_of_work(hear)

    async def refunds(self) -> None:
        """Some of the fans want some of their money back."""
        for bought in self.random.sample(self.bought, int(len(self.bought) * REFUNDED)):
            for part in range(self.random.choice((1, 2))):
                await self._refund(bought, f"{bought.id}:{part}")

    async def _refund(self, bought: checkout.Checkout, key: str) -> None:
        async def ask(tx: Tx) -> None:
            order = await orders.order_of(tx, bought.id)
            assert order is not None
            if order.status is orders.Status.PAID:
                amount_minor = order.total_minor // 2
                await checkout.request_refund(
                    tx, key=key, order_id=order.id, amount_minor=amount_minor, reason="returned"
                )
                self.asked[key] = amount_minor

        await self.core.database.unit_of_work(ask)

    async def ended(self) -> Counter[str]:
        async def look(tx: Tx) -> Counter[str]:
            found = [await saga.find_locked(tx, bought.id) for bought in self.bought]
            ids = [CheckoutData.of(one.data).order_id for one in found if one is not None]
            return Counter([str((await orders.order(tx, one)).status) for one in ids])

        return await self.core.database.unit_of_work(look)

    async def is_over(self) -> bool:
        return not await self.core.under_way()


async def test_charges_are_paid_orders_and_refunds_are_what_was_asked(database, clock):
    random = Random(20261121)
    provider = FaultyGateway(Provider(), RATE, random)
    core = Core(database, provider)
    await database.unit_of_work(a_product_on_sale)
    wanted = ORDERS[database.dialect]
    await database.unit_of_work(lambda tx: inventory.receive(tx, SKU, wanted, reason="delivery"))
    evening = Evening(core, provider, random)

    for first in range(0, wanted, AT_ONCE):
        await evening.crowd_comes(range(first, first + AT_ONCE))
        for _ in range(ROUNDS_MAX):
            await evening.round()
            clock.advance(ROUND)
            await payments_jobs.reconcile_open(database, core.gateways)
            await payments_jobs.settle_refunds(database, core.gateways)
            if await evening.is_over():
                break
        else:
            raise AssertionError("a crowd was never done")
    await evening.refunds()
    while not await evening.is_over():
        await evening.round()
        clock.advance(ROUND)

    ended = await evening.ended()
    charged = [p for p in provider.inner.pages.values() if p.status is Stands.PAID]
    succeeded = ended["paid"] + ended["refunded"]
    assert len(charged) == succeeded
    assert succeeded >= 0.95 * wanted
    assert provider.inner.refunds == evening.asked
    assert len(evening.asked) >= 0.95 * REFUNDED * wanted
    assert all(count >= 10 for count in provider.met.values())
    assert await database.read(invariants.violations) == []

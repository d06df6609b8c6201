"""A real provider's report against the books: the sandbox tells what it moved, and both agree."""

from __future__ import annotations

import pytest

from commerce import payments
from commerce.checkout import reconciling, reporting
from commerce.kernel.clock import HOUR, SECOND
from commerce.payments.gateways import sandbox_books, sandbox_desk
from commerce.payments.gateways.sandbox import SandboxGateway
from commerce.payments.gateways.sandbox_delivery import SandboxDeliverer
from commerce.payments.payout_jobs import settle_payouts
from tests.checkout.shop import TOTAL, Shop
from tests.conftest import NOON

Button = sandbox_desk.Button
SECRET = "a secret of this test"
TODAY = NOON - 12 * HOUR
PART, SHARE = 490, 1_000


class SandboxShop(Shop):
    @property
    def gateways(self):
        return {"sandbox": self.gateway}

    @property
    def gateway(self):
        return SandboxGateway(
            self.database, public_url="http://till", secrets=[SECRET], return_url="http://till/r"
        )

    async def presses(self, purchase, *buttons):
        url = (await self.payment(purchase)).pay_url
        token = url.rpartition("/")[2]
        for button in buttons:
            await self.database.unit_of_work(lambda tx, b=button: sandbox_desk.press(tx, token, b))
            self.clock.advance(20 * SECOND)
            await SandboxDeliverer(self.database, self.hears_webhook, secret=SECRET).deliver_due()
            await self.settles()

    async def hears_webhook(self, body, headers):
        event = self.gateway.verify(headers, body)
        await self.database.unit_of_work(lambda tx: payments.record_event(tx, "sandbox", event))
        return 200


@pytest.fixture
async def shop(database, clock):
    shop = SandboxShop(database, clock)
    await shop.opens()
    return shop


async def test_all_that_the_sandbox_moved_agrees_with_the_books(shop):
    bought = await shop.buys()
    await shop.settles()
    await shop.presses(bought, Button.APPROVE)
    await shop.refunds(bought, PART)
    await shop.settles()
    disputed = await shop.buys("2")
    await shop.settles()
    await shop.presses(disputed, Button.TWICE, Button.DISPUTE, Button.WIN)
    lost = await shop.buys("3")
    await shop.settles()
    await shop.presses(lost, Button.APPROVE, Button.DISPUTE, Button.LOSE)
    bounced = await shop.buys("4")
    await shop.settles()
    await shop.presses(bounced, Button.APPROVE)
    await shop.refunds(bounced, PART, key="refund-2")
    await shop.settles()
    await shop.presses(bounced, Button.BOUNCE)
    await shares(shop, bought)
    shop.clock.advance(HOUR)
    await shop.agrees()

    run = await reporting.compare_day(shop.database, shop.gateways, "sandbox", TODAY)

    found = await shop.database.read(lambda tx: reconciling.differences_of(tx, run.id))
    assert [one.difference for one in found] == []
    assert run.lines == run.matched == 12
    (owed,) = await shop.database.read(lambda tx: reconciling.owed(tx, "sandbox"))
    assert (owed.captured, owed.refunded, owed.paid_out, owed.other) == (
        4 * TOTAL, -PART, -SHARE + 1, 0,
    )  # fmt: skip
    lines = await shop.gateway.report(TODAY, shop.clock.now() + 1)
    assert owed.balance == sum(line.amount_minor - line.fee_minor for line in lines)


async def shares(shop, purchase):
    """A part of the money goes to a connected account, and a cent of it comes back."""
    payout = await shop.database.unit_of_work(
        lambda tx: payments.request_payout(
            tx, key="share", payment_id=purchase.data.payment_id, destination="acct_1",
            amount_minor=SHARE, currency="EUR",
        )
    )  # fmt: skip
    await settle_payouts(shop.database, shop.gateways)
    await shop.database.unit_of_work(
        lambda tx: payments.request_reversal(tx, key="back", payout_id=payout.id, amount_minor=1)
    )
    await settle_payouts(shop.database, shop.gateways)
    await shop.settles()


async def test_its_file_is_read_as_well(shop):
    bought = await shop.buys()
    await shop.settles()
    await shop.presses(bought, Button.APPROVE)
    shop.clock.advance(HOUR)
    text = sandbox_books.as_file(await shop.gateway.report(TODAY, shop.clock.now()))

    run = await reporting.compare_file(
        shop.database, shop.gateways, "sandbox", text, name="sandbox.csv"
    )

    assert (run.lines, run.matched, run.open) == (1, 1, 0)

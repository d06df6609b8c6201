"""A fan buys through Razorpay, PayPal or with cash, over the wire of each, until the receipt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from tests.channels import stand_ins
from tests.contracts import paypal_stand_in, razorpay_stand_in
from tests.contracts.paypal_stand_in import PayPalStandIn
from tests.contracts.razorpay_stand_in import RazorpayStandIn
from tests.scenarios.conftest import StartTill
from tests.scenarios.fans import TELEGRAM, TelegramFan
from tests.scenarios.running import Till

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

RAZORPAY = {
    "payment_provider": "razorpay",
    "razorpay_key_id": razorpay_stand_in.KEY_ID,
    "razorpay_key_secret": razorpay_stand_in.KEY_SECRET,
    "razorpay_webhook_secret": f"the next one,{razorpay_stand_in.WEBHOOK_SECRET}",
}
PAYPAL = {
    "payment_provider": "paypal",
    "paypal_client_id": paypal_stand_in.CLIENT_ID,
    "paypal_client_secret": paypal_stand_in.CLIENT_SECRET,
    "paypal_webhook_id": paypal_stand_in.WEBHOOK_ID,
}


class Buyer(TelegramFan):
    def __init__(self, telegram: stand_ins.Platform, till: Till, http: ClientSession) -> None:
        super().__init__(telegram, till, http)
        self.till = till
        self.http = http


@asynccontextmanager
async def a_fan(start_till: StartTill, **settings: str) -> AsyncIterator[Buyer]:
    async with stand_ins.served(stand_ins.telegram()) as telegram, ClientSession() as http:
        till = await start_till(**TELEGRAM, telegram_api_base=telegram.url, **settings)
        yield Buyer(telegram, till, http)


async def agrees(fan: TelegramFan) -> None:
    await fan.says("/start friday-night-drop")
    await fan.hears("Which one")
    for answer in ("M", "Germany", "Ada Windell", "Torstraße 12", "Berlin", "10119"):
        await fan.says(answer)
    await fan.hears("Your order:")
    await fan.says("I agree")


async def told(fan: Buyer, provider: str, stand_in: Any) -> list[int]:
    """Everything the provider has to tell until now, the newest first."""
    events, stand_in.events = stand_in.events, []
    return [await _post(fan, provider, *stand_in.webhook(event)) for event in reversed(events)]


async def _post(fan: Buyer, provider: str, headers: dict[str, str], body: bytes) -> int:
    url = f"{fan.till.url}/webhooks/{provider}"
    async with fan.http.post(url, data=body, headers=headers) as answer:
        return answer.status


async def ended(till: Till, status: str) -> None:
    assert [found for _, found in await till.orders()] == [status]
    assert await till.is_sound()


async def test_a_link_of_razorpay_is_paid_and_the_webhooks_come_newest_first(
    start_till: StartTill,
) -> None:
    stand_in = RazorpayStandIn()
    async with (
        TestServer(stand_in.app()) as api,
        a_fan(start_till, **RAZORPAY, razorpay_api_base=f"{_url(api)}/v1") as fan,
    ):
        await agrees(fan)
        link = (await fan.hears("Here is the pay link")).link
        [page] = stand_in.links.values()
        assert link == page["short_url"]

        stand_in.decline(page["id"])
        stand_in.pay(page["id"])
        assert set(await told(fan, "razorpay", stand_in)) == {200}

        await fan.hears("This is your receipt")
        await ended(fan.till, "paid")


async def test_what_a_buyer_approves_at_paypal_is_captured_and_receipted(
    start_till: StartTill,
) -> None:
    stand_in = PayPalStandIn()
    async with TestServer(stand_in.app()) as api:
        stand_in.url = _url(api)
        async with a_fan(
            start_till, **PAYPAL, payment_capture="manual", paypal_api_base=stand_in.url
        ) as fan:
            await agrees(fan)
            link = (await fan.hears("Here is the pay link")).link
            [order] = stand_in.orders.values()
            assert link.endswith(f"token={order['id']}")

            stand_in.approve(order["id"])
            assert await told(fan, "paypal", stand_in) == [200]

            await fan.hears("This is your receipt")
            assert set(await told(fan, "paypal", stand_in)) == {200}
            await ended(fan.till, "paid")


async def test_an_order_paid_at_the_door_is_confirmed_without_a_link(
    start_till: StartTill,
) -> None:
    async with a_fan(start_till, payment_provider="cash", payment_capture="manual") as fan:
        await agrees(fan)

        heard = await fan.hears("Your order is confirmed")

        assert heard.link == ""
        await ended(fan.till, "confirmed")


def _url(server: TestServer) -> str:
    return str(server.make_url("")).rstrip("/")

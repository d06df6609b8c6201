"""A fan buys through PayPal, over its wire until the receipt, and with cash at the door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from tests.channels import stand_ins
from tests.contracts import paypal_stand_in
from tests.contracts.paypal_stand_in import PayPalStandIn
from tests.scenarios.conftest import StartTill
from tests.scenarios.fans import TELEGRAM, TelegramFan
from tests.scenarios.running import Till

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

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


async def told(fan: Buyer, paypal: PayPalStandIn) -> list[int]:
    """Everything PayPal has to tell until now, the newest first."""
    events, paypal.events = paypal.events, []
    return [await _post(fan, *paypal.webhook(event)) for event in reversed(events)]


async def _post(fan: Buyer, headers: dict[str, str], body: bytes) -> int:
    url = f"{fan.till.url}/webhooks/paypal"
    async with fan.http.post(url, data=body, headers=headers) as answer:
        return answer.status


async def ended(till: Till, status: str) -> None:
    assert [found for _, found in await till.orders()] == [status]
    assert await till.is_sound()


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
            assert await told(fan, stand_in) == [200]

            await fan.hears("This is your receipt")
            assert set(await told(fan, stand_in)) == {200}
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

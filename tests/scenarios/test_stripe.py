"""A fan pays through Stripe: signed webhooks come twice, out of order, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from commerce.ledger.tables import TRANSFERS
from commerce.payments.tables import EVENTS
from tests.channels import stand_ins
from tests.contracts.stripe_stand_in import KEY, WEBHOOK_SECRET, StripeStandIn
from tests.scenarios.conftest import StartTill
from tests.scenarios.fans import TELEGRAM, TelegramFan
from tests.scenarios.running import Till, until
from tests.scenarios.test_bad_input import has_a_link

STRIPE = {
    "payment_provider": "stripe",
    "stripe_secret_key": KEY,
    "stripe_webhook_secret": WEBHOOK_SECRET,
}
TOLD = {"payment_intent.payment_failed", "payment_intent.succeeded"}
HEARD = {
    "automatic": {"checkout.session.completed"},
    "manual": {"charge.succeeded", "payment_intent.amount_capturable_updated"},
}


async def post(http: ClientSession, till: Till, stripe: StripeStandIn, event: Any) -> int:
    headers, body = stripe.webhook(event)
    fitting = {"Content-Type": "application/json; charset=utf-8", **headers}
    async with http.post(f"{till.url}/webhooks/stripe", data=body, headers=fitting) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("database_url", "capture"),
    [("sqlite", "automatic"), ("postgresql", "manual")],
    indirect=["database_url"],
)
async def test_a_payment_told_twice_and_out_of_order_is_one_payment(
    start_till: StartTill, capture: str
) -> None:
    stripe = StripeStandIn()
    async with (
        stand_ins.served(stand_ins.telegram()) as telegram,
        TestServer(stripe.app()) as api,
        ClientSession() as http,
    ):
        till = await start_till(
            **TELEGRAM,
            **STRIPE,
            telegram_api_base=telegram.url,
            stripe_api_base=str(api.make_url("")).rstrip("/"),
            payment_capture=capture,
        )
        fan = TelegramFan(telegram, till, http)

        link = (await has_a_link(fan)).link
        [session] = stripe.sessions.values()
        assert link == session["url"]
        stripe.decline(session["id"])
        stripe.pay(session["id"])
        for event in [*reversed(stripe.events), *stripe.events]:  # the newest first, and once more
            assert await post(http, till, stripe, event) == 200
        await fan.hears("This is your receipt")
        moved = await till.rows(TRANSFERS)
        for event in stripe.events:
            assert await post(http, till, stripe, event) == 200

        told = {row["type"] for row in await till.rows(EVENTS)} - {"asked"}  # by the capture
        assert told == TOLD | HEARD[capture]
        await until(lambda: unapplied(till), lambda rows: not rows)
        assert [status for _, status in await till.orders()] == ["paid"]
        assert await till.rows(TRANSFERS) == moved
        texts = [heard.text for heard in fan.so_far()]
        assert not [text for text in texts if "did not go through" in text]
        assert len([text for text in texts if "This is your receipt" in text]) == 1
        [intent] = stripe.all("payment_intent")
        assert [r for r in stripe.requests if r.startswith("POST")] == [
            "POST /v1/checkout/sessions",
            *([f"POST /v1/payment_intents/{intent}/capture"] if capture == "manual" else []),
        ]
        assert await till.is_sound()


async def unapplied(till: Till) -> list[dict[str, Any]]:
    return [row for row in await till.rows(EVENTS) if row["applied_at"] is None]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_webhook_that_is_lost_is_found_by_asking(start_till: StartTill) -> None:
    stripe = StripeStandIn()
    async with (
        stand_ins.served(stand_ins.telegram()) as telegram,
        TestServer(stripe.app()) as api,
        ClientSession() as http,
    ):
        till = await start_till(
            **TELEGRAM,
            **STRIPE,
            telegram_api_base=telegram.url,
            stripe_api_base=str(api.make_url("")).rstrip("/"),
        )
        fan = TelegramFan(telegram, till, http)
        await has_a_link(fan)
        [session] = stripe.sessions.values()

        stripe.pay(session["id"])
        await fan.says("cancel")

        await fan.hears("This is your receipt")
        assert [status for _, status in await till.orders()] == ["paid"]

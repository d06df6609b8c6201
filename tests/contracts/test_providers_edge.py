"""What strangers, providers and fans reach over HTTP: webhooks prepared and completed, a form."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import jinja2
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from channels.payments_edge import PaymentsEdge
from commerce import payments
from commerce.kernel.clock import MINUTE, FakeClock
from commerce.kernel.database import Database
from commerce.payments import CaptureMode, Gateway, Payment, Status
from tests.contracts.faults import Fault
from tests.contracts.hand_paypal import PayPalHand, paypal
from tests.contracts.hand_razorpay import RazorpayHand, razorpay
from tests.payments import factories

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TEMPLATES = Path(__file__).parents[2] / "templates"
Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def an_edge(database: Database, gateway: Gateway) -> AsyncIterator[Client]:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    edge = PaymentsEdge(database=database, gateways={gateway.name: gateway}, templates=templates)
    app = web.Application()
    app.add_routes(edge.routes())
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def hand(database: Database, clock: FakeClock) -> AsyncIterator[PayPalHand]:
    async with paypal(database) as hand:
        yield hand


@pytest.fixture
async def client(database: Database, hand: PayPalHand) -> AsyncIterator[Client]:
    async with an_edge(database, hand.gateway) as client:
        yield client


async def opened(database: Database, gateway: Gateway, **changes: object) -> Payment:
    payment = await factories.created(database, provider=gateway.name, **changes)
    page = await gateway.open(payment)
    return await database.unit_of_work(
        lambda tx: payments.opened(tx, payment.id, page.provider_ref, page.pay_url)
    )


async def post(client: Client, headers: dict[str, str], body: bytes) -> int:
    async with client.post("/webhooks/paypal", data=body, headers=headers) as answer:
        return answer.status


async def test_an_approval_becomes_held_money_before_it_is_answered(
    database: Database, hand: PayPalHand, client: Client
) -> None:
    payment = await opened(database, hand.gateway, capture=CaptureMode.MANUAL)
    hand.stand_in.approve(str(payment.provider_ref))
    headers, body = hand.stand_in.webhook(hand.stand_in.events[0])
    lower = {name.lower(): value for name, value in headers.items()}  # as HTTP/2 writes them

    hand.stand_in.line.faults.append(Fault.FAIL_BEFORE)
    assert await post(client, lower, body) == 503
    assert (await factories.get(database, payment)).status is Status.OPEN
    assert [await post(client, lower, body) for _ in range(2)] == [200, 200]

    after = await factories.get(database, payment)
    assert (after.status, after.authorised_minor) == (Status.AUTHORISED, 5_000)
    assert await factories.announced(database, payment) == ["payment.authorised"]


async def test_what_paypal_did_not_sign_is_refused_and_a_missing_certificate_asked_for(
    database: Database, hand: PayPalHand, client: Client
) -> None:
    payment = await opened(database, hand.gateway)
    hand.stand_in.approve(str(payment.provider_ref))
    headers, body = hand.stand_in.webhook(hand.stand_in.events[0])
    elsewhere = headers["PAYPAL-CERT-URL"] + "-another"
    evil = {**headers, "PAYPAL-CERT-URL": "https://evil.example/v1/notifications/certs/CERT-1"}

    assert await post(client, headers, body + b" ") == 401
    assert await post(client, evil, body) == 401
    assert await post(client, {}, body) == 401
    hand.stand_in.line.faults.append(Fault.FAIL_BEFORE)
    assert await post(client, {**headers, "PAYPAL-CERT-URL": elsewhere}, body) == 503

    assert (await factories.get(database, payment)).status is Status.OPEN


@pytest.fixture
async def shop(database: Database, clock: FakeClock) -> AsyncIterator[RazorpayHand]:
    async with razorpay(database) as hand:
        yield hand


async def test_a_form_takes_the_fan_to_razorpay_as_long_as_there_is_something_to_pay(
    database: Database, shop: RazorpayHand, clock: FakeClock
) -> None:
    payment = await opened(
        database, shop.gateway, capture=CaptureMode.MANUAL, description="Shirt <b>M</b>"
    )
    page = str(payment.pay_url).removeprefix("https://till.example")
    async with an_edge(database, shop.gateway) as client:
        async with client.get(page) as answer:
            html = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
        assert answer.status == 200
        assert "Shirt &lt;b&gt;M&lt;/b&gt;" in html
        assert "€50.00" in html
        assert f'value="{payment.provider_ref}"' in html
        assert "form-action http:" in policy  # https: where it is not a stand-in

        clock.advance(45 * MINUTE)
        for gone in (page, "/pay/razorpay/plink_1", "/pay/razorpay/%2e%2e%2fpayments"):
            async with client.get(gone) as answer:
                assert answer.status == 404, gone
        async with client.post("/pay/return", data={"razorpay_payment_id": "pay_1"}) as answer:
            assert answer.status == 200

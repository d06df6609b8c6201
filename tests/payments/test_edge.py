"""Webhooks and the pay page through a real HTTP server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from io import BytesIO
from pathlib import Path

import jinja2
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from channels import payments_texts
from channels.payments_edge import PaymentsEdge
from commerce import payments
from commerce.kernel.clock import MINUTE, SECOND, FakeClock
from commerce.kernel.database import Database
from commerce.payments import Payment, Status
from commerce.payments.gateways import signatures
from commerce.payments.gateways.sandbox import SandboxGateway
from commerce.payments.gateways.sandbox_delivery import SandboxDeliverer, posting_to
from tests.payments import factories

SECRET = "sandbox secret"
TEMPLATES = Path(__file__).parents[2] / "templates"
Client = TestClient[web.Request, web.Application]


@pytest.fixture
def gateway(database: Database) -> SandboxGateway:
    return SandboxGateway(
        database,
        public_url="https://till.example",
        secrets=[SECRET],
        return_url="https://till.example/pay/return",
    )


@pytest.fixture
async def client(
    database: Database, gateway: SandboxGateway, clock: FakeClock
) -> AsyncIterator[Client]:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    edge = PaymentsEdge(database=database, gateways={"sandbox": gateway}, templates=environment)
    app = web.Application()
    app.add_routes(edge.routes())
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def payment(database: Database, gateway: SandboxGateway, clock: FakeClock) -> Payment:
    payment = await factories.created(database, description="Shirt <b>M</b>")
    opened = await payments.open_at_gateway({"sandbox": gateway}, payment)
    return await database.unit_of_work(
        lambda tx: payments.opened(tx, payment.id, opened.provider_ref, opened.pay_url)
    )


def page_of(payment: Payment) -> str:
    assert payment.pay_url is not None
    return payment.pay_url.removeprefix("https://till.example")


async def deliver(database: Database, client: Client) -> int:
    async def post(body: bytes, headers: Mapping[str, str]) -> int:
        async with client.post("/webhooks/sandbox", data=body, headers=headers) as answer:
            return answer.status

    return await SandboxDeliverer(database, post, secret=SECRET).deliver_due()


async def press(client: Client, page: str, button: str) -> str:
    async with client.post(page, data={"button": button}) as answer:
        assert answer.status == 200
        assert [seen.status for seen in answer.history] == [303]
        return await answer.text()


async def test_the_pay_page_shows_what_is_to_be_paid(client: Client, payment: Payment) -> None:
    async with client.get(page_of(payment)) as answer:
        html = await answer.text()

    assert answer.status == 200
    assert "€50.00" in html
    assert "Shirt &lt;b&gt;M&lt;/b&gt;" in html
    assert 'data-seconds-left="600"' in html
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "<style" not in html
    assert "style=" not in html


async def test_the_pay_page_speaks_spanish(client: Client, payment: Payment) -> None:
    async with client.get(page_of(payment), headers={"Accept-Language": "es-MX,es"}) as answer:
        html = await answer.text()

    assert '<html lang="es">' in html
    assert "Importe a pagar" in html


@pytest.mark.parametrize("button", ["approve", "twice"])
async def test_an_approved_payment_is_paid_by_its_webhook(
    client: Client, payment: Payment, database: Database, button: str
) -> None:
    html = await press(client, page_of(payment), button)
    assert 'data-state="paid"' in html
    assert (await factories.get(database, payment)).status is Status.OPEN

    assert await deliver(database, client) == (2 if button == "twice" else 1)

    assert (await factories.get(database, payment)).status is Status.PAID
    assert await factories.announced(database, payment) == ["payment.succeeded"]


async def test_a_slow_payment_is_told_later(
    client: Client, payment: Payment, database: Database, clock: FakeClock
) -> None:
    await press(client, page_of(payment), "slow")
    assert await deliver(database, client) == 0

    clock.advance(8 * SECOND)
    assert await deliver(database, client) == 1
    assert (await factories.get(database, payment)).status is Status.PAID


async def test_after_a_decline_the_page_offers_to_try_again(
    client: Client, payment: Payment, database: Database
) -> None:
    html = await press(client, page_of(payment), "decline")
    assert 'data-state="open"' in html
    assert payments_texts.PAGE["en"]["declined"] in html

    assert 'data-state="paid"' in await press(client, page_of(payment), "approve")


async def test_past_its_end_the_page_says_so_and_takes_nothing(
    client: Client, payment: Payment, database: Database, clock: FakeClock
) -> None:
    clock.advance(10 * MINUTE)

    assert 'data-state="expired"' in await press(client, page_of(payment), "approve")

    assert await deliver(database, client) == 0


@pytest.mark.parametrize("token", ["nobody", "x" * 500, "%00", "%F0%9F%A6%84", "%27--"])
async def test_an_unknown_page_is_not_found(client: Client, token: str) -> None:
    async with client.get(f"/pay/{token}") as answer:
        assert answer.status == 404
        assert 'data-state="unknown"' in await answer.text()
    async with client.post(f"/pay/{token}", data={"button": "approve"}) as answer:
        assert answer.status == 404


async def test_an_unknown_button_is_refused(client: Client, payment: Payment) -> None:
    async with client.post(page_of(payment), data={"button": "steal"}) as answer:
        assert answer.status == 400


async def test_coming_back_from_the_provider_proves_nothing(
    client: Client, payment: Payment, database: Database
) -> None:
    async with client.get("/pay/return?session_id=cs_1&status=paid") as answer:
        assert answer.status == 200
        assert 'data-state="returned"' in await answer.text()

    assert (await factories.get(database, payment)).status is Status.OPEN


async def sent(client: Client, body: bytes, signature: str | None) -> int:
    headers = {} if signature is None else {"Sandbox-Signature": signature}
    async with client.post("/webhooks/sandbox", data=BytesIO(body), headers=headers) as answer:
        return answer.status


async def test_a_forged_webhook_leaves_no_trace(
    client: Client, payment: Payment, database: Database, clock: FakeClock
) -> None:
    body = b'{"id":"evt","type":"session.paid"}'
    old = signatures.sign(body, SECRET, at=clock.now() - 301 * SECOND)
    other = signatures.sign(body, "other secret", at=clock.now())

    for signature in (None, "", "t=1,v1=00", old, other):
        assert await sent(client, body, signature) == 401

    assert await factories.get(database, payment) == payment
    assert await factories.announced(database, payment) == []


async def test_a_signed_webhook_that_is_no_event_is_a_bad_request(
    client: Client, clock: FakeClock
) -> None:
    body = b"[" * 100_000

    assert await sent(client, body, signatures.sign(body, SECRET, at=clock.now())) == 400


async def test_an_amount_that_no_database_holds_is_a_bad_request(
    client: Client, payment: Payment, database: Database, clock: FakeClock
) -> None:
    body = (
        f'{{"id":"evt","type":"session.paid","reference":"{payment.key}","session":"s",'
        f'"charge":"c","amount":{10**17},"currency":"EUR"}}'
    ).encode()

    assert await sent(client, body, signatures.sign(body, SECRET, at=clock.now())) == 400

    assert await factories.get(database, payment) == payment
    assert await factories.announced(database, payment) == []


async def test_an_unknown_type_of_event_is_acknowledged(client: Client, clock: FakeClock) -> None:
    body = (
        b'{"id":"evt","type":"moon.rose","reference":"k","session":"s","charge":null,'
        b'"amount":1,"currency":"EUR"}'
    )

    assert await sent(client, body, signatures.sign(body, SECRET, at=clock.now())) == 200


async def test_a_body_over_three_megabytes_is_too_large(client: Client, clock: FakeClock) -> None:
    body = b"x" * (3 * 1024 * 1024 + 1)

    assert await sent(client, body, signatures.sign(body, SECRET, at=clock.now())) == 413


async def test_the_webhooks_of_providers_not_in_use_do_not_exist(client: Client) -> None:
    async with client.post("/webhooks/stripe", data=b"{}") as answer:
        assert answer.status == 404


async def test_webhooks_travel_over_real_http(
    client: Client, payment: Payment, database: Database
) -> None:
    await press(client, page_of(payment), "approve")
    url = str(client.make_url("/webhooks/sandbox"))
    async with ClientSession() as http:
        deliverer = SandboxDeliverer(database, posting_to(http, url), secret=SECRET)
        assert await deliverer.deliver_due() == 1

    assert (await factories.get(database, payment)).status is Status.PAID


def test_the_page_has_the_same_words_in_every_language() -> None:
    assert len({frozenset(words) for words in payments_texts.PAGE.values()}) == 1

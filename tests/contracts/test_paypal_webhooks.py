"""Only what PayPal signed is believed: its certificates, its hosts, its time."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer, unused_port

from commerce.kernel.clock import DAY, HOUR, MINUTE, FakeClock
from commerce.kernel.errors import Outage
from commerce.payments import BadSignature
from commerce.payments.gateways.paypal import API_BASE
from commerce.payments.gateways.paypal_webhooks import Webhooks
from tests.contracts import paypal_keys
from tests.contracts.faults import Fault
from tests.contracts.paypal_stand_in import CERTIFICATE, WEBHOOK_ID, PayPalStandIn

BODY = b'{"id":"WH-1"}'
SANDBOX_BASE = "https://api-m.sandbox.paypal.com"
PATH = "/v1/notifications/certs/CERT-360caa42"
Headers = dict[str, str]


@pytest.fixture
def stand_in(clock: FakeClock) -> PayPalStandIn:
    return PayPalStandIn()


@pytest.fixture
async def webhooks(stand_in: PayPalStandIn) -> AsyncIterator[Webhooks]:
    async with TestServer(stand_in.app()) as server:
        stand_in.url = str(server.make_url("")).rstrip("/")
        webhooks = Webhooks(webhook_id=WEBHOOK_ID, api_base=stand_in.url, timeout_seconds=5)
        yield webhooks
        await webhooks.aclose()


async def refusal(webhooks: Webhooks, headers: Headers, body: bytes = BODY) -> str:
    await webhooks.prepare(headers)
    with pytest.raises(BadSignature) as refused:
        webhooks.verify(headers, body)
    return str(refused.value.facts["reason"])


async def test_what_paypal_signed_is_believed_and_its_certificate_fetched_once(
    webhooks: Webhooks, stand_in: PayPalStandIn
) -> None:
    for body in (BODY, b"", b"\xff\x00"):
        headers = stand_in.sign(body)
        await webhooks.prepare(headers)
        webhooks.verify(headers, body)

    assert stand_in.line.requests == [f"GET {CERTIFICATE}"]


async def test_a_webhook_repeated_for_three_days_is_believed_and_no_longer(
    webhooks: Webhooks, stand_in: PayPalStandIn, clock: FakeClock
) -> None:
    headers = stand_in.sign(BODY)
    await webhooks.prepare(headers)
    clock.advance(3 * DAY)
    webhooks.verify(headers, BODY)

    clock.advance(1 * HOUR)

    assert await refusal(webhooks, headers) == "too_old"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"PAYPAL-TRANSMISSION-SIG": ""}, "missing"),
        ({"PAYPAL-CERT-URL": ""}, "missing"),
        ({"PAYPAL-AUTH-ALGO": "SHA1withRSA"}, "algorithm"),
        ({"PAYPAL-TRANSMISSION-ID": "another"}, "wrong"),
        ({"PAYPAL-TRANSMISSION-SIG": "AAAA"}, "wrong"),
        ({"PAYPAL-TRANSMISSION-SIG": "no base64!"}, "malformed"),
        ({"PAYPAL-TRANSMISSION-SIG": "é"}, "malformed"),
        ({"PAYPAL-TRANSMISSION-TIME": "2026-06-01T12:00:01Z"}, "wrong"),
        ({"PAYPAL-TRANSMISSION-TIME": "2026-06-01T12:00:00"}, "malformed"),
        ({"PAYPAL-TRANSMISSION-TIME": "yesterday"}, "malformed"),
    ],
)
async def test_what_was_changed_on_the_way_is_not(
    webhooks: Webhooks, stand_in: PayPalStandIn, changes: Headers, reason: str
) -> None:
    assert await refusal(webhooks, stand_in.sign(BODY) | changes) == reason


async def test_another_body_another_webhook_and_another_key_are_not(
    webhooks: Webhooks, stand_in: PayPalStandIn
) -> None:
    headers = stand_in.sign(BODY)
    sent = (headers["PAYPAL-TRANSMISSION-ID"], headers["PAYPAL-TRANSMISSION-TIME"])
    elsewhere = paypal_keys.signature(*sent, "ANOTHERWEBHOOK", BODY)
    stranger = paypal_keys.signature(*sent, WEBHOOK_ID, BODY, name="a stranger")

    assert await refusal(webhooks, headers, BODY + b" ") == "wrong"
    for forged in (elsewhere, stranger):
        assert await refusal(webhooks, headers | {"PAYPAL-TRANSMISSION-SIG": forged}) == "wrong"


async def test_a_webhook_of_tomorrow_is_not(
    webhooks: Webhooks, stand_in: PayPalStandIn, clock: FakeClock
) -> None:
    headers = stand_in.sign(BODY, at=clock.now() + 6 * MINUTE)

    assert await refusal(webhooks, headers) == "too_old"


async def test_a_certificate_past_its_end_vouches_for_nothing(
    webhooks: Webhooks, stand_in: PayPalStandIn, clock: FakeClock
) -> None:
    stand_in.certificate = paypal_keys.certificate(days=1)
    assert await refusal(webhooks, stand_in.sign(BODY), b"other") == "wrong"

    clock.advance(2 * DAY)

    assert await refusal(webhooks, stand_in.sign(BODY)) == "certificate_ended"


@pytest.mark.parametrize("certificate", [b"", b"<html>", b"-----BEGIN CERTIFICATE-----\n"])
async def test_what_is_no_certificate_is_asked_for_again(
    webhooks: Webhooks, stand_in: PayPalStandIn, certificate: bytes
) -> None:
    genuine, stand_in.certificate = stand_in.certificate, certificate
    assert await refusal(webhooks, stand_in.sign(BODY)) == "no_certificate"

    stand_in.certificate = genuine
    headers = stand_in.sign(BODY)
    await webhooks.prepare(headers)

    webhooks.verify(headers, BODY)


@pytest.mark.parametrize("fault", [Fault.FAIL_BEFORE, Fault.LOSE_ANSWER, Fault.RATE_LIMIT])
async def test_a_certificate_that_cannot_be_fetched_now_is_an_outage(
    webhooks: Webhooks, stand_in: PayPalStandIn, fault: Fault
) -> None:
    stand_in.line.faults.append(fault)

    with pytest.raises(Outage):
        await webhooks.prepare(stand_in.sign(BODY))


@pytest.mark.parametrize(
    "url",
    [
        f"http://api.paypal.com{PATH}",
        f"https://api.paypal.com.evil.example{PATH}",
        f"https://evilpaypal.com{PATH}",
        f"https://evil.example/{PATH}",
        f"https://evil.example\\.paypal.com{PATH}",
        f"https://api.paypal.com@evil.example{PATH}",
        f"https://evil.example@api.paypal.com{PATH}",
        f"https://api.paypal.com:8443{PATH}",
        f"https://api.sandbox.paypal.com{PATH}",
        "https://api.paypal.com/v1/notifications/certs/../../other",
        "https://www.paypal.com/uploads/certificate.pem",
        f"https://api.paypal.com{PATH}?redirect=https://evil.example",
        "file:///etc/ssl/certificate.pem",
        "https://[api.paypal.com",
    ],
)
async def test_certificates_are_fetched_from_nobody_but_paypal(
    clock: FakeClock, stand_in: PayPalStandIn, url: str
) -> None:
    webhooks = Webhooks(webhook_id=WEBHOOK_ID, api_base=API_BASE, timeout_seconds=1)
    headers = stand_in.sign(BODY) | {"PAYPAL-CERT-URL": url}

    assert await refusal(webhooks, headers) == "foreign_certificate"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        (API_BASE, f"https://api.paypal.com{PATH}"),
        (API_BASE, f"https://api-m.paypal.com{PATH}"),
        (SANDBOX_BASE, f"https://api.sandbox.paypal.com{PATH}"),
        (SANDBOX_BASE, f"https://api-m.sandbox.paypal.com{PATH}"),
    ],
)
def test_a_certificate_of_paypal_itself_is_only_not_fetched_yet(
    clock: FakeClock, stand_in: PayPalStandIn, base: str, url: str
) -> None:
    webhooks = Webhooks(webhook_id=WEBHOOK_ID, api_base=base, timeout_seconds=1)

    with pytest.raises(BadSignature) as refused:
        webhooks.verify(stand_in.sign(BODY) | {"PAYPAL-CERT-URL": url}, BODY)

    assert refused.value.facts["reason"] == "no_certificate"


async def test_a_stand_in_vouches_only_for_itself(stand_in: PayPalStandIn) -> None:
    here, there = (f"http://127.0.0.1:{unused_port()}" for _ in range(2))
    webhooks = Webhooks(webhook_id=WEBHOOK_ID, api_base=here, timeout_seconds=1)

    for url in (f"{there}{PATH}", f"https://api.paypal.com{PATH}"):
        headers = stand_in.sign(BODY) | {"PAYPAL-CERT-URL": url}
        assert await refusal(webhooks, headers) == "foreign_certificate"

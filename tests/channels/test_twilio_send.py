"""What goes over the wire to Twilio, and what its refusals mean."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.messages import Choice, Link, Reply
from channels.twilio import TwilioChannel
from commerce.kernel.errors import Outage
from commerce.kernel.outgoing import Undeliverable
from tests.channels import stand_ins
from tests.channels.stand_ins import PUBLIC_URL, SECRET, twilio_error

FAN = "whatsapp:+4915112345678"
PATH = "/2010-04-01/Accounts/AC123/Messages.json"
IMAGE = "https://till.example/dress.jpg"
PAY = Link("Pay", "https://till.example/pay/t")
CALLBACK = {"StatusCallback": "https://till.example/webhooks/twilio/platform"}


@asynccontextmanager
async def a_channel(platform, **changes: Any):
    async with stand_ins.served(platform):
        given = {
            "account": "twilio:platform",
            "account_sid": "AC123",
            "auth_token": SECRET,
            "sender": "whatsapp:+14155238886",
            "public_url": PUBLIC_URL,
            "api_base": platform.url,
            **changes,
        }
        channel = TwilioChannel(receive=None, **given)
        await channel.start()
        try:
            yield channel
        finally:
            await channel.close()


def form(body, **changes):
    sender = {"To": FAN, "From": "whatsapp:+14155238886"}
    return {**sender, "Body": body, **CALLBACK, **changes}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(text="Hi & <b>bye</b>"), [form("Hi & <b>bye</b>")]),
        (
            Reply(text="Size?", choices=(Choice("a", "S"), Choice("b", "M", "2 left")), link=PAY),
            [form("Size?\n\n1. S\n2. M — 2 left\n\nPay: https://till.example/pay/t")],
        ),
        (
            Reply(text="x" * 1700, image_url=IMAGE),
            [form("x" * 1600, MediaUrl=IMAGE), form("x" * 100)],
        ),
    ],
)
async def test_a_reply_goes_over_the_wire(reply, expected):
    platform = stand_ins.twilio()
    async with a_channel(platform) as channel:
        assert await channel.send(FAN, reply, "k") == f"SM{len(expected)}"

    assert platform.calls == [(PATH, body) for body in expected]
    basic = base64.b64encode(f"AC123:{SECRET}".encode()).decode()
    assert {headers["Authorization"] for headers in platform.headers} == {f"Basic {basic}"}


@pytest.mark.parametrize(
    ("sender", "address", "expected"),
    [
        ("+14155238886", FAN, {"From": "whatsapp:+14155238886"}),
        ("whatsapp:+14155238886", "+49151", {"From": "+14155238886"}),
        ("MG123", FAN, {"MessagingServiceSid": "MG123"}),
    ],
)
async def test_the_fan_is_answered_where_they_wrote(sender, address, expected):
    platform = stand_ins.twilio()
    async with a_channel(platform, sender=sender, public_url="http://localhost:8080") as channel:
        await channel.send(address, Reply(text="Hi"), "k")

    assert platform.calls == [(PATH, {"To": address, "Body": "Hi", **expected})]


async def test_a_picture_that_twilio_cannot_fetch_is_left_out():
    platform = stand_ins.twilio()
    platform.queued = [twilio_error(400, 21620)]
    async with a_channel(platform) as channel:
        await channel.send(FAN, Reply(text="The dress", image_url=IMAGE), "k")

    assert [body for _, body in platform.calls] == [
        form("The dress", MediaUrl=IMAGE),
        form("The dress"),
    ]


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        (twilio_error(400, 21610), {"reason": "blocked", "said": 21610}),
        (twilio_error(400, 63016), {"reason": "window_closed", "said": 63016}),
        (twilio_error(400, 21211), {"reason": "bad_address", "said": 21211}),
        (twilio_error(400, 21602), {"reason": "rejected", "said": 21602}),
        ((404, "no json"), {"reason": "rejected", "said": 404}),
    ],
)
async def test_a_refusal_is_a_known_outcome(answer, facts):
    platform = stand_ins.twilio()
    platform.queued = [answer]
    async with a_channel(platform) as channel:
        with pytest.raises(Undeliverable) as refused:
            await channel.send(FAN, Reply(text="hi"), "k")

    assert refused.value.facts == facts
    assert len(platform.calls) == 1


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (twilio_error(429, 20429), None),
        (twilio_error(429, 63018), 60),
        (twilio_error(400, 63038), 3600),
        (twilio_error(401, 20003), 300),
        (twilio_error(503, 20503), None),
        ((502, "<html>bad gateway</html>"), None),
        ((201, "not json"), None),
        ((400, {"type": "t", "title": "no", "status": 503, "code": 20500}), None),
    ],
)
async def test_an_outage_is_tried_again_later(answer, seconds):
    platform = stand_ins.twilio()
    platform.queued = [answer]
    async with a_channel(platform) as channel:
        with pytest.raises(Outage) as outage:
            await channel.send(FAN, Reply(text="hi"), "k")

    assert outage.value.retry_after_seconds == seconds


async def test_a_twilio_that_is_not_there_is_an_outage():
    platform = stand_ins.twilio()
    async with a_channel(platform, api_base="http://127.0.0.1:9") as channel:
        with pytest.raises(Outage):
            await channel.send(FAN, Reply(text="hi"), "k")


async def test_a_process_may_die_before_and_after_the_call(crashpoint_tally):
    platform = stand_ins.twilio()
    async with a_channel(platform) as channel:
        await channel.send(FAN, Reply(text="hi"), "k")

    assert crashpoint_tally() == ["twilio.send", "twilio.send"]

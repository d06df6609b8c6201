"""Twilio's form posts as they arrive, genuine and forged."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messages import Incoming, Kind
from channels import twilio, webhooks
from channels.twilio import TwilioChannel
from tests.channels import stand_ins
from tests.channels.stand_ins import PUBLIC_URL, SECRET, Received, post_twilio

SID = "SM0f8ca3f4a0d5b3d2f5c1e0a9b8c7d6e5"
FAN = "whatsapp:+4915112345678"
WHATSAPP = {
    "SmsMessageSid": SID,
    "NumMedia": "0",
    "ProfileName": "Ada",
    "MessageType": "text",
    "SmsSid": SID,
    "WaId": "4915112345678",
    "SmsStatus": "received",
    "Body": "",
    "To": "whatsapp:+14155238886",
    "NumSegments": "1",
    "ReferralNumMedia": "0",
    "MessageSid": SID,
    "AccountSid": "AC123",
    "From": FAN,
    "ApiVersion": "2010-04-01",
}
SMS = {
    "ToCountry": "US",
    "ToState": "",
    "SmsMessageSid": SID,
    "NumMedia": "0",
    "Body": "M",
    "To": "+15005550006",
    "MessageSid": SID,
    "AccountSid": "AC123",
    "From": "+4915112345678",
}
STATUS = {
    "MessageSid": SID,
    "MessageStatus": "undelivered",
    "To": FAN,
    "From": "whatsapp:+14155238886",
    "ErrorCode": "63016",
    "ApiVersion": "2010-04-01",
    "AccountSid": "AC123",
}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"Body": "size M"}, {"kind": Kind.TEXT, "text": "size M"}),
        ({"Body": "2"}, {"kind": Kind.TEXT, "text": "2"}),
        ({"Body": "start c_7F"}, {"kind": Kind.START, "text": "c_7F"}),
        (
            {"Body": "M", "ButtonText": "M", "ButtonPayload": "size:M", "MessageType": "button"},
            {"kind": Kind.CHOICE, "choice": "size:M"},
        ),
        (
            {"Body": "L", "ListId": "size:L", "ListTitle": "L", "MessageType": "interactive"},
            {"kind": Kind.CHOICE, "choice": "size:L"},
        ),
        (
            {"Latitude": "52.5", "Longitude": "13.4", "Address": "x", "MessageType": "location"},
            {"kind": Kind.LOCATION, "facts": {"latitude": 52.5, "longitude": 13.4}},
        ),
        (
            {"NumMedia": "1", "MediaUrl0": "https://x", "MediaContentType0": "image/jpeg"},
            {"kind": Kind.MEDIA, "text": "image"},
        ),
        (
            {"NumMedia": "1", "MediaContentType0": "image/jpeg", "Body": "this?"},
            {"kind": Kind.TEXT, "text": "this?", "facts": {"media": "image"}},
        ),
        (
            {"NumMedia": "1", "MediaContentType0": "image/webp"},
            {"kind": Kind.MEDIA, "text": "sticker"},
        ),
        (
            {"NumMedia": "1", "MediaContentType0": "audio/ogg"},
            {"kind": Kind.MEDIA, "text": "audio"},
        ),
        (
            {"NumMedia": "1", "MediaContentType0": "text/vcard"},
            {"kind": Kind.MEDIA, "text": "contact"},
        ),
        (
            {"NumMedia": "1", "MediaContentType0": "application/pdf"},
            {"kind": Kind.MEDIA, "text": "document"},
        ),
        ({"Body": "STOP", "OptOutType": "STOP"}, {"kind": Kind.LEFT}),
    ],
)
def test_a_message_is_read(changes, fields):
    assert twilio.read("twilio:platform", {**WHATSAPP, **changes}) == Incoming(
        account="twilio:platform", message_id=SID, address=FAN, name="Ada", **fields
    )


def test_a_text_message_is_answered_to_its_number():
    said = twilio.read("twilio:platform", SMS)

    assert said == Incoming(
        account="twilio:platform",
        message_id=SID,
        address="+4915112345678",
        kind=Kind.TEXT,
        text="M",
    )


@pytest.mark.parametrize(
    "form",
    [
        {},
        WHATSAPP,  # a reaction: no text, no media
        {**WHATSAPP, "Body": "hi", "MessageSid": ""},
        {**WHATSAPP, "Body": "hi", "From": "\x00"},
        {**WHATSAPP, "Latitude": "nan", "Longitude": "1"},
        {**WHATSAPP, "Latitude": "1e999", "Longitude": "1"},
    ],
)
def test_what_does_not_speak_to_the_bot_is_silence(form):
    assert twilio.read("twilio:platform", form) is None


@asynccontextmanager
async def a_webhook(receive=None, **changes: Any):
    given = {
        "account": "twilio:platform",
        "account_sid": "AC123",
        "auth_token": SECRET,
        "sender": "whatsapp:+14155238886",
        "public_url": PUBLIC_URL,
        **changes,
    }
    async with stand_ins.webhook_of(TwilioChannel(receive=receive, **given)) as client:
        yield client


SPOKEN = {**WHATSAPP, "Body": "día 👗 & more", "ParameterOf2028": "x"}


@pytest.mark.parametrize(
    ("public_url", "query"),
    [
        (PUBLIC_URL, ""),
        (PUBLIC_URL + "/", ""),
        (PUBLIC_URL, "?a=1&b=%20x%2f"),
    ],
)
async def test_a_genuine_message_is_received_and_answered_with_silence(public_url, query):
    received = Received()
    async with a_webhook(received, public_url=public_url) as client:
        response = await post_twilio(client, SPOKEN, query)
        assert (response.status, response.content_type) == (200, "text/xml")
        assert (await response.text()).endswith("<Response/>")

    assert [said.text for said in received] == ["día 👗 & more"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, [(SID, "failed", "window_closed")]),
        ({"ErrorCode": "21610"}, [(SID, "failed", "blocked")]),
        ({"MessageStatus": "failed", "ErrorCode": ""}, [(SID, "failed", "rejected")]),
        ({"MessageStatus": "failed", "ErrorCode": "²"}, [(SID, "failed", "rejected")]),
        ({"MessageStatus": "delivered", "ErrorCode": ""}, []),
        ({"MessageStatus": "levitating"}, []),
    ],
)
async def test_a_status_callback_is_noted_and_never_taken_for_a_message(changes, told):
    received, reported = Received(), []

    async def report(*status):
        reported.append(status)

    async with a_webhook(received, on_status=report) as client:
        assert (await post_twilio(client, {**STATUS, **changes})).status == 200

    assert (received, reported) == ([], told)


ALTERED = stand_ins.twilio_signature(
    PUBLIC_URL + "/webhooks/twilio/platform", {**SPOKEN, "Body": "x"}
)
MANY = {**SPOKEN, **{f"P{number}": "" for number in range(twilio.FIELDS_MAX)}}


@pytest.mark.parametrize(
    ("form", "query", "headers", "status", "reason"),
    [
        (SPOKEN, "", {"X_Twilio_Signature": ""}, 403, "signature"),
        (SPOKEN, "", {"X_Twilio_Signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, 403, "signature"),
        (SPOKEN, "", {"X_Twilio_Signature": ALTERED}, 403, "signature"),
        (
            SPOKEN,
            "",
            {"X_Twilio_Webhooks_Signature_Settings": "key=k,algorithm=HMAC_MD5"},
            403,
            "signature",
        ),
        (SPOKEN, "", {"Content_Type": "application/json"}, 415, "content_type"),
        ({"Body": "x" * webhooks.BODY_BYTES_MAX}, "", {}, 413, "too_large"),
        (MANY, "", {}, 400, "malformed"),
    ],
)
async def test_a_bad_request_leaves_nothing_but_a_count(form, query, headers, status, reason):
    received = Received()
    count = webhooks.REJECTED.labels("twilio", reason)._value
    before = count.get()
    async with a_webhook(received) as client:
        assert (await post_twilio(client, form, query, **headers)).status == status

    assert received == []
    assert count.get() == before + 1


async def test_a_signature_made_for_another_address_is_none():
    async with a_webhook(Received(), public_url="https://elsewhere.example") as client:
        assert (await post_twilio(client, SPOKEN)).status == 403


async def test_an_unset_token_admits_nobody():
    async with a_webhook(Received(), auth_token="") as client:
        assert (await post_twilio(client, SPOKEN)).status == 403


async def test_an_unknown_account_is_not_found():
    async with a_webhook() as client:
        assert (await client.post("/webhooks/twilio/nobody", data=SPOKEN)).status == 404


NAMES = st.sampled_from([*WHATSAPP, *STATUS, "Latitude", "Longitude", "MediaContentType0"])


@given(form=st.dictionaries(NAMES, st.text(max_size=12)))
@settings(max_examples=200, deadline=None)
def test_no_form_breaks_the_reader(form):
    said = twilio.read("twilio:platform", form)

    assert said is None or (said.address and said.message_id)

"""Meta's batches as they arrive, genuine and forged."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messages import Incoming, Kind
from channels import webhooks, whatsapp
from channels.whatsapp import Status, WhatsAppChannel
from tests.channels import stand_ins
from tests.channels.stand_ins import SECRET, TOKEN, Received, post_whatsapp

OURS = "106540352242922"
PHONE = "4915112345678"
BSUID = "DE.13491208655302741918"
WAMID = "wamid.HBgNNDkxNTExMjM0NTY3OBUCABIYFjNFQjBD"
ADA = {"profile": {"name": "Ada"}, "wa_id": PHONE}
ADA_TODAY = {"profile": {"name": "Ada", "username": "ada"}, "wa_id": PHONE, "user_id": BSUID}


def batch(*values: dict[str, Any], field: str = "messages", number: str = OURS) -> dict[str, Any]:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": number}
    changes = [
        {"field": field, "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
        for value in values
    ]
    entry = {"id": "102290129340398", "changes": changes}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def message(kind: str, content: Any, **changes: Any) -> dict[str, Any]:
    frame = {"from": PHONE, "id": WAMID, "timestamp": "1780315200", "type": kind, kind: content}
    return {**frame, **changes}


def one(kind: str, content: Any, **changes: Any) -> dict[str, Any]:
    return batch({"contacts": [ADA], "messages": [message(kind, content, **changes)]})


def text(body: str, **changes: Any) -> dict[str, Any]:
    return message("text", {"body": body}, **changes)


def read(payload: dict[str, Any]) -> list[Incoming]:
    return whatsapp.read("whatsapp:platform", OURS, payload)[0]


FILE = {"id": "1003383421387256", "mime_type": "image/jpeg", "sha256": "SfInY0gGKTsJlUWbwxC1k="}
ORDER = {
    "catalog_id": "194836987003835",
    "text": "Love these!",
    "product_items": [
        {"product_retailer_id": "dress", "quantity": 2, "item_price": 0.01, "currency": "EUR"}
    ],
}


@pytest.mark.parametrize(
    ("kind", "content", "fields"),
    [
        ("text", {"body": "size M"}, {"kind": Kind.TEXT, "text": "size M"}),
        ("text", {"body": "Start c_7F"}, {"kind": Kind.START, "text": "c_7F"}),
        ("text", {"body": "start"}, {"kind": Kind.START, "text": ""}),
        ("text", {"body": "start with M"}, {"kind": Kind.TEXT, "text": "start with M"}),
        (
            "interactive",
            {"type": "button_reply", "button_reply": {"id": "size:M", "title": "M"}},
            {"kind": Kind.CHOICE, "choice": "size:M"},
        ),
        (
            "interactive",
            {"type": "list_reply", "list_reply": {"id": "size:L", "title": "L", "description": ""}},
            {"kind": Kind.CHOICE, "choice": "size:L"},
        ),
        (
            "interactive",
            {"type": "nfm_reply", "nfm_reply": {"response_json": "{}", "body": "Sent"}},
            {"kind": Kind.MEDIA, "text": "form"},
        ),
        (
            "button",
            {"payload": "again", "text": "Again"},
            {"kind": Kind.CHOICE, "choice": "again"},
        ),
        ("order", ORDER, {"kind": Kind.MEDIA, "text": "order"}),
        ("image", FILE, {"kind": Kind.MEDIA, "text": "image"}),
        (
            "image",
            {**FILE, "caption": "this?"},
            {"kind": Kind.TEXT, "text": "this?", "facts": {"media": "image"}},
        ),
        ("sticker", {**FILE, "animated": False}, {"kind": Kind.MEDIA, "text": "sticker"}),
        ("audio", {**FILE, "voice": True}, {"kind": Kind.MEDIA, "text": "voice"}),
        ("audio", FILE, {"kind": Kind.MEDIA, "text": "audio"}),
        ("contacts", [{"name": {"formatted_name": "B"}}], {"kind": Kind.MEDIA, "text": "contact"}),
        (
            "location",
            {"latitude": 52.5, "longitude": 13.4, "name": "Home"},
            {"kind": Kind.LOCATION, "facts": {"latitude": 52.5, "longitude": 13.4}},
        ),
        ("unsupported", None, {"kind": Kind.MEDIA, "text": "unsupported"}),
        ("hologram_2028", {"id": "1"}, {"kind": Kind.MEDIA, "text": "unsupported"}),
    ],
)
def test_a_message_is_read(kind, content, fields):
    assert read(one(kind, content)) == [
        Incoming(
            account="whatsapp:platform",
            message_id=WAMID,
            address=PHONE,
            name="Ada",
            sent_at=1_780_315_200_000_000,
            **fields,
        )
    ]


NAMELESS = {"profile": {"name": "Ada"}, "user_id": BSUID}
BERT = {"profile": {"name": "Bert"}, "wa_id": "4917699999999", "user_id": "DE.2"}


@pytest.mark.parametrize(
    ("contacts", "changes", "address", "name"),
    [
        ([ADA], {}, PHONE, "Ada"),
        ([ADA_TODAY], {}, f"bsuid:{BSUID}", "Ada"),
        ([NAMELESS], {"from": None}, f"bsuid:{BSUID}", "Ada"),
        ([NAMELESS], {"from": None, "from_user_id": BSUID}, f"bsuid:{BSUID}", "Ada"),
        ([BERT, ADA_TODAY], {}, f"bsuid:{BSUID}", "Ada"),
        ([BERT, NAMELESS], {"from": None, "from_user_id": BSUID}, f"bsuid:{BSUID}", "Ada"),
        ([BERT], {}, PHONE, ""),  # whose name that is, we cannot know
        ([], {}, PHONE, ""),
    ],
)
def test_a_fan_is_known_by_the_business_scoped_id_where_there_is_one(
    contacts, changes, address, name
):
    [said] = read(batch({"contacts": contacts, "messages": [text("hi", **changes)]}))

    assert (said.address, said.name) == (address, name)


@pytest.mark.parametrize(
    "payload",
    [
        one("reaction", {"message_id": WAMID, "emoji": "👍"}),
        one("system", {"type": "user_changed_number", "wa_id": "49151"}),
        one("text", {"body": ""}),
        one("text", {"body": "hi"}, id=None),
        one("text", {"body": "hi"}, id="x" * 5000),
        one("location", {"latitude": "north"}),
        one("interactive", {"type": "button_reply", "button_reply": {}}),
        batch({"contacts": [BERT, ADA_TODAY], "messages": [text("whose?", **{"from": None})]}),
        batch({"messages": [text("hi")]}, number="another number of the same app"),
        batch({"messages": [text("hi")]}, field="message_template_status_update"),
        {"object": "page", "entry": [{"messaging": []}]},
        {},
    ],
)
def test_what_does_not_speak_to_the_bot_is_silence(payload):
    assert read(payload) == []


def test_a_batch_is_read_over_all_entries_and_a_message_twice_in_it_comes_once():
    first = batch(
        {"contacts": [ADA], "messages": [text("1", id="a"), text("2", id="b")]},
        {"contacts": [ADA], "messages": [text("2", id="b")]},
    )
    second = batch({"contacts": [ADA], "messages": [text("3", id="c")]})
    both = {**first, "entry": first["entry"] + second["entry"]}

    assert [said.text for said in read(both)] == ["1", "2", "3"]


def status(name: str, *codes: int) -> dict[str, Any]:
    errors = [{"code": code, "title": "no", "error_data": {"details": "no"}} for code in codes]
    frame = {"id": WAMID, "status": name, "timestamp": "1780315200", "recipient_id": PHONE}
    return {**frame, "biz_opaque_callback_data": "k", **({"errors": errors} if errors else {})}


@pytest.mark.parametrize(
    ("given_status", "expected"),
    [
        (status("delivered"), Status(WAMID, "delivered")),
        (status("failed", 131026), Status(WAMID, "failed", "blocked")),
        (status("failed", 131047), Status(WAMID, "failed", "window_closed")),
        (status("failed", 131049), Status(WAMID, "failed", "rejected")),
        (status("failed"), Status(WAMID, "failed", "rejected")),
        (status("teleported"), Status(WAMID, "other")),
    ],
)
def test_a_status_is_read(given_status, expected):
    payload = batch({"statuses": [given_status]})

    assert whatsapp.read("whatsapp:platform", OURS, payload) == ([], [expected])


@asynccontextmanager
async def a_webhook(receive=None, **changes: Any):
    given = {
        "account": "whatsapp:platform",
        "token": TOKEN,
        "phone_number_id": OURS,
        "secret": SECRET,
        "verify_token": "verify me",
        **changes,
    }
    async with stand_ins.webhook_of(WhatsAppChannel(receive=receive, **given)) as client:
        yield client


async def test_messages_and_statuses_of_one_batch_are_both_received():
    received, reported = Received(), []

    async def report(*told):
        reported.append(told)

    value = {
        "contacts": [ADA],
        "messages": [text("hi")],
        "statuses": [status("failed", 131047), status("delivered")],
    }
    async with a_webhook(received, on_status=report) as client:
        assert await post_whatsapp(client, batch(value)) == 200

    assert [said.text for said in received] == ["hi"]
    assert reported == [(WAMID, "failed", "window_closed")]


@pytest.mark.parametrize(
    ("query", "status_code", "answer"),
    [
        ({"hub.mode": "subscribe", "hub.verify_token": "verify me"}, 200, "1158201444"),
        ({"hub.mode": "subscribe", "hub.verify_token": "wrong"}, 403, ""),
        ({"hub.mode": "subscribe"}, 403, ""),
        ({"hub.mode": "unsubscribe", "hub.verify_token": "verify me"}, 403, ""),
    ],
)
async def test_the_handshake_answers_who_knows_the_token(query, status_code, answer):
    async with a_webhook() as client:
        response = await client.get(
            "/webhooks/whatsapp/platform", params={**query, "hub.challenge": "1158201444"}
        )
        assert (response.status, await response.text()) == (status_code, answer)


GENUINE = json.dumps(one("text", {"body": "día 👗"})).encode()


async def test_the_signature_is_over_the_bytes_as_they_came():
    received = Received()
    spaced = json.dumps(one("text", {"body": "día"}), indent=3, ensure_ascii=False).encode()
    async with a_webhook(received) as client:
        assert await post_whatsapp(client, spaced) == 200

    assert [said.text for said in received] == ["día"]


def signature_of(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + stand_ins.hmac_sha256(secret, body)


@pytest.mark.parametrize(
    ("body", "headers", "status_code", "reason"),
    [
        (GENUINE, {"X_Hub_Signature_256": ""}, 403, "signature"),
        (GENUINE, {"X_Hub_Signature_256": "sha256=" + "0" * 64}, 403, "signature"),
        (GENUINE, {"X_Hub_Signature_256": signature_of(GENUINE, "other")}, 403, "signature"),
        (GENUINE[:-1] + b" ", {"X_Hub_Signature_256": signature_of(GENUINE)}, 403, "signature"),
        (GENUINE, {"X_Hub_Signature_256": signature_of(GENUINE)[7:]}, 403, "signature"),
        (GENUINE, {"Content_Type": "text/plain"}, 415, "content_type"),
        (GENUINE.ljust(webhooks.BODY_BYTES_MAX + 1), {}, 413, "too_large"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, {}, 400, "too_deep"),
        (b"{'entry': []}", {}, 400, "malformed"),
    ],
)
async def test_a_bad_request_leaves_nothing_but_a_count(body, headers, status_code, reason):
    received = Received()
    count = webhooks.REJECTED.labels("whatsapp", reason)._value
    before = count.get()
    async with a_webhook(received) as client:
        assert await post_whatsapp(client, body, **headers) == status_code

    assert received == []
    assert count.get() == before + 1


async def test_the_largest_batch_passes():
    received = Received()
    async with a_webhook(received) as client:
        assert await post_whatsapp(client, GENUINE.ljust(webhooks.BODY_BYTES_MAX)) == 200

    assert len(received) == 1


async def test_unset_secrets_admit_nobody():
    empty = signature_of(GENUINE, "")
    async with a_webhook(secret="", verify_token="") as client:
        assert await post_whatsapp(client, GENUINE, X_Hub_Signature_256=empty) == 403
        query = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
        assert (await client.get("/webhooks/whatsapp/platform", params=query)).status == 403


async def test_an_unknown_account_is_not_found():
    async with a_webhook() as client:
        assert (await client.post("/webhooks/whatsapp/nobody", json={})).status == 404
        assert (await client.get("/webhooks/whatsapp/nobody")).status == 404


KEYS = st.sampled_from(
    [
        "messages",
        "statuses",
        "contacts",
        "errors",
        "code",
        "id",
        "from",
        "type",
        "text",
        "body",
        "interactive",
        "button_reply",
        "wa_id",
        "user_id",
        "profile",
        "name",
        "location",
        "latitude",
        "longitude",
        "timestamp",
        "status",
    ]
)
ODD = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
LEAVES = ODD | st.sampled_from(["text", "location", "failed", "interactive", "button_reply"])
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5)
)


@given(value=st.dictionaries(KEYS, TREES, max_size=6), bare=TREES, kind=LEAVES)
@settings(max_examples=200, deadline=None)
def test_no_shape_of_json_breaks_the_reader(value, bare, kind):
    odd = {"id": "a", "from": PHONE, "type": kind, str(kind): bare, "errors": bare}
    for payload in (batch(value), batch({"messages": [odd], "statuses": [odd]}), {"entry": bare}):
        messages, _ = whatsapp.read("whatsapp:platform", OURS, payload)
        assert all(said.address and said.message_id for said in messages)

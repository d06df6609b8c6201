"""Telegram's updates as they arrive, genuine and forged."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messages import Incoming, Kind
from channels import telegram, webhooks
from channels.telegram import TelegramChannel
from commerce.kernel.errors import Outage
from tests.channels import stand_ins
from tests.channels.stand_ins import SECRET, TOKEN, Received, post_telegram

ADA = {"id": 42, "is_bot": False, "first_name": "Ada", "last_name": "L.", "language_code": "es-AR"}
CHAT = {"id": 42, "type": "private", "first_name": "Ada", "last_name": "L."}
GROUP = {"id": -100123, "type": "supergroup", "title": "Fans"}
SENT = 1_780_315_200
FROM_ADA = {"account": "telegram:platform", "address": "42", "name": "Ada L.", "language": "es-AR"}


def message(**content: Any) -> dict[str, Any]:
    frame = {"message_id": 7, "date": SENT, "chat": CHAT, "from": ADA}
    return {"update_id": 900_000_001, "message": {**frame, **content}}


def pressed(**changes: Any) -> dict[str, Any]:
    shown = {"message_id": 6, "date": SENT, "chat": CHAT, "text": "Which size?"}
    query = {"id": "998", "from": ADA, "chat_instance": "-5", "data": "size:M", "message": shown}
    return {"update_id": 900_000_002, "callback_query": {**query, **changes}}


def membership(status: str, chat: dict[str, Any] = CHAT) -> dict[str, Any]:
    bot = {"id": 1, "is_bot": True, "first_name": "Till", "username": "till_bot"}
    return {
        "update_id": 900_000_003,
        "my_chat_member": {
            "chat": chat,
            "from": ADA,
            "date": SENT,
            "old_chat_member": {"user": bot, "status": "member"},
            "new_chat_member": {"user": bot, "status": status, "until_date": 0},
        },
    }


PHOTO = [{"file_id": "A", "file_unique_id": "B", "width": 90, "height": 90, "file_size": 1000}]
ANIMATION = {"file_id": "A", "file_unique_id": "B", "width": 1, "height": 1, "duration": 1}


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ({"text": "size M please"}, {"kind": Kind.TEXT, "text": "size M please"}),
        ({"text": "/start c_7F"}, {"kind": Kind.START, "text": "c_7F"}),
        ({"text": "/start"}, {"kind": Kind.START, "text": ""}),
        ({"text": "/start@till_bot c_7F"}, {"kind": Kind.START, "text": "c_7F"}),
        ({"text": "/help"}, {"kind": Kind.TEXT, "text": "help"}),
        ({"text": "/cancel@till_bot"}, {"kind": Kind.TEXT, "text": "cancel"}),
        ({"text": "/ or \\"}, {"kind": Kind.TEXT, "text": "/ or \\"}),
        ({"text": "nul\x00l"}, {"kind": Kind.TEXT, "text": "null"}),
        ({"text": "👗" * 2500}, {"kind": Kind.TEXT, "text": "👗" * 2500}),
        (
            {"text": "reply", "reply_to_message": {"text": "?"}},
            {"kind": Kind.TEXT, "text": "reply"},
        ),
        (
            {"text": "x", "entities": [], "unknown_since_2027": {"a": [1]}},
            {"kind": Kind.TEXT, "text": "x"},
        ),
        ({"sticker": {"file_id": "A", "emoji": "👍"}}, {"kind": Kind.MEDIA, "text": "sticker"}),
        ({"photo": PHOTO}, {"kind": Kind.MEDIA, "text": "image"}),
        (
            {"photo": PHOTO, "caption": "this one"},
            {"kind": Kind.TEXT, "text": "this one", "facts": {"media": "image"}},
        ),
        ({"animation": ANIMATION, "document": {}}, {"kind": Kind.MEDIA, "text": "animation"}),
        ({"voice": {"file_id": "A", "duration": 3}}, {"kind": Kind.MEDIA, "text": "voice"}),
        (
            {"contact": {"phone_number": "+4915100", "first_name": "Ada", "user_id": 42}},
            {"kind": Kind.MEDIA, "text": "contact"},
        ),
        (
            {"location": {"latitude": 52.5, "longitude": 13.4, "horizontal_accuracy": 20}},
            {"kind": Kind.LOCATION, "facts": {"latitude": 52.5, "longitude": 13.4}},
        ),
    ],
)
def test_a_message_is_read(content, fields):
    said = telegram.read("telegram:platform", message(**content))

    assert said == Incoming(
        message_id="update:900000001", sent_at=SENT * 1_000_000, **FROM_ADA, **fields
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"message": {"chat": CHAT, "message_id": 6, "date": 0}},  # too old to be shown to a bot
        {"message": None, "inline_message_id": "x"},
    ],
)
def test_a_pressed_button_is_read_however_old_its_message_is(changes):
    said = telegram.read("telegram:platform", pressed(**changes))

    assert said == Incoming(
        message_id="update:900000002", kind=Kind.CHOICE, choice="size:M", **FROM_ADA
    )


def test_a_fan_who_blocks_the_bot_has_left():
    said = telegram.read("telegram:platform", membership("kicked"))

    assert said == Incoming(
        message_id="update:900000003", kind=Kind.LEFT, sent_at=SENT * 1_000_000, **FROM_ADA
    )


SILENT = [
    {"update_id": 1, "edited_message": message(text="buy two")["message"]},
    {"update_id": 1, "channel_post": {"chat": {"id": -1, "type": "channel"}, "text": "hi"}},
    {"update_id": 1, "poll": {"id": "1"}},
    {"update_id": 1},
    {"message": message(text="no update id")["message"]},
    {"update_id": 1.5, "message": message(text="half an id")["message"]},
    message(text="hi", chat=GROUP),
    message(text="hi", chat="damaged"),
    message(text="beep", **{"from": {**ADA, "is_bot": True}}),
    message(pinned_message={"message_id": 1}),
    message(text=" \x00 "),
    message(location={"latitude": 91, "longitude": 0}),
    message(location={"latitude": True, "longitude": 0}),
    pressed(data=None, game_short_name="chess"),
    pressed(message={"chat": GROUP, "message_id": 1, "date": 0}),
    membership("member"),
    membership("kicked", GROUP),
]


@pytest.mark.parametrize("update", SILENT)
def test_what_does_not_speak_to_the_bot_is_silence(update):
    assert telegram.read("telegram:platform", update) is None


@asynccontextmanager
async def a_webhook(receive=None, **changes: Any):
    given = {"account": "telegram:platform", "token": TOKEN, "secret": SECRET, **changes}
    channel = TelegramChannel(receive=receive, **given)
    async with stand_ins.webhook_of(channel) as client:
        yield client


async def test_a_genuine_update_is_received_and_acknowledged():
    received = Received()
    async with a_webhook(received) as client:
        assert await post_telegram(client, message(text="hello")) == 200
        assert await post_telegram(client, SILENT[0]) == 200

    assert [(said.kind, said.text) for said in received] == [(Kind.TEXT, "hello")]


LARGE = b'{"text":"' + b"x" * webhooks.BODY_BYTES_MAX + b'"}'
DEEP = b'{"a":' * 65 + b"1" + b"}" * 65
DEEP_ENOUGH = b'{"update_id":1,"a":' + b"[" * 63 + b"]" * 63 + b"}"
BRACKETS_IN_TEXT = json.dumps({"update_id": 1, "poll": "\\[{" * 100}).encode()


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"{}", {"X_Telegram_Bot_Api_Secret_Token": ""}, 401, "secret"),
        (b"{}", {"X_Telegram_Bot_Api_Secret_Token": SECRET + "x"}, 401, "secret"),
        (b"{}", {"X_Telegram_Bot_Api_Secret_Token": "ß"}, 401, "secret"),
        (b"{}", {"Content_Type": "text/plain"}, 415, "content_type"),
        (b"{}", {"Content_Type": "application/x-www-form-urlencoded"}, 415, "content_type"),
        (LARGE, {}, 413, "too_large"),
        (DEEP, {}, 400, "too_deep"),
        (b"[" * 1_000_000, {}, 400, "too_deep"),
        (b'{"a":"' + b'\\"' * 1_000_000 + b"[" * 70, {}, 400, "malformed"),
        (b'{"update_id":', {}, 400, "malformed"),
        (b"\xff\xfe", {}, 400, "malformed"),
        (b'{"a":"\\ud800"}', {}, 400, "malformed"),
        (b"[]", {}, 400, "malformed"),
        (b"", {}, 400, "malformed"),
    ],
)
async def test_a_bad_request_leaves_nothing_but_a_count(body, headers, status, reason):
    received = Received()
    count = webhooks.REJECTED.labels("telegram", reason)._value
    before = count.get()
    async with a_webhook(received) as client:
        assert await post_telegram(client, body, **headers) == status

    assert received == []
    assert count.get() == before + 1


@pytest.mark.parametrize("body", [DEEP_ENOUGH, BRACKETS_IN_TEXT])
async def test_depth_is_counted_outside_of_texts_and_up_to_the_limit(body):
    async with a_webhook(Received()) as client:
        assert await post_telegram(client, body) == 200


async def test_a_body_that_grows_too_large_without_a_declared_length_is_refused():
    async def stream():
        for _ in range(60):
            yield b" " * 65536

    headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": SECRET}
    async with a_webhook(Received()) as client:
        response = await client.post("/webhooks/telegram/platform", data=stream(), headers=headers)
        assert response.status == 413


async def test_an_unset_secret_admits_nobody():
    async with a_webhook(Received(), secret="") as client:
        status = await post_telegram(client, b"{}", X_Telegram_Bot_Api_Secret_Token="")
        assert status == 401


async def test_an_unknown_account_is_not_found():
    async with a_webhook(Received()) as client:
        response = await client.post("/webhooks/telegram/nobody", json={"update_id": 1})
        assert response.status == 404


async def test_a_message_that_could_not_be_stored_is_asked_for_again():
    async def full(_):
        raise Outage("disk full", retry_after_seconds=7)

    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    async with a_webhook(full) as client:
        response = await client.post(
            "/webhooks/telegram/platform", json=message(text="hi"), headers=headers
        )
        assert (response.status, response.headers["Retry-After"]) == (503, "7")


KEYS = st.sampled_from(
    [
        "update_id",
        "message",
        "callback_query",
        "my_chat_member",
        "chat",
        "from",
        "id",
        "type",
        "text",
        "date",
        "data",
        "location",
        "latitude",
        "longitude",
        "photo",
        "caption",
        "contact",
        "new_chat_member",
        "status",
        "is_bot",
        "first_name",
    ]
)
ODD = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
LEAVES = ODD | st.sampled_from(["private", "kicked", "/start x"])
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5)
)


@given(update=st.dictionaries(KEYS, TREES, max_size=6), bare=TREES)
@settings(max_examples=200, deadline=None)
def test_no_shape_of_json_breaks_the_reader(update, bare):
    for tree in (update, message(text=bare, location=bare), pressed(data=bare, message=bare)):
        said = telegram.read("telegram:platform", {"update_id": 1, **tree})
        assert said is None or (said.address and said.message_id)

"""What goes over the wire to Telegram, and what its refusals mean."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import pytest

from bot.messages import Choice, Link, Reply
from channels.telegram import TelegramChannel, set_webhook
from commerce.kernel.errors import Outage
from commerce.kernel.outgoing import Undeliverable
from tests.channels import stand_ins
from tests.channels.stand_ins import PUBLIC_URL, SECRET, TOKEN, Received, telegram_error
from tests.channels.test_telegram import pressed

SEND, PHOTO = "/bot123:abc/sendMessage", "/bot123:abc/sendPhoto"
PAY = Link("Pay", "http://localhost:8080/pay/t")
IMAGE = "https://till.example/dress.jpg"
SIZES = tuple(Choice(f"size:{size}", size) for size in ("S", "M", "L"))


@asynccontextmanager
async def a_channel(platform, receive=None):
    async with stand_ins.served(platform):
        channel = TelegramChannel(
            account="telegram:platform",
            token=TOKEN,
            secret=SECRET,
            api_base=platform.url,
            public_url=PUBLIC_URL,
            receive=receive,
        )
        await channel.start()
        try:
            yield channel
        finally:
            await channel.close()


def button(label, **target):
    return {"text": label, **target}


def fields(chat_id="42", keyboard=None, **given):
    markup = {"reply_markup": {"inline_keyboard": keyboard}} if keyboard else {}
    return {"chat_id": chat_id, **markup, **given}


def sent(platform):
    """The calls, with the JSON inside of form fields parsed."""
    parsed = []
    for path, form in platform.calls:
        nested = {"reply_markup", "link_preview_options"} & form.keys()
        parsed.append((path, {**form, **{name: json.loads(form[name]) for name in nested}}))
    return parsed


PLAIN = {"link_preview_options": {"is_disabled": True}}
SIZE_ROW = [button(size, callback_data=f"size:{size}") for size in ("S", "M", "L")]
LONG = "word " * 1000


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(text="Hi <b>Ada</b> _"), [(SEND, fields(text="Hi <b>Ada</b> _", **PLAIN))]),
        (
            Reply(text="Size?", choices=SIZES),
            [(SEND, fields(text="Size?", keyboard=[SIZE_ROW], **PLAIN))],
        ),
        (
            Reply(text="Size?", choices=(Choice("a", "M", "2 left"), Choice("b", "L"))),
            [
                (
                    SEND,
                    fields(
                        text="Size?\n\nM — 2 left",
                        keyboard=[[button("M", callback_data="a"), button("L", callback_data="b")]],
                        **PLAIN,
                    ),
                )
            ],
        ),
        (
            Reply(text="Pay", link=Link("Pay €25", "https://x/p"), choices=SIZES[:1]),
            [
                (
                    SEND,
                    fields(
                        text="Pay",
                        keyboard=[[button("Pay €25", url="https://x/p")], SIZE_ROW[:1]],
                        **PLAIN,
                    ),
                )
            ],
        ),
        (
            Reply(text="The dress", image_url=IMAGE, choices=SIZES),
            [(PHOTO, fields(photo=IMAGE, caption="The dress", keyboard=[SIZE_ROW]))],
        ),
        (
            Reply(text=LONG, image_url=IMAGE, choices=SIZES),
            [
                (PHOTO, fields(photo=IMAGE)),
                (SEND, fields(text=("word " * 819).strip(), **PLAIN)),
                (SEND, fields(text="word " * 181, keyboard=[SIZE_ROW], **PLAIN)),
            ],
        ),
    ],
)
async def test_a_reply_goes_over_the_wire(reply, expected):
    platform = stand_ins.telegram()
    async with a_channel(platform) as channel:
        assert await channel.send("42", reply, "key") == str(len(expected))

    assert sent(platform) == expected


async def test_long_labels_stand_alone_and_no_row_has_more_than_eight():
    labels = ["Yes", "A label as long as a row", "No", *"12345678"]
    choices = tuple(Choice(f"c:{label[:3]}", label) for label in labels[:10])
    platform = stand_ins.telegram()
    async with a_channel(platform) as channel:
        await channel.send("42", Reply(text="?", choices=choices), "key")
        await channel.send("42", Reply(text="?", choices=(Choice("x", "y" * 60),)), "key")

    first, second = (call["reply_markup"]["inline_keyboard"] for _, call in sent(platform))
    assert [[b["text"] for b in row] for row in first] == [
        ["Yes"],
        ["A label as long as a row"],
        ["No", "1", "2", "3", "4", "5", "6", "7"],
    ]
    assert second[0][0]["text"] == "y" * 47 + "…"


URL_REFUSED = telegram_error(
    400, "Bad Request: inline keyboard button URL 'http://localhost' is invalid: Wrong HTTP URL"
)
PICTURE_REFUSED = telegram_error(400, "Bad Request: failed to get HTTP URL content")


async def test_a_link_that_telegram_refuses_as_a_button_stands_in_the_text():
    platform = stand_ins.telegram()
    platform.queued = [URL_REFUSED]
    async with a_channel(platform) as channel:
        await channel.send("42", Reply(text="Pay now", link=PAY), "key")

    text = "Pay now\n\nPay: http://localhost:8080/pay/t"
    assert sent(platform)[1:] == [(SEND, fields(text=text, **PLAIN))]


async def test_a_picture_that_telegram_cannot_fetch_is_left_out():
    platform = stand_ins.telegram()
    platform.queued = [PICTURE_REFUSED]
    async with a_channel(platform) as channel:
        await channel.send("42", Reply(text="The dress", image_url=IMAGE), "key")

    assert [path for path, _ in platform.calls] == [PHOTO, SEND]
    assert sent(platform)[1][1] == fields(text="The dress", **PLAIN)


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        (telegram_error(403, "Forbidden: bot was blocked by the user"), {"reason": "blocked"}),
        (telegram_error(403, "Forbidden: user is deactivated"), {"reason": "blocked"}),
        (telegram_error(400, "Bad Request: chat not found"), {"reason": "bad_address"}),
        (
            telegram_error(400, "Bad Request: group upgraded", migrate_to_chat_id=-100),
            {"reason": "bad_address"},
        ),
        (
            telegram_error(400, "Bad Request: message is too long"),
            {"reason": "rejected", "said": "Message is too long"},
        ),
    ],
)
async def test_a_refusal_is_a_known_outcome(answer, facts):
    platform = stand_ins.telegram()
    platform.queued = [answer]
    async with a_channel(platform) as channel:
        with pytest.raises(Undeliverable) as refused:
            await channel.send("42", Reply(text="hi"), "key")

    assert refused.value.facts == facts
    assert len(platform.calls) == 1


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (telegram_error(429, "Too Many Requests: retry after 7", retry_after=7), 7),
        (telegram_error(401, "Unauthorized"), None),
        (telegram_error(500, "Internal Server Error"), None),
        ((502, "<html>bad gateway</html>"), None),
        ((200, "not json"), None),
    ],
)
async def test_an_outage_is_tried_again_later(answer, seconds):
    platform = stand_ins.telegram()
    platform.queued = [answer]
    async with a_channel(platform) as channel:
        with pytest.raises(Outage) as outage:
            await channel.send("42", Reply(text="hi"), "key")

    assert outage.value.retry_after_seconds == seconds
    assert TOKEN not in str(outage.value)


async def test_a_telegram_that_is_not_there_is_an_outage():
    platform = stand_ins.telegram()
    async with stand_ins.served(platform):
        url = platform.url
    channel = TelegramChannel(
        account="telegram:platform", token=TOKEN, secret=SECRET, api_base=url, receive=Received()
    )
    await channel.start()

    with pytest.raises(Outage):
        await channel.send("42", Reply(text="hi"), "key")
    await channel.close()


async def test_an_address_of_another_channel_is_never_sent_to():
    platform = stand_ins.telegram()
    async with a_channel(platform) as channel:
        with pytest.raises(Undeliverable) as refused:
            await channel.send("whatsapp:+49", Reply(text="hi"), "key")

    assert (refused.value.facts, platform.calls) == ({"reason": "bad_address"}, [])


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"ok": True, "result": True}),
        telegram_error(400, "Bad Request: query is too old and response timeout expired"),
        telegram_error(403, "Forbidden: bot was blocked by the user"),
        (500, "oops"),
    ],
)
async def test_a_pressed_button_is_received_whatever_becomes_of_its_acknowledgement(answer):
    received, platform = Received(), stand_ins.telegram()
    platform.queued = [answer]
    async with a_channel(platform, received) as channel, stand_ins.webhook_of(channel) as client:
        assert await stand_ins.post_telegram(client, pressed()) == 200

    assert [said.choice for said in received] == ["size:M"]
    assert platform.calls == [("/bot123:abc/answerCallbackQuery", {"callback_query_id": "998"})]


@pytest.mark.parametrize(
    ("answer", "ok", "said"),
    [
        (
            (200, {"ok": True, "result": True, "description": "Webhook was set"}),
            True,
            PUBLIC_URL + "/webhooks/telegram/platform",
        ),
        (
            telegram_error(400, "Bad Request: bad webhook: HTTPS url must be provided"),
            False,
            "Bad webhook: https url must be provided",
        ),
        (telegram_error(401, "Unauthorized"), False, "Unauthorized"),
    ],
)
async def test_the_webhook_is_registered_with_its_secret(answer, ok, said):
    platform = stand_ins.telegram()
    platform.queued = [answer]
    async with stand_ins.served(platform):
        told = await set_webhook(
            account="telegram:platform",
            token=TOKEN,
            secret=SECRET,
            public_url=PUBLIC_URL,
            api_base=platform.url,
        )

    assert (told.ok, told.said) == (ok, said)
    [(path, form)] = platform.calls
    assert path == "/bot123:abc/setWebhook"
    assert form["url"] == "https://till.example/webhooks/telegram/platform"
    assert form["secret_token"] == SECRET
    assert "pre_checkout_query" in json.loads(form["allowed_updates"])


async def test_a_process_may_die_before_and_after_the_call(crashpoint_tally):
    platform = stand_ins.telegram()
    async with a_channel(platform) as channel:
        await channel.send("42", Reply(text="hi"), "key")

    assert crashpoint_tally() == ["telegram.send", "telegram.send"]

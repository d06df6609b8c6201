"""What goes over the wire to Meta, and what its refusals mean."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from bot.messages import Choice, Link, Reply
from channels.whatsapp import WhatsAppChannel
from commerce.kernel.errors import Outage
from commerce.kernel.outgoing import Undeliverable
from tests.channels import stand_ins
from tests.channels.stand_ins import SECRET, TOKEN, meta_error

IMAGE = "https://till.example/dress.jpg"
PAY = Link("Pay €25", "https://till.example/pay/t")
SIZES = tuple(Choice(f"size:{size}", size) for size in ("S", "M", "L"))


@asynccontextmanager
async def a_channel(platform):
    async with stand_ins.served(platform):
        channel = WhatsAppChannel(
            account="whatsapp:platform",
            token=TOKEN,
            phone_number_id="1065",
            secret=SECRET,
            verify_token="verify me",
            api_base=platform.url + "/v23.0",
            receive=None,
        )
        await channel.start()
        try:
            yield channel
        finally:
            await channel.close()


def text(body):
    return {"type": "text", "text": {"body": body, "preview_url": False}}


def image(**content):
    return {"type": "image", "image": content}


def interactive(kind, body, action, **header):
    content = {"type": kind, "body": {"text": body}, "action": action, **header}
    return {"type": "interactive", "interactive": content}


def buttons(*choices):
    return {"buttons": [{"type": "reply", "reply": {"id": i, "title": t}} for i, t in choices]}


SIZE_BUTTONS = buttons(("size:S", "S"), ("size:M", "M"), ("size:L", "L"))
HEADER = {"header": {"type": "image", "image": {"link": IMAGE}}}
CTA = {
    "name": "cta_url",
    "parameters": {"display_text": "Pay €25", "url": "https://till.example/pay/t"},
}
LONG = "word " * 300


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(text="Hi"), [text("Hi")]),
        (
            Reply(text="x" * 5000),
            [text("x" * 4096), text("x" * 904)],
        ),
        (Reply(text="Size?", choices=SIZES), [interactive("button", "Size?", SIZE_BUTTONS)]),
        (
            Reply(text="Size?", choices=(Choice("a", "S", "2 left"), Choice("b", "M"))),
            [interactive("button", "Size?\n\nS — 2 left", buttons(("a", "S"), ("b", "M")))],
        ),
        (
            Reply(text="The dress", choices=SIZES, image_url=IMAGE),
            [interactive("button", "The dress", SIZE_BUTTONS, **HEADER)],
        ),
        (
            Reply(text=LONG, choices=SIZES),
            [
                text(("word " * 204).strip()),
                interactive("button", "word " * 96, SIZE_BUTTONS),
            ],
        ),
        (
            Reply(text="Pay", link=PAY, image_url=IMAGE),
            [interactive("cta_url", "Pay", CTA, **HEADER)],
        ),
        (
            Reply(text="Pay", link=PAY, choices=SIZES[:1]),
            [
                interactive(
                    "button",
                    "Pay\n\nPay €25: https://till.example/pay/t",
                    buttons(("size:S", "S")),
                )
            ],
        ),
        (Reply(text="Look", image_url=IMAGE), [image(link=IMAGE, caption="Look")]),
        (Reply(text="", image_url=IMAGE), [image(link=IMAGE)]),
        (Reply(text=LONG, image_url=IMAGE), [image(link=IMAGE), text(LONG)]),
    ],
)
async def test_a_reply_goes_over_the_wire(reply, expected):
    platform = stand_ins.meta()
    async with a_channel(platform) as channel:
        assert await channel.send("49151", reply, "c:7") == f"wamid.{len(expected)}"

    frame = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "49151",
        "biz_opaque_callback_data": "c:7",
    }
    assert platform.calls == [
        ("/v23.0/1065/messages", {**frame, **content}) for content in expected
    ]
    assert {headers["Authorization"] for headers in platform.headers} == {f"Bearer {TOKEN}"}


async def test_many_or_long_choices_become_a_list():
    choices = (
        *(Choice(f"c:{number}", f"Size {number}") for number in range(8)),
        Choice("c:8", "A label that is too long for a row"),
        Choice("c:9", "Last", "y" * 80),
    )
    platform = stand_ins.meta()
    async with a_channel(platform) as channel:
        await channel.send("49151", Reply(text="?", choices=choices, image_url=IMAGE), "k")

    [(_, picture), (_, message)] = platform.calls
    assert picture["image"] == {"link": IMAGE}
    action = message["interactive"]["action"]
    assert message["interactive"]["type"] == "list"
    assert action["button"] == "Size 0 / Size 1 / S…"
    [section] = action["sections"]
    assert section["rows"] == [
        *({"id": f"c:{number}", "title": f"Size {number}"} for number in range(8)),
        {
            "id": "c:8",
            "title": "A label that is too lon…",
            "description": "A label that is too long for a row",
        },
        {"id": "c:9", "title": "Last", "description": "y" * 71 + "…"},
    ]


@pytest.mark.parametrize(
    "choices",
    [
        (Choice("a", "Same"), Choice("b", "Same")),
        (Choice("a", "Longer than twenty letters"),),
        (*SIZES, Choice("size:XL", "XL")),
    ],
)
async def test_what_reply_buttons_cannot_hold_is_a_list(choices):
    platform = stand_ins.meta()
    async with a_channel(platform) as channel:
        await channel.send("49151", Reply(text="?", choices=choices), "k")

    [(_, message)] = platform.calls
    assert message["interactive"]["type"] == "list"


async def test_a_business_scoped_id_is_a_recipient_not_a_number():
    platform = stand_ins.meta()
    async with a_channel(platform) as channel:
        await channel.send("bsuid:DE.134", Reply(text="Hi"), "k" * 600)

    [(_, message)] = platform.calls
    assert message["recipient"] == "DE.134"
    assert "to" not in message
    assert message["biz_opaque_callback_data"] == "k" * 512


async def test_a_refused_form_is_followed_by_plainer_ones():
    platform = stand_ins.meta()
    platform.queued = [meta_error(400, 131053), meta_error(400, 100)]
    async with a_channel(platform) as channel:
        reply = Reply(text="Pay", link=PAY, image_url=IMAGE)
        assert await channel.send("49151", reply, "k") == "wamid.3"

    kinds = [(m["type"], "header" in m.get("interactive", {})) for _, m in platform.calls]
    assert kinds == [("interactive", True), ("interactive", False), ("text", False)]
    assert platform.calls[2][1]["text"]["body"] == "Pay\n\nPay €25: https://till.example/pay/t"


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        (meta_error(400, 131026), {"reason": "blocked", "said": 131026}),
        (meta_error(400, 131047), {"reason": "window_closed", "said": 131047}),
        (meta_error(400, 131030), {"reason": "bad_address", "said": 131030}),
        (meta_error(400, 131049), {"reason": "rejected", "said": 131049}),
        (meta_error(400, 131009), {"reason": "rejected", "said": "131009"}),
        ((400, {"error": "damaged"}), {"reason": "rejected", "said": None}),
    ],
)
async def test_a_refusal_is_a_known_outcome(answer, facts):
    platform = stand_ins.meta()
    platform.queued = [answer]
    async with a_channel(platform) as channel:
        with pytest.raises(Undeliverable) as refused:
            await channel.send("49151", Reply(text="hi"), "k")

    assert refused.value.facts == facts
    assert len(platform.calls) == 1


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (meta_error(400, 130429), None),
        (meta_error(400, 131056), 6),
        (meta_error(500, 131016), None),
        (meta_error(401, 190), 300),
        (meta_error(403, 0), 300),
        (meta_error(503, 2), None),
        ((429, {}), None),
        ((502, "<html>bad gateway</html>"), None),
        ((200, "not json"), None),
    ],
)
async def test_an_outage_is_tried_again_later(answer, seconds):
    platform = stand_ins.meta()
    platform.queued = [answer]
    async with a_channel(platform) as channel:
        with pytest.raises(Outage) as outage:
            await channel.send("49151", Reply(text="hi"), "k")

    assert outage.value.retry_after_seconds == seconds


async def test_a_meta_that_is_not_there_is_an_outage():
    platform = stand_ins.meta()
    async with a_channel(platform) as channel:
        channel._sender._url = "http://127.0.0.1:9/v23.0/1065/messages"
        with pytest.raises(Outage):
            await channel.send("49151", Reply(text="hi"), "k")


async def test_a_process_may_die_before_and_after_the_call(crashpoint_tally):
    platform = stand_ins.meta()
    async with a_channel(platform) as channel:
        await channel.send("49151", Reply(text="hi"), "k")

    assert crashpoint_tally() == ["whatsapp.send", "whatsapp.send"]

"""A fan hears every reply once, however its frames arrive."""

from __future__ import annotations

import asyncio

import pytest

from channels import web_frames
from commerce.kernel import jsons
from commerce.kernel.errors import Outage
from deploy.bench import fans
from deploy.bench.fans import Fan

ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


class Wire(asyncio.Transport):
    """Keeps what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


def a_fan() -> tuple[Fan, Wire]:
    fan, wire = Fan("/live/room", ""), Wire()
    fan.connection_made(wire)
    return fan, wire


def frame(text: str, opcode: int = 1) -> bytes:
    payload = text.encode()
    if len(payload) < 126:
        return bytes((0x80 | opcode, len(payload))) + payload
    return bytes((0x80 | opcode, 126)) + len(payload).to_bytes(2, "big") + payload


@pytest.mark.parametrize("piece", [1, 3, 1000])
async def test_replies_arrive_in_pieces_of_any_size(piece):
    fan, _ = a_fan()
    short, long = {"text": "Hello"}, {"text": "x" * 300}
    stream = ACCEPTED + frame(web_frames.reply(1, short)) + frame(web_frames.reply(2, long))

    for start in range(0, len(stream), piece):
        fan.data_received(stream[start : start + piece])

    assert [fans.body(await fan.reply()) for _ in range(2)] == [short, long]


async def test_a_reply_that_was_there_before_the_greeting_is_heard_too():
    fan, _ = a_fan()
    answer = {"who": "shop", "number": 1, "reply": {"text": "Hello"}, "at": 2}
    question = {"who": "fan", "id": "said-0001", "text": "Hi", "at": 1}

    fan.data_received(ACCEPTED + frame(web_frames.history(1, [question, answer])))

    assert fans.body(await fan.reply()) == {"text": "Hello"}


async def test_what_a_fan_says_is_a_masked_frame():
    fan, wire = a_fan()
    fan.data_received(ACCEPTED)
    wire.written.clear()

    fan.say("text", "help")

    (written,) = wire.written
    assert written[0] == 0x81
    assert written[1] == 0x80 | len(written[6:])
    assert jsons.loads(written[6:]) == {"type": "say", "id": "said-0001", "text": "help"}


@pytest.mark.parametrize(
    ("received", "reason"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP/1.1 403 Forbidden"),
        (
            ACCEPTED + frame(web_frames.refused("too_fast", "Slower", frame_id=None, facts={})),
            "a fan was refused: too_fast",
        ),
    ],
)
async def test_a_refused_fan_says_why(received, reason):
    fan, _ = a_fan()

    fan.data_received(received)

    with pytest.raises(Outage, match=reason):
        await fan.reply()


async def test_a_lost_socket_ends_the_waiting():
    fan, _ = a_fan()
    waiting = asyncio.ensure_future(fan.reply())
    await asyncio.sleep(0)

    fan.connection_lost(None)

    with pytest.raises(Outage, match="closed"):
        await waiting


async def test_a_ping_is_answered():
    fan, wire = a_fan()
    fan.data_received(ACCEPTED)
    wire.written.clear()

    fan.data_received(frame("", opcode=9))

    assert wire.written == [b"\x8a\x80" + bytes(4)]

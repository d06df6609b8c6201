"""Fans at the live room's WebSocket: raw frames, as fans must cost less than what they measure."""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import Mapping
from typing import Any, cast

from channels import web_frames
from commerce.kernel import jsons
from commerce.kernel.errors import Outage
from deploy.bench.till import HOST

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
FIN, MASKED = 0x80, 0x80
NO_MASK = bytes(4)  # a mask of zeros leaves the payload as it is
NONCE = base64.b64encode(b"loopback-measure").decode()
REPLY = b'{"type":"reply"'
HISTORY = b'{"type":"history"'
REFUSED = b'{"type":"refused"'


class Fan(asyncio.Protocol):
    """One page: says something, and waits for what the bot replies."""

    def __init__(self, path: str, cookie: str) -> None:
        self._request = (
            f"GET {path}/socket HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {NONCE}\r\n"
            f"{f'Cookie: {cookie}' if cookie else 'Accept: */*'}\r\n\r\n"
        ).encode()
        self._open = False
        self._received = bytearray()
        self._replies: deque[bytes] = deque()
        self._waiting: asyncio.Future[bytes] | None = None
        self._failed: Outage | None = None
        self._said = 0

    async def reply(self) -> bytes:
        """The next frame with a reply."""
        if self._replies:
            return self._replies.popleft()
        if self._failed is not None:
            raise self._failed
        self._waiting = asyncio.get_running_loop().create_future()
        return await self._waiting

    def hello(self) -> None:
        self._send(TEXT, b'{"type":"hello","number":0,"chat":0}')

    def say(self, part: str, words: str) -> None:
        self._said += 1
        frame = {"type": "say", "id": f"said-{self._said:04}", part: words}
        self._send(TEXT, jsons.dumps(frame).encode())

    def close(self) -> None:
        self._transport.close()

    def _send(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes((size,)) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
        first = bytes((FIN | opcode, MASKED | length[0]))
        self._transport.write(first + length[1:] + NO_MASK + payload)

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def connection_lost(self, _: Exception | None) -> None:
        self._fail("the till closed a fan's socket")

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._open and not self._has_opened():
            return
        while frame := self._next_frame():
            self._take(*frame)

    def _has_opened(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        if not self._received.startswith(b"HTTP/1.1 101 "):
            self._fail(self._received[:40].decode(errors="replace").splitlines()[0])
            return False
        del self._received[: end + 4]
        self._open = True
        self.hello()
        return True

    def _next_frame(self) -> tuple[int, bytes] | None:
        buffer = self._received
        if len(buffer) < 2:
            return None
        size, start = buffer[1], 2
        if size >= 126:
            start += 2 if size == 126 else 8
            size = int.from_bytes(buffer[2:start], "big")
        if len(buffer) < start + size:
            return None
        opcode, payload = buffer[0] & 0xF, bytes(buffer[start : start + size])
        del buffer[: start + size]
        return opcode, payload

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._send(PONG, payload)
        elif payload.startswith(REPLY):
            self._hear(payload)
        elif payload.startswith(HISTORY):  # the bot may have been quicker than the greeting
            for item in jsons.loads(payload)["items"]:
                if "reply" in item:
                    self._hear(web_frames.reply(item["number"], item["reply"]).encode())
        elif payload.startswith(REFUSED):
            self._fail(f"a fan was refused: {jsons.loads(payload)['code']}")

    def _hear(self, reply: bytes) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reply)
        else:
            self._replies.append(reply)

    def _fail(self, reason: str) -> None:
        self._failed = self._failed or Outage(reason)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(self._failed)


async def enter(port: int, slug: str, *, cookie: str = "") -> tuple[Fan, bytes]:
    """A fan in the room, and what the bot shows first."""
    loop = asyncio.get_running_loop()
    _, fan = await loop.create_connection(lambda: Fan(f"/live/{slug}", cookie), HOST, port)
    return fan, await fan.reply()


def body(frame: bytes) -> Mapping[str, Any]:
    """The reply in a frame."""
    found: Mapping[str, Any] = jsons.loads(frame)["reply"]
    return found


async def request(port: int, method: str, path: str, form: str = "") -> tuple[int, str]:
    """The status and the cookie of an answer, read to its end."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(form)}\r\n\r\n{form}".encode()
        )
        answer = await reader.read()
    finally:
        writer.close()
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    cookies = (line[12:].split(";")[0] for line in head if line.lower().startswith("set-cookie: "))
    return int(head[0].split()[1]), next(cookies, "")

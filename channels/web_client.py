"""The private chat of the live room in a terminal: the page's protocol, buttons as numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http.cookies import SimpleCookie
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import quote

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType, hdrs

from commerce.kernel import ids, jsons

Got = TypeVar("Got")
ReadLine = Callable[[], Awaitable[str | None]]  # None at the end of the input
Write = Callable[[str], None]

BACK_OFF_SECONDS = (0.5, 1, 2, 4, 8)
TRIES_MAX = 6  # in a row, before giving up
TEXT_MAX = 4000
LAST_WORDS_SECONDS = 5.0  # how long to wait at the end of the input for what is still under way
QUIET_SECONDS = 0.6  # without a reply for so long, the answer is complete


def keyboard() -> ReadLine:
    """The lines of the standard input, from a thread that nothing has to wait for.

    A line read by the loop's own threads would hold up Ctrl-C, and every other end, until Enter.
    """
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    started = False

    def read(loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError), open(0, closefd=False, errors="replace") as typed:
            for line in typed:
                loop.call_soon_threadsafe(lines.put_nowait, line.rstrip("\n"))
            loop.call_soon_threadsafe(lines.put_nowait, None)

    async def read_line() -> str | None:
        nonlocal started
        if not started:
            started = True
            Thread(target=read, args=[asyncio.get_running_loop()], daemon=True).start()
        return await lines.get()

    return read_line


class NoRoom(Exception):
    """The server says that there is no such session, or does not answer."""


class Chat:
    """One fan at a terminal. What is not acknowledged is said again after a reconnect."""

    def __init__(self, url: str, session: str, write: Write, cookie_file: Path | None) -> None:
        self._address = f"{url.rstrip('/')}/live/{quote(session, safe='')}/socket"
        self._write = write
        self._cookie_file = cookie_file
        self._cookie = _read(cookie_file)
        self._number = 0
        self._choices: list[tuple[str, str]] = []
        self._unsent: dict[str, dict[str, Any]] = {}
        self._ws: ClientWebSocketResponse | None = None
        self._failures = 0
        self._unsettled = False  # something was said since the start
        self._answered = asyncio.Event()
        self._answered.set()
        self.met = asyncio.Event()  # the shop has told all it knows, once

    async def listen(self) -> None:
        """Show what comes, and come back after every cut."""
        async with ClientSession() as http:
            while True:
                try:
                    await self._visit(http)
                except (ClientError, OSError, TimeoutError) as error:
                    status = getattr(error, "status", 0)
                    if status in {403, 404} or self._failures >= TRIES_MAX:
                        raise NoRoom(_reason(status, error)) from error
                pause = BACK_OFF_SECONDS[min(self._failures, len(BACK_OFF_SECONDS) - 1)]
                self._failures += 1
                self._write("… connection lost, trying again")
                await asyncio.sleep(pause)

    async def _visit(self, http: ClientSession) -> None:
        headers = {hdrs.COOKIE: f"fan={self._cookie}"} if self._cookie else {}
        async with http.ws_connect(self._address, headers=headers, heartbeat=25) as ws:
            self._keep_cookie(ws)
            await ws.send_str(jsons.dumps({"type": "hello", "number": self._number, "chat": 0}))
            self._ws = ws
            for frame in list(self._unsent.values()):
                await ws.send_str(jsons.dumps(frame))
            async for message in ws:
                if message.type is WSMsgType.TEXT:
                    self._take(jsons.loads(message.data))
        self._ws = None

    def _keep_cookie(self, ws: ClientWebSocketResponse) -> None:
        for line in ws._response.headers.getall(hdrs.SET_COOKIE, []):
            if found := SimpleCookie(line).get("fan"):
                self._cookie = found.value
                if self._cookie_file is not None:
                    self._cookie_file.parent.mkdir(parents=True, exist_ok=True)
                    self._cookie_file.touch(mode=0o600)
                    self._cookie_file.write_text(self._cookie)

    def _take(self, frame: Mapping[str, Any]) -> None:
        kind = frame["type"]
        if kind == "reply":
            self._reply(frame["number"], frame["reply"])
        elif kind == "history":
            for item in frame["items"]:
                if item["who"] == "fan":
                    self._write(f"you> {item['text']}")
                else:
                    self._reply(item["number"], item["reply"])
        elif kind == "synced":
            self._failures = 0
            self.met.set()
        elif kind == "ack":
            self._unsent.pop(frame["id"], None)
        elif kind == "refused":
            if not frame["facts"].get("retry_after_seconds"):
                self._unsent.pop(frame.get("id", ""), None)
            self._write(f"! {frame['text']}")

    def _reply(self, number: int, reply: Mapping[str, Any]) -> None:
        if number <= self._number:
            return
        self._number = number
        self._answered.set()
        self._write(f"\n{reply['text']}")
        if image := reply.get("image_url"):
            self._write(f"  [picture] {image}")
        if link := reply.get("link"):
            self._write(f"  {link[0]}: {link[1]}")
        if choices := reply.get("choices"):
            self._choices = [(choice[0], choice[1]) for choice in choices]
            for position, (_, label, description) in enumerate(choices, 1):
                self._write(f"  {position}) {label}" + (f" – {description}" if description else ""))

    async def say(self, line: str) -> None:
        """A number presses that button; everything else is written to the shop."""
        text = line.strip()[:TEXT_MAX]
        if not text:
            return
        frame: dict[str, Any] = {"type": "say", "id": ids.new_id()}
        chosen = _chosen(text, self._choices)
        frame |= {"choice": chosen} if chosen else {"text": text}
        self._unsent[frame["id"]] = frame
        self._unsettled = True
        self._answered.clear()
        if self._ws is not None and not self._ws.closed:
            with suppress(ClientError, ConnectionError):
                await self._ws.send_str(jsons.dumps(frame))

    async def settle(self) -> None:
        """After the last line: until it was answered and the answer is complete, or long enough."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._answered.wait()
        more = True
        while more and self._unsettled:
            self._answered.clear()
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    await self._answered.wait()
            except TimeoutError:
                more = False


async def chat(
    url: str,
    session: str,
    read_line: ReadLine,
    write: Write,
    *,
    cookie_file: Path | None = None,
) -> None:
    """Chat until the input ends. With `cookie_file` the next run goes on as the same fan.

    Raises NoRoom where there is no such session or nobody answers.
    """
    one = Chat(url, session, write, cookie_file)
    listening = asyncio.create_task(one.listen())
    try:
        while (line := await _first_of(read_line(), listening)) is not None:
            await one.say(line)
        await _first_of(one.met.wait(), listening)
        await one.settle()
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def _first_of(work: Awaitable[Got], listening: asyncio.Task[None]) -> Got:
    """What the work gives, unless the connection ended for good before."""
    working = asyncio.ensure_future(work)
    await asyncio.wait({working, listening}, return_when=asyncio.FIRST_COMPLETED)
    if listening.done():
        working.cancel()
        await listening
    return await working


def _chosen(text: str, choices: list[tuple[str, str]]) -> str:
    """The id of the button this text presses, by its number or its words."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= len(choices):
        return choices[int(text) - 1][0]
    return next((id_ for id_, label in choices if label.casefold() == text.casefold()), "")


def _read(cookie_file: Path | None) -> str:
    try:
        return cookie_file.read_text().strip() if cookie_file else ""
    except OSError:
        return ""


def _reason(status: int, error: Exception) -> str:
    return "there is no such live session" if status == 404 else f"no answer: {error}"

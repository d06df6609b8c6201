"""A fan in the live room, over a real WebSocket, who stays through every cut.

Speaks as the page does: after a cut it says up to which reply it has seen everything, and says
again, under the same id, what nobody acknowledged.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from itertools import count
from typing import Any

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType

PAUSE_SECONDS = 0.5
ANSWER_SECONDS_MAX = 75  # what a bus lost comes again after half a minute
AGREE = ":summary:agree-"
ANSWERS = (  # to the question that contains these words
    ("Which one would you like?", "M"),
    ("Which country", "Germany"),
    ("full name", "Ada Fan"),
    ("street and house number", "Lange Strasse 12"),
    ("town or city", "Berlin"),
    ("What is the postcode", "10115"),
)

Reply = dict[str, Any]
ComeBack = Callable[[], Awaitable[None]]


async def _pause() -> None:
    await asyncio.sleep(PAUSE_SECONDS)


@dataclass(frozen=True)
class Place:
    """Who the fan is and what it has seen: enough to go on in another process."""

    cookie: str = ""
    number: int = 0


NOWHERE = Place()


@dataclass
class Fan:
    """`come_back` is awaited after every cut, before the next try."""

    http: ClientSession
    url: str
    session: str
    come_back: ComeBack = _pause
    place: Place = NOWHERE
    heard: list[tuple[int, Reply]] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)  # what the page could not have explained
    unsent: dict[str, str] = field(default_factory=dict)  # frames that nobody acknowledged, by id
    _said: Any = field(default_factory=lambda: count(1))
    _news: asyncio.Queue[Reply] = field(default_factory=asyncio.Queue)
    _ws: ClientWebSocketResponse | None = None

    async def stay(self) -> None:
        """Be in the room until cancelled."""
        while True:
            with suppress(ClientError, OSError):
                await self._visit()
            await self.come_back()

    async def say(self, text: str = "", *, choice: str = "") -> None:
        id_ = f"said-{self.place.number:04}-{next(self._said):04}"
        said = {"choice": choice} if choice else {"text": text}
        frame = json.dumps({"type": "say", "id": id_, **said})
        self.unsent[id_] = frame
        if self._ws is not None:
            with suppress(ClientError, OSError):
                await self._ws.send_str(frame)

    async def hear(self) -> Reply:
        """The next reply of the shop."""
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            return await self._news.get()

    async def hear_of(self, words: str) -> Reply:
        """The next reply with these words; others are read and let pass."""
        while words not in (reply := await self.hear())["text"]:
            pass
        return reply

    async def order(self) -> str:
        """From the offer to the pay link: answer what is asked, agree; the link's address."""
        while not (reply := await self.hear()).get("link"):
            agree = [choice for choice, *_ in reply.get("choices", ()) if AGREE in choice]
            answers = [answer for words, answer in ANSWERS if words in reply["text"]]
            if agree:
                await self.say(choice=agree[0])
            elif answers:
                await self.say(answers[0])
        return str(reply["link"][1])

    async def press(self, pay_link: str, button: str = "approve") -> None:
        """A button of the sandbox's pay page, again until somebody answered."""
        while True:
            with suppress(ClientError, OSError):
                async with self.http.post(
                    pay_link, data={"button": button}, allow_redirects=False
                ) as response:
                    if response.status == 303:
                        return
            await self.come_back()

    async def buy(self) -> Reply:
        """A whole purchase; the receipt."""
        await self.press(await self.order())
        return await self.hear_of("receipt")

    async def _visit(self) -> None:
        headers = {"Cookie": f"fan={self.place.cookie}"} if self.place.cookie else {}
        address = f"{self.url}/live/{self.session}/socket"
        async with self.http.ws_connect(address, headers=headers) as ws:
            self._remember(cookies=ws._response.headers.getall("Set-Cookie", []))
            await ws.send_json({"type": "hello", "number": self.place.number, "chat": 0})
            self._ws = ws
            try:
                for frame in list(self.unsent.values()):
                    await ws.send_str(frame)
                async for message in ws:
                    if message.type is WSMsgType.TEXT:
                        self._take(json.loads(message.data))
            finally:
                self._ws = None

    def _remember(self, cookies: list[str]) -> None:
        for line in cookies:
            self.place = Place(SimpleCookie(line)["fan"].value, self.place.number)

    def _take(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "reply":
                self._reply(frame["number"], frame["reply"])
            case "history":
                for item in frame["items"]:
                    if item["who"] == "shop":
                        self._reply(item["number"], item["reply"])
            case "ack":
                self.unsent.pop(frame["id"], None)
            case "refused":
                self.oddities.append(f"refused: {frame}")

    def _reply(self, number: int, reply: Reply) -> None:
        if number != self.place.number + 1:
            self.oddities.append(f"reply {number} came after reply {self.place.number}")
        self.place = Place(self.place.cookie, number)
        self.heard.append((number, reply))
        self._news.put_nowait(reply)


@asynccontextmanager
async def in_room(
    url: str, session: str, *, come_back: ComeBack = _pause, place: Place = NOWHERE
) -> AsyncIterator[Fan]:
    """A fan who is there from now on."""
    async with ClientSession() as http:
        fan = Fan(http, url, session, come_back, place)
        staying = asyncio.create_task(fan.stay())
        try:
            yield fan
        finally:
            staying.cancel()
            with suppress(asyncio.CancelledError):
                await staying

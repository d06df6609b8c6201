"""A live room on a real server, fans' browsers in it, and a shop that answers when told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer

from bot.messages import Reply
from bot.reception import Reception
from channels.storefront import Storefront
from channels.web import WebChannel
from commerce.kernel import inbox, outgoing
from commerce.kernel.database import Database
from commerce.kernel.fanout import Fanout, LocalFanout
from commerce.kernel.inbox import Inbox
from commerce.kernel.tables import OutgoingStatus

PUBLIC_URL = "https://till.example"
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parents[2] / "templates"), autoescape=True
)
PATIENCE_SECONDS = 10


@dataclass
class Shop:
    """The other end of the private chats."""

    database: Database
    fanout: Fanout
    numbers: dict[str, int] = field(default_factory=dict)

    async def answer(self, conversation_id: str, text: str, *, lost: bool = False) -> int:
        """Write the next reply; a lost one is not announced."""
        number = self.numbers[conversation_id] = self.numbers.get(conversation_id, 0) + 1
        body = Reply(text=text).to_json()
        row = {
            "conversation_id": conversation_id,
            "number": number,
            "account": "web:platform",
            "address": conversation_id.rpartition(":")[2],
            "priority": 2,
            "body": json.dumps(body),
            "correlation_id": "",
            "created_at": 10**15 + number,
            "status": OutgoingStatus.SHOWN,
        }
        await self.database.unit_of_work(lambda tx: outgoing.put(tx, [row]))
        if not lost:
            await self.announce(conversation_id, number, text)
        return number

    async def announce(self, conversation_id: str, number: int, text: str) -> None:
        news = {"number": number, "reply": Reply(text=text).to_json()}
        await self.fanout.publish(f"conversation:{conversation_id}", news)

    async def heard(self, conversation_id: str) -> list[tuple[str, str]]:
        said = await self.database.read(lambda tx: inbox.said_by(tx, conversation_id))
        return [(body["kind"], body.get("choice") or body.get("text", "")) for _, body, _ in said]


class Page:
    """One open socket: reads frames by type, the others wait."""

    def __init__(self, ws: ClientWebSocketResponse) -> None:
        self.ws = ws
        self.waiting: list[dict[str, Any]] = []

    async def send(self, **frame: Any) -> None:
        await self.ws.send_str(json.dumps(frame))

    async def next(self, kind: str) -> dict[str, Any]:
        for frame in self.waiting:
            if frame["type"] == kind:
                self.waiting.remove(frame)
                return frame
        while True:
            frame = await self._receive()
            if frame["type"] == kind:
                return frame
            self.waiting.append(frame)

    async def _receive(self) -> dict[str, Any]:
        message = await self.ws.receive(timeout=PATIENCE_SECONDS)
        assert message.type is WSMsgType.TEXT, message
        return json.loads(message.data)

    async def hello(self, number: int = 0, chat: int = 0) -> dict[str, Any]:
        """Say hello and wait until the page knows everything."""
        await self.send(type="hello", number=number, chat=chat)
        return await self.next("synced")

    def all(self, kind: str) -> list[dict[str, Any]]:
        """The frames of this type read so far and not yet asked for."""
        return [frame for frame in self.waiting if frame["type"] == kind]

    async def closed(self) -> int:
        """Read to the end; the code with which the server closed."""
        while True:
            message = await self.ws.receive(timeout=PATIENCE_SECONDS)
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING):
                assert self.ws.close_code is not None
                return self.ws.close_code


@dataclass
class Browser:
    """A fan with a cookie jar of one cookie."""

    url: str
    http: ClientSession
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def conversation_id(self) -> str:
        return f"web:platform:{self.cookie.partition('.')[0]}"

    async def get(self, path: str) -> tuple[int, str]:
        async with self.http.get(self.url + path, headers=self._headers()) as response:
            self._keep(response.headers.getall("Set-Cookie", []))
            return response.status, await response.text()

    @asynccontextmanager
    async def open(self, slug: str = "summer-drop") -> AsyncIterator[Page]:
        path = f"{self.url}/live/{slug}/socket"
        async with self.http.ws_connect(path, headers=self._headers()) as ws:
            self._keep(ws._response.headers.getall("Set-Cookie", []))
            yield Page(ws)

    def _headers(self) -> dict[str, str]:
        return self.headers | ({"Cookie": f"fan={self.cookie}"} if self.cookie else {})

    def _keep(self, set_cookies: list[str]) -> None:
        for line in set_cookies:
            self.cookie = SimpleCookie(line)["fan"].value


@dataclass
class House:
    """The running room with its shop."""

    url: str
    http: ClientSession
    channel: WebChannel
    shop: Shop

    def browser(self, **headers: str) -> Browser:
        return Browser(self.url, self.http, headers=headers)

    async def room_nudged(self, session_id: str) -> None:
        await self.shop.fanout.publish(f"session:{session_id}", {})


@asynccontextmanager
async def open_house(database: Database) -> AsyncIterator[House]:
    fanout = LocalFanout()
    messages = Inbox(database)
    channel = WebChannel(
        database=database,
        receive=Reception(messages),
        fanout=fanout,
        templates=TEMPLATES,
        secret_key="a-secret",
        public_url=PUBLIC_URL,
    )
    app = web.Application()
    app.add_routes(Storefront(database=database, templates=TEMPLATES).routes())
    app.add_routes(channel.routes())
    await channel.start()
    async with TestServer(app) as server, ClientSession() as http:
        url = str(server.make_url("")).rstrip("/")
        yield House(url, http, channel, Shop(database, fanout))
        await channel.close()
    await messages.close()
    await asyncio.sleep(0)

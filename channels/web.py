"""The built-in live room: its pages and its WebSocket.

It is a pull channel: replies are read from `outgoing` by the page that shows them, nothing is sent.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote, urlsplit

import jinja2
from aiohttp import WSCloseCode, web

import live
from channels import web_room, web_texts
from channels.web_fan import Fans
from channels.web_flood import Flood
from channels.web_frames import FRAME_BYTES_MAX
from channels.web_socket import ACCOUNT, Connection, Receive
from commerce.kernel import clock, jsons, metrics
from commerce.kernel.database import Database
from commerce.kernel.fanout import Fanout

# What a Content-Security-Policy has to let into frames for the players.
FRAME_SOURCES = (
    "https://www.youtube.com",
    "https://www.youtube-nocookie.com",
    "https://player.twitch.tv",
    "https://player.kick.com",
)
HEARTBEAT_SECONDS = 25
IDLE_SECONDS_MAX = 15 * 60  # a page says hello every minute: this one has been asleep
SWEEP_SECONDS = 60

SOCKETS = metrics.gauge("livetill_web_sockets", "Open pages of the live room")


class WebChannel:
    account = ACCOUNT
    delivery = "pull"

    def __init__(
        self,
        *,
        database: Database,
        receive: Receive,
        fanout: Fanout,
        templates: jinja2.Environment,
        secret_key: str,
        public_url: str,
    ) -> None:
        self._database = database
        self._receive = receive
        self._fanout = fanout
        self._templates = templates
        self._public_url = public_url.rstrip("/")
        self._fans = Fans(secret_key, public_url)
        self._flood = Flood()
        self._rooms = web_room.Rooms(database, fanout)
        self._connections: set[Connection] = set()
        self._sweeping: asyncio.Task[None] | None = None

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/live/{session}", self.room),
            web.get("/live/{session}/state", self.state),
            web.get("/live/{session}/socket", self.socket),
        ]

    async def start(self) -> None:
        self._sweeping = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Tell every page to come back; what it has not seen waits in the database."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        going = [page.close(WSCloseCode.GOING_AWAY) for page in self._connections]
        await asyncio.gather(*going, return_exceptions=True)
        await self._rooms.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            asleep = clock.monotonic() - IDLE_SECONDS_MAX
            idle = [page for page in self._connections if page.active_at < asleep]
            going = [page.close(WSCloseCode.GOING_AWAY) for page in idle]
            await asyncio.gather(*going, return_exceptions=True)

    async def room(self, request: web.Request) -> web.Response:
        language = _language(request)
        session = await self._session(request)
        if session is None:
            return self._page("live/unknown.html", language, status=404)
        state = await self._database.read(lambda tx: web_room.read_state(tx, session.id))
        body = web_room.state_body(state, language, 0)
        response = self._page(
            "live/room.html",
            language,
            session=session,
            state=body,
            state_json=jsons.dumps(body),
            texts_json=jsons.dumps(web_texts.PAGE[language]),
            player=player(session.stream, self._public_url),
        )
        self._fans.remember(response, self._fans.of(request))
        return response

    async def state(self, request: web.Request) -> web.Response:
        session = await self._session(request)
        if session is None:
            return web.json_response({"code": "unknown_session"}, status=404)
        state = await self._database.read(lambda tx: web_room.read_state(tx, session.id))
        body = web_room.state_body(state, _language(request), 0)
        return web.json_response(text=jsons.dumps(body), headers={"Cache-Control": "no-store"})

    async def socket(self, request: web.Request) -> web.StreamResponse:
        session = await self._session(request)
        if session is None:
            return web.json_response({"code": "unknown_session"}, status=404)
        if not self._fans.is_own_page(request):
            return web.json_response({"code": "foreign_page"}, status=403)
        ws = web.WebSocketResponse(
            heartbeat=HEARTBEAT_SECONDS, max_msg_size=FRAME_BYTES_MAX, compress=False
        )
        if not ws.can_prepare(request):
            return web.json_response({"code": "not_a_websocket"}, status=426)
        fan = self._fans.of(request)
        if not fan.known:
            self._fans.remember(ws, fan)
        await ws.prepare(request)
        page = Connection(
            ws,
            fan=fan,
            session=session,
            language=_language(request),
            database=self._database,
            receive=self._receive,
            fanout=self._fanout,
            flood=self._flood,
        )
        await self._serve(page, session.id)
        return ws

    async def _serve(self, page: Connection, session_id: str) -> None:
        self._connections.add(page)
        SOCKETS.inc()
        try:
            with self._fanout.subscribe(f"conversation:{page.conversation_id}") as bell:
                self._rooms.join(session_id, page)
                await page.run(bell)
        finally:
            self._rooms.leave(session_id, page)
            self._connections.discard(page)
            SOCKETS.dec()

    async def _session(self, request: web.Request) -> live.Session | None:
        slug = request.match_info["session"]
        if len(slug) > 64 or not slug.isascii() or "\x00" in slug:
            return None
        return await self._database.read(lambda tx: live.find_session(tx, slug))

    def _page(
        self, template: str, language: str, *, status: int = 200, **values: Any
    ) -> web.Response:
        words = web_texts.PAGE[language]
        text = self._templates.get_template(template).render(lang=language, t=words, **values)
        return web.Response(
            text=text,
            status=status,
            content_type="text/html",
            headers={"Cache-Control": "no-store", "Vary": "Accept-Language, Cookie"},
        )


def _language(request: web.Request) -> str:
    return web_texts.language_of(request.headers.get("Accept-Language", ""))


def player(stream: live.Stream, public_url: str) -> str:
    """The address of the official player, muted so that browsers let it start; "" for a still."""
    ref = quote(stream.ref, safe="")
    if stream.kind is live.StreamKind.YOUTUBE:
        return f"https://www.youtube.com/embed/{ref}?autoplay=1&mute=1&playsinline=1&rel=0"
    if stream.kind is live.StreamKind.TWITCH:
        # Twitch plays only inside pages whose host it was told.
        parent = quote(urlsplit(public_url).hostname or "localhost", safe="")
        return f"https://player.twitch.tv/?channel={ref}&parent={parent}&muted=true&autoplay=true"
    if stream.kind is live.StreamKind.KICK:
        return f"https://player.kick.com/{ref}?muted=true&autoplay=true"
    return ""

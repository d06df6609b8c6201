"""One page's WebSocket: its frames in, and out whatever it has not seen yet, in order and once.

Only the pump sends replies, public messages and state, so their order is one task's order. The
database is the truth: a reply that does not follow the last one sent is looked up, never guessed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from aiohttp import ClientConnectionResetError, WSCloseCode, WSMsgType, web

import live
from bot.messages import Incoming, Kind
from channels import web_frames, web_history, web_texts
from channels.web_fan import Fan
from channels.web_flood import Flood, Verdict
from channels.web_frames import Hello, RoomSay, Say
from commerce.kernel import clock, logs, outgoing
from commerce.kernel.database import Database
from commerce.kernel.errors import Outage, Refusal
from commerce.kernel.fanout import Fanout

ACCOUNT = "web:platform"
ROOM_BACKLOG = 100  # public messages waiting for a slow page; older ones are read again
BUSY_RETRY_SECONDS = 3

log = logs.get(__name__)
Receive = Callable[[Sequence[Incoming]], Awaitable[None]]


class Connection:
    """A fan's page in a room. Implements `web_room.Seat`."""

    __slots__ = (
        "_bell",
        "_chat",
        "_chat_missed",
        "_database",
        "_fan",
        "_fanout",
        "_figure",
        "_first",
        "_flood",
        "_greeted",
        "_heard",
        "_hello",
        "_number",
        "_receive",
        "_session",
        "_state",
        "_ws",
        "active_at",
        "language",
    )

    def __init__(
        self,
        ws: web.WebSocketResponse,
        *,
        fan: Fan,
        session: live.Session,
        language: str,
        database: Database,
        receive: Receive,
        fanout: Fanout,
        flood: Flood,
    ) -> None:
        self._ws = ws
        self._fan = fan
        self._session = session
        self.language = language
        self._database = database
        self._receive = receive
        self._fanout = fanout
        self._flood = flood
        self._bell: asyncio.Queue[dict[str, Any]] | None = None
        self._hello: Hello | None = None  # to be answered by the pump
        self._first = True
        self._greeted = False
        self._number = 0  # the last reply sent
        self._chat = 0  # the last public message sent
        self._heard: deque[tuple[int, str]] = deque()
        self._chat_missed = False
        self._state: str | None = None  # the newest not yet sent
        self._figure: str | None = None
        self.active_at = clock.monotonic()

    @property
    def conversation_id(self) -> str:
        return f"{ACCOUNT}:{self._fan.id}"

    # What a room calls

    def show(self, frame: str) -> None:
        self._state = frame
        self._ring()

    def tell(self, frame: str) -> None:
        self._figure = frame
        self._ring()

    def hear(self, seq: int, frame: str) -> None:
        if len(self._heard) >= ROOM_BACKLOG:
            self._heard.clear()
            self._chat_missed = True
        self._heard.append((seq, frame))
        self._ring()

    def _ring(self) -> None:
        if self._bell is not None and self._bell.empty():
            self._bell.put_nowait({})

    # The life of the socket

    async def run(self, bell: asyncio.Queue[dict[str, Any]]) -> None:
        """Until the page goes away. `bell` carries the replies of this conversation."""
        self._bell = bell
        pump = asyncio.create_task(self._pump(bell))
        try:
            async for message in self._ws:
                self.active_at = clock.monotonic()
                if message.type is not WSMsgType.TEXT:
                    await self._refuse(web_frames.BadFrame(reason="not text"), None)
                else:
                    await self._take(message.data)
        except ClientConnectionResetError:
            pass  # gone while we answered
        finally:
            pump.cancel()
            with suppress(asyncio.CancelledError):
                await pump

    async def close(self, code: int) -> None:
        await self._ws.close(code=code)

    # Frames in

    async def _take(self, raw: str) -> None:
        verdict = self._flood.judge(self._fan.id, clock.monotonic())
        # The first frame is always taken: it is the hello without which a page stays blank.
        first, self._first = self._first, False
        if first or verdict is Verdict.PASS:
            await self._answer(raw)
        elif verdict is Verdict.NOTICE:
            flooded = live.TooFast(retry_after_seconds=self._flood.wait_seconds)
            await self._refuse(flooded, web_frames.frame_id(raw))
        elif verdict is Verdict.CLOSE:
            await self._ws.close(code=WSCloseCode.POLICY_VIOLATION)

    async def _answer(self, raw: str) -> None:
        try:
            frame = web_frames.parse(raw)
            if isinstance(frame, Hello):
                await self._greet(frame)
            elif isinstance(frame, Say):
                await self._say(frame)
            else:
                await self._say_in_room(frame)
        except Refusal as refusal:
            await self._refuse(refusal, web_frames.frame_id(raw))
        except Outage as outage:
            log.warning("a page's frame was not taken", reason=str(outage))
            busy = web_texts.Busy(retry_after_seconds=BUSY_RETRY_SECONDS)
            await self._refuse(busy, web_frames.frame_id(raw))

    async def _greet(self, hello: Hello) -> None:
        if not self._greeted and not hello.number and self._session.status is live.Status.LIVE:
            # One entrance per fan and session: a reload finds the message there already.
            await self._receive([self._incoming(f"enter-{self._session.id}", Kind.START)])
        self._hello = hello
        self._ring()

    async def _say(self, said: Say) -> None:
        if said.start:
            incoming = self._incoming(said.id, Kind.START)
        elif said.choice:
            incoming = self._incoming(said.id, Kind.CHOICE, choice=said.choice)
        else:
            incoming = self._incoming(said.id, Kind.TEXT, text=said.text)
        await self._receive([incoming])
        await self._ws.send_str(web_frames.ack(said.id))

    def _incoming(self, key: str, kind: Kind, *, text: str = "", choice: str = "") -> Incoming:
        return Incoming(
            account=ACCOUNT,
            message_id=f"{self._fan.id}:{key}",
            address=self._fan.id,
            kind=kind,
            text=self._session.slug if kind is Kind.START else text,
            choice=choice,
            language=self.language,
            sent_at=clock.now(),
        )

    async def _say_in_room(self, said: RoomSay) -> None:
        name = live.fan_name(
            said.name,
            leader_name=self._session.leader_name,
            otherwise=f"Fan {self._fan.short}",
        )
        message, fresh = await self._database.unit_of_work(
            lambda tx: live.say(
                tx,
                self._session.id,
                fan_id=self._fan.id,
                name=name,
                text=said.text,
                key=said.id,
            )
        )
        if fresh:
            await self._fanout.publish(
                f"room:{self._session.id}",
                {
                    "seq": message.seq,
                    "name": message.name,
                    "text": message.text,
                    "at": message.said_at,
                },
            )
        await self._ws.send_str(web_frames.ack(said.id, seq=message.seq))

    async def _refuse(self, refusal: Refusal, frame_id: str | None) -> None:
        words = web_texts.refusal(self.language, refusal)
        await self._ws.send_str(
            web_frames.refused(refusal.code, words, frame_id=frame_id, facts=refusal.facts)
        )

    # Frames out

    async def _pump(self, bell: asyncio.Queue[dict[str, Any]]) -> None:
        """However this ends, the page has to come back and catch up: without a pump it is deaf."""
        code = WSCloseCode.INTERNAL_ERROR
        try:
            while True:
                await self._deliver(await bell.get())
        except ClientConnectionResetError:
            code = WSCloseCode.GOING_AWAY
        except Outage as outage:
            log.warning("a page could not catch up", reason=str(outage))
            code = WSCloseCode.TRY_AGAIN_LATER
        finally:
            if not self._ws.closed:
                await self._ws.close(code=code)

    async def _deliver(self, message: dict[str, Any]) -> None:
        hello, self._hello = self._hello, None
        if hello is not None:
            await self._catch_up(hello)
            self._greeted = True
        if not self._greeted:
            return
        number = message.get("number", 0)
        if number == self._number + 1:
            await self._send_reply(number, message["reply"])
        elif number > self._number or message.get("gap"):
            await self._send_replies()
        await self._send_room()
        if hello is not None:
            await self._ws.send_str(web_frames.synced(self._number, self._chat))

    async def _catch_up(self, hello: Hello) -> None:
        # What was sent on this socket arrives; a repeated hello never turns the clock back.
        self._chat = max(self._chat, hello.chat)
        self._number = max(self._number, hello.number)
        if self._number or self._greeted:
            await self._send_replies()
        else:
            number, items = await self._database.read(
                lambda tx: web_history.read(tx, self.conversation_id)
            )
            await self._ws.send_str(web_frames.history(number, items))
            self._number = number
        self._chat_missed = True

    async def _send_replies(self) -> None:
        while rows := await self._database.read(
            lambda tx: outgoing.replies_after(tx, self.conversation_id, self._number)
        ):
            for number, body, _ in rows:
                await self._send_reply(number, body)

    async def _send_reply(self, number: int, body: Any) -> None:
        self._number = number
        await self._ws.send_str(web_frames.reply(number, body))

    async def _send_room(self) -> None:
        if self._state is not None:
            state, self._state = self._state, None
            await self._ws.send_str(state)
        if self._figure is not None:
            figure, self._figure = self._figure, None
            await self._ws.send_str(figure)
        if self._chat_missed:
            await self._send_missed_chat()
        while self._heard:
            seq, frame = self._heard.popleft()
            if seq > self._chat:
                self._chat = seq
                await self._ws.send_str(frame)

    async def _send_missed_chat(self) -> None:
        self._chat_missed = False
        rows = await self._database.read(
            lambda tx: live.chat_since(tx, self._session.id, self._chat)
        )
        for row in rows:
            self._chat = row.seq
            await self._ws.send_str(web_frames.room(row.seq, row.name, row.text, row.said_at))

"""The rooms this process shows: each session is read once, encoded once and shared by all sockets.

A nudge only says "look again"; a slow tick looks by itself, so a lost nudge costs seconds only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

import live
from channels import web_frames
from commerce.kernel import clock, jsons, logs, metrics
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Outage
from commerce.kernel.fanout import Fanout
from commerce.kernel.money import format_money

REFRESH_SECONDS_MIN = 0.25  # between two reads of one session, however many nudges arrive
TICK_SECONDS = 5.0

log = logs.get(__name__)
REFRESHES = metrics.counter("livetill_room_refreshes_total", "Times a room's state was read")


class Seat(Protocol):
    """One socket, as far as a room knows it. None of these may block."""

    language: str

    def show(self, frame: str) -> None:
        """The newest state; an older one not yet sent is skipped."""

    def tell(self, frame: str) -> None:
        """A passing figure; an older one not yet sent is skipped."""

    def hear(self, seq: int, frame: str) -> None:
        """A public message, in order."""


async def read_state(tx: Tx, session_id: str) -> dict[str, Any]:
    """What a room shows, without anything that depends on who looks."""
    session = await live.session(tx, session_id)
    offer = None
    if session.status is live.Status.LIVE:
        offer = await live.pinned_offer(tx, session)
    return {
        "session": {
            "id": session.id,
            "slug": session.slug,
            "title": session.title,
            "leader": session.leader_name,
            "status": str(session.status),
        },
        "offer": None if offer is None else _offer(offer),
    }


def _offer(offer: live.Offer) -> dict[str, Any]:
    return {
        "product_id": offer.product_id,
        "title": offer.title,
        "description": offer.description,
        "image_url": offer.image_url,
        "currency": offer.currency,
        "ends_at": offer.ends_at,
        "left": sum(option.available for option in offer.options),
        "options": [
            {
                "label": o.label,
                "price_minor": o.price_minor,
                "former_minor": o.former_minor,
                "cheaper": o.cheaper,
                "flash": _flash(o),
                "left": o.available,
            }
            for o in offer.options
        ],
    }


def _flash(option: live.Option) -> dict[str, int] | None:
    if option.flash is None:
        return None
    return {"left": option.flash.left, "ends_at": option.flash.ends_at}


def state_body(state: Mapping[str, Any], language: str, watching: int) -> dict[str, Any]:
    """The state as one language reads it: prices formatted, with the server's time beside it."""
    body: dict[str, Any] = {"type": "state", **state, "watching": watching, "now": clock.now()}
    offer = state["offer"]
    if offer:
        body["offer"] = offer | _priced(offer, language)
    return body


def _priced(offer: Mapping[str, Any], language: str) -> dict[str, Any]:
    def text(minor: int) -> str:
        return format_money(minor, offer["currency"], language)

    prices = sorted({option["price_minor"] for option in offer["options"]})
    return {
        "price": text(prices[0]) if prices else "",
        "price_varies": len(prices) > 1,
        **_cheaper(offer, language, text),
        "options": [
            {
                "label": o["label"],
                "price": text(o["price_minor"]),
                "left": o["left"],
                "flash": o["flash"] is not None,
            }
            for o in offer["options"]
        ],
    }


def _cheaper(offer: Mapping[str, Any], language: str, text: Callable[[int], str]) -> dict[str, Any]:
    """Of the cheapest: what it cost before, why it costs less; and the flash that ends first."""
    best = min(offer["options"], key=lambda option: option["price_minor"], default=None)
    if best is None:
        return {"former": "", "why": "", "flash": None}
    words = best["cheaper"]
    running = [option["flash"] for option in offer["options"] if option["flash"]]
    return {
        "former": text(best["former_minor"]) if best["former_minor"] else "",
        "why": words.get(language) or next(iter(words.values()), ""),
        "flash": {
            "left": sum(flash["left"] for flash in running),
            "ends_at": min(flash["ends_at"] for flash in running),
        }
        if running
        else None,
    }


class Room:
    """One session with the sockets that watch it here."""

    def __init__(self, session_id: str, database: Database, fanout: Fanout) -> None:
        self._id = session_id
        self._database = database
        self._fanout = fanout
        self._seats: set[Seat] = set()
        self._state: dict[str, Any] | None = None
        self._frames: dict[str, str] = {}  # language -> the state as it was last shown
        self._seq: int | None = None  # the last public message shared
        self._counted = 0
        self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._relay())]

    @property
    def empty(self) -> bool:
        return not self._seats

    def join(self, seat: Seat) -> None:
        self._seats.add(seat)
        if self._state is not None:
            seat.show(self._frame(seat.language))

    def leave(self, seat: Seat) -> None:
        self._seats.discard(seat)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self) -> None:
        with self._fanout.subscribe(f"session:{self._id}") as nudges:
            while True:
                try:
                    await self._refresh()
                except Outage as outage:
                    log.warning("room not read", session_id=self._id, reason=str(outage))
                self._count()
                await asyncio.sleep(REFRESH_SECONDS_MIN)
                await _next_nudge(nudges)

    async def _refresh(self) -> None:
        state = await self._database.read(lambda tx: read_state(tx, self._id))
        REFRESHES.inc()
        if state == self._state:
            return
        self._state = state
        self._frames.clear()
        for seat in self._seats:
            seat.show(self._frame(seat.language))

    def _frame(self, language: str) -> str:
        assert self._state is not None
        if language not in self._frames:
            body = state_body(self._state, language, len(self._seats))
            self._frames[language] = jsons.dumps(body)
        return self._frames[language]

    def _count(self) -> None:
        count = len(self._seats)
        if count != self._counted:
            self._counted = count
            self._frames.clear()
            frame = web_frames.watching(count)
            for seat in self._seats:
                seat.tell(frame)

    async def _relay(self) -> None:
        with self._fanout.subscribe(f"room:{self._id}") as said:
            await self._find_place()
            while True:
                await self._share(await said.get())

    async def _find_place(self) -> None:
        try:
            newest = await self._database.read(lambda tx: live.chat_since(tx, self._id, 0, 1))
        except Outage as outage:
            log.warning("public chat not read", session_id=self._id, reason=str(outage))
        else:
            self._seq = newest[-1].seq if newest else 0

    async def _share(self, message: Mapping[str, Any]) -> None:
        """In order and once: what does not follow directly is read from the database."""
        seq = message.get("seq", 0)
        if self._seq is not None and seq == self._seq + 1:
            self._hear(seq, message["name"], message["text"], message["at"])
        elif self._seq is None or seq > self._seq or message.get("gap"):
            await self._reread()

    async def _reread(self) -> None:
        since = self._seq or 0
        try:
            missed = await self._database.read(lambda tx: live.chat_since(tx, self._id, since))
        except Outage as outage:
            log.warning("public chat not read", session_id=self._id, reason=str(outage))
            return
        for message in missed:
            self._hear(message.seq, message.name, message.text, message.said_at)

    def _hear(self, seq: int, name: str, text: str, at: int) -> None:
        self._seq = seq
        frame = web_frames.room(seq, name, text, at)
        for seat in self._seats:
            seat.hear(seq, frame)


async def _next_nudge(nudges: asyncio.Queue[dict[str, Any]]) -> None:
    """Wait for a nudge or the tick; all that wait already are the same one."""
    with suppress(TimeoutError):
        async with asyncio.timeout(TICK_SECONDS):
            await nudges.get()
    while not nudges.empty():
        nudges.get_nowait()


class Rooms:
    """A room exists while somebody watches it."""

    def __init__(self, database: Database, fanout: Fanout) -> None:
        self._database = database
        self._fanout = fanout
        self._rooms: dict[str, Room] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def join(self, session_id: str, seat: Seat) -> None:
        room = self._rooms.get(session_id)
        if room is None:
            room = self._rooms[session_id] = Room(session_id, self._database, self._fanout)
        room.join(seat)

    def leave(self, session_id: str, seat: Seat) -> None:
        room = self._rooms.get(session_id)
        if room is None:
            return
        room.leave(seat)
        if room.empty:
            del self._rooms[session_id]
            task = asyncio.create_task(room.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        rooms, self._rooms = list(self._rooms.values()), {}
        await asyncio.gather(*(room.close() for room in rooms), *self._closing)

"""The console's live feed: Server-Sent Events that carry the parts of the page that changed.

The topic only says that something changed; what is shown is always read anew, at most four times a
second, so a burst of orders costs one read per quarter of a second and nothing is missed.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from aiohttp import web

from commerce.kernel import metrics
from commerce.kernel.fanout import Fanout
from commerce.kernel.waiting import nudged

PAUSE_SECONDS = 0.25
HEARTBEAT_SECONDS = 15
FEEDS_PER_PERSON = 8
LINE_END = re.compile(r"\r\n|\r|\n")  # what ends a line in an event stream, and nothing else

OPEN = metrics.gauge("livetill_backoffice_feeds", "Consoles that follow a session now")

Parts = Callable[[], Awaitable[Mapping[str, str] | None]]


class Feeds:
    """The open feeds of this process."""

    def __init__(self, fanout: Fanout) -> None:
        self._fanout = fanout
        self._closing = asyncio.Event()
        self._open: Counter[str] = Counter()

    def close(self) -> None:
        """Ends every feed; the browsers come back by themselves, to whoever answers then."""
        self._closing.set()

    async def follow(
        self, request: web.Request, *, topic: str, person: str, parts: Parts
    ) -> web.StreamResponse:
        """`parts` reads the page's parts by id; None: this person may not see them any more."""
        if self._open[person] >= FEEDS_PER_PERSON:
            raise web.HTTPTooManyRequests()
        self._open[person] += 1
        OPEN.inc()
        try:
            return await self._stream(request, topic, parts)
        finally:
            OPEN.dec()
            self._open[person] -= 1

    async def _stream(self, request: web.Request, topic: str, parts: Parts) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        # Subscribed before the first read: what happens in between is nudged, not lost.
        # A ConnectionError only says that the window was closed.
        with self._fanout.subscribe(topic) as nudges, suppress(ConnectionError):
            await self._send_changes(response, nudges, parts)
        return response

    async def _send_changes(
        self, response: web.StreamResponse, nudges: asyncio.Queue[dict[str, object]], parts: Parts
    ) -> None:
        sent: dict[str, str] = {}
        while not self._closing.is_set():
            while not nudges.empty():
                nudges.get_nowait()
            now = await parts()
            if now is None:
                await response.write(b"event: bye\ndata:\n\n")
                return
            changed = {name: html for name, html in now.items() if sent.get(name) != html}
            sent.update(changed)
            await response.write(message("".join(changed.values())))
            await self._sleep(PAUSE_SECONDS)
            await self._nudge(nudges)

    async def _nudge(self, nudges: asyncio.Queue[dict[str, object]]) -> None:
        """Waits for the next change, or for as long as a connection may stay silent."""
        closing = asyncio.ensure_future(self._closing.wait())
        nudge = asyncio.ensure_future(nudges.get())
        try:
            await asyncio.wait(
                {closing, nudge},
                timeout=HEARTBEAT_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            closing.cancel()
            nudge.cancel()

    async def _sleep(self, seconds: float) -> None:
        await nudged(self._closing, seconds)


def message(html: str) -> bytes:
    """One event; a comment, which only keeps the connection open, where nothing changed."""
    if not html:
        return b": still here\n\n"
    lines = "".join(f"data: {line}\n" for line in LINE_END.split(html))
    return f"{lines}\n".encode()

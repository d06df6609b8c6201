"""What goes wrong between us and a stand-in, one fault for one request."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from enum import StrEnum

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Fault(StrEnum):
    FAIL_BEFORE = "fail_before"  # 500, nothing done
    LOSE_ANSWER = "lose_answer"  # done, and the line goes dead
    HANG = "hang"  # nothing done, and no answer
    CONFLICT = "conflict"  # 409: the key is in use this moment
    RATE_LIMIT = "rate_limit"
    HTML = "html"  # a proxy's page with status 200
    OTHER_FORM = "other_form"  # JSON that is no answer to this
    A_LIST = "a_list"
    MOVED = "moved"  # 302
    BAD_KEY = "bad_key"  # 401
    FORBIDDEN = "forbidden"


class Line:
    """The middleware of a stand-in: what was asked, and what shall go wrong next."""

    def __init__(self) -> None:
        self.faults: deque[Fault | None] = deque()
        self.requests: list[str] = []
        self._closed = asyncio.Event()

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._middleware()])
        app.on_shutdown.append(self._hang_up)
        return app

    async def _hang_up(self, app: web.Application) -> None:
        self._closed.set()

    def _middleware(self) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
        @web.middleware
        async def line(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.requests.append(f"{request.method} {request.path}")
            fault = self.faults.popleft() if self.faults else None
            if fault is Fault.HANG:
                await self._closed.wait()
            if fault is not None and fault in BROKEN:
                return BROKEN[fault]()
            answer = await handler(request)
            if fault is Fault.LOSE_ANSWER:
                assert request.transport is not None
                request.transport.close()
            return answer

        return line


def _json(body: object, status: int, **headers: str) -> Callable[[], web.Response]:
    return lambda: web.json_response(body, status=status, headers=headers)


BROKEN = {
    Fault.FAIL_BEFORE: _json({"error": {"code": "SERVER_ERROR"}}, 500),
    Fault.CONFLICT: _json({"error": {"code": "CONFLICT"}}, 409),
    Fault.RATE_LIMIT: _json({"error": {"code": "RATE_LIMIT"}}, 429, **{"Retry-After": "3"}),
    Fault.HTML: lambda: web.Response(text="<html>Bad gateway</html>", content_type="text/html"),
    Fault.OTHER_FORM: _json({"hello": "world"}, 200),
    Fault.A_LIST: _json([], 200),
    Fault.MOVED: lambda: web.Response(status=302, headers={"Location": "/elsewhere"}),
    Fault.BAD_KEY: _json({"error": {"code": "BAD_REQUEST_ERROR"}}, 401),
    Fault.FORBIDDEN: _json({"error": {"code": "BAD_REQUEST_ERROR"}}, 403),
}
OUTAGES = [fault for fault in Fault if fault is not Fault.HANG]

"""The edge all webhooks share: size, type, depth and secrets, checked before a body is believed."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage

from bot.messages import Incoming
from commerce.kernel import jsons, logs, metrics
from commerce.kernel.errors import Outage

BODY_BYTES_MAX = 3 * 1024 * 1024  # what Meta may send in one batch
DEPTH_MAX = 64

Receive = Callable[[Sequence[Incoming]], Awaitable[None]]  # returns when the messages are durable
OnStatus = Callable[[str, str, str], Awaitable[None]]  # provider message id, status, reason
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STATUS_OF = {
    "content_type": 415,
    "too_large": 413,
    "too_deep": 400,
    "malformed": 400,
    "secret": 401,
    "signature": 403,
    "verify_token": 403,
}
REJECTED = metrics.counter(
    "livetill_webhook_rejected_total",
    "Webhook requests refused at the edge; nothing of them is stored.",
    ["channel", "reason"],
)
IGNORED = metrics.counter(
    "livetill_webhook_ignored_total",
    "Genuine webhook items that say nothing to the bot: edits, group chats, reactions.",
    ["channel"],
)
STATUSES = metrics.counter(
    "livetill_channel_status_total",
    "What platforms reported about messages of ours.",
    ["channel", "status"],
)
log = logs.get(__name__)

# An unfinished string runs to the end of the body, so that no body is scanned twice.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+\\?(?:"|\Z)', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


class Rejected(Exception):
    """Not from the platform, or not in its form; the reason is a key of STATUS_OF."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def guarded(channel: str, handler: Handler) -> Handler:
    """The handler, with what it rejects counted, logged without the body, and answered."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Rejected as no:
            REJECTED.labels(channel, no.reason).inc()
            log.warning("webhook_rejected", channel=channel, reason=no.reason)
            return web.Response(status=STATUS_OF[no.reason])
        except Outage as outage:
            log.warning("webhook_not_stored", channel=channel, error=str(outage))
            return _come_again(outage)

    return answer


def _come_again(outage: Outage) -> web.Response:
    after = outage.retry_after_seconds or 1
    return web.Response(status=503, headers={"Retry-After": str(max(1, round(after)))})


async def raw_body(request: web.Request) -> bytes:
    """The bytes as they came, never more than BODY_BYTES_MAX of them in memory.

    No platform compresses its webhooks; the signatures are over bytes that were not unpacked.
    """
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Rejected("content_type")
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise Rejected("too_large")
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                raise Rejected("too_large")
    except (BadHttpMessage, web.RequestPayloadError):
        raise Rejected("malformed") from None
    return bytes(body)


def require_type(request: web.Request, content_type: str) -> None:
    if request.content_type != content_type:
        raise Rejected("content_type")


def parse_json(body: bytes) -> dict[str, Any]:
    """The JSON object in the body; its depth is known before a parser may recurse into it."""
    if _deeper_than(body, DEPTH_MAX):
        raise Rejected("too_deep")
    try:
        value = jsons.loads(body)
    except jsons.BadJson:
        raise Rejected("malformed") from None
    if not isinstance(value, dict):
        raise Rejected("malformed")
    return value


def _deeper_than(body: bytes, depth_max: int) -> bool:
    if body.count(b"{") + body.count(b"[") <= depth_max:
        return False
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > depth_max:
            return True
    return False


def same_secret(expected: str, given: str) -> bool:
    """Compared in constant time; an empty secret equals nothing, so an unset one admits nobody."""
    given_bytes = given.encode("utf-8", "surrogateescape")
    return bool(expected) and hmac.compare_digest(expected.encode(), given_bytes)

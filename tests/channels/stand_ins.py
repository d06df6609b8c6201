"""Small servers that speak the platforms' wire formats, and the fan's end of our webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from bot.messages import Incoming

TOKEN = "123:abc"
SECRET = "a-secret_42"
PUBLIC_URL = "https://till.example"

Answer = tuple[int, Any]


class Received(list[Incoming]):
    """What a channel handed over."""

    async def __call__(self, messages: Sequence[Incoming]) -> None:
        self.extend(messages)


class Platform:
    """Notes each call and answers what is queued, or else that all is well."""

    def __init__(self, well: Callable[[int], Answer]) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.queued: list[Answer] = []
        self.url = ""
        self._well = well

    async def answer(self, request: web.Request) -> web.Response:
        if request.content_type == "application/json":
            body = await request.json()
        else:
            body = dict(await request.post())
        self.calls.append((request.path, body))
        self.headers.append(dict(request.headers))
        status, answer = self.queued.pop(0) if self.queued else self._well(len(self.calls))
        if isinstance(answer, str):
            return web.Response(status=status, text=answer)
        return web.json_response(answer, status=status)


@asynccontextmanager
async def served(platform: Platform) -> AsyncIterator[Platform]:
    app = web.Application()
    app.router.add_post("/{rest:.*}", platform.answer)
    async with TestServer(app) as server:
        platform.url = str(server.make_url("")).rstrip("/")
        yield platform


def telegram() -> Platform:
    return Platform(lambda number: (200, {"ok": True, "result": telegram_message(number)}))


def telegram_message(number: int) -> dict[str, Any]:
    chat = {"id": 42, "type": "private", "first_name": "Ada"}
    return {"message_id": number, "date": 1_780_315_200, "chat": chat, "text": "sent"}


def telegram_error(status: int, description: str, **parameters: Any) -> Answer:
    error = {"ok": False, "error_code": status, "description": description}
    return status, {**error, **({"parameters": parameters} if parameters else {})}


def meta() -> Platform:
    def well(number: int) -> Answer:
        message = {"id": f"wamid.{number}", "message_status": "accepted"}
        return 200, {"messaging_product": "whatsapp", "contacts": [], "messages": [message]}

    return Platform(well)


def meta_error(status: int, code: int) -> Answer:
    error = {"message": f"(#{code}) no", "type": "OAuthException", "code": code, "fbtrace_id": "A"}
    return status, {"error": error}


def twilio() -> Platform:
    def well(number: int) -> Answer:
        return 201, {"sid": f"SM{number}", "status": "queued", "error_code": None}

    return Platform(well)


def twilio_error(status: int, code: int) -> Answer:
    return status, {"code": code, "message": "no", "more_info": "https://x", "status": status}


@asynccontextmanager
async def webhook_of(channel: Any) -> AsyncIterator[TestClient[Any, Any]]:
    """A client that reaches the routes of the channel and nothing else."""
    app = web.Application()
    app.add_routes(channel.routes())
    async with TestClient(TestServer(app)) as client:
        yield client


async def post_telegram(client: TestClient[Any, Any], update: Any, **headers: str) -> int:
    body = update if isinstance(update, bytes) else json.dumps(update).encode()
    fitting = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": SECRET}
    path = "/webhooks/telegram/platform"
    return await _status(client.post(path, data=BytesIO(body), headers=_with(fitting, headers)))


async def post_whatsapp(client: TestClient[Any, Any], batch: Any, **headers: str) -> int:
    body = batch if isinstance(batch, bytes) else json.dumps(batch).encode()
    signature = f"sha256={hmac_sha256(SECRET, body)}"
    fitting = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
    path = "/webhooks/whatsapp/platform"
    return await _status(client.post(path, data=BytesIO(body), headers=_with(fitting, headers)))


def hmac_sha256(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def post_twilio(
    client: TestClient[Any, Any], form: dict[str, str], query: str = "", **headers: str
) -> ClientResponse:
    path = "/webhooks/twilio/platform" + query
    fitting = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": twilio_signature(PUBLIC_URL + path, form),
    }
    body = urlencode(form).encode()
    url = URL(str(client.make_url("/")).rstrip("/") + path, encoded=True)
    return await client.session.post(url, data=BytesIO(body), headers=_with(fitting, headers))


def twilio_signature(url: str, form: dict[str, str]) -> str:
    signed = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(
        hmac.new(SECRET.encode(), signed.encode(), hashlib.sha1).digest()
    ).decode()


def _with(fitting: dict[str, str], headers: dict[str, str]) -> dict[str, str]:
    """Changed headers are given with underscores; an empty one is left out."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return {name: value for name, value in {**fitting, **changed}.items() if value}


async def _status(response: Any) -> int:
    async with response as answer:
        return answer.status

"""Sending through Twilio: choices as numbered lines, and its errors in our terms."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any

import aiohttp
from aiohttp import encode_basic_auth
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from bot.messages import Reply
from channels import rendering
from channels.twilio import API_BASE, REASON_OF_CODE
from commerce.kernel import crashpoints, logs
from commerce.kernel.errors import Outage
from commerce.kernel.outgoing import Undeliverable

TEXT_MAX = 1600
WHATSAPP = "whatsapp:"
MESSAGING_SERVICE = "MG"
MEDIA_REFUSED = {21620, 12300, 63019, 63021}
CHANNEL_LIMIT = 63018
DAILY_LIMIT = 63038
ACCOUNT_CODES = {20003, 20005, 20006}
TIMEOUT_SECONDS = 15.0

log = logs.get(__name__)


def texts(reply: Reply) -> list[str]:
    text = rendering.with_lines(reply.text, rendering.numbered(reply.choices))
    return rendering.split(rendering.with_link(text, reply.link), TEXT_MAX)


class _Http(AsyncTwilioHttpClient):  # type: ignore[misc]  # twilio ships no types
    """Twilio's client with our base address, a timeout, and no log of every message's text."""

    def __init__(self, api_base: str) -> None:
        silent = logging.getLogger("twilio.silent")
        silent.disabled = True
        super().__init__(logger=silent)
        self._api_base = api_base.rstrip("/")

    async def request(self, method: str, url: str, **options: Any) -> Response:
        # aiohttp's own form of basic auth, which Twilio's client uses, is about to go.
        login, password = options.pop("auth")
        headers = {**options["headers"], "Authorization": encode_basic_auth(login, password)}
        ours = {"headers": headers, "data": _flat(options["data"]), "timeout": TIMEOUT_SECONDS}
        address = url.replace(API_BASE, self._api_base, 1)
        return await super().request(method, address, **{**options, **ours})


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    """aiohttp takes no lists; a message of ours has one picture at most."""
    return {name: value[0] if isinstance(value, list) else value for name, value in data.items()}


class TwilioSender:
    """Must be built inside a running event loop, as Twilio's client wants it."""

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        sender: str,
        api_base: str,
        status_callback: str = "",
    ) -> None:
        self._http = _Http(api_base)
        self._client = Client(account_sid, auth_token, http_client=self._http)
        self._from = sender
        self._status_callback = status_callback

    async def close(self) -> None:
        await self._http.close()

    async def send(self, address: str, reply: Reply) -> str | None:
        """The sid of the last message; without its picture where Twilio cannot fetch that."""
        try:
            return await self._send_form(address, reply)
        except TwilioRestException as no:
            if no.code not in MEDIA_REFUSED or not reply.image_url:
                raise _problem(no) from no
            log.info("twilio_refused", code=no.code)
        *_, plainest = rendering.plainer(reply)
        try:
            return await self._send_form(address, plainest)
        except TwilioRestException as no:
            raise _problem(no) from no

    async def _send_form(self, address: str, reply: Reply) -> str | None:
        sid = None
        media = {"media_url": [reply.image_url]} if reply.image_url else {}
        for text in texts(reply):
            sid = await self._call(address, text, media)
            media = {}
        return sid

    async def _call(self, address: str, text: str, media: dict[str, Any]) -> str | None:
        callback = {"status_callback": self._status_callback} if self._status_callback else {}
        crashpoints.hit("twilio.send")
        with _outages():
            message = await self._client.messages.create_async(
                to=address, body=text, **self._sender_for(address), **media, **callback
            )
        crashpoints.hit("twilio.send")
        return message.sid or None

    def _sender_for(self, address: str) -> dict[str, str]:
        """One number may serve both SMS and WhatsApp; the fan is answered where they wrote."""
        if self._from.startswith(MESSAGING_SERVICE):
            return {"messaging_service_sid": self._from}
        number = self._from.removeprefix(WHATSAPP)
        return {"from_": f"{WHATSAPP}{number}" if address.startswith(WHATSAPP) else number}


@contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except (TimeoutError, aiohttp.ClientError, JSONDecodeError) as problem:
        raise Outage(f"twilio: {type(problem).__name__}") from problem
    except TwilioRestException:
        raise
    except TwilioException as problem:  # its newer kind of error, for newer services
        raise Outage(f"twilio: {type(problem).__name__}") from problem


def _problem(no: TwilioRestException) -> Exception:
    if no.code in REASON_OF_CODE:
        return Undeliverable(reason=REASON_OF_CODE[no.code], said=no.code)
    if no.code == DAILY_LIMIT:
        return Outage("twilio daily limit", 3600)
    if no.code == CHANNEL_LIMIT:
        return Outage("twilio channel limit", 60)
    if no.status in (401, 403) or no.code in ACCOUNT_CODES:
        log.error("twilio_account_refused", code=no.code)
        return Outage(f"twilio refuses the account: {no.code}", 300)
    if no.status == 429 or no.status >= 500:
        return Outage(f"twilio: {no.code}")
    return Undeliverable(reason="rejected", said=no.code)

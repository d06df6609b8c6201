"""Twilio: signed form posts of WhatsApp and SMS messages and of their statuses in."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict
from twilio.request_validator import RequestValidator, get_signature_algorithm

from bot.messages import Incoming, Kind, Reply
from channels import payload, rendering, webhooks
from channels.payload import Fields
from commerce.kernel import logs
from commerce.kernel.outgoing import Limits

if TYPE_CHECKING:
    from channels.twilio_send import TwilioSender

API_BASE = "https://api.twilio.com"
FIELDS_MAX = 1000
FAILED = ("failed", "undelivered", "canceled")
STATUSES = (*FAILED, "queued", "sending", "sent", "delivered", "read")
SILENCE = '<?xml version="1.0" encoding="UTF-8"?><Response/>'  # we answer through the API

# Failures that are about this fan or message, told in the reply to a send or in a later status.
REASON_OF_CODE = {
    21610: "blocked",  # wrote STOP
    63016: "window_closed",
    21211: "bad_address",
    21214: "bad_address",
    21217: "bad_address",
    21614: "bad_address",
    30003: "bad_address",
    30005: "bad_address",
    30006: "bad_address",
    63003: "bad_address",
    63024: "bad_address",
}

log = logs.get(__name__)


def read(account: str, form: Fields) -> Incoming | None:
    """What the form says to the bot, or None if nothing."""
    content = _content(form)
    message_id, address = payload.id_at(form, "MessageSid"), payload.id_at(form, "From")
    if content is None or not message_id or not address:
        return None
    name = payload.text_at(form, "ProfileName", payload.NAME_CHARS_MAX)
    return Incoming(account=account, message_id=message_id, address=address, name=name, **content)


def _content(form: Fields) -> Fields | None:
    choice = payload.text_at(form, "ButtonPayload") or payload.text_at(form, "ListId")
    if choice:
        return {"kind": Kind.CHOICE, "choice": choice}
    if payload.text_at(form, "OptOutType") == "STOP":
        return {"kind": Kind.LEFT}
    if "Latitude" in form and "Longitude" in form:
        return payload.located(form["Latitude"], form["Longitude"])
    body = payload.text_at(form, "Body")
    if payload.text_at(form, "NumMedia", 3) not in ("", "0"):
        return payload.media(_media(payload.text_at(form, "MediaContentType0", 100)), body)
    return payload.written(body)


def _media(content_type: str) -> str:
    family, _, kind = content_type.lower().partition("/")
    if kind == "webp":
        return "sticker"
    if "vcard" in kind:
        return "contact"
    return family if family in ("image", "video", "audio") else "document"


class TwilioChannel:
    """One Twilio account with one sender: its webhook and its way out."""

    limits = Limits(per_second=10, per_address_per_second=1, burst=5)

    def __init__(
        self,
        *,
        account: str,
        account_sid: str,
        auth_token: str,
        sender: str,
        public_url: str,
        receive: webhooks.Receive,
        api_base: str = API_BASE,
        on_status: webhooks.OnStatus | None = None,
    ) -> None:
        self.account = account
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._from = sender
        self._public_url = public_url.rstrip("/")
        self._receive = receive
        self._api_base = api_base
        self._on_status = on_status
        self._validator = RequestValidator(auth_token)
        self._path = f"/webhooks/twilio/{account.partition(':')[2]}"
        self._sender: TwilioSender | None = None

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.post(self._path, webhooks.guarded("twilio", self._form))]

    async def start(self) -> None:
        """The library is imported off the event loop and only where there is an account."""
        module: Any = await asyncio.to_thread(import_module, "channels.twilio_send")
        self._sender = module.TwilioSender(
            account_sid=self._account_sid,
            auth_token=self._auth_token,
            sender=self._from,
            api_base=self._api_base,
            status_callback=self._status_callback(),
        )

    def _status_callback(self) -> str:
        """Only a public address: Twilio refuses a message whose callback it cannot reach."""
        public = self._public_url.startswith("https://")
        return self._public_url + self._path if public else ""

    async def close(self) -> None:
        if self._sender is not None:
            await self._sender.close()

    async def send(self, address: str, reply: Reply, key: str) -> str | None:
        """Twilio knows no idempotency keys: a repeated send may arrive twice."""
        assert self._sender is not None, "start() comes before send()"
        return await self._sender.send(address, rendering.addressed(reply, self._public_url))

    async def _form(self, request: web.Request) -> web.Response:
        webhooks.require_type(request, "application/x-www-form-urlencoded")
        pairs = _pairs(await webhooks.raw_body(request))
        self._verify(request, pairs)
        form = dict(pairs)
        if "MessageStatus" in form and "Body" not in form:
            await self._note(form)
        elif message := read(self.account, form):
            await self._receive([message])
        else:
            webhooks.IGNORED.labels("twilio").inc()
        return web.Response(text=SILENCE, content_type="text/xml")

    def _verify(self, request: web.Request, pairs: list[tuple[str, str]]) -> None:
        """Twilio signs the address it called: behind a proxy that is the public one."""
        url = self._public_url + request.raw_path
        given = request.headers.get("X-Twilio-Signature", "")
        settings = request.headers.get("X-Twilio-Webhooks-Signature-Settings", "")
        algorithm = get_signature_algorithm(settings)
        sound = url.isascii() and bool(self._auth_token)
        if not sound or not self._validator.validate(url, MultiDict(pairs), given, algorithm):
            raise webhooks.Rejected("signature")

    async def _note(self, form: Fields) -> None:
        message_id = payload.id_at(form, "MessageSid")
        status = payload.text_at(form, "MessageStatus")
        webhooks.STATUSES.labels("twilio", status if status in STATUSES else "other").inc()
        if status in FAILED:
            code = payload.number_at(form, "ErrorCode")
            log.info("twilio_failed", code=code)
            reason = REASON_OF_CODE.get(code, "rejected")
            if message_id and self._on_status:
                await self._on_status(message_id, "failed", reason)


def _pairs(body: bytes) -> list[tuple[str, str]]:
    """All parameters, the empty ones and those we do not know too: every one of them is signed."""
    try:
        return parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX
        )
    except ValueError:
        raise webhooks.Rejected("malformed") from None

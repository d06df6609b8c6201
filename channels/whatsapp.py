"""WhatsApp through Meta's Cloud API: signed batches of messages and statuses in."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.messages import Incoming, Kind, Reply
from channels import payload, rendering, webhooks
from channels.payload import Fields
from commerce.kernel import logs
from commerce.kernel.outgoing import Limits

if TYPE_CHECKING:
    from channels.whatsapp_send import WhatsAppSender

API_BASE = "https://graph.facebook.com/v23.0"
BSUID = "bsuid:"  # an address that is a business-scoped user id, not a phone number
MEDIA = ("image", "video", "audio", "document", "sticker")
STATUSES = ("sent", "delivered", "read", "played", "failed")
SILENT = ("reaction", "system")  # no answer is expected to these

# Failures that are about this fan or message, told in the reply to a send or in a later status.
REASON_OF_CODE = {
    131026: "blocked",  # blocked us, not on WhatsApp any more, or too old an app
    131047: "window_closed",
    131021: "bad_address",
    131030: "bad_address",
}

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    message_id: str
    status: str
    reason: str = ""  # of a failure


def read(account: str, phone_number_id: str, batch: Fields) -> tuple[list[Incoming], list[Status]]:
    """The messages and statuses of our number; a message that is in the batch twice comes once."""
    messages: dict[str, Incoming] = {}
    statuses: list[Status] = []
    for value in _values(batch, phone_number_id):
        for error in payload.mappings_at(value, "errors"):
            log.warning("whatsapp_error", code=payload.id_at(error, "code"))
        statuses += map(_status, payload.mappings_at(value, "statuses"))
        for message in payload.mappings_at(value, "messages"):
            fields = _message(message, value)
            if fields:
                messages[fields["message_id"]] = Incoming(account=account, **fields)
            else:
                webhooks.IGNORED.labels("whatsapp").inc()
    return list(messages.values()), statuses


def _values(batch: Fields, phone_number_id: str) -> Iterator[Fields]:
    for entry in payload.mappings_at(batch, "entry"):
        for change in payload.mappings_at(entry, "changes"):
            value = payload.mapping_at(change, "value")
            number = payload.id_at(payload.mapping_at(value, "metadata"), "phone_number_id")
            if change.get("field") == "messages" and number == phone_number_id:
                yield value
            else:
                webhooks.IGNORED.labels("whatsapp").inc()


def _message(message: Fields, value: Fields) -> Fields | None:
    content = _content(message)
    message_id = payload.id_at(message, "id")
    fan = _fan(message, value)
    if content is None or not message_id or not fan["address"]:
        return None
    sent_at = payload.instant_at(message, "timestamp")
    return {"message_id": message_id, "sent_at": sent_at, **fan, **content}


def _fan(message: Fields, value: Fields) -> Fields:
    """The fan's business-scoped id where Meta tells it: the phone number may be absent."""
    phone = payload.id_at(message, "from")
    contacts = list(payload.mappings_at(value, "contacts"))
    contact = next((c for c in contacts if phone and payload.id_at(c, "wa_id") == phone), None)
    user = payload.id_at(message, "from_user_id")
    if contact is None and user:
        contact = next((c for c in contacts if payload.id_at(c, "user_id") == user), None)
    if contact is None and not phone and not user and len(contacts) == 1:
        contact = contacts[0]
    user = user or payload.id_at(contact or {}, "user_id")
    name = payload.text_at(payload.mapping_at(contact, "profile"), "name", payload.NAME_CHARS_MAX)
    return {"address": f"{BSUID}{user}" if user else phone, "name": name}


def _content(message: Fields) -> Fields | None:
    kind = payload.text_at(message, "type", 40)
    reader = READERS.get(kind)
    if reader:
        return reader(payload.mapping_at(message, kind))
    if kind in MEDIA:
        return _media(kind, payload.mapping_at(message, kind))
    if kind in SILENT:
        return None
    return payload.media("contact" if kind == "contacts" else "unsupported")


def _text(text: Fields) -> Fields | None:
    return payload.written(payload.text_at(text, "body"))


def _media(kind: str, file: Fields) -> Fields:
    name = "voice" if kind == "audio" and file.get("voice") is True else kind
    return payload.media(name, payload.text_at(file, "caption"))


def _interactive(interactive: Fields) -> Fields | None:
    kind = payload.text_at(interactive, "type", 40)
    if kind not in ("button_reply", "list_reply"):
        return payload.media("form")
    return _choice(payload.mapping_at(interactive, kind), "id")


def _choice(pressed: Fields, key: str) -> Fields | None:
    choice = payload.text_at(pressed, key)
    return {"kind": Kind.CHOICE, "choice": choice} if choice else None


READERS: dict[str, Callable[[Fields], Fields | None]] = {
    "text": _text,
    "interactive": _interactive,
    "button": lambda button: _choice(button, "payload"),  # of a template
    # Its items and prices are what the fan's phone says they are; we sell what is pinned.
    "order": lambda _: payload.media("order"),
    "location": lambda place: payload.located(place.get("latitude"), place.get("longitude")),
}


def _status(status: Fields) -> Status:
    name = payload.text_at(status, "status", 40)
    codes = [payload.number_at(error, "code") for error in payload.mappings_at(status, "errors")]
    reasons = [REASON_OF_CODE[code] for code in codes if code in REASON_OF_CODE]
    if name == "failed":
        log.info("whatsapp_failed", codes=codes)
    reason = (reasons or ["rejected"])[0] if name == "failed" else ""
    return Status(payload.id_at(status, "id"), name if name in STATUSES else "other", reason)


class WhatsAppChannel:
    """One WhatsApp business number: its webhook and its sender."""

    # Meta lets one pair of numbers borrow up to 45 messages from its future.
    limits = Limits(per_second=80, per_address_per_second=1 / 6, burst=40)

    def __init__(
        self,
        *,
        account: str,
        token: str,
        phone_number_id: str,
        secret: str,
        verify_token: str,
        receive: webhooks.Receive,
        api_base: str = API_BASE,
        public_url: str = "",
        on_status: webhooks.OnStatus | None = None,
    ) -> None:
        self.account = account
        self._token = token
        self._phone_number_id = phone_number_id
        self._secret = secret
        self._verify_token = verify_token
        self._receive = receive
        self._api_base = api_base
        self._public_url = public_url
        self._on_status = on_status
        self._sender: WhatsAppSender | None = None

    def routes(self) -> list[web.AbstractRouteDef]:
        path = f"/webhooks/whatsapp/{self.account.partition(':')[2]}"
        return [
            web.get(path, webhooks.guarded("whatsapp", self._handshake), allow_head=False),
            web.post(path, webhooks.guarded("whatsapp", self._batch)),
        ]

    async def start(self) -> None:
        module: Any = await asyncio.to_thread(import_module, "channels.whatsapp_send")
        self._sender = module.WhatsAppSender(
            token=self._token, phone_number_id=self._phone_number_id, api_base=self._api_base
        )

    async def close(self) -> None:
        if self._sender is not None:
            await self._sender.close()

    async def send(self, address: str, reply: Reply, key: str) -> str | None:
        """Meta knows no idempotency keys; the key comes back in the statuses of the message."""
        assert self._sender is not None, "start() comes before send()"
        shown = rendering.addressed(reply, self._public_url)
        return await self._sender.send(address, shown, key)

    async def _handshake(self, request: web.Request) -> web.Response:
        query = request.query
        known = webhooks.same_secret(self._verify_token, query.get("hub.verify_token", ""))
        if not known or query.get("hub.mode") != "subscribe":
            raise webhooks.Rejected("verify_token")
        return web.Response(text=query.get("hub.challenge", "")[: payload.ID_CHARS_MAX])

    async def _batch(self, request: web.Request) -> web.Response:
        webhooks.require_type(request, "application/json")
        body = await webhooks.raw_body(request)
        self._verify(body, request.headers.get("X-Hub-Signature-256", ""))
        messages, statuses = read(self.account, self._phone_number_id, webhooks.parse_json(body))
        if messages:
            await self._receive(messages)
        for status in statuses:
            await self._note(status)
        return web.Response()

    def _verify(self, body: bytes, given: str) -> None:
        digest = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
        if not self._secret or not webhooks.same_secret(f"sha256={digest}", given):
            raise webhooks.Rejected("signature")

    async def _note(self, status: Status) -> None:
        webhooks.STATUSES.labels("whatsapp", status.status).inc()
        if status.status == "failed" and status.message_id and self._on_status:
            await self._on_status(status.message_id, status.status, status.reason)

"""Telegram: updates of the Bot API in, messages with inline keyboards out.

An edited message is ignored: what was written is already answered, and an edit must never buy.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.messages import Incoming, Kind, Reply
from channels import payload, rendering, webhooks
from channels.payload import Fields
from commerce.kernel import logs
from commerce.kernel.errors import Outage, Refusal
from commerce.kernel.outgoing import Limits

if TYPE_CHECKING:
    from channels.telegram_send import TelegramSender

API_BASE = "https://api.telegram.org"
# Without pre_checkout_query in this list every checkout in Telegram would die.
ALLOWED_UPDATES = (
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "pre_checkout_query",
)
MEDIA = {  # in this order: an animation also carries a document
    "sticker": "sticker",
    "animation": "animation",
    "photo": "image",
    "paid_media": "image",
    "video": "video",
    "video_note": "video",
    "voice": "voice",
    "audio": "audio",
    "document": "document",
    "contact": "contact",
    "poll": "poll",
    "dice": "dice",
    "game": "game",
    "story": "story",
    "checklist": "checklist",
}
ACKNOWLEDGEMENTS_MAX = 200  # under way at a time; beyond, a button merely spins a little longer

_COMMAND = re.compile(r"/(\w+)(?:@\w+)?(?:\s+(.*))?\Z", re.DOTALL)

log = logs.get(__name__)


def read(account: str, update: Fields) -> Incoming | None:
    """What the update says to the bot, or None if nothing."""
    number = payload.id_at(update, "update_id")
    for kind, reader in READERS.items():
        part = payload.mapping_at(update, kind)
        fields = reader(part) if part and number else None
        if fields and fields["address"]:
            return Incoming(account=account, message_id=f"update:{number}", **fields)
    return None


def _message(message: Fields) -> Fields | None:
    chat, sender = payload.mapping_at(message, "chat"), payload.mapping_at(message, "from")
    if chat.get("type") != "private" or sender.get("is_bot") is True:
        return None
    content = _content(message)
    if content is None:
        return None
    sent_at = payload.instant_at(message, "date")
    return {"address": payload.id_at(chat, "id"), "sent_at": sent_at, **_fan(sender), **content}


def _content(message: Fields) -> Fields | None:
    text = payload.text_at(message, "text")
    if text.strip():
        return _written(text)
    place = payload.mapping_at(message, "location")
    if place:
        return payload.located(place.get("latitude"), place.get("longitude"))
    for field, name in MEDIA.items():
        if field in message:
            return payload.media(name, payload.text_at(message, "caption"))
    return None  # a service message: a pinned message, a changed photo...


def _written(text: str) -> Fields:
    """A command is a word with a slash: /start carries the deep link, /help says "help"."""
    command = _COMMAND.match(text)
    if command is None:
        return {"kind": Kind.TEXT, "text": text}
    name, rest = command[1], (command[2] or "").strip()
    if name.lower() == "start":
        return {"kind": Kind.START, "text": rest}
    return {"kind": Kind.TEXT, "text": f"{name} {rest}".strip()}


def _pressed(query: Fields) -> Fields | None:
    sender, chat = payload.mapping_at(query, "from"), payload.mapping_at(query, "message", "chat")
    choice = payload.text_at(query, "data")
    if not choice or chat.get("type", "private") != "private":
        return None
    # The message is absent when it is too old; a private chat has the id of its fan.
    address = payload.id_at(chat, "id") or payload.id_at(sender, "id")
    return {"kind": Kind.CHOICE, "address": address, "choice": choice, **_fan(sender)}


def _membership(change: Fields) -> Fields | None:
    chat = payload.mapping_at(change, "chat")
    status = payload.mapping_at(change, "new_chat_member").get("status")
    if chat.get("type") != "private" or status not in ("kicked", "left"):
        return None
    sender = payload.mapping_at(change, "from")
    sent_at = payload.instant_at(change, "date")
    address = payload.id_at(chat, "id")
    return {"kind": Kind.LEFT, "address": address, "sent_at": sent_at, **_fan(sender)}


def _fan(sender: Fields) -> Fields:
    names = (payload.text_at(sender, "first_name"), payload.text_at(sender, "last_name"))
    return {
        "name": " ".join(filter(None, names))[: payload.NAME_CHARS_MAX],
        "language": payload.text_at(sender, "language_code", 35),
    }


READERS: dict[str, Callable[[Fields], Fields | None]] = {
    "message": _message,
    "callback_query": _pressed,
    "my_chat_member": _membership,
}


class TelegramChannel:
    """One bot: its webhook and its sender."""

    limits = Limits(per_second=30, per_address_per_second=1, burst=5)

    def __init__(
        self,
        *,
        account: str,
        token: str,
        secret: str,
        receive: webhooks.Receive,
        api_base: str = API_BASE,
        public_url: str = "",
    ) -> None:
        self.account = account
        self._token = token
        self._secret = secret
        self._receive = receive
        self._api_base = api_base
        self._public_url = public_url
        self._sender: TelegramSender | None = None
        self._acknowledgements: set[asyncio.Task[None]] = set()

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.post(webhook_path(self.account), webhooks.guarded("telegram", self._update))]

    async def start(self) -> None:
        self._sender = await _sender(self._token, self._api_base)

    async def close(self) -> None:
        if self._acknowledgements:
            await asyncio.wait(self._acknowledgements, timeout=2)
        for task in self._acknowledgements:
            task.cancel()
        if self._sender is not None:
            await self._sender.close()

    async def send(self, address: str, reply: Reply, key: str) -> str | None:
        """Telegram knows no idempotency keys: a repeated send may arrive twice."""
        assert self._sender is not None, "start() comes before send()"
        return await self._sender.send(address, rendering.addressed(reply, self._public_url))

    async def set_webhook(self) -> WebhookAnswer:
        return await set_webhook(
            account=self.account,
            token=self._token,
            secret=self._secret,
            api_base=self._api_base,
            public_url=self._public_url,
        )

    async def _update(self, request: web.Request) -> web.Response:
        given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        if not webhooks.same_secret(self._secret, given):
            raise webhooks.Rejected("secret")
        webhooks.require_type(request, "application/json")
        update = webhooks.parse_json(await webhooks.raw_body(request))
        message = read(self.account, update)
        if message is None:
            webhooks.IGNORED.labels("telegram").inc()
        else:
            await self._receive([message])
        self._acknowledge(payload.id_at(payload.mapping_at(update, "callback_query"), "id"))
        return web.Response()

    def _acknowledge(self, query_id: str) -> None:
        """Stop the button's spinner, without making the webhook wait for it."""
        if query_id and self._sender and len(self._acknowledgements) < ACKNOWLEDGEMENTS_MAX:
            task = asyncio.create_task(_acknowledged(self._sender, query_id))
            self._acknowledgements.add(task)
            task.add_done_callback(self._acknowledgements.discard)


async def _acknowledged(sender: TelegramSender, query_id: str) -> None:
    try:
        await sender.answer_callback(query_id)
    except (Outage, Refusal) as problem:
        log.info("callback_not_answered", error=str(problem))


def webhook_path(account: str) -> str:
    return f"/webhooks/telegram/{account.partition(':')[2]}"


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    ok: bool
    said: str  # Telegram's words when it refused, the registered address otherwise


async def set_webhook(
    *, account: str, token: str, secret: str, public_url: str, api_base: str = API_BASE
) -> WebhookAnswer:
    """Tell Telegram where our webhook is and which secret proves an update genuine."""
    sender = await _sender(token, api_base)
    url = public_url.rstrip("/") + webhook_path(account)
    try:
        refusal = await sender.set_webhook(url, secret, ALLOWED_UPDATES)
    finally:
        await sender.close()
    return WebhookAnswer(ok=not refusal, said=refusal or url)


async def _sender(token: str, api_base: str) -> TelegramSender:
    """The library takes half a second to import: only for a bot, and not on the event loop."""
    module: Any = await asyncio.to_thread(import_module, "channels.telegram_send")
    sender: TelegramSender = module.TelegramSender(token=token, api_base=api_base)
    return sender

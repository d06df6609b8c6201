"""Fans on Telegram and WhatsApp: what the platforms post for them, and what reaches their phones.

The envelopes are whole ones with fields nobody asked for, as the platforms send them.
"""

from __future__ import annotations

import asyncio
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession
from telegram import CallbackQuery, Chat, Message, Update, User

from tests.channels import stand_ins
from tests.channels.stand_ins import PUBLIC_URL, SECRET, TOKEN, Platform
from tests.scenarios.running import PATIENCE_SECONDS, Till

NOON_SECOND = 1_780_315_200
PHONE_NUMBER_ID = "106540352242922"
ACCOUNT_SID = "AC" + "0" * 32
TWILIO_NUMBER = "+14155238886"
LINK = re.compile(r"https://\S+/pay/\S+")


@dataclass(frozen=True)
class Heard:
    """A message on the fan's phone."""

    text: str
    buttons: dict[str, str] = field(default_factory=dict)  # label -> what pressing it sends
    link: str = ""
    picture: str = ""


class Phone(ABC):
    """Takes what the till sends to the platform, in order, each once."""

    def __init__(self, platform: Platform) -> None:
        self.arrived: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.heard: list[Heard] = []
        platform.calls = _Ringing(self.arrived)

    @abstractmethod
    def read(self, path: str, body: dict[str, Any]) -> Heard | None: ...

    async def hears(self, words: str) -> Heard:
        """The next message with these words; those before it are only noted."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    if (heard := self.read(*await self.arrived.get())) is not None:
                        self.heard.append(heard)
                        if words in heard.text:
                            return heard
        except TimeoutError:
            raise AssertionError(f"{words!r} was not among {self.heard}") from None

    async def answers(self, answers: dict[str, str], end: str) -> Heard:
        """Say what belongs to each question, until the message with these words."""
        while end not in (heard := await self.hears("")).text:
            answer = next((say for words, say in answers.items() if words in heard.text), None)
            if answer is not None:
                await self.says(answer)
        return heard

    @abstractmethod
    async def says(self, text: str) -> Any: ...

    def so_far(self) -> list[Heard]:
        """All that came until now."""
        while not self.arrived.empty():
            if (heard := self.read(*self.arrived.get_nowait())) is not None:
                self.heard.append(heard)
        return self.heard


class _Ringing(list[Any]):
    def __init__(self, queue: asyncio.Queue[Any]) -> None:
        super().__init__()
        self._queue = queue

    def append(self, call: Any) -> None:
        super().append(call)
        self._queue.put_nowait(call)


# WhatsApp, from Meta

META = {
    "public_url": PUBLIC_URL,
    "whatsapp_token": "EAAG",
    "whatsapp_phone_number_id": PHONE_NUMBER_ID,
    "whatsapp_app_secret": SECRET,
    "whatsapp_verify_token": "shake hands",
}


class MetaFan(Phone):
    def __init__(self, platform: Platform, till: Till, http: ClientSession) -> None:
        super().__init__(platform)
        self._url = f"{till.url}/webhooks/whatsapp/platform"
        self._http = http
        self._count = 0

    def read(self, path: str, body: dict[str, Any]) -> Heard | None:
        content = body[body["type"]]
        if body["type"] == "text":
            return Heard(content["body"])
        if body["type"] == "image":
            return Heard(content.get("caption", ""), picture=content["link"])
        action = content["action"]
        rows = [row for section in action.get("sections", ()) for row in section["rows"]]
        rows += [button["reply"] for button in action.get("buttons", ())]
        return Heard(
            content["body"]["text"],
            {row["title"]: row["id"] for row in rows},
            action.get("parameters", {}).get("url", ""),
        )

    async def says(self, text: str) -> dict[str, Any]:
        return await self.sends({"type": "text", "text": {"body": text}})

    async def taps(self, title: str, chosen: str, kind: str = "list_reply") -> dict[str, Any]:
        reply = {"type": kind, kind: {"id": chosen, "title": title}}
        return await self.sends({"type": "interactive", "interactive": reply})

    async def sends(self, content: dict[str, Any]) -> dict[str, Any]:
        message = self.message(content)
        assert await self.post(self.envelope(messages=[message])) == 200
        return message

    def message(self, content: dict[str, Any]) -> dict[str, Any]:
        self._count += 1
        return {
            "from": "16315551181",
            "id": f"wamid.HBgLMTYzMTU1NTExODEVAgASGBQzQTdC{self._count}",
            "timestamp": str(NOON_SECOND + self._count),
            "from_user_id": "US.13491208655302741918",
            **content,
        }

    def envelope(self, *, number: str = PHONE_NUMBER_ID, **value: Any) -> dict[str, Any]:
        profile = {"name": "Ada Windell", "username": "ada.w"}
        contact = {"profile": profile, "wa_id": "16315551181", "user_id": "US.13491208655302741918"}
        whole = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550783881", "phone_number_id": number},
            "contacts": [contact],
            **value,
        }
        change = {"value": whole, "field": "messages", "since": "tomorrow's version"}
        entry = {"id": "102290129340398", "time": NOON_SECOND, "changes": [change]}
        return {"object": "whatsapp_business_account", "entry": [entry]}

    async def post(self, body: Any, **headers: str) -> int:
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=True).encode()
        signature = f"sha256={stand_ins.hmac_sha256(SECRET, raw)}"
        fitting = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
        async with self._http.post(self._url, data=raw, headers={**fitting, **headers}) as answer:
            return answer.status


def status_of(message_id: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": message_id,
        "status": status,
        "timestamp": str(NOON_SECOND),
        "recipient_id": "16315551181",
        "conversation": {"id": "f3b1", "origin": {"type": "service"}},
        "pricing": {"billable": False, "pricing_model": "PMP", "category": "service"},
        **more,
    }


# WhatsApp, through Twilio

TWILIO = {
    "public_url": PUBLIC_URL,
    "twilio_account_sid": ACCOUNT_SID,
    "twilio_auth_token": SECRET,
    "twilio_from": TWILIO_NUMBER,
}


class TwilioFan(Phone):
    def __init__(self, platform: Platform, till: Till, http: ClientSession) -> None:
        super().__init__(platform)
        self._till_url = till.url
        self._http = http
        self._count = 0

    def read(self, path: str, body: dict[str, Any]) -> Heard | None:
        assert path == f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
        assert body["From"] == f"whatsapp:{TWILIO_NUMBER}"
        link = LINK.search(body["Body"])
        numbered = re.findall(r"^(\d+)\. (.+?)(?: — .*)?$", body["Body"], re.MULTILINE)
        buttons = {label: number for number, label in numbered}
        return Heard(body["Body"], buttons, link[0] if link else "", body.get("MediaUrl", ""))

    async def says(self, text: str) -> dict[str, str]:
        form = self.form(Body=text)
        assert await self.post(form) == 200
        return form

    def form(self, **fields: str) -> dict[str, str]:
        self._count += 1
        sid = f"SM{self._count:032x}"
        return {
            "SmsMessageSid": sid,
            "NumMedia": "0",
            "ProfileName": "Ada & Söhne",
            "MessageType": "text",
            "SmsSid": sid,
            "WaId": "5215551234567",
            "SmsStatus": "received",
            "Body": "",
            "To": f"whatsapp:{TWILIO_NUMBER}",
            "NumSegments": "1",
            "ReferralNumMedia": "0",
            "MessageSid": sid,
            "AccountSid": ACCOUNT_SID,
            "ChannelMetadata": '{"type":"whatsapp","data":{"context":{}}}',
            "From": "whatsapp:+5215551234567",
            "ApiVersion": "2010-04-01",
            **fields,
        }

    async def post(self, form: dict[str, str] | bytes, **headers: str) -> int:
        path = "/webhooks/twilio/platform"
        raw = form if isinstance(form, bytes) else urlencode(form).encode()
        fields = {} if isinstance(form, bytes) else form
        fitting = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": stand_ins.twilio_signature(PUBLIC_URL + path, fields),
            "I-Twilio-Idempotency-Token": "a5f48a0f",
        }
        url = self._till_url + path
        async with self._http.post(url, data=raw, headers={**fitting, **headers}) as answer:
            return answer.status


# Telegram; the updates are built by python-telegram-bot, so their shape is not our own idea

TELEGRAM = {
    "public_url": PUBLIC_URL,
    "telegram_token": TOKEN,
    "telegram_webhook_secret": SECRET,
}


class TelegramFan(Phone):
    def __init__(self, platform: Platform, till: Till, http: ClientSession, chat: int = 42) -> None:
        super().__init__(platform)
        self._url = f"{till.url}/webhooks/telegram/platform"
        self._http = http
        self._count = chat * 1000
        self._fan = User(chat, "Ada", is_bot=False, last_name="Windell", language_code="en")
        self._chat = Chat(chat, Chat.PRIVATE, first_name="Ada")
        self.acknowledged: list[str] = []

    def read(self, path: str, body: dict[str, Any]) -> Heard | None:
        method = path.removeprefix(f"/bot{TOKEN}/")
        if method == "answerCallbackQuery":
            self.acknowledged.append(body["callback_query_id"])
            return None
        keys = list(_keys(json.loads(body.get("reply_markup", "{}"))))
        return Heard(
            body.get("text") or body.get("caption", ""),
            {key["text"]: key["callback_data"] for key in keys if "callback_data" in key},
            next((key["url"] for key in keys if "url" in key), ""),
            body.get("photo", ""),
        )

    async def says(self, text: str) -> Update:
        update = self.written(text)
        assert await self.post(update.to_dict()) == 200
        return update

    async def taps(self, data: str) -> Update:
        query = CallbackQuery(
            str(self._next()), self._fan, "instance", message=self.message("…"), data=data
        )
        update = Update(self._next(), callback_query=query)
        assert await self.post(update.to_dict()) == 200
        return update

    def written(self, text: str) -> Update:
        return Update(self._next(), message=self.message(text))

    def message(self, text: str, **more: Any) -> Message:
        at = datetime.fromtimestamp(NOON_SECOND, UTC)
        return Message(self._next(), at, self._chat, from_user=self._fan, text=text, **more)

    def _next(self) -> int:
        self._count += 1
        return self._count

    async def post(self, update: Any, **headers: str) -> int:
        raw = update if isinstance(update, bytes) else json.dumps(update).encode()
        fitting = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": SECRET}
        async with self._http.post(self._url, data=raw, headers={**fitting, **headers}) as answer:
            return answer.status


def _keys(markup: dict[str, Any]) -> Iterator[dict[str, str]]:
    for row in markup.get("inline_keyboard", ()):
        yield from row

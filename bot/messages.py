"""Neutral messages between channels and the conversation: what a fan wrote, what we answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Self


class Kind(StrEnum):
    TEXT = "text"
    CHOICE = "choice"  # a button or list row was pressed
    START = "start"  # entered by a deep link; `text` is its payload
    LOCATION = "location"
    MEDIA = "media"  # sticker, picture, voice...; `text` names which
    LEFT = "left"  # the fan blocked us or left
    EVENT = "event"  # from inside (an order was paid...), never from a channel


class Priority(IntEnum):
    PAYMENT = 0  # pay links and last chances
    RECEIPT = 1
    REPLY = 2
    MARKETING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    account: str  # "telegram:platform"
    message_id: str  # the provider's id, unique within the account
    address: str  # whom to answer: chat id, wa_id, fan token
    kind: Kind
    text: str = ""
    choice: str = ""
    name: str = ""  # profile name
    language: str = ""  # the platform's language code
    sent_at: int = 0  # the provider's time in µs, 0 = unknown
    facts: Mapping[str, Any] = field(default_factory=dict)  # LOCATION: latitude, longitude

    @property
    def conversation_id(self) -> str:
        return f"{self.account}:{self.address}"


@dataclass(frozen=True, slots=True)
class Choice:
    id: str  # at most 64 bytes ASCII: Telegram's limit is the smallest
    label: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    text: str
    choices: tuple[Choice, ...] = ()  # at most 10: a WhatsApp list holds no more
    link: Link | None = None
    image_url: str = ""
    priority: Priority = Priority.REPLY

    def to_json(self) -> dict[str, Any]:
        """The reply as plain data; empty parts are left out."""
        body: dict[str, Any] = {"text": self.text, "priority": int(self.priority)}
        if self.choices:
            body["choices"] = [[c.id, c.label, c.description] for c in self.choices]
        if self.link:
            body["link"] = [self.link.label, self.link.url]
        if self.image_url:
            body["image_url"] = self.image_url
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        link = body.get("link")
        return cls(
            text=body["text"],
            choices=tuple(Choice(*c) for c in body.get("choices", ())),
            link=Link(*link) if link else None,
            image_url=body.get("image_url", ""),
            priority=Priority(body["priority"]),
        )

"""The way in: what channels took from the platforms becomes durable before they acknowledge it.

Card numbers are masked here, before anything is stored; so are characters no database takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from bot.messages import Incoming, Kind
from commerce.kernel import ids
from commerce.kernel.inbox import Inbox, Message
from commerce.kernel.masking import mask_cards

TEXT_MAX = 4096
NAME_MAX = 120
CARD_CHARACTERS_MAX = 55  # of 19 digits and two separators after each


class Reception:
    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def __call__(self, messages: Sequence[Incoming]) -> None:
        """Returns when all of them are durable; those that came before are dropped."""
        if len(messages) == 1:
            await self._inbox.receive(to_row(messages[0]))
            return
        await asyncio.gather(*(self._inbox.receive(to_row(message)) for message in messages))


def to_row(message: Incoming) -> Message:
    text, masked = _without_cards(message.text, TEXT_MAX)
    facts: dict[str, Any] = _cleaned(message.facts)
    if masked:
        facts["card_masked"] = True
    body = {
        "kind": message.kind,
        "text": text,
        "choice": mask_cards(_clean(message.choice, 256))[0],  # whoever presses says what it was
        "name": _without_cards(message.name, NAME_MAX)[0],
        "language": _clean(message.language, 20),
        "sent_at": message.sent_at,
        "facts": facts,
    }
    return Message(
        account=message.account,
        message_id=_clean(message.message_id, 200),
        conversation_id=_clean(message.conversation_id, 300),
        body={key: value for key, value in body.items() if value},
        correlation_id=ids.new_id(),
    )


def from_row(account: str, conversation_id: str, message_id: str, body: dict[str, Any]) -> Incoming:
    return Incoming(
        account=account,
        message_id=message_id,
        address=conversation_id.removeprefix(f"{account}:"),
        kind=Kind(body["kind"]),
        text=body.get("text", ""),
        choice=body.get("choice", ""),
        name=body.get("name", ""),
        language=body.get("language", ""),
        sent_at=body.get("sent_at", 0),
        facts=body.get("facts", {}),
    )


def _without_cards(text: str, most: int) -> tuple[str, bool]:
    """Masked before it is cut, or the half of a card that is left would not be known for one."""
    masked, found = mask_cards(_clean(text, most + CARD_CHARACTERS_MAX))
    return masked[:most], found


def _cleaned(fact: Any) -> Any:
    """Facts of a channel: what is text in them, however deep, may be a fan's."""
    if isinstance(fact, str):
        return _without_cards(fact, TEXT_MAX)[0]
    if isinstance(fact, Mapping):
        return {_clean(key, NAME_MAX): _cleaned(value) for key, value in fact.items()}
    if isinstance(fact, list | tuple):
        return [_cleaned(value) for value in fact]
    return fact


def _clean(text: str, most: int) -> str:
    """Without NUL, which PostgreSQL refuses, and without halves of characters, which JSON does."""
    if not text.isascii() or "\0" in text:
        text = text.replace("\0", "").encode("utf-8", "replace").decode()
    return text[:most]

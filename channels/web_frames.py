"""The frames of the live room's WebSocket: what a page may send, and how answers are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from commerce.kernel import jsons
from commerce.kernel.errors import Refusal

FRAME_BYTES_MAX = 64 * 1024  # more than that closes the socket
TEXT_MAX = 8000  # what goes to the conversation; it gives its own answer to very long ones
CHOICE_MAX = 64
NAME_MAX = 80
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class BadFrame(Refusal):
    """Not a frame of this protocol."""

    code: ClassVar[str] = "bad_frame"


class FrameTextTooLong(Refusal):
    code: ClassVar[str] = "too_long"


@dataclass(frozen=True, slots=True)
class Hello:
    """Sent first, after every reconnect, and again whenever a page suspects it missed something."""

    number: int  # the last reply the page shows, 0 = none
    chat: int  # the last public message it shows


@dataclass(frozen=True, slots=True)
class Say:
    """To the bot: a text, a pressed button, or the wish to buy what is pinned in this room."""

    id: str
    text: str = ""
    choice: str = ""
    start: bool = False


@dataclass(frozen=True, slots=True)
class RoomSay:
    id: str
    text: str
    name: str = ""


Frame = Hello | Say | RoomSay


def parse(raw: str) -> Frame:
    try:
        body = jsons.loads(raw)
    except ValueError:
        raise BadFrame(reason="not JSON") from None
    if not isinstance(body, dict):
        raise BadFrame(reason="not an object")
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in _READERS:
        raise BadFrame(reason="unknown type")
    return _READERS[kind](body)


def frame_id(raw: str) -> str | None:
    """The id of a frame that was refused, where it has one: the page marks that message."""
    try:
        body = jsons.loads(raw)
    except ValueError:
        return None
    found = body.get("id") if isinstance(body, dict) else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else None


def _hello(body: Mapping[str, Any]) -> Hello:
    return Hello(_number(body, "number"), _number(body, "chat"))


def _say(body: Mapping[str, Any]) -> Say:
    said = Say(
        _frame_id(body),
        _text(body, "text", TEXT_MAX),
        _text(body, "choice", CHOICE_MAX),
        body.get("start") is True,
    )
    if not (said.text.strip() or said.choice or said.start):
        raise BadFrame(reason="nothing said")
    return said


def _room(body: Mapping[str, Any]) -> RoomSay:
    text = _text(body, "text", TEXT_MAX)
    return RoomSay(_frame_id(body), text, _text(body, "name", NAME_MAX))


_READERS: dict[str, Callable[[Mapping[str, Any]], Frame]] = {
    "hello": _hello,
    "say": _say,
    "room": _room,
}


def _frame_id(body: Mapping[str, Any]) -> str:
    found = body.get("id")
    if not isinstance(found, str) or not _ID.fullmatch(found):
        raise BadFrame(reason="id missing")
    return found


def _text(body: Mapping[str, Any], name: str, most: int) -> str:
    found = body.get(name, "")
    if not isinstance(found, str):
        raise BadFrame(reason=f"{name} is not a text")
    if len(found) > most:
        raise FrameTextTooLong(limit=most)
    # Lone surrogates survive JSON but no database; NUL survives SQLite but not PostgreSQL.
    return found.encode("utf-8", "replace").decode().replace("\x00", "")


def _number(body: Mapping[str, Any], name: str) -> int:
    found = body.get(name, 0)
    if type(found) is not int or not 0 <= found < 2**53:
        raise BadFrame(reason=f"{name} is not a number")
    return found


def ack(frame_id: str, **more: Any) -> str:
    return jsons.dumps({"type": "ack", "id": frame_id, **more})


def reply(number: int, body: Mapping[str, Any]) -> str:
    return jsons.dumps({"type": "reply", "number": number, "reply": body})


def room(seq: int, name: str, text: str, at: int) -> str:
    return jsons.dumps({"type": "room", "seq": seq, "name": name, "text": text, "at": at})


def watching(count: int) -> str:
    return jsons.dumps({"type": "watching", "count": count})


def history(number: int, items: list[dict[str, Any]]) -> str:
    return jsons.dumps({"type": "history", "number": number, "items": items})


def synced(number: int, chat: int) -> str:
    """The answer to every hello: from here on the page knows everything up to these."""
    return jsons.dumps({"type": "synced", "number": number, "chat": chat})


def refused(code: str, words: str, *, frame_id: str | None, facts: Mapping[str, Any]) -> str:
    body = {"type": "refused", "code": code, "text": words, "facts": dict(facts)}
    return jsons.dumps(body | ({"id": frame_id} if frame_id else {}))

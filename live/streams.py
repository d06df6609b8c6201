"""How a pasted stream address is understood: a bare id, a channel name or the whole address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from commerce.kernel.errors import Refusal


class StreamKind(StrEnum):
    YOUTUBE = "youtube"
    TWITCH = "twitch"
    KICK = "kick"
    STILL = "still"  # a picture instead of a player


class StreamNotUnderstood(Refusal):
    code: ClassVar[str] = "stream_not_understood"


@dataclass(frozen=True, slots=True)
class Stream:
    kind: StreamKind
    ref: str  # YouTube video id, Twitch or Kick channel, address of the picture


def understand_stream(kind: str, given: str) -> Stream:
    """A stream from what was pasted: a bare id, a channel name or the whole address of the page."""
    text = given.strip()
    if kind and kind not in set(StreamKind):
        raise StreamNotUnderstood(kind=kind, given=text[:200])
    wanted = StreamKind(kind) if kind else _kind_of(text)
    ref = _READERS[wanted](text)
    if ref is None:
        raise StreamNotUnderstood(kind=str(wanted), given=text[:200])
    return Stream(wanted, ref)


def _kind_of(text: str) -> StreamKind:
    host = _host(text)
    for kind, hosts in _HOSTS.items():
        if host in hosts:
            return kind
    return StreamKind.STILL


_HOSTS = {
    StreamKind.YOUTUBE: {"youtube.com", "youtu.be", "youtube-nocookie.com"},
    StreamKind.TWITCH: {"twitch.tv", "player.twitch.tv"},
    StreamKind.KICK: {"kick.com", "player.kick.com"},
}
_YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_TWITCH_CHANNEL = re.compile(r"[A-Za-z0-9_]{3,25}")
_KICK_CHANNEL = re.compile(r"[A-Za-z0-9_-]{3,32}")
_PICTURE = re.compile(r"(https://[^\s\"'<>\\]{4,2000}|/[^\s\"'<>\\/][^\s\"'<>\\]{0,2000})")
_NO_CHANNELS = {"videos", "video", "directory", "embed", "clip", "category", "browse"}


def _with_scheme(text: str) -> str:
    return text if "://" in text else f"https://{text}"


def _host(text: str) -> str:
    try:
        host = urlsplit(_with_scheme(text)).hostname or ""
    except ValueError:  # an unclosed bracket, for one
        return ""
    for prefix in ("www.", "m.", "music."):
        host = host.removeprefix(prefix)
    return host


def _path(text: str) -> list[str]:
    return [part for part in urlsplit(_with_scheme(text)).path.split("/") if part]


def _query(text: str, name: str) -> str:
    return parse_qs(urlsplit(_with_scheme(text)).query).get(name, [""])[0]


def _youtube(text: str) -> str | None:
    if _YOUTUBE_ID.fullmatch(text):
        return text
    host = _host(text)
    if host not in _HOSTS[StreamKind.YOUTUBE]:
        return None
    path = _path(text)
    if host == "youtu.be":
        found = path[0] if path else ""
    elif path and path[0] in {"live", "embed", "shorts", "v"}:
        found = path[1] if len(path) > 1 else ""
    else:
        found = _query(text, "v")
    return found if _YOUTUBE_ID.fullmatch(found) else None


def _twitch(text: str) -> str | None:
    found = text.removeprefix("@")
    host = _host(text)
    if host == "player.twitch.tv":
        found = _query(text, "channel")
    elif host == "twitch.tv":
        found = (_path(text) or [""])[0]
    return _channel(found, _TWITCH_CHANNEL)


def _kick(text: str) -> str | None:
    found = text.removeprefix("@")
    if _host(text) in _HOSTS[StreamKind.KICK]:
        found = (_path(text) or [""])[0]
    return _channel(found, _KICK_CHANNEL)


def _channel(found: str, shape: re.Pattern[str]) -> str | None:
    name = found.lower()
    return name if shape.fullmatch(name) and name not in _NO_CHANNELS else None


def _picture(text: str) -> str | None:
    fits = _PICTURE.fullmatch(text) and (text.startswith("/") or _host(text))
    return text if fits else None


_READERS = {
    StreamKind.YOUTUBE: _youtube,
    StreamKind.TWITCH: _twitch,
    StreamKind.KICK: _kick,
    StreamKind.STILL: _picture,
}

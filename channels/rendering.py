"""What the senders share: texts cut to a platform's limits, and words where it has no button."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.messages import Choice, Link, Reply

ELLIPSIS = "…"


def width(text: str) -> int:
    """Length in UTF-16 units, as the platforms' servers and clients count."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def shorten(text: str, limit: int) -> str:
    if width(text) <= limit:
        return text
    return text[: _index_of(text, limit - 1)].rstrip() + ELLIPSIS


def split(text: str, limit: int) -> list[str]:
    """The text in pieces within the limit, cut between paragraphs, lines or words if possible."""
    pieces: list[str] = []
    while width(text) > limit:
        end = _index_of(text, limit)
        cut = next((at for gap in ("\n\n", "\n", " ") if (at := text.rfind(gap, 1, end)) > 0), end)
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    pieces = [piece for piece in pieces if piece]  # platforms refuse an empty message
    return [*pieces, text] if text or not pieces else pieces


def _index_of(text: str, limit: int) -> int:
    """How many characters fit into `limit` UTF-16 units."""
    used = 0
    for index, char in enumerate(text):
        used += 2 if ord(char) > 0xFFFF else 1
        if used > limit:
            return index
    return len(text)


def with_link(text: str, link: Link | None) -> str:
    return "\n\n".join(filter(None, (text, f"{link.label}: {link.url}"))) if link else text


def with_lines(text: str, lines: list[str]) -> str:
    return "\n\n".join(filter(None, (text, "\n".join(lines))))


def described(choices: tuple[Choice, ...]) -> list[str]:
    """Lines for buttons that cannot carry their description."""
    return [f"{choice.label} — {choice.description}" for choice in choices if choice.description]


def numbered(choices: tuple[Choice, ...]) -> list[str]:
    return [
        f"{number}. {choice.label}" + (f" — {choice.description}" if choice.description else "")
        for number, choice in enumerate(choices, 1)
    ]


def addressed(reply: Reply, public_url: str) -> Reply:
    """Pictures and links with their full web address; what has none is left out.

    python-telegram-bot would upload a picture that is named by a path from this machine's disk.
    """
    image_url = _web_address(reply.image_url, public_url)
    link = reply.link and replace(reply.link, url=_web_address(reply.link.url, public_url))
    return replace(reply, image_url=image_url, link=link if link and link.url else None)


def _web_address(url: str, public_url: str) -> str:
    if url.startswith("/"):
        url = public_url.rstrip("/") + url
    return url if url.startswith(("https://", "http://")) else ""


def plainer(reply: Reply) -> Iterator[Reply]:
    """The reply, then what to fall back to when a platform refuses its picture or its link.

    Platforms refuse pictures they cannot fetch and buttons to hosts such as localhost.
    """
    yield reply
    if reply.image_url and (reply.text or reply.choices or reply.link):
        reply = replace(reply, image_url="")
        yield reply
    if reply.link:
        yield replace(reply, text=with_link(reply.text, reply.link), link=None)

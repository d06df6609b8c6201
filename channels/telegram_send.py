"""Sending through Telegram's Bot API: inline keyboards, pictures, and its errors in our terms."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Message
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)
from telegram.request import HTTPXRequest

from bot.messages import Choice, Reply
from channels import rendering
from commerce.kernel import crashpoints, logs
from commerce.kernel.errors import Outage
from commerce.kernel.outgoing import Undeliverable

TEXT_MAX = 4096
CAPTION_MAX = 1024
ROW_BUTTONS_MAX = 8
ROW_WIDTH_MAX = 32  # letters side by side that a phone still shows whole
LABEL_MAX = 48
GONE = ("chat not found", "user not found", "peer_id_invalid", "chat_id is empty")
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)  # nobody but the fan opens a pay link

# The library's coming type of RetryAfter.retry_after; without this each 429 raises a warning.
os.environ.setdefault("PTB_TIMEDELTA", "true")
log = logs.get(__name__)

Keyboard = list[list[InlineKeyboardButton]]


@dataclass(frozen=True, slots=True)
class Call:
    """A picture with a caption, or a text; the last one of a reply has the keyboard."""

    text: str
    image_url: str = ""
    keyboard: InlineKeyboardMarkup | None = None


def calls(reply: Reply) -> list[Call]:
    text = rendering.with_lines(reply.text, rendering.described(reply.choices))
    rows = keyboard(reply)
    markup = InlineKeyboardMarkup(rows) if rows else None
    if reply.image_url and rendering.width(text) <= CAPTION_MAX:
        return [Call(text, reply.image_url, markup)]
    *before, last = rendering.split(text, TEXT_MAX)
    picture = [Call("", reply.image_url)] if reply.image_url else []
    return [*picture, *map(Call, before), Call(last, keyboard=markup)]


def keyboard(reply: Reply) -> Keyboard:
    rows = [
        [InlineKeyboardButton(_label(choice.label), callback_data=choice.id) for choice in row]
        for row in _rows(reply.choices)
    ]
    if reply.link:
        rows.insert(0, [InlineKeyboardButton(_label(reply.link.label), url=reply.link.url)])
    return rows


def _label(label: str) -> str:
    return rendering.shorten(label, LABEL_MAX)


def _rows(choices: Sequence[Choice]) -> Iterator[list[Choice]]:
    """Short labels share a row; its buttons are equally wide, so the longest counts for all."""
    row: list[Choice] = []
    for choice in choices:
        widest = max(rendering.width(each.label) for each in [*row, choice])
        if row and (len(row) == ROW_BUTTONS_MAX or widest * (len(row) + 1) > ROW_WIDTH_MAX):
            yield row
            row = []
        row.append(choice)
    if row:
        yield row


class TelegramSender:
    def __init__(self, *, token: str, api_base: str) -> None:
        self._request = HTTPXRequest(
            connection_pool_size=64, connect_timeout=5, read_timeout=10, pool_timeout=5
        )
        # Not initialised: that would ask Telegram who we are before it answers anything.
        self._bot = Bot(
            token,
            base_url=f"{api_base.rstrip('/')}/bot",
            request=self._request,
            get_updates_request=self._request,
        )

    async def close(self) -> None:
        await self._request.shutdown()

    async def send(self, address: str, reply: Reply) -> str | None:
        """The id of the message with the buttons; a refused form is followed by a plainer one."""
        if not address.lstrip("-").isdigit():
            raise Undeliverable(reason="bad_address")
        refused = ""
        for form in rendering.plainer(reply):
            try:
                return await self._send_form(int(address), form)
            except BadRequest as no:
                refused = no.message
                if any(words in refused.lower() for words in GONE):
                    raise Undeliverable(reason="bad_address") from no
                log.info("telegram_refused", said=refused)
        raise Undeliverable(reason="rejected", said=refused)

    async def _send_form(self, chat_id: int, reply: Reply) -> str:
        sent = [await self._call(chat_id, call) for call in calls(reply)]
        return str(sent[-1].message_id)

    async def _call(self, chat_id: int, call: Call) -> Message:
        crashpoints.hit("telegram.send")
        with _in_our_terms():
            if call.image_url:
                message = await self._bot.send_photo(
                    chat_id, call.image_url, caption=call.text or None, reply_markup=call.keyboard
                )
            else:
                message = await self._bot.send_message(
                    chat_id, call.text, reply_markup=call.keyboard, link_preview_options=NO_PREVIEW
                )
        crashpoints.hit("telegram.send")
        return message

    async def answer_callback(self, query_id: str) -> None:
        """A button pressed too long ago cannot be answered any more, which is fine."""
        crashpoints.hit("telegram.answer_callback")
        try:
            with _in_our_terms():
                await self._bot.answer_callback_query(query_id)
        except BadRequest as no:
            log.debug("callback_too_old", said=no.message)
        crashpoints.hit("telegram.answer_callback")

    async def set_webhook(self, url: str, secret: str, allowed_updates: Sequence[str]) -> str:
        """What Telegram said against it, or nothing."""
        try:
            await self._bot.set_webhook(url, secret_token=secret, allowed_updates=allowed_updates)
        except TelegramError as no:
            return no.message
        return ""


@contextmanager
def _in_our_terms() -> Iterator[None]:
    """BadRequest passes: only the caller knows whether a plainer form is left to try."""
    try:
        yield
    except BadRequest:
        raise
    except RetryAfter as limit:
        raise Outage("telegram rate limit", _seconds(limit.retry_after)) from limit
    except Forbidden as no:
        raise Undeliverable(reason="blocked") from no
    except ChatMigrated as no:
        raise Undeliverable(reason="bad_address") from no
    except (InvalidToken, Conflict) as no:
        log.error("telegram_token_refused")
        raise Outage("telegram refuses the token") from no
    except TelegramError as problem:  # timed out, network, 5xx, an answer that is no JSON
        raise Outage(f"telegram: {type(problem).__name__}") from problem


def _seconds(after: int | timedelta) -> float:
    return after.total_seconds() if isinstance(after, timedelta) else float(after)

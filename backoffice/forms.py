"""What the forms send, read into values or into one clear sentence per field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import live
from backoffice import pages
from commerce.kernel import money
from commerce.kernel.errors import Refusal

TITLE_MAX = 120
MINUTES_MAX = 240
STILL = "/media/studio.webp"  # shown where a leader streams elsewhere and has no picture
ID = re.compile(r"[0-9a-f-]{36}")

KINDS = {
    "youtube": "YouTube",
    "twitch": "Twitch",
    "kick": "Kick",
    "still": "A still picture",
}
LINK_WORDS = {
    "youtube": "Paste the link of the video, like https://youtu.be/… or https://youtube.com/live/…",
    "twitch": "Paste the link of the channel, like https://twitch.tv/yourname",
    "kick": "Paste the link of the channel, like https://kick.com/yourname",
    "still": "Paste the https:// address of a picture, or leave this empty.",
}
TITLE_WORDS = "Give your live a title: fans see it in the room."


class NoSuchAmount(Refusal):
    """An amount is written in the units people count in, like 12.50, and is more than nothing."""

    code = "bad_amount"


class NoSuchMinutes(Refusal):
    """An offer lasts a whole number of minutes, or as long as it is pinned."""

    code = "no_such_minutes"


@dataclass(frozen=True, slots=True)
class StartForm:
    title: str = ""
    kind: str = "youtube"
    link: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def stream(self) -> str:
        return self.link or STILL if self.kind == "still" else self.link

    def refused(self, refusal: Refusal) -> StartForm:
        """The form with the words for what the session itself did not like."""
        if isinstance(refusal, live.TitleMissing):
            return replace(self, errors={"title": TITLE_WORDS})
        return replace(self, errors={"link": LINK_WORDS[self.kind]})


def start_form(fields: Mapping[str, str]) -> StartForm:
    """The form as it was sent, with what is wrong in it; nothing typed is lost."""
    title, kind = fields.get("title", "").strip(), fields.get("kind", "")
    form = StartForm(title, kind, fields.get("link", "").strip())
    errors: dict[str, str] = {}
    if not title:
        errors["title"] = TITLE_WORDS
    elif len(title) > TITLE_MAX:
        errors["title"] = f"At most {TITLE_MAX} characters; this has {len(title)}."
    if kind not in KINDS:
        errors["kind"] = "Choose where you stream."
    else:
        errors |= _link_errors(form)
    return replace(form, errors=errors)


def _link_errors(form: StartForm) -> dict[str, str]:
    try:
        live.understand_stream(form.kind, form.stream)
    except live.StreamNotUnderstood:
        return {"link": LINK_WORDS[form.kind]}
    return {}


def offer_minutes(text: str) -> int | None:
    """Minutes an offer lasts; None = as long as it is pinned."""
    text = text.strip()
    if not text:
        return None
    minutes = int(text) if re.fullmatch(r"[0-9]{1,4}", text) else 0
    if not 1 <= minutes <= MINUTES_MAX:
        raise NoSuchMinutes()
    return minutes


def amount(text: str, currency: str) -> int:
    """Minor units of more than nothing; a comma alone stands before the fraction, as a point."""
    written = text if "." in text else text.replace(",", ".")
    try:
        minor = money.parse_money(written, currency, pages.LOCALE)
    except money.MoneyUnreadable:
        minor = 0
    if minor == 0:
        raise NoSuchAmount(currency=currency)
    return minor


def page_number(text: str) -> int:
    return min(max(int(text), 1), 100_000) if re.fullmatch(r"[0-9]{1,9}", text) else 1

"""What a live session and a place on its waitlist are, and when they may change."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import ClassVar

from commerce.kernel.clock import MINUTE, SECOND
from commerce.kernel.errors import Refusal
from commerce.kernel.machine import Machine
from commerce.promotions import FlashSale
from live.streams import Stream, StreamKind

ROOM_TEXT_MAX = 300
NAME_MAX = 40
TITLE_MAX = 120
SLUG_MAX = 40  # a slug plus its suffix fits the 64 characters of a Telegram deep link
FLOOD_MESSAGES = 5
FLOOD_WINDOW = 10 * SECOND
SEEN_FOR = 5 * MINUTE  # how long a pin taken down may still be bought


class Status(StrEnum):
    PLANNED = "planned"
    LIVE = "live"
    ENDED = "ended"


class Action(StrEnum):
    START = "start"
    END = "end"


LIFE = Machine(
    start=Status.PLANNED,
    moves={
        (Status.PLANNED, Action.START): Status.LIVE,
        (Status.PLANNED, Action.END): Status.ENDED,
        (Status.LIVE, Action.END): Status.ENDED,
    },
)


class WaitStatus(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"  # pieces are held for this fan, who was told so
    TAKEN = "taken"  # the fan went on to buy them
    LAPSED = "lapsed"  # the fan let the time go by, or the live ended before anything came free
    LEFT = "left"


class WaitAction(StrEnum):
    OFFER = "offer"
    TAKE = "take"
    LAPSE = "lapse"
    LEAVE = "leave"


WAIT_LIFE = Machine(
    start=WaitStatus.WAITING,
    moves={
        (WaitStatus.WAITING, WaitAction.OFFER): WaitStatus.OFFERED,
        (WaitStatus.WAITING, WaitAction.LEAVE): WaitStatus.LEFT,
        (WaitStatus.WAITING, WaitAction.LAPSE): WaitStatus.LAPSED,
        (WaitStatus.OFFERED, WaitAction.TAKE): WaitStatus.TAKEN,
        (WaitStatus.OFFERED, WaitAction.LEAVE): WaitStatus.LEFT,
        (WaitStatus.OFFERED, WaitAction.LAPSE): WaitStatus.LAPSED,
    },
)
WAIT_ACTIVE = (WaitStatus.WAITING, WaitStatus.OFFERED)  # a fan has one such place per variant


class UnknownSession(Refusal):
    code: ClassVar[str] = "unknown_session"


class NotYourSession(Refusal):
    code: ClassVar[str] = "not_your_session"


class SessionNotLive(Refusal):
    """The session has not started yet."""

    code: ClassVar[str] = "session_not_live"


class SessionEnded(Refusal):
    code: ClassVar[str] = "session_ended"


class NothingPinned(Refusal):
    code: ClassVar[str] = "nothing_pinned"


class OfferAlreadyOver(Refusal):
    """The offer would end before it begins."""

    code: ClassVar[str] = "offer_already_over"


class ProductNotForSale(Refusal):
    code: ClassVar[str] = "product_not_for_sale"


class TurnLapsed(Refusal):
    """The pieces that were held for this fan are no longer held."""

    code: ClassVar[str] = "turn_lapsed"


class TitleMissing(Refusal):
    code: ClassVar[str] = "title_missing"


class NothingSaid(Refusal):
    code: ClassVar[str] = "nothing_said"


class TooLong(Refusal):
    code: ClassVar[str] = "too_long"


class TooFast(Refusal):
    code: ClassVar[str] = "too_fast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    id: str
    slug: str
    leader_id: str
    leader_name: str
    title: str
    stream_kind: StreamKind
    stream_ref: str
    status: Status
    version: int
    created_at: int
    started_at: int | None = None
    ended_at: int | None = None

    @property
    def stream(self) -> Stream:
        return Stream(self.stream_kind, self.stream_ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    id: str
    session_id: str
    product_id: str
    pinned_at: int
    unpinned_at: int | None = None
    offer_ends_at: int | None = None  # None: as long as it is pinned


@dataclass(frozen=True, slots=True)
class Watcher:
    """Whoever looks at an offer; prices may depend on it."""

    fan_id: str = ""  # empty = not known yet
    channel: str = ""
    currency: str = ""  # that they pay in at home; counts where there are prices in it


@dataclass(frozen=True, slots=True)
class Option:
    sku: str
    label: str
    price_minor: int  # what one piece costs whoever looks
    available: int
    former_minor: int = 0  # what it costs otherwise; 0 = the same
    cheaper: Mapping[str, str] = field(default_factory=dict)  # language -> why it costs less
    flash: FlashSale | None = None
    rule_ids: tuple[str, ...] = ()  # of the promotions that make it cheaper
    usual_minor: int = 0  # before promotions
    floor_minor: int | None = None  # what it never undercuts; None where nobody said


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The pinned product with what is left of it."""

    session_id: str
    session_slug: str
    session_title: str
    leader_name: str
    leader_id: str
    product_id: str
    title: str
    description: str
    image_url: str
    currency: str
    ends_at: int | None
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomMessage:
    session_id: str
    seq: int  # 1, 2, 3... within the session, without gaps
    name: str
    text: str
    said_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistEntry:
    """A fan's place in the queue for a variant."""

    id: str
    key: str  # chosen by who asked for it: the same one twice is one place
    session_id: str
    sku: str
    owner: str  # conversation id
    seq: int  # the order of joining, over all sessions that sell this variant
    quantity: int
    hold_seconds: int  # how long pieces will be held when it is this fan's turn
    status: WaitStatus
    hold_id: str | None = None
    held: int = 0  # pieces; fewer than `quantity` where no more were free
    expires_at: int | None = None
    joined_at: int
    changed_at: int

    @property
    def hold_key(self) -> str:
        return f"waitlist:{self.id}"


def start(session: Session, *, now: int) -> Session:
    status = _moved(session, Action.START)
    return replace(session, status=status, started_at=now, version=session.version + 1)


def end(session: Session, *, now: int) -> Session:
    status = _moved(session, Action.END)
    return replace(session, status=status, ended_at=now, version=session.version + 1)


def named(session: Session, slug: str) -> Session:
    return replace(session, slug=slug)


def check_owner(session: Session, leader_id: str) -> None:
    if session.leader_id != leader_id:
        raise NotYourSession(session_id=session.id)


def check_live(session: Session) -> None:
    if session.status is Status.ENDED:
        raise SessionEnded(session_id=session.id)
    if session.status is not Status.LIVE:
        raise SessionNotLive(session_id=session.id)


def check_ends_at(ends_at: int | None, *, now: int) -> None:
    if ends_at is not None and ends_at <= now:
        raise OfferAlreadyOver(ends_at=ends_at)


def may_buy(pin: Pin, product_id: str, *, now: int) -> bool:
    """Streams run late: a pin taken down is still on the screens of some fans."""
    shown = pin.unpinned_at is None or now < pin.unpinned_at + SEEN_FOR
    return pin.product_id == product_id and shown and not is_over(pin.offer_ends_at, now=now)


def is_over(offer_ends_at: int | None, *, now: int) -> bool:
    return offer_ends_at is not None and offer_ends_at <= now


def shares(waiting: Sequence[WaitlistEntry], free: int) -> list[tuple[WaitlistEntry, int]]:
    """Who gets how many of the free pieces: in the order given, the last perhaps not all."""
    found = []
    for entry in waiting:
        if free <= 0:
            break
        pieces = min(entry.quantity, free)
        free -= pieces
        found.append((entry, pieces))
    return found


def _moved(session: Session, action: Action) -> Status:
    if session.status is Status.ENDED:
        raise SessionEnded(session_id=session.id)
    return Status(LIFE.after(session.status, action))


# Reordering marks and invisible fillers; the joiners stay, emoji and some scripts need them.
_UNSEEN = {0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x200B, 0x200E, 0x200F, 0x2060, 0x3164, 0xFEFF}
_UNSEEN |= set(range(0x202A, 0x202F)) | set(range(0x2066, 0x206A))
_MARKS_MAX = 3  # combining marks in a row; more of them paint over the neighbours' lines


def clean(text: str) -> str:
    """One line without control characters, reordering marks and stacks of accents."""
    kept: list[str] = []
    marks = 0
    for char in unicodedata.normalize("NFC", text):
        category = unicodedata.category(char)
        marks = marks + 1 if category == "Mn" else 0
        if ord(char) in _UNSEEN or category in {"Cs", "Co"} or marks > _MARKS_MAX:
            continue
        kept.append(" " if category in {"Cc", "Zl", "Zp"} else char)
    return " ".join("".join(kept).split())


def room_text(text: str) -> str:
    cleaned = clean(text)
    if not cleaned.strip("\u200c\u200d\ufe0f "):
        raise NothingSaid
    if len(cleaned) > ROOM_TEXT_MAX:
        raise TooLong(limit=ROOM_TEXT_MAX)
    return cleaned


def session_title(title: str) -> str:
    cleaned = clean(title)[:TITLE_MAX].strip()
    if not cleaned:
        raise TitleMissing
    return cleaned


def fan_name(name: str, *, leader_name: str, otherwise: str) -> str:
    """The name shown in the room; nobody may pass for the leader."""
    cleaned = clean(name)[:NAME_MAX].strip()
    if not cleaned or cleaned.casefold() == leader_name.casefold():
        return otherwise
    return cleaned


def slug_from(title: str) -> str:
    folded = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:SLUG_MAX].strip("-") or "live"

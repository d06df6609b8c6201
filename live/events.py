"""The facts a live session announces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from commerce.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Event):
    """A leader went live."""

    name: ClassVar[str] = "session.started"
    version: ClassVar[int] = 1
    session_id: str
    slug: str
    leader_id: str
    title: str

    @property
    def aggregate_id(self) -> str:
        return self.session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """A live session is over; nothing is pinned in it any more."""

    name: ClassVar[str] = "session.ended"
    version: ClassVar[int] = 1
    session_id: str
    leader_id: str

    @property
    def aggregate_id(self) -> str:
        return self.session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductPinned(Event):
    """A product is on offer in a session, until `offer_ends_at` if that is given."""

    name: ClassVar[str] = "product.pinned"
    version: ClassVar[int] = 1
    session_id: str
    product_id: str
    pin_id: str
    offer_ends_at: int | None

    @property
    def aggregate_id(self) -> str:
        return self.session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductUnpinned(Event):
    """A product is no longer on offer in a session."""

    name: ClassVar[str] = "product.unpinned"
    version: ClassVar[int] = 1
    session_id: str
    product_id: str
    pin_id: str

    @property
    def aggregate_id(self) -> str:
        return self.session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistEvent(Event):
    entry_id: str
    session_id: str
    sku: str
    owner: str  # conversation id

    @property
    def aggregate_id(self) -> str:
        return self.entry_id


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistOffered(WaitlistEvent):
    """It is this fan's turn: pieces are held for them until `expires_at`."""

    name: ClassVar[str] = "waitlist.offered"
    hold_id: str
    quantity: int  # held
    asked: int
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistLapsed(WaitlistEvent):
    """The fan let the time go by."""

    name: ClassVar[str] = "waitlist.lapsed"
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistClosed(WaitlistEvent):
    """The live ended before it was this fan's turn."""

    name: ClassVar[str] = "waitlist.closed"

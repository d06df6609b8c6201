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

"""What flash prices announce; live rooms look again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from commerce.kernel.events import Event
from commerce.promotions.flash_model import Flash


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfFlash(Event):
    flash_id: str
    sku: str
    leader_id: str
    session_id: str

    @property
    def aggregate_id(self) -> str:
        return self.flash_id


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashStarted(_OfFlash):
    """Fans in this session may have so many pieces for less, until `ends_at`."""

    name: ClassVar[str] = "flash.started"
    price_minor: int
    currency: str
    quantity: int
    ends_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashEnded(_OfFlash):
    """Nobody gets the price any more, except who holds a piece."""

    name: ClassVar[str] = "flash.ended"
    ending: str
    taken: int


def started(flash: Flash) -> FlashStarted:
    assert flash.ends_at is not None
    return FlashStarted(
        flash_id=flash.id,
        sku=flash.sku,
        leader_id=flash.leader_id,
        session_id=flash.session_id,
        price_minor=flash.terms.price_minor,
        currency=flash.currency,
        quantity=flash.terms.quantity,
        ends_at=flash.ends_at,
    )


def ended(flash: Flash) -> FlashEnded:
    return FlashEnded(
        flash_id=flash.id,
        sku=flash.sku,
        leader_id=flash.leader_id,
        session_id=flash.session_id,
        ending=flash.ending,
        taken=flash.taken,
    )

"""What inventory announces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from commerce.inventory.model import Hold
from commerce.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _HoldEnded(Event):
    hold_id: str
    sku: str
    quantity: int
    owner: str
    reference: str

    @property
    def aggregate_id(self) -> str:
        return self.hold_id


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldExpired(_HoldEnded):
    """Nobody paid in time; the pieces are free again."""

    name: ClassVar[str] = "hold.expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReleased(_HoldEnded):
    """The fan let it go, or the checkout ended without money."""

    name: ClassVar[str] = "hold.released"


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfSku(Event):
    sku: str

    @property
    def aggregate_id(self) -> str:
        return self.sku


@dataclass(frozen=True, slots=True, kw_only=True)
class StockFreed(_OfSku):
    """Pieces can be held that could not before, whatever set them free."""

    name: ClassVar[str] = "stock.freed"
    quantity: int
    reference: str  # whose hold, order or delivery it was


@dataclass(frozen=True, slots=True, kw_only=True)
class StockSuspended(_OfSku):
    """Nobody can hold this any more until it is resumed; what is held goes on."""

    name: ClassVar[str] = "stock.suspended"
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockResumed(_OfSku):
    name: ClassVar[str] = "stock.resumed"
    reason: str
    by: str


def expired(hold: Hold) -> HoldExpired:
    return HoldExpired(
        hold_id=hold.id,
        sku=hold.sku,
        quantity=hold.quantity,
        owner=hold.owner,
        reference=hold.reference,
    )


def released(hold: Hold) -> HoldReleased:
    return HoldReleased(
        hold_id=hold.id,
        sku=hold.sku,
        quantity=hold.quantity,
        owner=hold.owner,
        reference=hold.reference,
    )


def freed(holds: Iterable[Hold]) -> list[StockFreed]:
    """One fact for all that became free of a SKU at once."""
    pieces = Counter[tuple[str, str]]()
    for hold in holds:
        pieces[hold.sku, hold.reference] += hold.quantity
    return [
        StockFreed(sku=sku, quantity=quantity, reference=reference)
        for (sku, reference), quantity in sorted(pieces.items())
    ]

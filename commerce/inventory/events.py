"""What inventory announces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from commerce.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldExpired(Event):
    """Nobody paid in time; the pieces are free again."""

    name: ClassVar[str] = "hold.expired"
    hold_id: str
    sku: str
    quantity: int
    owner: str
    reference: str

    @property
    def aggregate_id(self) -> str:
        return self.hold_id

"""What promotions announce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from commerce.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionMoved(Event):
    """Somebody, or the clock, brought it to another status."""

    name: ClassVar[str] = "promotion.moved"
    promotion_id: str
    promotion_version: int
    status: str
    supplier_id: str
    leader_id: str

    @property
    def aggregate_id(self) -> str:
        return self.promotion_id

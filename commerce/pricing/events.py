"""What pricing announces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from commerce.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChanged(Event):
    """A price of a list was set, or its end."""

    name: ClassVar[str] = "price.changed"
    sku: str
    product_id: str
    currency: str

    @property
    def aggregate_id(self) -> str:
        return self.sku

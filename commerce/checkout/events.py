"""What the checkout announces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from commerce.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutReady(Event):
    """The fan can pay now, until `expires_at` (µs)."""

    name: ClassVar[str] = "checkout.ready"
    checkout_id: str
    order_id: str
    order_code: str
    conversation_id: str
    url: str
    expires_at: int

    @property
    def aggregate_id(self) -> str:
        return self.order_id

"""What orders announce: enough for a receipt, so that nobody has to ask back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from commerce.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(Event):
    order_id: str
    order_version: int  # projections skip what is not newer than they have
    order_code: str
    reference: str  # the checkout that placed it
    conversation_id: str
    session_id: str
    leader_id: str
    fan_id: str
    total_minor: int
    currency: str
    sku: str  # of the first item, as are title, label and quantity
    title: str
    label: str
    quantity: int
    reason: str = ""  # why it moved, where there is something to say

    @property
    def aggregate_id(self) -> str:
        return self.order_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced(OrderEvent):
    """It waits for its payment."""

    name: ClassVar[str] = "order.placed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderConfirmed(OrderEvent):
    """The pieces are the fan's, who pays when they arrive."""

    name: ClassVar[str] = "order.confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPaid(OrderEvent):
    """The money is proven, in time or late."""

    name: ClassVar[str] = "order.paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(OrderEvent):
    """It was given up before it was paid."""

    name: ClassVar[str] = "order.cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefunded(OrderEvent):
    """The fan has all of the money back."""

    name: ClassVar[str] = "order.refunded"

"""What a checkout remembers, how it ends, and what its money is posted as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from commerce.kernel.clock import SECOND
from commerce.kernel.errors import Refusal

PAY_SECONDS_MIN = 300  # a fan who was slow with the address still gets this long to pay
GRACE = 120 * SECOND  # the hold outlives the pay link by this


class Ending(StrEnum):
    PAID = "paid"
    CANCELLED = "cancelled"  # by the fan
    EXPIRED = "expired"
    FAILED = "failed"  # the provider refused for good


class CheckoutClosed(Refusal):
    """It ended without money; `reason` says how."""

    code = "checkout_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutData:
    order_id: str
    order_code: str
    payment_id: str
    hold_id: str
    conversation_id: str
    expires_at: int  # of the pay link, µs

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> CheckoutData:
        return cls(**{name: data[name] for name in cls.__dataclass_fields__})


def link_ends_at(hold_ends_at: int, now: int) -> int:
    return max(hold_ends_at, now + PAY_SECONDS_MIN * SECOND)


def ending(signals: Mapping[str, Mapping[str, Any]]) -> Ending | None:
    """Money wins over everything that came beside it."""
    for end in (Ending.PAID, Ending.CANCELLED, Ending.FAILED, Ending.EXPIRED):
        if end in signals:
            return end
    return None

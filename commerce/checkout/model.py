"""What a checkout remembers, how it ends, and what its money is posted as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from commerce.kernel.clock import DAY, SECOND
from commerce.kernel.errors import Refusal

PAY_SECONDS_MIN = 300  # a fan who was slow with the address still gets this long to pay
GRACE = 120 * SECOND  # the hold outlives the pay link by this
FUNDS_WAIT = 7 * DAY  # a bank takes its time with money that it promised
REFUND_WAIT = 14 * DAY


class Ending(StrEnum):
    PAID = "paid"
    AUTHORISED = "authorised"  # the money is set aside for us, and not taken yet
    CANCELLED = "cancelled"  # by the fan
    EXPIRED = "expired"
    FAILED = "failed"  # the provider refused for good
    SOLD_OUT = "sold_out"  # the pieces went before the money was taken


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
    asked: str = ""  # fingerprint of the request: the key with another one is refused

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> CheckoutData:
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})


def link_ends_at(hold_ends_at: int, now: int) -> int:
    return max(hold_ends_at, now + PAY_SECONDS_MIN * SECOND)


def ending(signals: Mapping[str, Mapping[str, Any]]) -> Ending | None:
    """Money wins over everything that came beside it; what is only set aside can be let go."""
    for end in (
        *(Ending.PAID, Ending.CANCELLED, Ending.AUTHORISED),
        *(Ending.FAILED, Ending.EXPIRED),
    ):
        if end in signals:
            return end
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundData:
    """What the saga of a refund remembers."""

    order_id: str
    payment_id: str
    refund_id: str
    hold_id: str  # whose pieces go back on the shelf; empty = none
    give_up_at: int  # µs; a provider silent for so long needs a person

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> RefundData:
        return cls(**{name: data[name] for name in cls.__dataclass_fields__})

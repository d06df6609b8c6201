"""A quote: lines that add up, what they were made from, and until when it holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from commerce.kernel.clock import MINUTE
from commerce.kernel.errors import Refusal
from commerce.pricing.basis import Basis, Item
from commerce.promotions import Discount, NotApplied
from commerce.shipping import Destination, Parcel

VALID_FOR = 30 * MINUTE
QUANTITY_MAX = 1_000  # of one SKU; keeps every total far from the edge of 64 bits
ITEMS_MAX = 100


class NotForSale(Refusal):
    code = "not_for_sale"


class MixedCurrencies(Refusal):
    code = "mixed_currencies"


class BadQuantity(Refusal):
    code = "bad_quantity"


class NoSuchQuote(Refusal):
    code = "no_such_quote"


class QuoteExpired(Refusal):
    code = "quote_expired"


class LineKind(StrEnum):
    GOODS = "goods"
    DISCOUNT = "discount"
    DELIVERY = "delivery"
    TAX = "tax"


@dataclass(frozen=True, slots=True)
class Wanted:
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Buying:
    """Who buys, where, and with what in hand; a price may depend on all of it."""

    fan_id: str = ""
    leader_id: str = ""
    session_id: str = ""
    channel: str = ""
    hold_id: str = ""  # whose pieces these are: where they lie, and what was promised for them
    coupon: str = ""
    currency: str = ""  # empty = the product's own
    speed: str = ""  # of delivery; empty = the usual one
    latitude_e6: int | None = None
    longitude_e6: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    kind: LineKind
    label: str  # title of the goods, name of the discount or the tax, in the fan's language
    amount_minor: int  # adds to the total; a discount is negative
    contained_minor: int = 0  # of tax that the prices above contain already
    sku: str = ""
    option: str = ""
    quantity: int = 0
    unit_price_minor: int = 0
    source: str = (
        ""  # of a discount: flash, promotion, coupon, personal, loyalty; of delivery: speed
    )
    code: str = ""  # of the coupon


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """Lines that add up to the total, and why a code took nothing off."""

    lines: tuple[Line, ...]
    total_minor: int
    currency: str
    discounts: tuple[Discount, ...] = ()
    coupon_refused: NotApplied | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price that holds until `expires_at`, frozen with everything it was made from."""

    id: str
    basis: Basis
    lines: tuple[Line, ...]
    total_minor: int
    currency: str
    discounts: tuple[Discount, ...] = ()
    coupon_refused: NotApplied | None = None
    expires_at: int
    created_at: int

    @property
    def items(self) -> tuple[Item, ...]:
        return self.basis.items

    @property
    def destination(self) -> Destination:
        return self.basis.destination

    @property
    def parcels(self) -> tuple[Parcel, ...]:
        return self.basis.parcels

    def to_json(self) -> dict[str, Any]:
        """What is kept as the body; identity and instants have columns of their own."""
        return {
            "basis": self.basis.to_json(),
            "lines": self.lines,
            "discounts": self.discounts,
            "coupon_refused": self.coupon_refused,
        }

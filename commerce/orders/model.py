"""An order: what was sold to whom, frozen when it was placed, and the moves of its status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from commerce.accounts import Address
from commerce.kernel.errors import Refusal
from commerce.kernel.machine import Machine


class Status(StrEnum):
    PENDING = "pending"  # placed, the payment is awaited
    CONFIRMED = "confirmed"  # the pieces are the fan's; the money comes with the parcel
    PAID = "paid"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class Action(StrEnum):
    CONFIRM = "confirm"
    PAY = "pay"
    CANCEL = "cancel"
    REFUND = "refund"


LIFE: Machine[Status, Action] = Machine(
    start=Status.PENDING,
    moves={
        (Status.PENDING, Action.CONFIRM): Status.CONFIRMED,
        (Status.PENDING, Action.PAY): Status.PAID,
        (Status.PENDING, Action.CANCEL): Status.CANCELLED,
        (Status.CONFIRMED, Action.PAY): Status.PAID,
        (Status.CONFIRMED, Action.CANCEL): Status.CANCELLED,  # refused at the door
        (Status.CANCELLED, Action.PAY): Status.PAID,  # late money, and the piece was still there
        (Status.PAID, Action.REFUND): Status.REFUNDED,
    },
)

# The status an action leads to, from wherever it is allowed: a repeated action is recognised by it.
AIM = {
    Action.CONFIRM: Status.CONFIRMED,
    Action.PAY: Status.PAID,
    Action.CANCEL: Status.CANCELLED,
    Action.REFUND: Status.REFUNDED,
}
PLACED = "place"  # what the first row of the history says was done


class NoSuchOrder(Refusal):
    code = "no_such_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    sku: str
    product_id: str
    supplier_id: str
    title: str
    option: str  # the variant's label
    image: str
    quantity: int
    unit_price_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    kind: str  # goods, discount, delivery, tax
    label: str
    amount_minor: int  # adds to the total; a discount is negative
    contained_minor: int = 0  # of tax that the prices contain already
    source: str = ""  # of a discount: flash, promotion, coupon, personal, loyalty
    code: str = ""  # of the coupon


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    id: str
    key: str
    code: str  # short, to be read aloud
    fan_id: str
    conversation_id: str
    session_id: str
    leader_id: str
    reference: str  # the checkout that placed it
    quote_id: str
    language: str
    currency: str
    total_minor: int
    items: tuple[Item, ...]
    lines: tuple[Line, ...]
    address: Address
    placed_at: int
    status: Status = Status.PENDING
    version: int = 1
    confirmed_at: int | None = None
    paid_at: int | None = None
    cancelled_at: int | None = None
    refunded_at: int | None = None

    @property
    def pieces(self) -> int:
        return sum(item.quantity for item in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One row of an order's history."""

    version: int
    status: Status
    action: str
    reason: str
    at: int


class Tally(NamedTuple):
    """What a session has in one status."""

    orders: int
    pieces: int
    totals_minor: Mapping[str, int]  # by currency: amounts of two currencies have no sum


def move(order: Order, action: Action, *, now: int) -> Order:
    """The order after the action, or the same order where it was done before."""
    if order.status is AIM[action]:
        return order
    status = LIFE.after(order.status, action)
    moved = replace(order, status=status, version=order.version + 1)
    match status:
        case Status.CONFIRMED:
            return replace(moved, confirmed_at=now)
        case Status.PAID:
            return replace(moved, paid_at=now)
        case Status.CANCELLED:
            return replace(moved, cancelled_at=now)
        case _:
            return replace(moved, refunded_at=now)


# What makes a repeated placing the same one: the caller's own facts, not what we chose for it.
GIVEN = (
    "fan_id", "conversation_id", "session_id", "leader_id", "reference", "quote_id", "language",
    "currency", "total_minor", "items", "lines", "address",
)  # fmt: skip


def difference(placed: Order, given: Order) -> str | None:
    for field in GIVEN:
        if getattr(placed, field) != getattr(given, field):
            return field
    return None

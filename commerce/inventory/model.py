"""Stock, holds and their life, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from commerce.kernel.errors import Refusal
from commerce.kernel.machine import Machine

MAIN = "main"  # the warehouse of those who have one
PIECES_MAX = 1_000_000_000  # in one movement; more is a slip of the finger


class HoldStatus(StrEnum):
    HELD = "held"
    CLAIMING = "claiming"  # its money is being taken: it does not run out meanwhile
    CLAIMED = "claimed"  # paid for
    RELEASED = "released"  # given back by the fan or by a cancelled checkout
    EXPIRED = "expired"
    RETURNED = "returned"  # was sold, and came back


PROMISED = (HoldStatus.HELD, HoldStatus.CLAIMING)  # what the stock counts as held
GONE = (HoldStatus.RELEASED, HoldStatus.EXPIRED)  # its pieces are free, or somebody else's


class HoldAction(StrEnum):
    BEGIN_CLAIM = "begin_claim"
    CLAIM = "claim"
    RELEASE = "release"
    EXPIRE = "expire"
    SECURE = "secure"  # the money can still be had, and so can the pieces
    RECLAIM = "reclaim"  # money came late, and the stock was still there
    GIVE_BACK = "give_back"
    RELOCATE = "relocate"  # the same pieces from other warehouses


HOLD_LIFE: Machine[HoldStatus, HoldAction] = Machine(
    start=HoldStatus.HELD,
    moves={
        (HoldStatus.HELD, HoldAction.BEGIN_CLAIM): HoldStatus.CLAIMING,
        (HoldStatus.HELD, HoldAction.CLAIM): HoldStatus.CLAIMED,
        (HoldStatus.HELD, HoldAction.RELEASE): HoldStatus.RELEASED,
        (HoldStatus.HELD, HoldAction.EXPIRE): HoldStatus.EXPIRED,
        (HoldStatus.HELD, HoldAction.RELOCATE): HoldStatus.HELD,
        (HoldStatus.CLAIMING, HoldAction.CLAIM): HoldStatus.CLAIMED,
        (HoldStatus.CLAIMING, HoldAction.RELEASE): HoldStatus.RELEASED,
        (HoldStatus.CLAIMING, HoldAction.RELOCATE): HoldStatus.CLAIMING,
        (HoldStatus.RELEASED, HoldAction.SECURE): HoldStatus.CLAIMING,
        (HoldStatus.RELEASED, HoldAction.RECLAIM): HoldStatus.CLAIMED,
        (HoldStatus.EXPIRED, HoldAction.SECURE): HoldStatus.CLAIMING,
        (HoldStatus.EXPIRED, HoldAction.RECLAIM): HoldStatus.CLAIMED,
        (HoldStatus.CLAIMED, HoldAction.GIVE_BACK): HoldStatus.RETURNED,
    },
)


class MovementKind(StrEnum):
    """Sold less returned is `sold`; the others less what moved out add up to `on_hand`."""

    RECEIVED = "received"
    SOLD = "sold"
    RETURNED = "returned"
    ADJUSTED = "adjusted"  # somebody knows of pieces more or less
    COUNTED = "counted"  # by how much a count differed; 0 where it did not
    MOVED_OUT = "moved_out"  # to another warehouse, where as many moved in
    MOVED_IN = "moved_in"


class OutOfStock(Refusal):
    """Fewer are left than the `asked`; `available` says how many one order can still get."""

    code = "out_of_stock"


class HoldGone(Refusal):
    """The hold was released or ran out."""

    code = "hold_expired"


class UnknownSku(Refusal):
    code = "unknown_sku"


class HoldDiffers(Refusal):
    """This key held something else before."""

    code = "hold_differs"


class SkuSuspended(Refusal):
    """It is not sold until somebody has looked into it."""

    code = "sku_suspended"


class BadQuantity(Refusal):
    """Nobody can hold, receive or count so many pieces."""

    code = "bad_quantity"


class StockChanged(Refusal):
    """The stock is not what the person saw: `version` is now another one."""

    code = "stock_changed"


class StockPromised(Refusal):
    """So few would be left that fans could not get what was held for or sold to them."""

    code = "stock_promised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """A SKU in one warehouse."""

    sku: str
    warehouse: str = MAIN
    on_hand: int  # everything that came in, sold or not
    held: int = 0
    sold: int = 0
    # Counts the changes of `on_hand` only: a drop holds and sells every second, and whoever counts
    # the shelf during it must not be told each time that somebody was quicker.
    version: int = 1
    suspended: bool = False

    @property
    def available(self) -> int:
        return self.on_hand - self.held - self.sold


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    sku: str
    warehouse: str
    kind: MovementKind
    quantity: int
    reason: str
    reference: str
    by: str = ""  # "" = the till itself
    at: int
    seq: int = field(default=0, compare=False)  # the order in which they were written


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    sku: str
    reason: str
    since: int
    by: str


class Part(NamedTuple):
    """Pieces of a hold that are in one warehouse."""

    warehouse: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    id: str
    key: str
    sku: str
    quantity: int  # in all its parts
    parts: tuple[Part, ...]  # by warehouse; several only where no single one had all
    owner: str  # conversation id
    reference: str  # live session id
    status: HoldStatus
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    key: str
    sku: str
    quantity: int
    owner: str
    reference: str
    seconds: int


def in_parts(sku: str, quantity: int, parts: Sequence[Part]) -> tuple[Part, ...]:
    """These parts as a hold keeps them; BadQuantity where they are not all its pieces."""
    found = tuple(sorted(parts))
    fits = sum(part.quantity for part in found) == quantity
    once = len({part.warehouse for part in found}) == len(found)
    if not fits or not once or any(part.quantity < 1 for part in found):
        raise BadQuantity(sku=sku, quantity=quantity)
    return found


def check_pieces(sku: str, quantity: int, *, least: int) -> None:
    """BadQuantity for what no movement can have."""
    if not least <= quantity <= PIECES_MAX:
        raise BadQuantity(sku=sku, quantity=quantity)


def change_of(stock: Stock, on_hand: int, expected_version: int) -> int:
    """By how much `on_hand` moves when it becomes this; whoever looked before others is refused."""
    if stock.version != expected_version:
        raise StockChanged(
            sku=stock.sku,
            warehouse=stock.warehouse,
            version=stock.version,
            on_hand=stock.on_hand,
        )
    promised = stock.held + stock.sold
    if on_hand < promised:
        raise StockPromised(sku=stock.sku, warehouse=stock.warehouse, promised=promised)
    if on_hand > PIECES_MAX:
        raise BadQuantity(sku=stock.sku, quantity=on_hand)
    return on_hand - stock.on_hand

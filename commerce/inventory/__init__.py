"""Stock and the holds on it: what is there, what is promised for minutes, what is sold."""

from commerce.inventory.events import HoldExpired
from commerce.inventory.holds import Holds
from commerce.inventory.model import (
    Hold,
    HoldGone,
    HoldStatus,
    MovementKind,
    OutOfStock,
    Stock,
    UnknownSku,
)
from commerce.inventory.service import (
    available,
    claim,
    extend,
    hold_of,
    holds_of,
    receive,
    reclaim,
    release,
    stock_of,
)

__all__ = [
    "Hold",
    "HoldExpired",
    "HoldGone",
    "HoldStatus",
    "Holds",
    "MovementKind",
    "OutOfStock",
    "Stock",
    "UnknownSku",
    "available",
    "claim",
    "extend",
    "hold_of",
    "holds_of",
    "receive",
    "reclaim",
    "release",
    "stock_of",
]

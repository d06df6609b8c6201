"""Stock, holds and their life; who gets what when several ask at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from commerce.kernel.errors import Refusal
from commerce.kernel.machine import Machine


class HoldStatus(StrEnum):
    HELD = "held"
    CLAIMED = "claimed"  # paid for
    RELEASED = "released"  # given back by the fan or by a cancelled checkout
    EXPIRED = "expired"


class HoldAction(StrEnum):
    CLAIM = "claim"
    RELEASE = "release"
    EXPIRE = "expire"
    RECLAIM = "reclaim"  # money came late, and the stock was still there


HOLD_LIFE: Machine[HoldStatus, HoldAction] = Machine(
    start=HoldStatus.HELD,
    moves={
        (HoldStatus.HELD, HoldAction.CLAIM): HoldStatus.CLAIMED,
        (HoldStatus.HELD, HoldAction.RELEASE): HoldStatus.RELEASED,
        (HoldStatus.HELD, HoldAction.EXPIRE): HoldStatus.EXPIRED,
        (HoldStatus.RELEASED, HoldAction.RECLAIM): HoldStatus.CLAIMED,
        (HoldStatus.EXPIRED, HoldAction.RECLAIM): HoldStatus.CLAIMED,
    },
)


class MovementKind(StrEnum):
    RECEIVED = "received"
    SOLD = "sold"


class OutOfStock(Refusal):
    """Fewer are left than were asked for; `available` says how many."""

    code = "out_of_stock"


class HoldGone(Refusal):
    """The hold was released or ran out."""

    code = "hold_expired"


class UnknownSku(Refusal):
    code = "unknown_sku"


class HoldDiffers(Refusal):
    """This key held something else before."""

    code = "hold_differs"


@dataclass(frozen=True, slots=True)
class Stock:
    sku: str
    on_hand: int  # everything that came in, sold or not
    held: int
    sold: int

    @property
    def available(self) -> int:
        return self.on_hand - self.held - self.sold


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    id: str
    key: str
    sku: str
    quantity: int
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


Answer = Hold | Refusal


def allot(
    requests: Sequence[HoldRequest],
    *,
    left: Mapping[str, int],
    known: Mapping[str, Hold],
    new_ids: Sequence[str],
    now: int,
) -> tuple[list[Answer], list[Hold]]:
    """Answer each request, first come first served; also the holds that are new.

    `left` is what is available per SKU, `known` are the holds that these keys made before.
    """
    remaining, seen, fresh = dict(left), dict(known), list[Hold]()
    answers: list[Answer] = []
    for request, new_id in zip(requests, new_ids, strict=True):
        earlier = seen.get(request.key)
        if earlier is not None:
            answers.append(earlier if _same(request, earlier) else HoldDiffers(key=request.key))
        elif request.sku not in remaining:
            answers.append(UnknownSku(sku=request.sku))
        elif request.quantity < 1 or remaining[request.sku] < request.quantity:
            answers.append(OutOfStock(sku=request.sku, available=remaining[request.sku]))
        else:
            remaining[request.sku] -= request.quantity
            hold = _new(request, new_id, now)
            seen[request.key] = hold
            fresh.append(hold)
            answers.append(hold)
    return answers, fresh


def _same(request: HoldRequest, hold: Hold) -> bool:
    asked = (request.sku, request.quantity, request.owner)
    return asked == (hold.sku, hold.quantity, hold.owner)


def _new(request: HoldRequest, new_id: str, now: int) -> Hold:
    return Hold(
        id=new_id,
        key=request.key,
        sku=request.sku,
        quantity=request.quantity,
        owner=request.owner,
        reference=request.reference,
        status=HOLD_LIFE.start,
        expires_at=now + request.seconds * 1_000_000,
    )

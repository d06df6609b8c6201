"""A price for a few pieces in one live: its terms, its life, and who has how many of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from commerce.kernel.clock import HOUR, MINUTE
from commerce.kernel.errors import Refusal
from commerce.kernel.machine import Machine

DURATION_MIN = MINUTE
DURATION_MAX = 24 * HOUR


class FlashStatus(StrEnum):
    OFFERED = "offered"  # by the supplier, to one leader
    RUNNING = "running"
    ENDED = "ended"  # its time is over, its pieces are sold, or the leader or the live ended it
    WITHDRAWN = "withdrawn"  # the supplier took it back


class FlashAction(StrEnum):
    START = "start"
    END = "end"
    WITHDRAW = "withdraw"


FLASH_LIFE: Machine[FlashStatus, FlashAction] = Machine(
    start=FlashStatus.OFFERED,
    moves={
        (FlashStatus.OFFERED, FlashAction.START): FlashStatus.RUNNING,
        (FlashStatus.OFFERED, FlashAction.WITHDRAW): FlashStatus.WITHDRAWN,
        (FlashStatus.RUNNING, FlashAction.END): FlashStatus.ENDED,
        (FlashStatus.RUNNING, FlashAction.WITHDRAW): FlashStatus.WITHDRAWN,
    },
)


class FlashEnding(StrEnum):
    TIME = "time"
    SOLD = "sold"
    LEADER = "leader"
    SUPPLIER = "supplier"
    SESSION = "session"  # the live is over


class ClaimStatus(StrEnum):
    HELD = "held"
    CONFIRMED = "confirmed"  # paid
    RETURNED = "returned"  # the hold is gone; the piece is there for the next fan
    LATE = "late"  # paid after it was returned and taken by another: beyond the quantity


class ClaimAction(StrEnum):
    CONFIRM = "confirm"
    GIVE_BACK = "give_back"
    TAKE_AGAIN = "take_again"  # money came late, and the pieces were still there
    HONOUR = "honour"


CLAIM_LIFE: Machine[ClaimStatus, ClaimAction] = Machine(
    start=ClaimStatus.HELD,
    moves={
        (ClaimStatus.HELD, ClaimAction.CONFIRM): ClaimStatus.CONFIRMED,
        (ClaimStatus.HELD, ClaimAction.GIVE_BACK): ClaimStatus.RETURNED,
        (ClaimStatus.RETURNED, ClaimAction.TAKE_AGAIN): ClaimStatus.CONFIRMED,
        (ClaimStatus.RETURNED, ClaimAction.HONOUR): ClaimStatus.LATE,
    },
)
TAKEN = (ClaimStatus.HELD, ClaimStatus.CONFIRMED)  # what the quantity counts


class NoSuchFlash(Refusal):
    code = "no_such_flash"


class NotYourFlash(Refusal):
    """It was offered to another leader, or by another supplier."""

    code = "not_your_flash"


class FlashChanged(Refusal):
    """Somebody else changed it since it was shown: `version` is now another one."""

    code = "flash_changed"


class FlashRuns(Refusal):
    """One runs for this variant in this session already."""

    code = "flash_runs"


class FlashNotForSale(Refusal):
    """The product is not on sale, or its supplier is not active."""

    code = "flash_not_for_sale"


class BadFlashPrice(Refusal):
    """Not below the list price, or below what the supplier allows: `minimum` and `maximum`."""

    code = "bad_flash_price"


class BadFlashQuantity(Refusal):
    """Less than one piece, or more than there are: `maximum`."""

    code = "bad_flash_quantity"


class BadFlashLimit(Refusal):
    """What one fan may have is at least one piece and not more than all: `maximum`."""

    code = "bad_flash_limit"


class BadFlashDuration(Refusal):
    """It would end before it begins, or so late that it is no flash: `minimum`, `maximum` in µs."""

    code = "bad_flash_duration"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashTerms:
    """What a supplier offers, and what a leader makes of it within that."""

    price_minor: int
    quantity: int
    duration: int  # µs


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    id: str
    supplier_id: str
    leader_id: str
    product_id: str
    sku: str
    currency: str
    terms: FlashTerms  # of the supplier, until it starts; what it was started with, from then on
    per_fan: int
    status: FlashStatus = FLASH_LIFE.start
    version: int = 1
    session_id: str = ""  # in which it was started
    taken: int = 0  # pieces held or paid
    sold: int = 0
    late: int = 0  # paid beyond the quantity, see ClaimStatus.LATE
    started_at: int | None = None
    ends_at: int | None = None
    ended_at: int | None = None
    ending: str = ""
    created_at: int

    @property
    def left(self) -> int:
        return self.terms.quantity - self.taken

    def runs(self, at: int) -> bool:
        """Its time may be over before anybody has written down that it ended."""
        return self.status is FlashStatus.RUNNING and self.ends_at is not None and at < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashSale:
    """What a fan is told of one that runs and has pieces left."""

    id: str
    sku: str
    price_minor: int
    currency: str
    quantity: int
    left: int
    per_fan: int
    ends_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashClaim:
    """The pieces of a hold that have the flash price; it is theirs for as long as the hold is."""

    flash_id: str
    hold_id: str
    owner: str
    pieces: int
    price_minor: int
    currency: str
    status: ClaimStatus = CLAIM_LIFE.start


def check_terms(
    terms: FlashTerms, *, sku: str, floor_minor: int, list_minor: int, free: int
) -> None:
    """No flash is dearer than usual, below the supplier's minimum, or of pieces not there."""
    if not max(1, floor_minor) <= terms.price_minor < list_minor:
        raise BadFlashPrice(
            sku=sku,
            price_minor=terms.price_minor,
            minimum=max(1, floor_minor),
            maximum=list_minor - 1,
        )
    if not 1 <= terms.quantity <= free:
        raise BadFlashQuantity(sku=sku, quantity=terms.quantity, maximum=free)
    if not DURATION_MIN <= terms.duration <= DURATION_MAX:
        raise BadFlashDuration(minimum=DURATION_MIN, maximum=DURATION_MAX)


def check_per_fan(per_fan: int, quantity: int) -> None:
    if not 1 <= per_fan <= quantity:
        raise BadFlashLimit(per_fan=per_fan, maximum=quantity)


def check_within(started: FlashTerms, offered: FlashTerms) -> None:
    """A leader may be less generous than the supplier, never more."""
    if started.price_minor < offered.price_minor:
        raise BadFlashPrice(price_minor=started.price_minor, minimum=offered.price_minor)
    if started.quantity > offered.quantity:
        raise BadFlashQuantity(quantity=started.quantity, maximum=offered.quantity)
    if started.duration > offered.duration:
        raise BadFlashDuration(minimum=DURATION_MIN, maximum=offered.duration)


def granted(flash: Flash, *, asked: int, has: int, at: int) -> int:
    """How many of the pieces asked for a fan gets, who `has` some already."""
    return max(0, min(asked, flash.left, flash.per_fan - has)) if flash.runs(at) else 0


def sale(flash: Flash) -> FlashSale:
    assert flash.ends_at is not None
    return FlashSale(
        id=flash.id,
        sku=flash.sku,
        price_minor=flash.terms.price_minor,
        currency=flash.currency,
        quantity=flash.terms.quantity,
        left=flash.left,
        per_fan=flash.per_fan,
        ends_at=flash.ends_at,
    )

"""What the conversation may ask of the commerce core, and what it may hear back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from commerce.accounts import Address


@dataclass(frozen=True, slots=True)
class Look:
    """What is pinned in the session this fan came from (or in the one that is live)?"""

    session: str = (
        ""  # slug of the session from the deep link; empty = the fan's last, or the live one
    )
    territory: str = ""  # where the fan's platform thinks they are


@dataclass(frozen=True, slots=True)
class Hold:
    sku: str
    quantity: int
    session_id: str
    rule_ids: tuple[str, ...] = ()  # of the promotions with which it was shown
    currency: str = ""  # in which it was shown


@dataclass(frozen=True, slots=True)
class Release:
    hold_id: str


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the fan is, as they shared it; in millionths of a degree."""

    latitude_e6: int
    longitude_e6: int


@dataclass(frozen=True, slots=True)
class CheckDelivery:
    """Do we deliver there? Asked with as much of the address as is known."""

    hold_id: str
    address: Address
    spot: Spot | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    hold_id: str
    address: Address
    language: str
    coupon: str = ""  # as the fan wrote it
    spot: Spot | None = None
    currency: str = ""  # in which the offer was shown


@dataclass(frozen=True, slots=True)
class KnownAddress:
    pass


@dataclass(frozen=True, slots=True)
class CheckOut:
    hold_id: str
    quote_id: str
    address: Address
    language: str
    consent_text: str
    consent_version: str


@dataclass(frozen=True, slots=True)
class CancelCheckout:
    checkout_id: str


@dataclass(frozen=True, slots=True)
class FindOrders:
    pass


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep the language the fan chose for the next time."""

    language: str


@dataclass(frozen=True, slots=True)
class Join:
    """A place on the waitlist of a variant."""

    sku: str
    quantity: int
    session_id: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Give up one place on a waitlist, or all."""

    entry_id: str = ""
    quietly: bool = False  # nobody is there any more to be told


@dataclass(frozen=True, slots=True)
class TakeUp:
    """Go on to buy what the waitlist holds."""

    entry_id: str


@dataclass(frozen=True, slots=True)
class FindPlaces:
    """Where does this fan wait?"""


@dataclass(frozen=True, slots=True)
class Find:
    """Is there this, of what is shown now or else in the shop?"""

    text: str
    session: str = ""  # as in Look
    territory: str = ""  # as in Look


Intent = (
    Look
    | Hold
    | Release
    | CheckDelivery
    | Quote
    | KnownAddress
    | CheckOut
    | CancelCheckout
    | FindOrders
    | Remember
    | Join
    | Leave
    | TakeUp
    | FindPlaces
    | Find
)


@dataclass(frozen=True, slots=True)
class Good:
    """A product that is not on offer now, and where to look at it."""

    title: str
    price_minor: int
    currency: str
    price_varies: bool
    url: str


@dataclass(frozen=True, slots=True)
class GoodsFound:
    asked: str
    offer: Offer | None
    skus: tuple[str, ...] = ()  # of the offer
    others: tuple[Good, ...] = ()  # where none of the offer fits


@dataclass(frozen=True, slots=True)
class Refused:
    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Option:
    sku: str
    label: str  # "M", "Blue / 42"
    price_minor: int  # what this fan would pay
    available: int
    former_minor: int = 0  # what it costs otherwise; 0 = the same
    cheaper: Mapping[str, str] = field(default_factory=dict)  # language -> why it costs less
    flash_left: int = 0  # pieces at a price of this live only; 0 = there is none
    flash_ends_at: int = 0  # µs
    flash_per_fan: int = 0
    rule_ids: tuple[str, ...] = ()  # of the promotions that make it cheaper


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    session_id: str
    session_slug: str
    session_title: str
    leader_name: str
    product_id: str
    title: str
    description: str
    image_url: str
    currency: str
    ends_at: int | None  # µs; None = as long as it is pinned
    options: tuple[Option, ...]
    personal_bp: int = 0  # what was proposed to this fan alone, in basis points
    personal_until: int = 0  # µs


@dataclass(frozen=True, slots=True)
class Looked:
    offer: Offer | None


@dataclass(frozen=True, slots=True)
class Held:
    hold_id: str
    sku: str
    quantity: int
    expires_at: int  # µs
    flash_pieces: int = 0  # of them, at the price of this live
    flash_price_minor: int = 0


@dataclass(frozen=True, slots=True)
class Released:
    pass


@dataclass(frozen=True, slots=True)
class Served:
    """We deliver there, as far as can be known."""


@dataclass(frozen=True, slots=True)
class QuoteLine:
    kind: str  # goods, discount, delivery, tax
    label: str  # title of the goods, name of a discount or tax; empty where the texts name it
    amount_minor: int
    source: str = ""  # of a discount: flash, promotion, coupon, personal, loyalty
    code: str = ""  # of a coupon
    contained_minor: int = 0  # tax that the prices above contain
    quantity: int = 0  # pieces it is about
    earliest: str = ""  # day of arrival, YYYY-MM-DD
    latest: str = ""


@dataclass(frozen=True, slots=True)
class Quoted:
    quote_id: str
    lines: tuple[QuoteLine, ...]
    total_minor: int
    currency: str
    no_code: Refused | None = None  # why the code asked for takes nothing off


@dataclass(frozen=True, slots=True)
class AddressKnown:
    address: Address | None


@dataclass(frozen=True, slots=True)
class CheckoutOpened:
    checkout_id: str
    order_code: str


@dataclass(frozen=True, slots=True)
class CancelTaken:
    stopped: bool  # False: too late, it was paid meanwhile


@dataclass(frozen=True, slots=True)
class OrderLine:
    code: str
    title: str
    status: str  # of the order: pending, confirmed, paid, cancelled, refunded
    total_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class OrdersFound:
    orders: tuple[OrderLine, ...]  # newest first, at most 5


@dataclass(frozen=True, slots=True)
class Remembered:
    pass


@dataclass(frozen=True, slots=True)
class Joined:
    position: int  # 1 = the next; 0 = it is this fan's turn already


@dataclass(frozen=True, slots=True)
class Left:
    entry_ids: tuple[str, ...]  # the places that were given up


@dataclass(frozen=True, slots=True)
class TakenUp:
    offer: Offer
    held: Held


@dataclass(frozen=True, slots=True)
class WaitPlace:
    title: str
    label: str
    position: int  # as in Joined


@dataclass(frozen=True, slots=True)
class PlacesFound:
    places: tuple[WaitPlace, ...]


Outcome = (
    Looked
    | Held
    | Released
    | Served
    | Quoted
    | AddressKnown
    | CheckoutOpened
    | CancelTaken
    | OrdersFound
    | Remembered
    | Joined
    | Left
    | TakenUp
    | PlacesFound
    | GoodsFound
    | Refused
)

"""What a conversation remembers between two messages, and what one step takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from bot.intents import Held, Intent, Offer, Option, Outcome, Quoted, QuoteLine, Spot
from bot.messages import Incoming, Reply
from commerce.accounts import Address

STATE_VERSION = 1
TOLD_MAX = 12  # checkouts whose end the fan has heard of


class Place(StrEnum):
    BROWSE = "browse"  # nothing chosen, nothing shown that could be chosen
    SIZE = "size"  # an offer is shown
    FEWER = "fewer"  # fewer are left than were asked for, and nothing is held: how many?
    TURN = "turn"  # the waitlist holds something for the fan: go on with it?
    KNOWN = "known"  # held; does the known address still hold?
    COUNTRY = "country"
    NAME = "name"
    STREET = "street"
    CITY = "city"
    POSTCODE = "postcode"
    REGION = "region"
    SUMMARY = "summary"  # the total is shown, consent is asked
    CODE = "code"  # the total is known; which code makes it less?
    PREPARING = "preparing"  # checkout opened, the pay link is on its way
    PAYING = "paying"  # the pay link was given


@dataclass(frozen=True, slots=True)
class Checkout:
    checkout_id: str
    order_code: str
    url: str = ""
    expires_at: int = 0  # µs, 0 = unknown
    total_minor: int = 0
    currency: str = ""
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the fan asked for, and there was not enough of it."""

    sku: str
    session_id: str
    title: str
    label: str
    quantity: int = 1
    left: int = 0
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class WaitTurn:
    """What the waitlist holds for the fan, who has not gone on to buy it yet."""

    entry_id: str
    hold_id: str
    sku: str
    session_id: str
    title: str
    label: str
    quantity: int = 1
    expires_at: int = 0  # µs


NOWHERE = Address(name="", line1="", city="", country="")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    place: Place = Place.BROWSE
    purchase: int = 1  # counts up; buttons carry it, so that late presses are recognised
    language: str = ""
    territory: str = ""  # of the platform's language ("es-MX"); only a first guess
    name: str = ""  # profile name
    session: str = ""  # slug of the session the fan came from
    offer: Offer | None = None
    wanted: Wanted | None = None
    turns: tuple[WaitTurn, ...] = ()  # the earliest first
    hold: Held | None = None
    address: Address = NOWHERE  # empty fields are still to be asked
    known: Address | None = None  # from an earlier purchase
    unserved: bool = False  # we do not deliver where the address was to be
    spot: Spot | None = None  # where the fan is; says which warehouse is the closest
    coupon: str = ""  # the code to be used with the next total
    quote: Quoted | None = None
    checkout: Checkout | None = None  # placed and not yet known to be paid or over
    told: tuple[str, ...] = ()  # checkout ids whose end was told
    paid_code: str = ""  # the last order we gave a receipt for
    renewing: bool = False  # within one turn: a hold that ran out is being held again

    def to_json(self) -> dict[str, Any]:
        """The state as plain data; what is empty is left out."""
        body: dict[str, Any] = {"version": STATE_VERSION}
        for name, blank in BLANKS.items():
            value = getattr(self, name)
            if value != blank:
                body[name] = _plain(value)
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> State:
        """The state as it was saved; keys of older and newer versions may be missing or unknown."""
        known = {name: body[name] for name in BLANKS if body.get(name) is not None}
        for name, read in READERS.items():
            if name in known:
                known[name] = read(known[name])
        return settled(cls(**known))


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one intent of the last turn."""

    intent: Intent
    outcome: Outcome


Given = Incoming | Answer


@dataclass(frozen=True, slots=True)
class Turn:
    state: State
    replies: tuple[Reply, ...] = ()
    intents: tuple[Intent, ...] = ()


ADDRESS_PLACES = (
    Place.COUNTRY, Place.NAME, Place.STREET, Place.CITY, Place.POSTCODE, Place.REGION,
)  # fmt: skip
NEEDS: Mapping[Place, tuple[str, ...]] = {
    Place.BROWSE: (),
    Place.SIZE: ("offer",),
    Place.FEWER: ("offer", "wanted"),
    Place.TURN: ("turns",),
    Place.KNOWN: ("offer", "hold", "known"),
    **dict.fromkeys(ADDRESS_PLACES, ("offer", "hold")),
    **dict.fromkeys((Place.SUMMARY, Place.CODE), ("offer", "hold", "quote")),
    Place.PREPARING: ("checkout",),
    Place.PAYING: ("checkout",),
}


def settled(state: State) -> State:
    """The state, or the start of a new purchase where what its place stands on is missing."""
    stands = all(getattr(state, name) for name in NEEDS[state.place])
    if state.place in ADDRESS_PLACES and state.place is not Place.COUNTRY:
        stands = stands and state.address.country != ""
    return state if stands else fresh(state)


def fresh(state: State) -> State:
    """Nothing chosen, the next purchase; who the fan is and what is still to be paid stay.

    What the waitlist holds comes next.
    """
    return replace(
        state, place=Place.TURN if state.turns else Place.BROWSE, purchase=state.purchase + 1,
        offer=None, wanted=None, hold=None, address=NOWHERE, known=None, quote=None,
        unserved=False, spot=None, coupon="",
    )  # fmt: skip


def over(state: State, checkout_id: str) -> State:
    """The checkout has ended and the fan was told; a purchase begun since then goes on."""
    told = state.told if checkout_id in state.told else (*state.told, checkout_id)[-TOLD_MAX:]
    if state.checkout is None or state.checkout.checkout_id != checkout_id:
        return replace(state, told=told)
    state = replace(state, told=told, checkout=None)
    return fresh(state) if state.place in (Place.PREPARING, Place.PAYING) else state


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    names = EMPTY.get(type(value))
    return {n: _plain(getattr(value, n)) for n in names} if names else value


def _rebuild(kind: type[Any], body: Mapping[str, Any]) -> Any:
    blank = EMPTY[kind]
    return kind(**{name: body.get(name, blank[name]) for name in blank})


def _place(value: str) -> Place:
    return Place(value) if value in Place.__members__.values() else Place.BROWSE


def address_from(body: Mapping[str, Any]) -> Address:
    return _rebuild(Address, body)  # type: ignore[no-any-return]


def _offer(body: Mapping[str, Any]) -> Offer:
    options = tuple(
        _rebuild(Option, {**o, "rule_ids": tuple(o.get("rule_ids", ()))})
        for o in body.get("options", ())
    )
    return _rebuild(Offer, {**body, "options": options})  # type: ignore[no-any-return]


def _quote(body: Mapping[str, Any]) -> Quoted:
    lines = tuple(_rebuild(QuoteLine, line) for line in body.get("lines", ()))
    return _rebuild(Quoted, {**body, "lines": lines})  # type: ignore[no-any-return]


def _checkout(body: Mapping[str, Any]) -> Checkout:
    address = body.get("address")
    body = {**body, "address": address_from(address) if address else None}
    return _rebuild(Checkout, body)  # type: ignore[no-any-return]


BLANKS = {f.name: f.default for f in fields(State)}
_OFFER = Offer(
    session_id="", session_slug="", session_title="", leader_name="", product_id="", title="",
    description="", image_url="", currency="USD", ends_at=None, options=(),
)  # fmt: skip
EMPTY: Mapping[type, Mapping[str, Any]] = {  # what stands in for a key an older version had not
    type(blank): {f.name: getattr(blank, f.name) for f in fields(blank)}
    for blank in (
        _OFFER, Option("", "", 0, 0), Held("", "", 1, 0), NOWHERE, Quoted("", (), 0, "USD"),
        QuoteLine("", "", 0), Checkout("", ""), Wanted("", "", "", ""),
        WaitTurn("", "", "", "", "", ""), Spot(0, 0),
    )
}  # fmt: skip
READERS: Mapping[str, Any] = {
    "place": _place,
    "offer": _offer,
    "wanted": lambda body: _rebuild(Wanted, body),
    "turns": lambda body: tuple(_rebuild(WaitTurn, turn) for turn in body),
    "hold": lambda body: _rebuild(Held, body),
    "address": address_from,
    "known": address_from,
    "spot": lambda body: _rebuild(Spot, body),
    "quote": _quote,
    "checkout": _checkout,
    "told": tuple,
}

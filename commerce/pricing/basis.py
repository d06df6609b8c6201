"""Everything a quote is made from, as plain values that can be kept for years and read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from commerce import promotions
from commerce.pricing import tax
from commerce.promotions import Buyer, Discount, Funder, NotApplied, Policy, Rule, Source
from commerce.shipping import Destination, Parcel, parcel_from_json

USUAL = Policy()
ANYBODY = Buyer()
VERSION = 2  # of the body; 1 had lines only, and nothing to make them from again


@dataclass(frozen=True, slots=True)
class Flash:
    """Pieces that are promised to this fan at the price of a live session."""

    sale_id: str
    price_minor: int
    pieces: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One SKU as it was when it was priced: everything an order has to remember of it."""

    sku: str
    product_id: str
    supplier_id: str
    origin: str  # ISO 3166 alpha-2, where it leaves from
    title: str
    option: str  # the variant's label
    image: str
    quantity: int
    unit_price_minor: int  # before discounts: the leader's price, or the list's
    currency: str
    list_minor: int = 0  # what the list says; 0 = the same
    floor_minor: int = 0  # what one piece never undercuts
    flash: Flash | None = None
    tax_category: str = tax.STANDARD
    category_id: str = ""
    category_ids: tuple[str, ...] = ()  # from the root down
    warehouse: str = ""  # empty = it lies in more than one


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    at: int  # µs
    language: str = ""
    items: tuple[Item, ...]
    destination: Destination
    parcels: tuple[Parcel, ...] = ()
    taxes: Mapping[str, tax.Terms] = field(default_factory=dict)  # by origin
    rules: tuple[Rule, ...] = ()
    policy: Policy = USUAL
    buyer: Buyer = ANYBODY
    leader_id: str = ""
    session_id: str = ""
    channel: str = ""
    coupon: str = ""  # the code as it was found
    coupon_refused: NotApplied | None = None  # where it was not even considered

    def to_json(self) -> dict[str, Any]:
        return {  # the writer of JSON knows dataclasses; only sets and rules it does not
            "version": VERSION,
            **{name: getattr(self, name) for name in WHOLE},
            "rules": [rule.to_json() for rule in self.rules],
            "policy": self.policy.to_json(),
            "buyer": {
                **{name: getattr(self.buyer, name) for name in ("id", "orders", "uses")},
                "segments": sorted(self.buyer.segments),
            },
        }


PLAIN = ("at", "language", "leader_id", "session_id", "channel", "coupon")
WHOLE = (*PLAIN, "items", "destination", "parcels", "taxes", "coupon_refused")


def basis_from_json(body: Mapping[str, Any]) -> Basis:
    buyer, refused = body["buyer"], body["coupon_refused"]
    return Basis(
        **{name: body[name] for name in PLAIN},
        items=tuple(item_from_json(item) for item in body["items"]),
        destination=Destination(**body["destination"]),
        parcels=tuple(parcel_from_json(parcel) for parcel in body["parcels"]),
        taxes={origin: tax.terms_from_json(terms) for origin, terms in body["taxes"].items()},
        rules=tuple(promotions.rule_from_json(rule) for rule in body["rules"]),
        policy=promotions.policy_from_json(body["policy"]),
        buyer=Buyer(**{**buyer, "segments": frozenset(buyer["segments"])}),
        coupon_refused=not_applied_from_json(refused) if refused else None,
    )


def item_from_json(body: Mapping[str, Any]) -> Item:
    flash = body.get("flash")
    facts = {**body, "category_ids": tuple(body.get("category_ids", ()))}
    return Item(**{**facts, "flash": Flash(**flash) if flash else None})


def not_applied_from_json(body: Mapping[str, Any]) -> NotApplied:
    return NotApplied(**{**body, "source": Source(body["source"])})


def discount_from_json(body: Mapping[str, Any]) -> Discount:
    return Discount(
        **{
            **body,
            "source": Source(body["source"]),
            "funder": Funder(body["funder"]),
            "off_goods_minor": tuple(body["off_goods_minor"]),
        }
    )

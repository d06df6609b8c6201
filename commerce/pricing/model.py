"""What something costs this fan now: a pure quote of goods, delivery and tax that adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from commerce.kernel.clock import MINUTE
from commerce.kernel.errors import Refusal
from commerce.pricing.lists import PRICE_MINOR_MAX, BadPrice

VALID_FOR = 30 * MINUTE
QUANTITY_MAX = 1_000  # of one SKU; keeps every total far from the edge of 64 bits
ITEMS_MAX = 100


class NoDelivery(Refusal):
    code = "no_delivery"


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
    DELIVERY = "delivery"
    TAX = "tax"


class Zone(StrEnum):
    DOMESTIC = "domestic"  # within the supplier's country
    EU = "eu"  # between two countries of the EU
    WORLD = "world"


@dataclass(frozen=True, slots=True)
class Wanted:
    sku: str
    quantity: int


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
    unit_price_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """As much of an address as a price depends on."""

    country: str
    region: str = ""
    postcode: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    kind: LineKind
    label: str  # title of the goods; empty for the rest, which texts name
    amount_minor: int
    sku: str = ""
    option: str = ""
    quantity: int = 0
    unit_price_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    amount_minor: int
    free_from_minor: int | None = None  # goods of one supplier from which delivery costs nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The delivery table: who is served, and the rate per currency and zone."""

    eu: frozenset[str]
    served: frozenset[str]
    table: Mapping[str, Mapping[Zone, Rate]]

    def rate(self, *, currency: str, origin: str, country: str) -> Rate:
        zone = self.zone(origin, country)
        rate = self.table.get(currency, {}).get(zone)
        if rate is None or (zone is not Zone.DOMESTIC and country not in self.served):
            raise NoDelivery(country=country)
        return rate

    def zone(self, origin: str, country: str) -> Zone:
        if origin == country:
            return Zone.DOMESTIC
        return Zone.EU if {origin, country} <= self.eu else Zone.WORLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """Lines that add up to the total, and the items they were made from."""

    items: tuple[Item, ...]
    destination: Destination
    lines: tuple[Line, ...]
    total_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price that holds until `expires_at`, frozen with everything it was made from."""

    id: str
    items: tuple[Item, ...]
    destination: Destination
    language: str
    lines: tuple[Line, ...]
    total_minor: int
    currency: str
    expires_at: int
    created_at: int

    def to_json(self) -> dict[str, Any]:
        """What is kept as the body; identity and instants have columns of their own."""
        return {
            "items": self.items,
            "destination": self.destination,
            "language": self.language,
            "lines": self.lines,
        }


def quote(items: Sequence[Item], destination: Destination, rates: Rates) -> Priced:
    """The price of the items, delivered there. Nothing is looked up and nothing is rounded."""
    currency = _only_currency(items)
    goods = [_goods(item) for item in items]
    lines = (*goods, *_delivery(items, destination, rates), _tax())
    return Priced(
        items=tuple(items),
        destination=destination,
        lines=lines,
        total_minor=sum(line.amount_minor for line in lines),
        currency=currency,
    )


def _only_currency(items: Sequence[Item]) -> str:
    if not 1 <= len(items) <= ITEMS_MAX:
        raise BadQuantity(quantity=len(items), maximum=ITEMS_MAX)
    currencies = sorted({item.currency for item in items})
    if len(currencies) > 1:
        raise MixedCurrencies(currencies=currencies)
    return currencies[0]


def _goods(item: Item) -> Line:
    if not 1 <= item.quantity <= QUANTITY_MAX:
        raise BadQuantity(quantity=item.quantity, maximum=QUANTITY_MAX)
    if not 0 < item.unit_price_minor <= PRICE_MINOR_MAX:
        raise BadPrice(sku=item.sku, price_minor=item.unit_price_minor)
    return Line(
        kind=LineKind.GOODS,
        label=item.title,
        amount_minor=item.quantity * item.unit_price_minor,
        sku=item.sku,
        option=item.option,
        quantity=item.quantity,
        unit_price_minor=item.unit_price_minor,
    )


def _delivery(items: Sequence[Item], destination: Destination, rates: Rates) -> list[Line]:
    """One parcel, and so one line, for each supplier."""
    worth: dict[tuple[str, str], int] = {}
    for item in items:
        parcel = (item.supplier_id, item.origin)
        worth[parcel] = worth.get(parcel, 0) + item.quantity * item.unit_price_minor
    lines = []
    for (_, origin), goods_minor in worth.items():
        rate = rates.rate(currency=items[0].currency, origin=origin, country=destination.country)
        free = rate.free_from_minor is not None and goods_minor >= rate.free_from_minor
        amount = 0 if free else rate.amount_minor
        lines.append(Line(kind=LineKind.DELIVERY, label="", amount_minor=amount))
    return lines


def _tax() -> Line:
    # Prices are gross and no regime is configured: nothing is added, and the line says so.
    return Line(kind=LineKind.TAX, label="", amount_minor=0)


def item_from_json(body: Mapping[str, Any]) -> Item:
    return Item(**body)


def line_from_json(body: Mapping[str, Any]) -> Line:
    return Line(**{**body, "kind": LineKind(body["kind"])})

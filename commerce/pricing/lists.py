"""Price lists: what a SKU costs in a currency, from when, until when, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from commerce.kernel.errors import Refusal

PRICE_MINOR_MAX = 10**12
ANYWHERE = ""


class BadPrice(Refusal):
    """Not more than nothing, or more than any price is."""

    code = "bad_price"


class BadPeriod(Refusal):
    """It ends before it begins."""

    code = "bad_period"


class PriceOverlaps(Refusal):
    """Another price of the same list holds at some of that time."""

    code = "price_overlaps"


class NoPrice(Refusal):
    """It has no price in this currency; none is made up by conversion."""

    code = "no_price"


class NoSuchPrice(Refusal):
    code = "no_such_price"


class PriceOver(Refusal):
    """What it cost in the past is not changed any more."""

    code = "price_over"


class NotYourPrice(Refusal):
    """Another supplier's SKU."""

    code = "not_your_price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    id: str
    sku: str
    currency: str
    warehouse: str = ANYWHERE
    amount_minor: int
    valid_from: int  # µs
    valid_until: int | None = None  # µs; None = until another one is set
    set_by: str = ""

    def holds_at(self, at: int) -> bool:
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)

    def overlaps(self, other: Price) -> bool:
        begins_before = self.valid_until is None or other.valid_from < self.valid_until
        ends_after = other.valid_until is None or self.valid_from < other.valid_until
        return begins_before and ends_after


def must_be_possible(price: Price) -> None:
    if not 0 < price.amount_minor <= PRICE_MINOR_MAX:
        raise BadPrice(sku=price.sku, price_minor=price.amount_minor)
    if price.valid_until is not None and price.valid_until <= price.valid_from:
        raise BadPeriod(field="valid_until", sku=price.sku)


def must_fit(prices: Iterable[Price], price: Price) -> None:
    """Beside those that its SKU has already."""
    for other in prices:
        same_list = (other.currency, other.warehouse) == (price.currency, price.warehouse)
        if same_list and other.overlaps(price):
            raise PriceOverlaps(
                sku=price.sku,
                price_id=other.id,
                valid_from=other.valid_from,
                valid_until=other.valid_until,
            )


def in_force(prices: Iterable[Price], *, currency: str, warehouse: str, at: int) -> Price | None:
    """The price of this warehouse, else the one that holds anywhere."""
    found: Price | None = None
    for price in prices:
        if price.currency != currency or not price.holds_at(at):
            continue
        if price.warehouse == warehouse:
            return price
        if price.warehouse == ANYWHERE:
            found = price
    return found

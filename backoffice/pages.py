"""What every template can use: money, times, status words and the menu of a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from jinja2 import Environment

from backoffice import words, words_operations
from commerce import accounts, catalog
from commerce.accounts import Action, Staff
from commerce.kernel.money import exponent, format_money

LOCALE = "en"
ONE_SIZE = "One size"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

SELL = (Action.RUN_SESSION, Action.SEE_EVERYTHING)
STOCK = (Action.RUN_SESSION, Action.EDIT_PRODUCTS, Action.SEE_EVERYTHING)


@dataclass(frozen=True, slots=True)
class Item:
    label: str
    path: str
    needs: tuple[Action, ...]
    count: int = 0  # of what waits there


OPERATIONS = "/backoffice/operations"
MENU = (
    Item("Sessions", "/backoffice", SELL),
    Item("Products", "/backoffice/products", STOCK),
    Item("Warehouses", "/backoffice/warehouses", (Action.MANAGE_DELIVERY,)),
    Item("What I sell", "/backoffice/listings", (Action.EDIT_LISTINGS,)),
    Item("Delivery", "/backoffice/delivery", (Action.MANAGE_DELIVERY,)),
    Item("Promotions", "/backoffice/promotions", (Action.PROMOTE, Action.APPROVE_PROMOTIONS)),
    Item("Personal offers", "/backoffice/offers", (Action.APPROVE_PROMOTIONS,)),
    Item("Flash prices", "/backoffice/flash", (Action.PROMOTE,)),
    Item("Operations", OPERATIONS, (Action.OPERATE,)),
    Item("Team", "/backoffice/staff", (Action.MANAGE_STAFF,)),
)


def menu(staff: Staff, waiting: int = 0) -> tuple[Item, ...]:
    """What this person may open; `waiting` is how much waits in operations."""
    items = (i for i in MENU if any(accounts.may(staff, action) for action in i.needs))
    return tuple(replace(i, count=waiting) if i.path == OPERATIONS else i for i in items)


def environment(shared: Environment) -> Environment:
    """The shared environment with the back office's own filters, which nobody else sees."""
    own = shared.overlay()
    own.filters = {
        **shared.filters,
        "money": money,
        "major": major,
        "percent": percent,
        "sums": sums,
        "iso": iso,
        "clock": hour,
        "day": day,
        "instant": instant,
        "known": words_operations.known,
        "tone": words_operations.tone,
        "failure": words_operations.failure,
        "deed": words_operations.action,
        "srcset": catalog.srcset,
        "thumbnail": catalog.thumbnail,
    }
    own.globals = {
        **shared.globals,
        "status_words": words.STATUS,
        "step_title": words_operations.step_title,
    }
    return own


def money(minor: int, currency: str) -> str:
    return format_money(minor, currency, LOCALE)


def major(minor: int, currency: str) -> str:
    """As a form takes it: 12.50."""
    return f"{Decimal(minor).scaleb(-exponent(currency)):f}"


def sums(revenue: Mapping[str, int]) -> str:
    """Revenue per currency in one line; currencies are never added up."""
    return " + ".join(money(minor, currency) for currency, minor in sorted(revenue.items())) or "0"


def percent(basis_points: int) -> str:
    """As a form takes it: 12.5."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02}".rstrip("0") if rest else str(whole)


def prices(amounts: list[int], currency: str) -> str:
    if not amounts:
        return ""
    cheapest = money(min(amounts), currency)
    return cheapest if min(amounts) == max(amounts) else f"from {cheapest}"


def iso(at: int) -> str:
    return (EPOCH + timedelta(microseconds=at)).isoformat(timespec="milliseconds")


def day(at: int) -> str:
    return (EPOCH + timedelta(microseconds=at)).strftime("%d %b %Y")


def instant(at: int) -> str:
    return (EPOCH + timedelta(microseconds=at)).strftime("%d %b %Y, %H:%M")


def hour(at: int) -> str:
    return (EPOCH + timedelta(microseconds=at)).strftime("%d %b, %H:%M")

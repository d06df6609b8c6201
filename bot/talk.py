"""How we speak: words in the fan's language, money, times, goods, buttons that know their step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.dates import format_interval, format_skeleton
from babel.numbers import format_percent

from bot.intents import Offer, Option
from bot.messages import Choice
from bot.model import State
from bot.texts import Texts
from commerce.kernel.clock import MINUTE, SECOND
from commerce.kernel.money import format_money

STOCK_LOW = 5
STOCK_PLENTY = 100  # more than that is nobody's business
ANYWHERE = "any"  # the place in the id of a button that is right at every step
TURN = "turn-"  # begins the value of a button that goes on with what the waitlist holds
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Talk:
    texts: Texts
    now: int  # µs

    def say(self, state: State, key: str, **facts: Any) -> str:
        return self.texts.render(key, state.language, **facts)

    def button(self, state: State, value: str, key: str) -> Choice:
        return Choice(button_id(state, value), self.say(state, key))

    def minutes_until(self, at: int) -> int:
        # A hold of ten minutes reads as ten, though answering took a moment of it.
        return max(0, (at - self.now + SECOND) // MINUTE)


def button_id(state: State, value: str) -> str:
    return f"{state.purchase}:{state.place}:{value}"


def command_button(state: State, talk: Talk, command: str, key: str) -> Choice:
    return Choice(f"{state.purchase}:{ANYWHERE}:{command}", talk.say(state, key))


def clock(at: int) -> str:
    """The time of day in UTC, which is the only one we know of a fan."""
    minutes = at // MINUTE % DAY_MINUTES
    return f"{minutes // 60:02}:{minutes % 60:02}"


def moment(state: State, at: int) -> str:
    """Day and time: "5 Jun, 12:00 UTC"."""
    day = datetime.fromtimestamp(at // SECOND, UTC).date()
    return f"{_days(day, day, state.language)}, {clock(at)} UTC"


def days(state: State, earliest: str, latest: str) -> str:
    """From the one to the other: "Jun 4 – 6"; a single one where they are the same."""
    return _days(date.fromisoformat(earliest), date.fromisoformat(latest), state.language)


@lru_cache(maxsize=512)
def _days(first: date, last: date, language: str) -> str:
    if first == last:
        return str(format_skeleton("MMMd", first, locale=language))
    return str(format_interval(first, last, "MMMd", locale=language))


def weekdays(state: State, numbers: Iterable[int]) -> str:
    """0 = Monday."""
    names = Locale.parse(state.language).days["format"]["wide"]
    return ", ".join(names[number] for number in sorted(numbers))


def hours(start: int, until: int) -> str:
    """From and until a minute of the day."""
    return f"{clock(start * MINUTE)}–{clock(until * MINUTE)}"


def percent(state: State, basis_points: int) -> str:
    whole = str(Locale.parse(state.language).percent_formats[None].pattern)
    exact = whole.replace("#,##0", "#,##0.##")
    return str(format_percent(Decimal(basis_points).scaleb(-4), exact, locale=state.language))


def price(state: State, minor: int, currency: str) -> str:
    return format_money(minor, currency, state.language)


def stock(state: State, talk: Talk, available: int) -> str:
    if available <= 0:
        return talk.say(state, "offer.sold_out")
    if available >= STOCK_PLENTY:
        return talk.say(state, "offer.plenty")
    return talk.say(state, "offer.low" if available <= STOCK_LOW else "offer.left", count=available)


def option_of(offer: Offer, sku: str) -> Option | None:
    return next((option for option in offer.options if option.sku == sku), None)


def goods(state: State, talk: Talk) -> str:
    """What is held, in words: "2 x Hoodie (L)"."""
    assert state.offer is not None
    assert state.hold is not None
    option = option_of(state.offer, state.hold.sku)
    label = label_of(state.offer, option) if option else ""
    return named_goods(state, talk, state.offer.title, label, state.hold.quantity)


def named_goods(state: State, talk: Talk, title: str, label: str, quantity: int) -> str:
    if not label:
        return talk.say(state, "goods.plain", quantity=quantity, title=title)
    return talk.say(state, "goods.labelled", quantity=quantity, title=title, label=label)


def goods_name(state: State, talk: Talk, title: str, label: str) -> str:
    """Without a count: "Hoodie (M)"."""
    return talk.say(state, "goods.name", title=title, label=label) if label else title


def label_of(offer: Offer, option: Option) -> str:
    """What tells the option from the others, where there are others."""
    return option.label if len(offer.options) > 1 else ""

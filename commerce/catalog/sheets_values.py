"""What the cells of a sheet say: money, numbers and choices, or one clear reason why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from babel import Locale

from commerce.catalog.sheets_model import Line, Wrong
from commerce.kernel import money

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
TITLE_MAX, DESCRIPTION_MAX, SKU_MAX, LABEL_MAX, ATTRIBUTE_MAX = 120, 4_000, 64, 60, 60
WRITTEN_MAX = 80  # of a wrong cell, to be shown
SWAPPED = str.maketrans(",.", ".,")


class Unclear(Exception):
    """A cell that says nothing we can use."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class Cells:
    """Reads cells and keeps what was wrong with them, with their lines."""

    def __init__(self) -> None:
        self.wrong: list[Wrong] = []

    def read(self, line: Line, column: str, reader: Callable[[str], T], otherwise: T) -> T:
        """`otherwise` where the cell is wrong, so that all that is wrong is told at once."""
        text = line.cells.get(column, "")
        try:
            return reader(text)
        except Unclear as unclear:
            self.note(line, column, unclear.code, **unclear.facts)
            return otherwise

    def note(self, line: Line, column: str, code: str, **facts: object) -> None:
        written = line.cells.get(column, "")[:WRITTEN_MAX]
        self.wrong.append(Wrong(line.number, column, code, written, facts))


def said(longest: int, *, needed: bool = False) -> Callable[[str], str]:
    def reader(text: str) -> str:
        if needed and not text:
            raise Unclear("missing")
        if len(text) > longest:
            raise Unclear("too_long", maximum=longest, length=len(text))
        return text

    return reader


def price(currency: str) -> Callable[[str], int | None]:
    """With a comma or a point before the fraction: what stands last is taken for it."""

    def reader(text: str) -> int | None:
        if not text:
            return None
        try:
            return _minor(text, currency)
        except money.MoneyUnreadable as refusal:
            raise Unclear(str(refusal.facts["reason"]), currency=currency) from None

    return reader


@lru_cache(maxsize=4096)  # the prices of a sheet repeat
def _minor(text: str, currency: str) -> int:
    return money.parse_money(_pointed(text), currency, "en")


def _pointed(text: str) -> str:
    """Points where English has them: `1.234,50` and `12,50` are turned around."""
    comma, point = text.rfind(","), text.rfind(".")
    if comma > point and (point >= 0 or text.count(",") == 1):
        return text.translate(SWAPPED)
    if point > comma and comma < 0 and text.count(".") > 1:
        return text.translate(SWAPPED)
    return text


def whole(most: int) -> Callable[[str], int]:
    def reader(text: str) -> int:
        if not text:
            return 0
        digits = re.sub(r"[.,]0+$", "", text)
        if not re.fullmatch(r"[0-9]{1,12}", digits):
            raise Unclear("not_whole")
        if int(digits) > most:
            raise Unclear("too_large", maximum=most)
        return int(digits)

    return reader


def choice(options: type[E]) -> Callable[[str], E | None]:
    def reader(text: str) -> E | None:
        name = re.sub(r"[\s\-]+", "_", text.lower())
        if not name:
            return None
        if name not in set(options):
            raise Unclear("not_one_of", options=", ".join(options))
        return options(name)

    return reader


def one_of(names: Mapping[str, str], code: str) -> Callable[[str], str]:
    """The id of what is called so, or has that id; `names` is by id."""
    ids = {name.casefold(): id for id, name in names.items()} | {id: id for id in names}

    def reader(text: str) -> str:
        found = ids.get(text) or ids.get(text.casefold())
        if text and not found:
            raise Unclear(code)
        return found or ""

    return reader


def currency(text: str) -> str:
    code = text.upper()
    if code not in currencies():
        raise Unclear("no_currency")
    return code


@lru_cache(maxsize=1)
def currencies() -> frozenset[str]:
    return frozenset(Locale("en").currencies)

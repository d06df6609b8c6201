"""Money as integers in minor units, and as people read and write it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from babel import Locale
from babel.numbers import (
    NumberPattern,
    format_decimal,
    get_decimal_symbol,
    get_group_symbol,
    parse_pattern,
)

from commerce.kernel.errors import Refusal

STARS = "XTR"  # Telegram's own currency: no minor unit, unknown to ISO 4217
AMOUNT_MINOR_MAX = 10**15  # thousands of them still fit into 64 bits
LENGTH_MAX = 40
SIGNED = re.compile("^[-+(\N{MINUS SIGN}]|[-\N{MINUS SIGN}]$")

# The minor units of ISO 4217 that are not two. Babel has the digits of CLDR instead, those of
# everyday use: no fils for IQD, no para for RSD. Providers count by the standard.
EXPONENTS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_EXPONENT = {code: digits for digits, codes in EXPONENTS.items() for code in codes.split()}


class Reason(StrEnum):
    """Why a text is no amount of money."""

    NOT_A_NUMBER = "not_a_number"
    SIGNED = "signed"
    TOO_PRECISE = "too_precise"  # more digits than the currency has
    TOO_LARGE = "too_large"


class MoneyUnreadable(Refusal):
    code = "money_unreadable"


def exponent(currency: str) -> int:
    """Digits after the point: 2 for EUR, 0 for JPY, 3 for KWD."""
    return 0 if currency == STARS else _EXPONENT.get(currency, 2)


@lru_cache(maxsize=4096)
def format_money(minor: int, currency: str, locale: str) -> str:
    if currency == STARS:
        return f"{format_decimal(minor, locale=locale)} ⭐"
    known = Locale.parse(locale)
    pattern = _pattern(currency, known.currency_formats["standard"].pattern)
    return str(pattern.apply(_major(minor, currency), known, currency, currency_digits=False))


@lru_cache(maxsize=4096)
def format_amount(minor: int, currency: str, locale: str) -> str:
    """The number alone, as `parse_money` reads it back."""
    known = Locale.parse(locale)
    pattern = _pattern(currency, known.decimal_formats[None].pattern)
    return str(pattern.apply(_major(minor, currency), known))


def _major(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-exponent(currency))


@lru_cache(maxsize=256)
def _pattern(currency: str, of_locale: str) -> NumberPattern:
    pattern = parse_pattern(of_locale)
    pattern.frac_prec = (exponent(currency), exponent(currency))
    return pattern


def parse_money(text: str, currency: str, locale: str) -> int:
    """Minor units of an amount as people of this locale write it, without sign and symbol."""
    text = _plain(text)
    if SIGNED.search(text):
        raise _unreadable(Reason.SIGNED, currency)
    if len(text) > LENGTH_MAX:
        raise _unreadable(Reason.TOO_LARGE, currency)
    whole, fraction = _parts(text, locale) or ("", "")
    if not whole:
        raise _unreadable(Reason.NOT_A_NUMBER, currency)
    if len(fraction) > exponent(currency):
        raise _unreadable(Reason.TOO_PRECISE, currency)
    minor = int(whole + fraction.ljust(exponent(currency), "0"))
    if minor > AMOUNT_MINOR_MAX:
        raise _unreadable(Reason.TOO_LARGE, currency)
    return minor


def _unreadable(reason: Reason, currency: str) -> MoneyUnreadable:
    return MoneyUnreadable(reason=reason, currency=currency, digits=exponent(currency))


def _plain(text: str) -> str:
    """Digits of every script as ours, blanks and apostrophes of every width as one."""
    text = "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else " " if char.isspace() else char
        for char in text
    )
    return text.strip().replace("’", "'")


def _parts(text: str, locale: str) -> tuple[str, str] | None:
    """The digits before and after the point; a point is also what can be nothing else here."""
    group = _plain_symbol(get_group_symbol(locale))
    points = {get_decimal_symbol(locale), ".", ","} - {group}
    found = re.fullmatch(
        rf"([0-9{re.escape(group)}]*)(?:[{re.escape(''.join(points))}]([0-9]+))?", text
    )
    if found is None or not re.match("[0-9]", text):
        return None
    whole, fraction = found[1].replace(group, ""), found[2] or ""
    grouped = _plain(format_decimal(int(whole), locale=locale))
    return (whole, fraction) if found[1] in (whole, grouped) else None


def _plain_symbol(symbol: str) -> str:
    return " " if symbol.isspace() else symbol.replace("’", "'")


def split(amount_minor: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Shares by weight that add up exactly: what division leaves over goes, one unit each, to the
    largest remainders, of equal ones to the first."""
    total = sum(weights)
    if any(weight < 0 for weight in weights) or (amount_minor and not total):
        raise ValueError(f"nobody to take {amount_minor}: {weights}")
    if not total:
        return (0,) * len(weights)
    sign = -1 if amount_minor < 0 else 1
    parts = [divmod(abs(amount_minor) * weight, total) for weight in weights]
    shares = [share for share, _ in parts]
    by_remainder = sorted(range(len(parts)), key=lambda place: -parts[place][1])
    for place in by_remainder[: abs(amount_minor) - sum(shares)]:
        shares[place] += 1
    return tuple(sign * share for share in shares)

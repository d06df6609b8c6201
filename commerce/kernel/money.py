"""Money as integers in minor units, and as people read it."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_currency, format_decimal, get_currency_precision

STARS = "XTR"  # Telegram's own currency: no minor unit, unknown to ISO 4217


@lru_cache(maxsize=256)
def exponent(currency: str) -> int:
    """Digits after the point: 2 for EUR, 0 for JPY, 3 for KWD."""
    return 0 if currency == STARS else get_currency_precision(currency)


@lru_cache(maxsize=4096)
def format_money(minor: int, currency: str, locale: str) -> str:
    if currency == STARS:
        return f"{format_decimal(minor, locale=locale)} ⭐"
    amount = Decimal(minor).scaleb(-exponent(currency))
    return format_currency(amount, currency, locale=locale)

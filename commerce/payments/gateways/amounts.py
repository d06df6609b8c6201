"""Amounts between our minor units and a provider's: exact, or none."""

from __future__ import annotations

import re
from decimal import Decimal

NOT_OURS = -1  # an amount that we cannot express: equal to no amount of ours
_DECIMAL = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,9})?")


def rescaled(amount: int, digits_from: int, digits_to: int) -> int | None:
    """The same amount counted with other digits after the point; None where some would be lost."""
    if digits_to >= digits_from:
        return amount * _power(digits_to - digits_from)
    scaled, rest = divmod(amount, _power(digits_from - digits_to))
    return None if rest else scaled


def to_decimal(amount: int, digits: int) -> str:
    """1250 with two digits is `12.50`, with none `1250`."""
    return f"{Decimal(amount).scaleb(-digits):.{digits}f}"


def from_decimal(text: str, digits: int) -> int | None:
    """The other way; None for what is no plain decimal or has more digits than that."""
    if not _DECIMAL.fullmatch(text):
        return None
    whole, _, fraction = text.partition(".")
    return rescaled(int(whole + fraction), len(fraction), digits)


def _power(digits: int) -> int:
    return int("1" + "0" * digits)

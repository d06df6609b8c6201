"""Card numbers are taken out of a text before anything stores or logs it."""

from __future__ import annotations

import re

from stdnum import luhn

MASK = "[card number removed]"
# 13 to 19 digits with at most two separators between any two of them; other scripts' digits too.
_CANDIDATE = re.compile(r"(?<!\d)\d(?:[ \t\u00a0.\-_/]{0,2}\d){12,18}(?!\d)")
_PREFIXES = ("2", "3", "4", "5", "6", "8")  # what issuers use; telephone and order numbers rarely


def mask_cards(text: str) -> tuple[str, bool]:
    """The text without card numbers, and whether there was one."""
    if sum(map(str.isdigit, text)) < 13:
        return text, False
    masked = _CANDIDATE.sub(_replacement, text)
    return masked, masked != text


def _replacement(found: re.Match[str]) -> str:
    digits = "".join(str(int(char)) for char in found[0] if char.isdigit())
    looks_real = digits.startswith(_PREFIXES) and len(set(digits)) > 1
    return MASK if looks_real and luhn.is_valid(digits) else found[0]

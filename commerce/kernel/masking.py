"""Card numbers are taken out of a text before anything stores or logs it.

People write a card in groups, next to its date and its code or after a quantity. So every sequence
of whole groups counts that could be a card by its issuer, its length and its check digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

from stdnum import luhn

MASK = "[card number removed]"
DIGITS_MIN, DIGITS_MAX = 13, 19

# Spaces, dashes, dots, slashes and what cannot be seen; at most two between two groups.
_BETWEEN = r"[ \t\u00a0\u2000-\u200f\u202f\u2060\u3000\ufeff.\-_/\u2010-\u2015\u2212]{1,2}"
_RUN = re.compile(rf"\d+(?:{_BETWEEN}\d+)*")  # digits of any script
_GROUP = re.compile(r"\d+")
# Telephone and order numbers rarely look like one of these.
_ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-59]|[689]\d)\d{11,16}"  # Diners
    r"|35(?:2[89]|[3-8]\d)\d{12,15}|2131\d{11}"  # JCB
    r"|(?:50|5[6-9]|6\d|8[12])\d{14,17}"  # Discover, UnionPay, Maestro, RuPay
    r"|220[0-4]\d{12,15}|9792\d{12}"  # Mir, Troy
)
E164_DIGITS_MAX = 15  # of a telephone number after its plus sign


def mask_cards(text: str) -> tuple[str, bool]:
    """The text without card numbers, and whether there was one."""
    if sum(map(str.isdigit, text)) < DIGITS_MIN:
        return text, False
    masked = _RUN.sub(_without_cards, text)
    return masked, masked != text


def _without_cards(run: re.Match[str]) -> str:
    text, at = run.string, run.start()
    kept: list[str] = []
    for start, end in sorted(_cards(run)):
        if start >= at:
            kept += [text[at:start], MASK]
        at = max(at, end)
    return "".join([*kept, text[at : run.end()]])


def _cards(run: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Where cards begin and end; what could be one of two is both."""
    text = run.string
    groups = list(_GROUP.finditer(text, run.start(), run.end()))
    digits = "".join(str(int(char)) for char in run[0] if char.isdecimal())
    ends = list(accumulate(len(group[0]) for group in groups))
    for number, (first, end) in enumerate(zip(groups, ends, strict=True)):
        begin = end - len(first[0])
        after = text[first.start() - 1 : first.start()]
        for last in range(number, min(number + DIGITS_MAX, len(groups))):
            size = ends[last] - begin
            if DIGITS_MIN <= size <= DIGITS_MAX and _is_card(digits[begin : ends[last]], after):
                yield first.start(), groups[last].end()


def _is_card(digits: str, after: str) -> bool:
    if not _ISSUED.fullmatch(digits) or (after == "+" and len(digits) <= E164_DIGITS_MAX):
        return False
    return len(set(digits)) > 1 and luhn.is_valid(digits)

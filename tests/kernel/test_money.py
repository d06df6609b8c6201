"""Money is integers of the currency's smallest unit, and reads as people write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.kernel.money import exponent, format_money

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("CLP", 0), ("KWD", 3), ("BHD", 3)],
)
def test_the_digits_after_the_point(currency, digits):
    assert exponent(currency) == digits


def test_stars_have_no_smaller_unit():
    assert exponent("XTR") == 0


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "text"),
    [
        (5490, "EUR", "en", "€54.90"),
        (5490, "EUR", "es", f"54,90{NBSP}€"),
        (5490, "EUR", "de", f"54,90{NBSP}€"),
        (123456789, "USD", "en", "$1,234,567.89"),
        (5, "USD", "en", "$0.05"),
        (0, "USD", "en", "$0.00"),
        (-5490, "USD", "en", "-$54.90"),
        (5490, "JPY", "en", "¥5,490"),
        (5490, "KWD", "en", "KWD5.490"),
    ],
)
def test_as_people_write_it(minor, currency, locale, text):
    assert format_money(minor, currency, locale) == text


def test_stars_are_written_whole():
    assert format_money(2500, "XTR", "en") == "2,500 ⭐"
    assert format_money(2500, "XTR", "de") == "2.500 ⭐"


@given(
    minor=st.integers(-(10**15), 10**15),
    currency=st.sampled_from(["EUR", "JPY", "KWD", "XTR", "USD"]),
)
def test_no_unit_is_ever_lost_in_writing(minor, currency):
    written = format_money(minor, currency, "en")

    digits = int("".join(char for char in written if char.isdecimal()))
    assert digits == abs(minor)
    assert (minor < 0) == written.startswith("-")

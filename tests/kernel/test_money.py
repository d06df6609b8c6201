"""Money is integers of the currency's smallest unit, and reads as people write it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from babel.numbers import get_currency_precision, list_currencies
from hypothesis import given
from hypothesis import strategies as st

from commerce.kernel.money import (
    AMOUNT_MINOR_MAX,
    EXPONENTS,
    MoneyUnreadable,
    Reason,
    exponent,
    format_amount,
    format_money,
    parse_money,
    split,
)

NBSP, NARROW = "\u00a0", "\u202f"
LOCALES = ["en", "de", "es", "fr", "hi", "ar", "de_CH", "pt_BR", "en_IN", "ru", "ja"]
CURRENCIES = ["EUR", "USD", "JPY", "KWD", "CLF", "XTR", "RSD", "IQD", "ISK", "UGX", "INR"]


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("CLP", 0), ("KWD", 3), ("BHD", 3),
     ("CLF", 4), ("UYW", 4), ("UYU", 2), ("ISK", 0), ("UGX", 0), ("IQD", 3), ("LAK", 2),
     ("RSD", 2), ("HUF", 2), ("MRU", 2), ("PTS", 2)],
)  # fmt: skip
def test_the_digits_after_the_point(currency, digits):
    assert exponent(currency) == digits


def test_stars_have_no_smaller_unit():
    assert exponent("XTR") == 0


def test_we_leave_everyday_digits_only_where_the_standard_has_others():
    """What Babel says otherwise is what CLDR leaves away in everyday use, and nothing else."""
    known = {code for codes in EXPONENTS.values() for code in codes.split()}
    others = {code for code in list_currencies() if get_currency_precision(code) != exponent(code)}

    assert others & known == {"IQD"}
    assert {get_currency_precision(code) for code in others} == {0}


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
        (5490, "IQD", "en", "IQD5.490"),
        (5490, "RSD", "de", f"54,90{NBSP}RSD"),
        (12345678, "INR", "en_IN", "₹1,23,456.78"),
        (54900, "CLF", "en", "CLF5.4900"),
    ],
)
def test_as_people_write_it(minor, currency, locale, text):
    assert format_money(minor, currency, locale) == text


def test_stars_are_written_whole():
    assert format_money(2500, "XTR", "en") == "2,500 ⭐"
    assert format_money(2500, "XTR", "de") == "2.500 ⭐"


@given(minor=st.integers(-(10**15), 10**15), currency=st.sampled_from(CURRENCIES))
def test_no_unit_is_ever_lost_in_writing(minor, currency):
    written = format_money(minor, currency, "en")

    digits = int("".join(char for char in written if char.isdecimal()))
    assert digits == abs(minor)
    assert (minor < 0) == written.startswith("-")


@given(
    minor=st.integers(0, AMOUNT_MINOR_MAX),
    currency=st.sampled_from(CURRENCIES),
    locale=st.sampled_from(LOCALES),
)
def test_what_is_written_is_read_back(minor, currency, locale):
    written = format_amount(minor, currency, locale)

    assert parse_money(written, currency, locale) == minor


@pytest.mark.parametrize(
    ("text", "currency", "locale", "minor"),
    [
        ("54.90", "EUR", "en", 5490),
        ("54,9", "EUR", "de", 5490),
        (" 54 ", "EUR", "de", 5400),
        ("0", "EUR", "de", 0),
        ("00012", "EUR", "de", 1200),
        ("1.234", "EUR", "de", 123400),
        ("1.234,56", "EUR", "de", 123456),
        ("1234,56", "EUR", "de", 123456),
        ("1,234.56", "EUR", "en", 123456),
        (f"1{NARROW}234,56", "EUR", "fr", 123456),
        ("1 234,56", "EUR", "fr", 123456),
        ("54.90", "EUR", "fr", 5490),
        ("1’234.50", "CHF", "de_CH", 123450),
        ("1'234.50", "CHF", "de_CH", 123450),
        ("1,23,456", "INR", "en_IN", 12345600),
        ("1.234", "KWD", "en", 1234),
        ("5490", "JPY", "ja", 5490),
        ("१२३.४५", "INR", "hi", 12345),
        ("10,000,000,000,000.00", "EUR", "en", 10**15),
    ],
)
def test_amounts_are_read_as_their_readers_write_them(text, currency, locale, minor):
    assert parse_money(text, currency, locale) == minor


@pytest.mark.parametrize(
    ("text", "currency", "locale", "reason"),
    [
        ("", "EUR", "en", Reason.NOT_A_NUMBER),
        ("  ", "EUR", "en", Reason.NOT_A_NUMBER),
        ("ten", "EUR", "en", Reason.NOT_A_NUMBER),
        ("€5", "EUR", "en", Reason.NOT_A_NUMBER),
        (".50", "EUR", "en", Reason.NOT_A_NUMBER),
        ("5.", "EUR", "en", Reason.NOT_A_NUMBER),
        ("1e5", "EUR", "en", Reason.NOT_A_NUMBER),
        ("nan", "EUR", "en", Reason.NOT_A_NUMBER),
        ("Infinity", "EUR", "en", Reason.NOT_A_NUMBER),
        ("1_000", "EUR", "en", Reason.NOT_A_NUMBER),
        ("0x10", "EUR", "en", Reason.NOT_A_NUMBER),
        ("1.2.3", "EUR", "en", Reason.NOT_A_NUMBER),
        ("12,34", "EUR", "en", Reason.NOT_A_NUMBER),
        ("54.90", "EUR", "de", Reason.NOT_A_NUMBER),
        ("1,2345", "EUR", "en", Reason.NOT_A_NUMBER),
        (",234", "EUR", "en", Reason.NOT_A_NUMBER),
        ("²", "EUR", "en", Reason.NOT_A_NUMBER),
        ("5 € 6", "EUR", "fr", Reason.NOT_A_NUMBER),
        ("-5", "EUR", "en", Reason.SIGNED),
        ("+5", "EUR", "en", Reason.SIGNED),
        ("−5", "EUR", "en", Reason.SIGNED),  # noqa: RUF001
        ("5-", "EUR", "en", Reason.SIGNED),
        ("(5)", "EUR", "en", Reason.SIGNED),
        ("5.001", "EUR", "en", Reason.TOO_PRECISE),
        ("5.000", "EUR", "en", Reason.TOO_PRECISE),
        ("5.0", "JPY", "en", Reason.TOO_PRECISE),
        ("5.0", "XTR", "en", Reason.TOO_PRECISE),
        ("5.0001", "KWD", "en", Reason.TOO_PRECISE),
        ("10000000000000.01", "EUR", "en", Reason.TOO_LARGE),
        ("1000000000000001", "JPY", "en", Reason.TOO_LARGE),
        ("9" * 41, "JPY", "en", Reason.TOO_LARGE),
    ],
)
def test_what_is_no_amount_is_refused_with_its_reason(text, currency, locale, reason):
    with pytest.raises(MoneyUnreadable) as refused:
        parse_money(text, currency, locale)

    facts = {"reason": reason, "currency": currency, "digits": exponent(currency)}
    assert refused.value.facts == facts


@given(
    text=st.text(alphabet="0123456789.,'’ -+e٣" + NBSP + NARROW, max_size=14),
    currency=st.sampled_from(CURRENCIES),
    locale=st.sampled_from(LOCALES),
)
def test_any_text_is_read_or_refused(text, currency, locale):
    try:
        minor = parse_money(text, currency, locale)
    except MoneyUnreadable:
        return
    assert 0 <= minor <= AMOUNT_MINOR_MAX


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        (100, (1, 1, 1), (34, 33, 33)),
        (-100, (1, 1, 1), (-34, -33, -33)),
        (101, (1, 1, 1), (34, 34, 33)),
        (5, (3, 7), (2, 3)),
        (10, (1, 2, 4), (1, 3, 6)),
        (1, (0, 1, 0), (0, 1, 0)),
        (2, (5, 0, 5), (1, 0, 1)),
        (1, (1, 1), (1, 0)),
        (0, (3, 4), (0, 0)),
        (0, (), ()),
        (0, (0, 0), (0, 0)),
        (10**15, (1, 10**15), (1, 10**15 - 1)),
    ],
)
def test_a_sum_is_split_to_the_last_unit(amount, weights, shares):
    assert split(amount, weights) == shares


@pytest.mark.parametrize(("amount", "weights"), [(1, ()), (1, (0, 0)), (5, (2, -1)), (0, (1, -1))])
def test_nobody_takes_a_share_of_less_than_nothing(amount, weights):
    with pytest.raises(ValueError, match="nobody"):
        split(amount, weights)


weightings = st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any)


@given(amount=st.integers(-(10**15), 10**15), weights=weightings)
def test_shares_add_up_and_are_fair(amount, weights):
    shares = split(amount, weights)
    whole = sum(weights)

    assert sum(shares) == amount
    assert split(-amount, weights) == tuple(-share for share in shares)
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * whole - amount * weight) < whole  # less than one unit off
        assert weight or share == 0


@given(amount=st.integers(0, 10**15), weights=weightings)
def test_more_weight_is_never_less_money(amount, weights):
    shares = split(amount, sorted(weights, reverse=True))

    assert all(one >= next_one for one, next_one in pairwise(shares))

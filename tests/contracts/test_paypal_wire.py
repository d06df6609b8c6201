"""Amounts as PayPal writes them: exact decimals, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.kernel.money import exponent
from commerce.payments import PaymentRefused
from commerce.payments.gateways import amounts, paypal_wire


@pytest.mark.parametrize(
    ("currency", "amount_minor", "value"),
    [
        ("EUR", 1_234, "12.34"),
        ("EUR", 5, "0.05"),
        ("USD", 10**13, "100000000000.00"),
        ("JPY", 500, "500"),
        ("HUF", 150_000, "1500"),
        ("TWD", 100, "1"),
    ],
)
def test_amounts_are_exact_decimals(currency: str, amount_minor: int, value: str) -> None:
    money = paypal_wire.to_money(amount_minor, currency)

    assert money == {"currency_code": currency, "value": value}
    assert paypal_wire.from_money(money) == (amount_minor, currency)


@pytest.mark.parametrize(
    ("currency", "amount_minor", "reason"),
    [
        ("HUF", 150_050, "amount_not_chargeable"),
        ("KWD", 1_000, "currency_not_supported"),
        ("INR", 1_000, "currency_not_supported"),
    ],
)
def test_what_paypal_cannot_charge_is_refused(
    currency: str, amount_minor: int, reason: str
) -> None:
    assert exponent("HUF") == 2
    with pytest.raises(PaymentRefused) as refused:
        paypal_wire.to_money(amount_minor, currency)

    assert refused.value.facts["reason"] == reason


@pytest.mark.parametrize(
    "value", ["12.345", "-1.00", "1e3", "NaN", "", "1,00", "\uff11.00", "9" * 30]
)
def test_a_value_we_cannot_express_equals_nothing(value: str) -> None:
    assert paypal_wire.from_money({"currency_code": "EUR", "value": value}) == (-1, "EUR")


@given(st.integers(0, 10**14), st.integers(0, 3))
def test_a_decimal_is_the_amount_and_nothing_else(amount: int, digits: int) -> None:
    text = amounts.to_decimal(amount, digits)

    assert amounts.from_decimal(text, digits) == amount
    assert amounts.from_decimal(f"{text}{'.' if digits == 0 else ''}001", digits) is None


@given(st.integers(0, 10**14), st.integers(0, 3), st.integers(0, 3))
def test_rescaled_is_the_same_amount_or_none(amount: int, digits: int, other: int) -> None:
    scaled = amounts.rescaled(amount, digits, other)

    assert scaled is None or amounts.rescaled(scaled, other, digits) == amount
    assert (scaled is None) == (amount * 10**other % 10**digits != 0)

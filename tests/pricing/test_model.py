import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.pricing import (
    RATES,
    BadPrice,
    BadQuantity,
    Destination,
    LineKind,
    MixedCurrencies,
    NoDelivery,
    Rate,
    Rates,
    Zone,
    quote,
)
from commerce.pricing.rates import EU, SERVED
from tests.pricing.factories import an_item

SPAIN = Destination(country="ES")
DELIVERY = {
    Zone.DOMESTIC: Rate(amount_minor=500, free_from_minor=6_000),
    Zone.EU: Rate(amount_minor=900, free_from_minor=12_000),
    Zone.WORLD: Rate(amount_minor=2_000),
}
HOUSE = Rates(eu=EU, served=SERVED, table={"EUR": DELIVERY})


def lines(priced):
    return [(line.kind, line.label, line.amount_minor) for line in priced.lines]


def test_a_quote_lists_goods_delivery_and_tax():
    priced = quote([an_item()], SPAIN, HOUSE)

    assert lines(priced) == [
        (LineKind.GOODS, "Linen shirt", 5_000),
        (LineKind.DELIVERY, "", 500),
        (LineKind.TAX, "", 0),
    ]
    assert (priced.total_minor, priced.currency) == (5_500, "EUR")


@pytest.mark.parametrize(
    ("_case", "origin", "country", "quantity", "delivery_minor"),
    [
        ("within the country", "ES", "ES", 1, 500),
        ("just below the free amount", "ES", "ES", 2, 500),
        ("free from the amount", "ES", "ES", 3, 0),
        ("between two countries of the EU", "ES", "DE", 3, 900),
        ("free in the EU from its own amount", "ES", "DE", 6, 0),
        ("out of the EU", "ES", "US", 1, 2_000),
        ("into the EU", "US", "ES", 1, 2_000),
        ("never free to the world", "ES", "US", 900, 2_000),
        ("at home outside of the EU", "US", "US", 1, 500),
        ("at home where nobody else delivers", "KP", "KP", 1, 500),
    ],
)
def test_what_delivery_costs(_case, origin, country, quantity, delivery_minor):
    item = an_item(origin=origin, quantity=quantity, unit_price_minor=2_000)

    priced = quote([item], Destination(country=country), HOUSE)

    assert priced.lines[1].amount_minor == delivery_minor


def test_each_supplier_sends_a_parcel_of_its_own():
    items = [
        an_item(unit_price_minor=3_000),
        an_item(sku="hat", supplier_id="luna", origin="DE", title="Hat", quantity=1),
        an_item(sku="cap", supplier_id="luna", origin="DE", title="Cap", quantity=1),
    ]

    priced = quote(items, SPAIN, HOUSE)

    assert lines(priced)[3:] == [
        (LineKind.DELIVERY, "", 0),
        (LineKind.DELIVERY, "", 900),
        (LineKind.TAX, "", 0),
    ]


@pytest.mark.parametrize("country", ["KP", "XX", ""])
def test_a_country_that_is_not_served_is_named(country):
    with pytest.raises(NoDelivery) as refused:
        quote([an_item()], Destination(country=country), HOUSE)

    assert refused.value.facts == {"country": country}


def test_a_currency_without_rates_is_not_delivered():
    with pytest.raises(NoDelivery):
        quote([an_item(currency="XTR")], SPAIN, HOUSE)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"quantity": 0}, BadQuantity),
        ({"quantity": -1}, BadQuantity),
        ({"quantity": 1_001}, BadQuantity),
        ({"unit_price_minor": 0}, BadPrice),
        ({"unit_price_minor": -1}, BadPrice),
        ({"unit_price_minor": 10**12 + 1}, BadPrice),
    ],
)
def test_what_has_no_price_is_refused(changes, refusal):
    with pytest.raises(refusal):
        quote([an_item(**changes)], SPAIN, HOUSE)


def test_nothing_has_no_price_and_two_currencies_have_no_sum():
    with pytest.raises(BadQuantity):
        quote([], SPAIN, HOUSE)
    with pytest.raises(MixedCurrencies):
        quote([an_item(), an_item(currency="USD")], SPAIN, HOUSE)


items = st.builds(
    an_item,
    sku=st.text(min_size=1, max_size=5),
    supplier_id=st.sampled_from(["sol", "luna"]),
    origin=st.sampled_from(["ES", "DE", "US"]),
    quantity=st.integers(1, 1_000),
    unit_price_minor=st.integers(1, 10**12),
    currency=st.shared(st.sampled_from(sorted(RATES.table)), key="currency"),
)
places = st.builds(Destination, country=st.sampled_from(sorted(SERVED)))


@given(st.lists(items, min_size=1, max_size=10), places)
def test_lines_add_up_to_the_total_whatever_is_bought(bought, place):
    priced = quote(bought, place, RATES)

    assert sum(line.amount_minor for line in priced.lines) == priced.total_minor
    assert all(type(line.amount_minor) is int and line.amount_minor >= 0 for line in priced.lines)
    goods = [line for line in priced.lines if line.kind is LineKind.GOODS]
    assert [line.amount_minor for line in goods] == [
        item.quantity * item.unit_price_minor for item in bought
    ]


@given(items, places, st.integers(1, 999))
def test_one_more_piece_never_costs_less_in_goods_and_never_more_in_delivery(item, place, quantity):
    fewer = quote([an_item(quantity=quantity, currency=item.currency)], place, RATES)
    more = quote([an_item(quantity=quantity + 1, currency=item.currency)], place, RATES)

    assert more.lines[0].amount_minor > fewer.lines[0].amount_minor
    assert more.lines[1].amount_minor <= fewer.lines[1].amount_minor


def test_every_currency_has_a_rate_for_every_zone():
    assert {currency: set(rates) for currency, rates in RATES.table.items()} == {
        currency: set(Zone) for currency in RATES.table
    }

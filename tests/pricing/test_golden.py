"""Quotes for fourteen places and their ways of taxing, as tables that people can check."""

from pathlib import Path

import pytest

from commerce.kernel.money import format_money
from commerce.pricing import Basis, Destination, Item, quote
from commerce.promotions import Fixed, FreeDelivery
from tests.pricing.factories import a_basis, a_parcel, a_rule, an_item

GOLDEN = Path(__file__).with_name("golden.txt")


def goods(title: str, unit: int, currency: str, origin: str, **changes) -> Item:
    facts = {"sku": title, "title": title, "option": "", "quantity": 1}
    return an_item(**facts | changes, unit_price_minor=unit, currency=currency, origin=origin)


def sent(items, to, charge, language, *, rules=(), **changes) -> Basis:
    parcels = [a_parcel(items, charge_minor=charge)]
    return a_basis(*items, to=to, parcels=parcels, language=language, rules=rules, **changes)


def place(country: str, region: str = "") -> Destination:
    return Destination(country=country, region=region)


TEN_PERCENT = a_rule(title={"en": "10 % off", "es": "10 % menos", "de": "10 % Rabatt"})
PLACES = {
    "New York: clothing below 110 dollars is not taxed": sent(
        [goods("Hoodie", 10_999, "USD", "US", tax_category="clothing"),
         goods("Lamp", 6_400, "USD", "US")],
        place("US", "NY"), 595, "en",
    ),
    "California: delivery is not taxed": sent(
        [goods("Lamp", 6_400, "USD", "US", quantity=2)], place("US", "CA"), 595, "en",
        rules=[TEN_PERCENT],
    ),
    "Oregon: no sales tax": sent([goods("Lamp", 6_400, "USD", "US")], place("US", "OR"), 595, "en"),
    "Germany: contained, each line rounded": sent(
        [goods("Hoodie", 4_990, "EUR", "DE", quantity=2),
         goods("Novel", 1_200, "EUR", "DE", tax_category="books")],
        place("DE"), 490, "de", rules=[TEN_PERCENT],
    ),
    "France from Germany: the buyer's rate": sent(
        [goods("Sweat", 4_990, "EUR", "DE")], place("FR"), 990, "fr",
    ),
    "United Kingdom: clothes of children are free of tax": sent(
        [goods("Jumper", 3_500, "GBP", "GB"),
         goods("Baby jumper", 1_800, "GBP", "GB", tax_category="children")],
        place("GB"), 399, "en",
    ),
    "Spain: a code takes five euros off": sent(
        [goods("Camisa", 2_500, "EUR", "ES", quantity=2)], place("ES"), 490, "es",
        rules=[a_rule(id="welcome", title={"es": "Bienvenida"}, code="HOLA",
                      effect=Fixed(amounts_minor={"EUR": 500}))],
    ),
    "São Paulo: the rate is of the price itself": sent(
        [goods("Camiseta", 12_990, "BRL", "BR")], place("BR", "SP"), 1_990, "pt",
    ),
    "India: clothing is dear from 2500 rupees on": sent(
        [goods("Kurta", 249_900, "INR", "IN", tax_category="clothing"),
         goods("Sherwani", 899_900, "INR", "IN", tax_category="clothing")],
        place("IN"), 0, "en",
    ),
    "Mexico": sent([goods("Sudadera", 89_900, "MXN", "MX")], place("MX"), 9_900, "es"),
    "Japan: two rates, each added up and its fraction dropped": sent(
        [goods("パーカー", 5_499, "JPY", "JP"),
         goods("お茶", 1_299, "JPY", "JP", tax_category="food")],
        place("JP"), 600, "ja",
    ),
    "Kuwait: three digits and no tax": sent(
        [goods("Thobe", 18_250, "KWD", "KW")], place("KW"), 1_500, "en", rules=[TEN_PERCENT],
    ),
    "Switzerland": sent([goods("Pullover", 5_900, "CHF", "CH")], place("CH"), 700, "de"),
    "Dubai: a promotion delivers for nothing": sent(
        [goods("Abaya", 35_000, "AED", "AE")], place("AE"), 2_000, "en",
        rules=[a_rule(id="free", title={"en": "Free delivery"}, effect=FreeDelivery())],
    ),
    "Québec: two taxes": sent(
        [goods("Chandail", 5_999, "CAD", "CA")], place("CA", "QC"), 995, "fr"
    ),
    "Abroad: an export is not taxed": sent(
        [goods("Hoodie", 4_990, "EUR", "DE")], place("US", "NY"), 1_990, "en",
    ),
}  # fmt: skip


def drawn(basis: Basis) -> list[str]:
    priced = quote(basis)
    money = lambda minor: format_money(minor, priced.currency, "en")  # noqa: E731
    rows = [
        f"  {line.kind:<9} {line.label or line.source:<20} {line.quantity or '':>3}"
        f" {money(line.amount_minor):>14}"
        + (f"   contains {money(line.contained_minor)}" if line.contained_minor else "")
        for line in priced.lines
    ]
    return [*rows, f"  {'total':<34} {money(priced.total_minor):>14}"]


def blocks() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(" "):
            found[line] = rows = []
        elif line:
            rows.append(line.rstrip())
    return found


@pytest.mark.parametrize("name", PLACES)
def test_a_quote_is_what_the_table_says(name):
    assert [line.rstrip() for line in drawn(PLACES[name])] == blocks()[name]


def test_every_table_is_a_quote():
    assert list(blocks()) == list(PLACES)

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.kernel import jsons
from commerce.pricing import (
    BadPrice,
    BadQuantity,
    Destination,
    Flash,
    LineKind,
    MixedCurrencies,
    quote,
)
from commerce.pricing.basis import basis_from_json
from commerce.pricing.quoting import percent
from commerce.promotions import Fixed, Percent, Policy, Source
from tests.pricing.factories import a_basis, a_parcel, a_rule, an_item


def lines(priced):
    return [(line.kind, line.label, line.amount_minor) for line in priced.lines]


def again(basis):
    """As it is after years in the database."""
    return basis_from_json(json.loads(jsons.dumps(basis.to_json())))


def test_a_quote_lists_goods_delivery_and_tax():
    priced = quote(a_basis())

    assert lines(priced) == [
        (LineKind.GOODS, "Linen shirt", 5_000),
        (LineKind.DELIVERY, "", 490),
        (LineKind.TAX, "IVA 21%", 0),
    ]
    assert (priced.total_minor, priced.currency) == (5_490, "EUR")


def test_pieces_promised_at_a_flash_price_are_told_apart_from_the_others():
    priced = quote(a_basis(an_item(quantity=3, flash=Flash("flash", 1_900, 2))))

    flash = priced.lines[1]
    assert (flash.kind, flash.source) == (LineKind.DISCOUNT, "flash")
    assert (flash.quantity, flash.unit_price_minor, flash.amount_minor) == (2, 1_900, -1_200)
    assert priced.total_minor == 7_500 - 1_200 + 490


def test_a_promotion_counts_from_the_flash_price():
    item = an_item(quantity=1, flash=Flash("flash", 1_900, 1))

    priced = quote(a_basis(item, rules=[a_rule()]))

    assert [line.amount_minor for line in priced.lines[:3]] == [2_500, -600, -190]


def test_a_discount_is_named_in_the_fans_language():
    spanish = quote(a_basis(language="es-MX", rules=[a_rule()]))
    unknown = quote(a_basis(language="tlh", rules=[a_rule()]))

    assert [spanish.lines[1].label, unknown.lines[1].label] == ["10 % menos", "10 % off"]
    assert spanish.lines[1].amount_minor == -500


def test_a_discount_never_makes_a_parcel_dearer():
    parcel = a_parcel([an_item()], free_from_minor=5_000)

    full = quote(a_basis(parcels=[parcel]))
    cheaper = quote(a_basis(parcels=[parcel], rules=[a_rule()]))

    assert (full.total_minor, cheaper.total_minor) == (5_000, 4_500)


def test_each_parcel_has_a_line_and_its_own_threshold():
    items = [an_item(), an_item(sku="hat", supplier_id="luna", origin="DE", quantity=1)]
    parcels = [
        a_parcel(items[:1], free_from_minor=5_000),
        a_parcel(items[1:], charge_minor=990, free_from_minor=5_000),
    ]

    priced = quote(a_basis(*items, parcels=parcels))

    sent = [line.amount_minor for line in priced.lines if line.kind is LineKind.DELIVERY]
    assert sent == [0, 990]


def test_a_code_that_takes_nothing_off_says_why():
    code = a_rule(
        id="big", source=Source.COUPON, code="BIG",
        conditions=replace(a_rule().conditions, min_worth_minor={"EUR": 10_000}),
    )  # fmt: skip

    priced = quote(a_basis(rules=[code]))

    assert priced.total_minor == 5_490
    assert priced.coupon_refused is not None
    assert priced.coupon_refused.rule_id == "big"
    assert priced.coupon_refused.facts["missing_minor"] == 5_000


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
        quote(a_basis(an_item(**changes)))


def test_nothing_has_no_price_and_two_currencies_have_no_sum():
    with pytest.raises(BadQuantity):
        quote(replace(a_basis(), items=()))
    with pytest.raises(MixedCurrencies):
        quote(a_basis(an_item(), an_item(currency="USD")))


@pytest.mark.parametrize(
    ("language", "words"), [("en", "9.975%"), ("de", "9,975\xa0%"), ("x-klingon", "9.975%")]
)
def test_a_rate_is_written_as_the_language_writes_it(language, words):
    assert percent(99_750, language) == words


CURRENCIES = ["JPY", "EUR", "KWD"]  # none, two and three digits
amounts = st.integers(1, 500_000)


@st.composite
def bases(draw):
    """Anything that can be bought anywhere with anything, in every kind of currency."""
    currency = draw(st.sampled_from(CURRENCIES))
    country, region = draw(
        st.sampled_from([("ES", ""), ("US", "NY"), ("CA", "QC"), ("JP", ""), ("BR", "RJ"),
                         ("KW", ""), ("IN", "")])
    )  # fmt: skip
    items = [_item(draw, number, currency) for number in range(draw(st.integers(1, 4)))]
    rules = [
        a_rule(
            id=f"rule-{number}",
            source=draw(st.sampled_from(Source)),
            effect=draw(
                st.builds(Percent, bp=st.integers(0, 10_000))
                | st.builds(Fixed, amounts_minor=st.just({currency: draw(amounts)}))
            ),
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    policy = Policy(maximum_bp=draw(st.integers(0, 10_000)))
    to = Destination(country=country, region=region)
    charge = draw(st.integers(0, 5_000))
    parcels = [a_parcel(items, charge_minor=charge, free_from_minor=draw(st.none() | amounts))]
    return a_basis(*items, to=to, parcels=parcels, rules=tuple(rules), policy=policy)


def _item(draw, number, currency):
    price, quantity = draw(amounts), draw(st.integers(1, 9))
    flash = None
    if draw(st.booleans()):
        flash = Flash("flash", draw(st.integers(1, price)), draw(st.integers(1, quantity)))
    return an_item(
        sku=f"sku-{number}", quantity=quantity, unit_price_minor=price, currency=currency,
        origin=draw(st.sampled_from(["ES", "US", "JP"])), flash=flash,
        floor_minor=draw(st.integers(1, price)),
        tax_category=draw(st.sampled_from(["standard", "books", "clothing", "exempt", "other"])),
    )  # fmt: skip


@given(bases())
def test_lines_add_up_to_the_total_whatever_is_bought(basis):
    priced = quote(basis)

    assert sum(line.amount_minor for line in priced.lines) == priced.total_minor > 0
    assert all(type(line.amount_minor) is int for line in priced.lines)
    for line in priced.lines:
        assert line.amount_minor <= 0 if line.kind is LineKind.DISCOUNT else line.amount_minor >= 0
        assert 0 <= line.contained_minor <= priced.total_minor


@given(bases())
def test_no_combination_undercuts_the_floor_of_a_piece(basis):
    priced = quote(basis)

    pieces = [piece for item in basis.items for piece in _pieces(item)]
    for place, (item, quantity, unit) in enumerate(pieces):
        off = sum(discount.off_goods_minor[place] for discount in priced.discounts)
        assert quantity * unit - off >= quantity * min(item.floor_minor, unit)


def _pieces(item):
    if item.flash is None:
        return [(item, item.quantity, item.unit_price_minor)]
    rest = item.quantity - item.flash.pieces
    flash = (item, item.flash.pieces, item.flash.price_minor)
    return [flash, (item, rest, item.unit_price_minor)] if rest else [flash]


@given(bases())
def test_what_was_kept_gives_the_same_lines_for_ever(basis):
    kept = again(basis)

    assert kept == basis
    assert asdict(quote(kept)) == asdict(quote(basis))


@given(bases(), st.permutations(range(4)))
def test_the_order_in_which_rules_are_found_changes_nothing(basis, order):
    shuffled = tuple(basis.rules[place] for place in order if place < len(basis.rules))

    assert quote(replace(basis, rules=shuffled)) == quote(basis)


@given(bases())
def test_a_promotion_never_makes_anything_dearer(basis):
    assert quote(basis).total_minor <= quote(replace(basis, rules=())).total_minor

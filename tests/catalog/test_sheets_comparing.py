"""Sheets say what products become: line by line, with everything wrong told at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commerce.catalog import Condition, Status, TaxCategory, Variant
from commerce.catalog.model import Product
from commerce.catalog.sheets_cells import Names
from commerce.catalog.sheets_comparing import Known, compare
from commerce.catalog.sheets_model import Form, Item, ItemStatus
from commerce.catalog.sheets_reading import read
from commerce.catalog.sheets_writing import write
from commerce.inventory import MAIN
from tests.catalog.factories import a_product, a_variant

NAMES = Names({"c1": "Clothing > Shirts", "c2": "Clothing"}, {"b1": "Northlight"})


def known(*products: Product, **other) -> Known:
    return Known(
        supplier_id="sol",
        currency="EUR",
        products={product.id: product for product in products},
        home_of={variant.sku: product.id for product in products for variant in product.variants},
        names=NAMES,
        warehouses={MAIN: MAIN, "w1": "North shed"},
        **other,
    )


def compared(text: str, *products: Product, **other) -> list[Item | None]:
    return list(compare(read(text.encode()), known(*products, **other)))


def changes(item: Item | None) -> list[tuple[str, str, str, str]]:
    assert item is not None
    assert item.errors == ()
    return [(d.sku, d.column, d.before, d.after) for d in item.differences]


def wrong(items: list[Item | None]) -> list[tuple[int, str, str]]:
    return [(e.line, e.column, e.code) for item in items if item for e in item.errors]


def test_a_sheet_of_prices_changes_prices_and_nothing_else() -> None:
    [item] = compared("sku;price\nshirt-m;26,50\nshirt-l;25\n", a_product(version=4))

    assert changes(item) == [("shirt-m", "price", "25.00", "26.50")]
    assert (item.product_id, item.product_version, item.status) == ("shirt", 4, ItemStatus.WAITING)
    assert item.line == 2
    prices = [v["price_minor"] for v in item.wanted["product"]["variants"]]
    assert prices == [2_650, 2_500]


def test_lines_of_a_new_product_go_together_by_word_or_title() -> None:
    sheet = (
        "product,title,sku,option,price,attribute:Size,first_pieces,warehouse\n"
        "hoodie,Hoodie,H-S,,49,S,5,\n"
        "mug,Mug,MUG,,18,,,north shed\n"
        "hoodie,,H-M,Medium,49.90,M,,\n"
        ",Lamp,LAMP-1,,64,,,\n"
        ",Lamp,LAMP-2,,89,,,\n"
    )

    hoodie, mug, lamp = compared(sheet)

    assert hoodie
    assert mug
    assert lamp
    made = hoodie.wanted["product"]
    assert (made["title"], made["currency"], hoodie.product_version) == ("Hoodie", "EUR", 0)
    assert [
        (v["sku"], v["label"], v["price_minor"], v["attributes"]) for v in made["variants"]
    ] == [
        ("H-S", "S", 4_900, {"Size": "S"}),
        ("H-M", "Medium", 4_990, {"Size": "M"}),
    ]
    assert hoodie.wanted["stock"] == [["H-S", MAIN, 5]]
    assert mug.wanted["stock"] == [["MUG", "w1", 0]]
    assert [v["sku"] for v in lamp.wanted["product"]["variants"]] == ["LAMP-1", "LAMP-2"]
    assert lamp.wanted["product"]["title"] == "Lamp"


def test_a_new_variant_joins_its_product_and_the_others_stay() -> None:
    [item] = compared("product,sku,option,price\nshirt,shirt-xl,XL,27\n", a_product())

    assert item
    assert [v["sku"] for v in item.wanted["product"]["variants"]] == [
        "shirt-m", "shirt-l", "shirt-xl",
    ]  # fmt: skip
    assert changes(item) == [
        ("shirt-xl", "option", "", "XL"), ("shirt-xl", "price", "", "27.00"),
    ]  # fmt: skip


def test_categories_brands_and_choices_are_said_in_words() -> None:
    sheet = (
        "sku,category,brand,condition,tax category\n"
        "shirt-m,clothing > SHIRTS,Northlight,Open box,reduced\nshirt-l,,,,\n"
    )

    [item] = compared(sheet, a_product(brand_id="gone"))

    assert changes(item) == [
        ("", "category", "", "Clothing > Shirts"), ("", "brand", "gone", "Northlight"),
        ("", "condition", "new", "open_box"), ("", "tax_category", "standard", "reduced"),
    ]  # fmt: skip
    assert item
    assert item.wanted["product"]["category_id"] == "c1"


def test_first_pieces_are_for_what_was_never_in_stock() -> None:
    sheet = "sku,first_pieces\nshirt-m,4\nshirt-l,7\n"

    [item] = compared(sheet, a_product(), in_stock=frozenset({("shirt-m", MAIN)}))

    assert changes(item) == [("shirt-l", "first_pieces", "", "7 (main)")]


@pytest.mark.parametrize(
    ("sheet", "errors"),
    [
        ("sku,price\nshirt-m,abc\nshirt-l,-3",
         [(2, "price", "not_a_number"), (3, "price", "signed")]),
        ("sku,price\nshirt-m,\"1,234\"", [(2, "price", "too_precise")]),
        ("sku,price\nshirt-m,99999999999999999", [(2, "price", "too_large")]),
        ("sku,price,title\nnew,5,", [(2, "title", "missing")]),
        ("sku,price,title\nnew,,New", [(2, "price", "missing")]),
        ("sku,title,price\n,New,5", [(2, "sku", "missing")]),
        ("sku,title\nshirt-m,A\nshirt-l,B", [(3, "title", "differs")]),
        ("sku,price\nshirt-m,3\nshirt-m,4", [(3, "sku", "sku_twice")]),
        (f"sku,title\nshirt-m,{'x' * 121}", [(2, "title", "too_long")]),
        ("sku,currency\nshirt-m,USD", [(2, "currency", "currency_stays")]),
        ("sku,title,price,currency\nn,N,5,ABC", [(2, "currency", "no_currency")]),
        ("sku,category,brand\nshirt-m,Toys,Acme",
         [(2, "category", "no_such_category"), (2, "brand", "no_such_brand")]),
        ("sku,condition\nshirt-m,broken", [(2, "condition", "not_one_of")]),
        ("sku,price_min\nshirt-m,30", [(2, "price_min", "bad_price_min")]),
        ("sku,price_max\nshirt-l,20", [(2, "price_max", "bad_price_max")]),
        ("sku,weight_grams\nshirt-m,1.5", [(2, "weight_grams", "not_whole")]),
        ("sku,weight_grams\nshirt-m,1000001", [(2, "weight_grams", "too_large")]),
        ("sku,first_pieces\nshirt-m,many", [(2, "first_pieces", "not_whole")]),
        ("sku,warehouse\nshirt-m,Moon", [(2, "warehouse", "no_such_warehouse")]),
        ("sku,price\ntheirs,5", [(2, "sku", "sku_taken")]),
        ("product,sku,price\nshirt,theirs,5", [(2, "sku", "sku_taken")]),
        ("sku,price\nold,5", [(2, "product", "archived")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line_and_column(sheet: str, errors) -> None:
    theirs = a_product(id="theirs", supplier_id="luna", variants=(a_variant(sku="theirs"),))
    old = a_product(id="old", status=Status.ARCHIVED, variants=(a_variant(sku="old"),))

    items = compared(sheet, a_product(), theirs, old)

    assert wrong(items) == errors
    assert {item.status for item in items if item} == {ItemStatus.WRONG}


def test_a_wrong_line_keeps_its_whole_product_out_and_no_other_one() -> None:
    items = compared(
        "sku,price\nshirt-m,3\nhat,4\nshirt-l,x\n",
        a_product(),
        a_product(id="hat", variants=(a_variant(sku="hat"),)),
    )

    assert [item.status for item in items if item] == [ItemStatus.WRONG, ItemStatus.WAITING]


def test_of_others_products_nothing_is_told() -> None:
    theirs = a_product(id="theirs", title="Secret", supplier_id="luna")

    [item] = compared("sku,price\nshirt-m,1\n", theirs)

    assert item
    assert "Secret" not in repr(item)
    assert item.product_id == ""


def test_what_is_on_sale_stays_complete() -> None:
    on_sale = a_product(status=Status.PUBLISHED)

    assert wrong(compared("sku,price\nshirt-m,0\n", on_sale)) == [(2, "price", "missing")]
    assert wrong(compared("sku,price\nshirt-m,0\n", a_product())) == []


TEXT = st.text(st.characters(codec="utf-8"), max_size=24)
WORD = TEXT.filter(lambda text: bool(text.strip(" \r\n\t")))
STRANGE = st.sampled_from(
    ["=1+1", "'=1", "-5", "+49", "@x", "\t=x", "a,b;c", 'say "hi"', "zwei\nZeilen", "_x0041_",
     "007", "1e5", "1.50", "TRUE", "#N/A", " blank ", "’–ß漢", "sep=;"]
)  # fmt: skip
NAME = st.one_of(STRANGE, TEXT)


@st.composite
def products(draw: st.DrawFn) -> list[Product]:
    made = []
    skus = draw(st.lists(WORD | STRANGE, max_size=5, unique_by=lambda t: t.strip().casefold()))
    for number in range(draw(st.integers(1, 3))):
        currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))
        mine = skus[number::3]
        variants = tuple(draw(a_full_variant(sku, n)) for n, sku in enumerate(mine))
        made.append(
            Product(
                id=f"product-{number}", supplier_id="sol", title=draw(NAME), currency=currency,
                description=draw(NAME), category_id=draw(st.sampled_from(["", "c1", "c2", "gone"])),
                brand_id=draw(st.sampled_from(["", "b1", "gone"])),
                condition=draw(st.sampled_from(Condition)),
                tax_category=draw(st.sampled_from(TaxCategory)),
                version=draw(st.integers(1, 9)), variants=variants,
                status=draw(st.sampled_from([Status.DRAFT, Status.ARCHIVED])),
            )
        )  # fmt: skip
    return made


@st.composite
def a_full_variant(draw: st.DrawFn, sku: str, position: int) -> Variant:
    price = draw(st.integers(0, 10**12))
    return Variant(
        sku=sku, label=draw(NAME), price_minor=price, position=position,
        price_min_minor=draw(st.none() | st.integers(0, price)),
        price_max_minor=draw(st.none() | st.integers(price, 10**13)),
        weight_grams=draw(st.integers(0, 10**6)), volume_cm3=draw(st.integers(0, 10**8)),
        attributes=draw(st.dictionaries(st.sampled_from(["size", "=x"]), NAME, max_size=2)),
    )  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(products(), st.sampled_from(Form))
def test_an_exported_sheet_changes_nothing_when_it_comes_back(made, form) -> None:
    made = [p for p in made if all(plain_enough(v.sku) for v in p.variants)]
    if not made:
        return

    sheet = read(write(made, NAMES, form))

    assert [item for item in compare(sheet, known(*made)) if item] == []


def plain_enough(sku: str) -> bool:
    """Forms take no SKU with blanks around it or unseen signs in it."""
    return sku == sku.strip() and sku.isprintable()


def test_an_exported_change_is_the_same_change_when_it_comes_back() -> None:
    before = a_product()
    dearer = replace(before.variants[0], price_minor=9_999, price_min_minor=1)
    after = replace(before, title="=Silk", variants=(dearer, before.variants[1]))

    for form in Form:
        [item] = compare(read(write([after], NAMES, form)), known(before))
        assert changes(item) == [
            ("", "title", "Linen shirt", "=Silk"), ("shirt-m", "price", "25.00", "99.99"),
            ("shirt-m", "price_min", "", "0.01"),
        ]  # fmt: skip

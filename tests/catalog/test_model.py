import pytest

from commerce.catalog import (
    BadShare,
    BadVariants,
    Changes,
    NotYourProduct,
    ProductIncomplete,
    StaleProduct,
    Status,
    model,
)
from commerce.kernel.machine import IllegalMove
from tests.catalog.factories import a_product, a_variant


@pytest.mark.parametrize(
    ("lacking", "has_shelf", "missing"),
    [
        ({"title": "  "}, True, ["title"]),
        ({"pictures": ()}, True, ["image"]),
        ({"variants": ()}, True, ["variants"]),
        ({"variants": (a_variant(), a_variant(sku="x", price_minor=0))}, True, ["price"]),
        ({}, False, ["stock location"]),
        (
            {"title": "", "pictures": (), "variants": ()},
            False,
            ["title", "image", "variants", "stock location"],
        ),
    ],
)
@pytest.mark.parametrize("status", [Status.PUBLISHED, Status.UNLISTED])
def test_what_lacks_something_is_not_on_sale(status, lacking, has_shelf, missing):
    with pytest.raises(ProductIncomplete) as refused:
        model.must_be_complete(a_product(status=status, **lacking), has_shelf=has_shelf)

    assert refused.value.facts["missing"] == missing
    model.must_be_complete(a_product(**lacking), has_shelf=has_shelf)


def test_an_edit_changes_only_what_it_names():
    edited = model.edit(a_product(), Changes(title="Silk shirt"), expected_version=1)

    assert edited == a_product(title="Silk shirt", version=2)


@pytest.mark.parametrize(
    ("status", "sellable", "editable", "deletable"),
    [
        (Status.DRAFT, False, True, True),
        (Status.PUBLISHED, True, True, False),
        (Status.UNLISTED, True, True, False),
        (Status.ARCHIVED, False, False, True),
    ],
)
def test_what_each_status_permits(status, sellable, editable, deletable):
    product = a_product(status=status)

    assert product.sellable is sellable
    assert permits(lambda: model.edit(product, Changes(), expected_version=1)) is editable
    assert permits(lambda: model.must_be_deletable(product)) is deletable


def permits(deed):
    try:
        deed()
    except IllegalMove:
        return False
    return True


def test_an_old_version_is_refused_with_the_present_one():
    with pytest.raises(StaleProduct) as refused:
        model.edit(a_product(version=5), Changes(title="x"), expected_version=4)

    assert refused.value.facts == {"product_id": "shirt", "version": 5}


@pytest.mark.parametrize(
    ("variants", "field"),
    [
        ((a_variant(), a_variant()), "sku"),
        ((a_variant(sku=""),), "sku"),
        ((a_variant(price_minor=-1),), "price"),
        ((a_variant(price_min_minor=-1),), "price_min"),
        ((a_variant(price_min_minor=2_501),), "price_min"),
        ((a_variant(price_max_minor=2_499),), "price_max"),
        ((a_variant(price_minor=0, price_min_minor=9, price_max_minor=8),), "price_max"),
        ((a_variant(weight_grams=-1),), "weight"),
        ((a_variant(weight_grams=model.WEIGHT_GRAMS_MAX + 1),), "weight"),
        ((a_variant(volume_cm3=-1),), "volume"),
    ],
)
def test_variants_that_contradict_themselves_are_refused(variants, field):
    with pytest.raises(BadVariants) as refused:
        model.checked(a_product(variants=variants))

    assert refused.value.facts["field"] == field


def test_limits_may_be_the_price_itself_and_known_before_it():
    exact = a_variant(price_min_minor=2_500, price_max_minor=2_500)
    unpriced = a_variant(sku="x", price_minor=0, price_min_minor=900, price_max_minor=900)

    product = model.checked(a_product(variants=(unpriced, exact)))

    assert [(v.sku, v.position) for v in product.variants] == [("x", 0), ("shirt-m", 1)]


@pytest.mark.parametrize("share", [-1, 10_001])
def test_a_share_is_between_nothing_and_everything(share):
    with pytest.raises(BadShare):
        model.checked(a_product(share_max_bp=share))


def test_a_supplier_acts_on_their_own_products_only():
    with pytest.raises(NotYourProduct):
        model.must_belong_to(a_product(), "luna")

    model.must_belong_to(a_product(), "sol")
    model.must_belong_to(a_product(), None)

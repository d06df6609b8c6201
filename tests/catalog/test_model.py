import pytest

from commerce.catalog import (
    Action,
    BadVariants,
    Changes,
    ProductIncomplete,
    StaleProduct,
    Status,
    model,
)
from commerce.kernel.machine import IllegalMove
from tests.catalog.factories import a_product, a_variant


@pytest.mark.parametrize(
    ("lacking", "missing"),
    [
        ({"title": "  "}, ["title"]),
        ({"pictures": ()}, ["image"]),
        ({"variants": ()}, ["variants"]),
        ({"variants": (a_variant(), a_variant(sku="x", price_minor=0))}, ["price"]),
        ({"title": "", "pictures": (), "variants": ()}, ["title", "image", "variants"]),
    ],
)
def test_what_lacks_something_is_not_published(lacking, missing):
    with pytest.raises(ProductIncomplete) as refused:
        model.move(a_product(**lacking), Action.PUBLISH, expected_version=1)

    assert refused.value.facts["missing"] == missing


def test_what_is_on_sale_cannot_be_edited_into_something_incomplete():
    on_sale = a_product(status=Status.PUBLISHED)

    with pytest.raises(ProductIncomplete):
        model.edit(on_sale, Changes(variants=()), expected_version=1)

    assert model.edit(a_product(), Changes(variants=()), expected_version=1).variants == ()


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
        ([a_variant(), a_variant()], "sku"),
        ([a_variant(sku="")], "sku"),
        ([a_variant(price_minor=-1)], "price"),
    ],
)
def test_variants_that_contradict_themselves_are_refused(variants, field):
    with pytest.raises(BadVariants) as refused:
        model.ordered(variants)

    assert refused.value.facts["field"] == field

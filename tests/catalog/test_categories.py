"""The tree of categories and the brands: one name, no ring, nothing deleted under a product."""

import asyncio
from itertools import pairwise

import pytest

from commerce import catalog
from commerce.catalog import (
    BadName,
    CategoryLoop,
    Changes,
    GroupInUse,
    NameTaken,
    NoSuchBrand,
    NoSuchCategory,
    StaleGroup,
    TaxCategory,
)
from tests.catalog.factories import a_draft, a_product

BOOKS = TaxCategory.BOOKS


async def create(database, name, parent_id="", **facts):
    return await database.unit_of_work(
        lambda tx: catalog.create_category(
            tx, name=name, parent_id=parent_id, category_id=name, **facts
        )
    )


async def edit(database, category, **changes):
    facts = {
        "name": category.name,
        "parent_id": category.parent_id,
        "tax_category": category.tax_category,
        "expected_version": category.version,
    }
    return await database.unit_of_work(
        lambda tx: catalog.edit_category(tx, category.id, **(facts | changes))
    )


async def delete(database, category, version=1):
    await database.unit_of_work(
        lambda tx: catalog.delete_category(tx, category.id, expected_version=version)
    )


async def tree(database):
    return [(one.name, one.path) for one in await database.read(catalog.categories)]


async def a_forest(database):
    """home > kitchen > mugs, and books"""
    home = await create(database, "home")
    kitchen = await create(database, "kitchen", "home")
    mugs = await create(database, "mugs", "kitchen")
    return home, kitchen, mugs, await create(database, "books", tax_category=BOOKS)


async def test_what_is_below_moves_along(database, clock):
    _, kitchen, *_ = await a_forest(database)

    await edit(database, kitchen, parent_id="books", name="cooking")

    assert await tree(database) == [
        ("books", ("books",)),
        ("cooking", ("books", "kitchen")),
        ("mugs", ("books", "kitchen", "mugs")),
        ("home", ("home",)),
    ]
    paths = await database.read(lambda tx: catalog.category_paths(tx, ["mugs", "home", "none"]))
    assert paths == {"mugs": ("books", "kitchen", "mugs"), "home": ("home",)}


async def test_a_category_is_never_within_itself(database, clock):
    home, kitchen, *_ = await a_forest(database)
    before = await tree(database)

    for moved, parent in ((home, "mugs"), (home, "home"), (kitchen, "mugs")):
        with pytest.raises(CategoryLoop):
            await edit(database, moved, parent_id=parent)

    assert await tree(database) == before


async def test_moves_at_once_make_no_ring(database, clock):
    pairs = [(await create(database, f"a{n}"), await create(database, f"b{n}")) for n in range(5)]

    outcomes = await asyncio.gather(
        *(edit(database, one, parent_id=two.id) for one, two in pairs),
        *(edit(database, two, parent_id=one.id) for one, two in pairs),
        return_exceptions=True,
    )

    assert [type(o) for o in outcomes if isinstance(o, Exception)] == [CategoryLoop] * 5
    paths = [path for _, path in await tree(database)]
    assert sorted(map(len, paths)) == [1] * 5 + [2] * 5
    assert all(above != below for path in paths for above, below in pairwise(path))


async def test_siblings_have_different_names_and_a_repeated_creation_makes_one(database, clock):
    await a_forest(database)
    before = await tree(database)

    same = await create(database, "kitchen", "home")
    assert same.version == 1
    with pytest.raises(NameTaken):
        await database.unit_of_work(
            lambda tx: catalog.create_category(tx, name=" kitchen ", parent_id="home")
        )
    with pytest.raises(NameTaken):
        await edit(database, same, name="books", parent_id="")
    for name in ("", "x" * 81):
        with pytest.raises(BadName):
            await create(database, name)
    with pytest.raises(NoSuchCategory):
        await create(database, "lost", "nowhere")

    assert await tree(database) == before


async def test_of_many_editors_of_a_category_one_wins(database, clock):
    home = await create(database, "home")

    outcomes = await asyncio.gather(
        *(edit(database, home, name=f"home {n}") for n in range(6)), return_exceptions=True
    )

    won = [one for one in outcomes if not isinstance(one, Exception)]
    assert [one.name for one in won] == [name for name, _ in await tree(database)]
    assert {type(o) for o in outcomes if isinstance(o, Exception)} == {StaleGroup}


async def test_what_is_used_is_not_deleted(database, clock):
    home, _, mugs, books = await a_forest(database)
    await database.unit_of_work(lambda tx: a_draft(tx, a_product(category_id="mugs")))
    before = await tree(database)

    for used in (home, mugs):
        with pytest.raises(GroupInUse):
            await delete(database, used)
    with pytest.raises(StaleGroup):
        await delete(database, books, version=2)
    assert await tree(database) == before

    await delete(database, books)
    assert "books" not in dict(await tree(database))
    with pytest.raises(NoSuchCategory):
        await database.unit_of_work(
            lambda tx: catalog.edit_product(
                tx, "shirt", Changes(category_id="books"), expected_version=1
            )
        )


async def test_a_category_is_not_deleted_while_a_product_goes_into_it(database, clock):
    names = [f"c{n}" for n in range(5)]
    groups = [await create(database, name) for name in names]
    for name in names:
        await database.unit_of_work(
            lambda tx, name=name: a_draft(tx, a_product(id=name, variants=()))
        )

    async def put(name):
        return await database.unit_of_work(
            lambda tx: catalog.edit_product(tx, name, Changes(category_id=name), expected_version=1)
        )

    outcomes = await asyncio.gather(
        *map(put, names), *(delete(database, group) for group in groups), return_exceptions=True
    )

    kept = {name for name, _ in await tree(database)}
    products = await database.read(lambda tx: catalog.products(tx, names))
    assert {product.category_id for product in products} - {""} == kept
    for name, into, away in zip(names, outcomes[:5], outcomes[5:], strict=True):
        refused = away if name in kept else into
        assert type(refused) is (GroupInUse if name in kept else NoSuchCategory)


async def test_a_product_takes_the_tax_of_its_category_unless_another_is_said(database, clock):
    await a_forest(database)

    async def put(version, **changes):
        product = await database.unit_of_work(
            lambda tx: catalog.edit_product(
                tx, "shirt", Changes(**changes), expected_version=version
            )
        )
        return product.tax_category

    await database.unit_of_work(a_draft)
    assert await put(1, category_id="books") is BOOKS
    assert await put(2, category_id="mugs", tax_category=TaxCategory.FOOD) is TaxCategory.FOOD
    assert await put(3, category_id="mugs") is TaxCategory.FOOD
    made = await database.unit_of_work(
        lambda tx: catalog.create_product(
            tx, supplier_id="sol", title="Poems", currency="EUR", category_id="books"
        )
    )
    assert made.tax_category is BOOKS


async def test_brands_have_one_name_and_stay_while_a_product_is_of_them(database, clock):
    async def brand(name, brand_id):
        return await database.unit_of_work(
            lambda tx: catalog.create_brand(tx, name=name, brand_id=brand_id)
        )

    tarn = await brand("Tarn", "1")
    assert await brand("Tarn", "1") == tarn
    with pytest.raises(NameTaken):
        await brand("Tarn", "2")
    quill = await brand("Quill", "2")
    await database.unit_of_work(lambda tx: a_draft(tx, a_product(brand_id="1")))

    async def rename(name, version):
        return await database.unit_of_work(
            lambda tx: catalog.edit_brand(tx, "2", name=name, expected_version=version)
        )

    async def remove(brand_id, version):
        await database.unit_of_work(
            lambda tx: catalog.delete_brand(tx, brand_id, expected_version=version)
        )

    with pytest.raises(NameTaken):
        await rename("Tarn", 1)
    assert (await rename("Ferrow", 1)).version == 2
    with pytest.raises(StaleGroup):
        await rename(quill.name, 1)
    with pytest.raises(GroupInUse):
        await remove("1", 1)
    await remove("2", 2)
    with pytest.raises(NoSuchBrand):
        await remove("2", 3)
    with pytest.raises(NoSuchBrand):
        await database.unit_of_work(lambda tx: a_draft(tx, a_product(id="hat", brand_id="2")))
    assert await database.read(catalog.brands) == [tarn]

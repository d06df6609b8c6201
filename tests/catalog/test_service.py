import asyncio

import pytest

from commerce import catalog, inventory, suppliers
from commerce.catalog import Changes, Status, store
from commerce.catalog.tables import PRODUCTS, VARIANTS
from commerce.kernel.errors import Contended
from commerce.kernel.idempotency import KeyReused
from commerce.kernel.machine import IllegalMove
from commerce.kernel.tables import OUTBOX
from tests.catalog.factories import a_draft, a_product, a_product_on_sale, a_variant


async def product(database, product_id="shirt"):
    return await database.read(lambda tx: catalog.product(tx, product_id))


async def edit(database, changes, expected_version):
    return await database.unit_of_work(
        lambda tx: catalog.edit_product(tx, "shirt", changes, expected_version=expected_version)
    )


async def announced(database):
    rows = await database.read(lambda tx: tx.all(OUTBOX.select().order_by(OUTBOX.c.seq)))
    return [row["name"] for row in rows]


async def test_fifty_equal_creations_at_once_make_one_product(database, clock):
    made = await asyncio.gather(*(database.unit_of_work(a_draft) for _ in range(50)))

    assert all(each == a_product() for each in made)
    assert await product(database) == a_product()
    rows = await database.read(lambda tx: tx.all(PRODUCTS.select()))
    assert [row["id"] for row in rows] == ["shirt"]


@pytest.mark.parametrize("field", ["supplier_id", "currency"])
async def test_the_same_id_for_another_product_is_refused(database, clock, field):
    await database.unit_of_work(a_draft)

    with pytest.raises(KeyReused) as refused:
        await database.unit_of_work(lambda tx: a_draft(tx, a_product(**{field: "USD"})))

    assert refused.value.facts["field"] == field
    assert await product(database) == a_product()


async def test_a_life_from_draft_to_archive_is_announced(database, clock):
    await database.unit_of_work(a_product_on_sale)
    await database.unit_of_work(lambda tx: catalog.unlist(tx, "shirt"))
    await database.unit_of_work(lambda tx: catalog.publish(tx, "shirt"))
    archived = await database.unit_of_work(lambda tx: catalog.archive(tx, "shirt"))

    assert (archived.status, archived.version) == (Status.ARCHIVED, 5)
    assert await announced(database) == [
        "product.changed",
        "product.published",
        "product.unlisted",
        "product.published",
        "product.archived",
    ]


async def test_what_has_no_place_in_a_warehouse_stays_a_draft(database, clock):
    async def prepared(tx):
        await suppliers.create(tx, supplier_id="sol", name="Sol", country="ES", currency="EUR")
        return await a_draft(tx, a_product(pictures=()))

    draft = await database.unit_of_work(prepared)

    with pytest.raises(catalog.ProductIncomplete) as refused:
        await database.unit_of_work(lambda tx: catalog.publish(tx, "shirt"))
    assert refused.value.facts["missing"] == ["image", "stock location"]
    assert (await product(database), await announced(database)) == (draft, ["product.changed"])

    await database.unit_of_work(lambda tx: inventory.open_shelf(tx, "shirt-l"))
    await edit(database, Changes(pictures=("/media/shirt.svg",)), 1)
    await database.unit_of_work(lambda tx: catalog.publish(tx, "shirt"))
    with pytest.raises(catalog.ProductIncomplete):
        await edit(database, Changes(variants=(a_variant(sku="new"),)), 3)
    assert (await product(database)).variants == draft.variants


async def test_nothing_of_a_suspended_supplier_is_put_on_sale(database, clock):
    await database.unit_of_work(a_product_on_sale)
    unlisted = await database.unit_of_work(lambda tx: catalog.unlist(tx, "shirt"))
    await database.unit_of_work(lambda tx: suppliers.move(tx, "sol", suppliers.Action.SUSPEND))

    with pytest.raises(catalog.SupplierNotActive):
        await database.unit_of_work(lambda tx: catalog.publish(tx, "shirt"))

    assert await product(database) == unlisted


async def test_another_suppliers_product_is_not_edited_moved_or_deleted(database, clock):
    before = await database.unit_of_work(a_draft)
    deeds = (
        lambda tx: catalog.edit_product(
            tx, "shirt", Changes(title="Mine"), expected_version=1, supplier_id="luna"
        ),
        lambda tx: catalog.move_product(tx, "shirt", catalog.Action.ARCHIVE, supplier_id="luna"),
        lambda tx: catalog.delete_product(tx, "shirt", expected_version=1, supplier_id="luna"),
    )

    for deed in deeds:
        with pytest.raises(catalog.NotYourProduct):
            await database.unit_of_work(deed)

    assert (await product(database), await announced(database)) == (before, ["product.changed"])


async def test_everything_that_is_said_of_a_product_is_kept(database, clock):
    rich = a_variant(
        price_min_minor=2_000, price_max_minor=3_000, image="/media/blue.webp",
        weight_grams=240, volume_cm3=1_500,
    )  # fmt: skip
    wanted = a_product(
        pictures=("/media/a.webp", "/media/b.webp"), condition=catalog.Condition.REFURBISHED,
        tax_category=catalog.TaxCategory.REDUCED, share_max_bp=1_250, variants=(rich,),
    )  # fmt: skip
    await database.unit_of_work(lambda tx: a_draft(tx, wanted))

    assert await product(database) == wanted
    bare = a_variant(price_minor=2_600)
    edited = await edit(database, Changes(variants=(bare,), pictures=()), 1)
    assert await product(database) == edited
    assert (edited.variants, edited.image, edited.condition) == ((bare,), "", "refurbished")


async def test_of_two_products_that_claim_one_sku_at_once_one_gets_it(database, clock):
    outcomes = await asyncio.gather(
        *(
            database.unit_of_work(lambda tx, n=n: a_draft(tx, a_product(id=f"product-{n}")))
            for n in range(6)
        ),
        return_exceptions=True,
    )

    won = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
    assert len(won) == 1
    assert {type(o) for o in outcomes if isinstance(o, Exception)} == {catalog.SkuTaken}
    assert await database.read(lambda tx: catalog.products_page(tx, most=9)) == won


async def test_of_two_editors_of_one_version_the_second_is_told(database, clock):
    await database.unit_of_work(a_draft)
    await edit(database, Changes(title="Silk shirt"), 1)

    with pytest.raises(catalog.StaleProduct):
        await edit(database, Changes(title="Wool shirt"), 1)

    assert (await product(database)).title == "Silk shirt"


async def test_of_fifty_editors_at_once_exactly_one_wins(database, clock):
    await database.unit_of_work(a_draft)

    outcomes = await asyncio.gather(
        *(edit(database, Changes(title=f"Shirt {n}"), 1) for n in range(50)),
        return_exceptions=True,
    )

    won = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
    assert len(won) == 1
    assert {type(o) for o in outcomes if isinstance(o, Exception)} == {catalog.StaleProduct}
    assert await product(database) == won[0]


async def test_a_save_from_an_old_version_is_contended(database, clock):
    old = await database.unit_of_work(a_draft)
    await edit(database, Changes(title="Silk shirt"), 1)

    with pytest.raises(Contended):
        await database.unit_of_work(lambda tx: store.save(tx, old))


async def test_variants_are_added_changed_and_taken_off(database, clock):
    await database.unit_of_work(a_draft)
    large, extra = a_variant(sku="shirt-l", price_minor=2_700), a_variant(sku="shirt-xl")

    await edit(database, Changes(variants=(extra, large)), 1)

    assert [(v.sku, v.price_minor) for v in (await product(database)).variants] == [
        ("shirt-xl", 2_500),
        ("shirt-l", 2_700),
    ]
    with pytest.raises(catalog.NoSuchVariant):
        await database.read(lambda tx: catalog.variant(tx, "shirt-m"))
    await edit(database, Changes(variants=a_product().variants), 2)
    assert (await product(database)).variants == a_product().variants


async def test_a_sku_belongs_to_one_product_for_ever(database, clock):
    await database.unit_of_work(a_draft)
    await edit(database, Changes(variants=()), 1)
    other = a_product(id="other", variants=(a_variant(sku="new"), a_variant(sku="shirt-m")))

    with pytest.raises(catalog.SkuTaken) as refused:
        await database.unit_of_work(lambda tx: a_draft(tx, other))

    assert refused.value.facts == {"sku": "shirt-m"}
    with pytest.raises(catalog.NoSuchProduct):
        await product(database, "other")
    rows = await database.read(lambda tx: tx.all(VARIANTS.select()))
    assert {row["sku"] for row in rows} == {"shirt-m", "shirt-l"}


async def test_products_are_found_by_id_by_sku_and_by_supplier(database, clock):
    shirt = await database.unit_of_work(a_draft)
    hat = await database.unit_of_work(
        lambda tx: a_draft(tx, a_product(id="hat", title="Hat", variants=(), supplier_id="luna"))
    )

    async def look(tx):
        return (
            await catalog.products_page(tx, most=9),
            await catalog.products(tx, ["shirt", "nothing", "hat"]),
            await catalog.products_of_supplier(tx, "luna"),
            await catalog.products_of_skus(tx, ["shirt-m", "shirt-l", "nothing"]),
            await catalog.variant(tx, "shirt-l"),
        )

    assert await database.read(look) == (
        [hat, shirt],
        [shirt, hat],
        [hat],
        {"shirt-m": shirt, "shirt-l": shirt},
        shirt.variants[1],
    )


async def test_products_come_in_pages_by_status_and_are_counted(database, clock):
    async def many(tx):
        for n in range(5):
            await a_draft(tx, a_product(id=f"{n}", title=f"Shirt {n}", variants=()))
        await a_draft(tx, a_product(id="hat", title="A hat", variants=(), supplier_id="luna"))
        await catalog.archive(tx, "4")

    await database.unit_of_work(many)

    async def page(**asked):
        found = await database.read(lambda tx: catalog.products_page(tx, **asked))
        return [product.id for product in found]

    assert await page(most=3) == ["hat", "0", "1"]
    assert await page(most=3, skip=3) == ["2", "3", "4"]
    assert await page(most=9, supplier_id="sol", statuses=[Status.DRAFT]) == list("0123")
    assert await page(most=9, supplier_id="luna", statuses=[Status.ARCHIVED]) == []
    counts = await database.read(catalog.product_counts)
    assert counts == {Status.DRAFT: 5, Status.ARCHIVED: 1}
    luna = await database.read(lambda tx: catalog.product_counts(tx, supplier_id="luna"))
    assert luna == {Status.DRAFT: 1}


async def test_a_deleted_product_is_seen_nowhere(database, clock):
    await database.unit_of_work(a_draft)

    await database.unit_of_work(lambda tx: catalog.delete_product(tx, "shirt", expected_version=1))

    with pytest.raises(catalog.NoSuchProduct):
        await product(database)
    assert await database.read(lambda tx: catalog.products_page(tx, most=9)) == []
    assert await database.read(lambda tx: catalog.products_of_skus(tx, ["shirt-m"])) == {}
    assert await announced(database) == ["product.changed", "product.deleted"]


async def test_what_is_on_sale_is_not_deleted(database, clock):
    on_sale = await database.unit_of_work(a_product_on_sale)

    with pytest.raises(IllegalMove):
        await database.unit_of_work(
            lambda tx: catalog.delete_product(tx, "shirt", expected_version=2)
        )

    assert await product(database) == on_sale

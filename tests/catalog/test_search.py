"""What is found, for whom and in which order: the same on both engines."""

from __future__ import annotations

import pytest

from commerce import catalog, inventory
from commerce.catalog import Between, Changes, Eyes, Facet, Sort, Viewer
from tests.catalog.factories import a_draft, a_product
from tests.catalog.shelves import SHOP, counts, feed, found, ids, open_shop, thing

# What is written -> what is found, and what was looked for instead.
WRITTEN = {
    "hoodie": ({"hoodie"}, ""),
    "HOODIES": ({"hoodie"}, ""),  # one of many
    "hood": ({"hoodie"}, ""),  # the beginning
    "hodie": ({"hoodie"}, "hoodie"),  # a letter lost
    "hoddie": ({"hoodie"}, "hoodie"),  # a letter changed
    "ohodie": ({"hoodie"}, "hoodie"),  # swapped and lost
    "cozy hoodie": ({"hoodie"}, "cosy hoodie"),  # only what is wrong is put right
    "soft cotton": ({"hoodie"}, ""),  # the description
    "hoodie blue": ({"hoodie"}, ""),
    "hoodie azul": ({"hoodie"}, ""),  # a colour in another language
    "sudadera blue": ({"sudadera"}, ""),
    "the hoodie in red": ({"hoodie"}, ""),  # words that are in every text
    "green hoodie": (set(), ""),
    "cafe": ({"mug"}, ""),  # without accents
    "CAFÉ": ({"mug"}, ""),
    "senorita": ({"ring"}, ""),
    "dress": ({"dress"}, ""),
    "シャツ": ({"shirt"}, ""),  # in the middle of what has no spaces
    "xyzzy": (set(), ""),
    "!?": (set(), ""),
}


async def test_what_is_written_finds_what_is_meant(database, clock):
    await open_shop(database, *SHOP)

    answers = {text: await found(database, text) for text in WRITTEN}

    assert {
        text: ({product.id for product in answer.hits}, answer.corrected)
        for text, answer in answers.items()
    } == WRITTEN
    assert all(answer.total == len(answer.hits) for answer in answers.values())


async def test_a_sku_comes_first_and_a_title_before_a_description(database, clock):
    await open_shop(
        database,
        thing("a", "Lamp", description="Goes with the vase."),
        thing("b", "Vase"),
        thing("c", "Vase of glass"),
        thing("vase", "Something else"),
    )

    assert await ids(database, "vase") == ["b", "c", "a"]
    assert await ids(database, " vase-one ") == ["vase"]
    assert await ids(database, "VASE-ONE", sort=Sort.CHEAPEST) == ["vase"]


async def test_products_are_sorted_and_leafed_through(database, clock):
    await open_shop(database, *SHOP)

    cheapest = await ids(database, sort=Sort.CHEAPEST)
    assert cheapest == ["mug", "shirt", "hoodie", "sudadera", "dress", "ring"]
    assert await ids(database, sort=Sort.DEAREST) == cheapest[::-1]
    second = await found(database, sort=Sort.CHEAPEST, page=2, page_size=4)
    assert [product.id for product in second.hits] == ["dress", "ring"]
    assert (second.total, second.more) == (6, False)
    assert await ids(database, page=3, page_size=4) == []


async def test_facets_count_what_there_would_be(database, clock):
    await open_shop(database, *SHOP)
    blue = {Facet.COLOUR: ["blue"]}

    everything = await found(database)
    narrowed = await found(database, chosen=blue)
    both = await found(database, "cosy", chosen=blue | {Facet.SUPPLIER: ["sol"]})

    colours = {"blue": 3, "black": 1, "gold": 1, "green": 1, "red": 1}
    assert counts(everything, Facet.COLOUR) == colours
    assert counts(everything, Facet.SUPPLIER) == {"sol": 4, "mar": 2}
    assert counts(everything, Facet.SIZE) == {"M": 5}
    assert {p.id for p in narrowed.hits} == {"hoodie", "sudadera", "shirt"}
    assert counts(narrowed, Facet.COLOUR) == colours  # another could be chosen beside it
    assert counts(narrowed, Facet.SUPPLIER) == {"sol": 3}
    assert [p.id for p in both.hits] == ["hoodie"]
    assert counts(both, Facet.COLOUR) == {"blue": 1, "red": 1}
    assert await ids(database, chosen={Facet.COLOUR: ["black", "gold"]}) == ["ring", "sudadera"]
    assert await ids(database, chosen={Facet.COLOUR: ["no such"]}) == []


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(900, 1_900, ["mug", "shirt"]), (901, 1_899, []), (7_900, 2**62, ["dress", "ring"])],
)
async def test_prices_are_compared_in_one_currency(database, clock, low, high, expected):
    await open_shop(database, *SHOP)

    in_euros = await ids(database, price=Between("EUR", low, high), sort=Sort.CHEAPEST)

    assert in_euros == expected
    assert await ids(database, price=Between("USD", low, high)) == []


async def test_everybody_sees_what_they_may_see(database, clock):
    await open_shop(database, thing("on", "Sale hat"), thing("off", "Gone hat", supplier_id="mar"))
    await database.unit_of_work(lambda tx: catalog.unlist(tx, "off"))
    await database.unit_of_work(lambda tx: a_draft(tx, thing("new", "Draft hat", price_minor=0)))
    await feed(database)

    async def seen(eyes: Eyes, viewer: str = "") -> set[str]:
        return set(await ids(database, "hat", viewer=Viewer(eyes, viewer)))

    assert await seen(Eyes.PUBLIC) == {"on"}
    assert await seen(Eyes.LEADER) == {"on", "off"}
    assert await seen(Eyes.SUPPLIER, "sol") == {"on", "new"}
    assert await seen(Eyes.SUPPLIER, "mar") == {"off"}
    assert await seen(Eyes.STAFF) == {"on", "off", "new"}
    assert (await found(database, "darft")).corrected == ""  # nor is told what others prepare


async def test_what_was_just_hidden_is_not_shown_while_the_search_does_not_know(database, clock):
    await open_shop(database, thing("hat", "Hat"))
    await database.unit_of_work(lambda tx: catalog.unlist(tx, "hat"))

    assert await ids(database, "hat") == []
    assert await database.read(lambda tx: catalog.complete(tx, "hat")) == []


async def test_what_is_sold_out_is_told_by_a_facet(database, clock):
    await open_shop(database, thing("hat", "Hat"), thing("cap", "Cap"))
    await database.unit_of_work(
        lambda tx: inventory.suspend(tx, "HAT-ONE", reason="counting", by="tester")
    )
    await feed(database)

    assert await ids(database, chosen={Facet.STOCK: ["in"]}) == ["cap"]
    assert counts(await found(database), Facet.STOCK) == {"in": 1}


async def test_a_leader_is_found_by_what_they_list_and_call_it(database, clock):
    await open_shop(database, *SHOP)
    terms = catalog.Terms(title="My favourite", prices={"HOODIE-BLUE": None})
    await database.unit_of_work(
        lambda tx: catalog.put_listing(tx, leader_id="mara", product_id="hoodie", terms=terms)
    )
    await feed(database)

    assert await ids(database, chosen={Facet.LEADER: ["mara"]}) == ["hoodie"]
    assert await ids(database, "favourite") == ["hoodie"]


async def test_titles_are_completed_while_somebody_writes(database, clock):
    await open_shop(database, *SHOP)

    async def completed(text: str) -> list[str]:
        return [one.title for one in await database.read(lambda tx: catalog.complete(tx, text))]

    assert await completed("su") == ["Sudadera con capucha"]
    assert await completed("sudadera ca") == ["Sudadera con capucha"]
    assert await completed("sudqdera") == ["Sudadera con capucha"]
    assert await completed(" ") == []


async def test_a_new_price_moves_a_product_in_the_order(database, clock):
    await open_shop(database, thing("hat", "Hat", price_minor=100), thing("cap", "Cap"))
    (variant,) = (await database.read(lambda tx: catalog.product(tx, "hat"))).variants
    dearer = Changes(variants=(type(variant)(sku=variant.sku, label="", price_minor=9_000),))
    await database.unit_of_work(
        lambda tx: catalog.edit_product(tx, "hat", dearer, expected_version=2)
    )
    await feed(database)

    assert await ids(database, sort=Sort.CHEAPEST) == ["cap", "hat"]
    assert a_product().id not in await ids(database)

"""The product editor, categories and what a leader sells, through the pages."""

from __future__ import annotations

import re

import aiohttp
import pytest

from backoffice import words_pictures, words_products
from commerce import catalog, pricing
from commerce.catalog import (
    Changes,
    ListingStatus,
    Product,
    Status,
    category_model,
    listing_model,
    media_model,
    model,
)
from commerce.kernel import ids
from commerce.kernel.errors import Refusal
from tests.backoffice.conftest import House, Opens
from tests.backoffice.markup import PROBES, Tags
from tests.catalog.pictures import a_picture

FIELD = re.compile(r'<input name="([^"]+)" value="([^"]*)"')


def page_of(product: Product, path: str = "") -> str:
    return f"/backoffice/products/{product.id}{path}"


async def now(house: House, product_id: str = "") -> Product:
    wanted = product_id or house.hoodie.id
    return await house.database.read(lambda tx: catalog.product(tx, wanted))


async def edited(house: House, **changes) -> Product:
    before = await now(house)
    return await house.database.unit_of_work(
        lambda tx: catalog.edit_product(
            tx, before.id, Changes(**changes), expected_version=before.version
        )
    )


def typed(product: Product, **changes: str) -> dict[str, str]:
    """The form of the hoodie as a person sends it."""
    fields = {
        "version": str(product.version), "rows": "2", "title": product.title,
        "description": "Warm.", "condition": "new", "tax_category": "standard", "share_max": "20",
        "name-0": "size", "sku-0": "HOODIE", "value-0-0": "M", "price-0": "49.00",
    }  # fmt: skip
    return fields | {re.sub(r"_(?=[0-9])", "-", name): text for name, text in changes.items()}


async def test_a_supplier_makes_describes_and_publishes_a_product(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    await browser.get("/backoffice/products/new")
    key = ids.new_id()
    where = await browser.post("/backoffice/products/new", title="Cap", currency="eur", key=key)
    again = await browser.post("/backoffice/products/new", title="Cap", currency="eur", key=key)
    assert where == again == f"/backoffice/products/{key}?said=created"
    page = await browser.get(where)
    assert "a picture</li>" in page
    assert "at least one variant</li>" in page
    assert "a place in a warehouse</li>" in page

    cap = await now(house, key)
    fields = typed(
        cap, sku_0="CAP-R", price_0="19,90", min_0="15", max_0="25", weight_0="80",
        volume_0="900", share_max="12.5",
    ) | {"name-1": "colour", "value-0-1": "Red", "value-0-0": ""}  # fmt: skip
    await browser.post(page_of(cap), **fields)
    cap = await now(house, key)
    refused = await browser.post(page_of(cap, "/move"), 409, act="publish", version="2")
    assert "To be on sale it needs a picture and a place in a warehouse." in refused
    assert await now(house, key) == cap

    await browser.post(page_of(cap, "/move"), act="shelf", version="2")
    await house.database.unit_of_work(
        lambda tx: catalog.edit_product(
            tx, key, Changes(pictures=("/media/cap.webp",)), expected_version=2
        )
    )
    await browser.post(page_of(cap, "/move"), act="publish", version="3")

    cap = await now(house, key)
    assert (cap.status, cap.currency, cap.share_max_bp) == (Status.PUBLISHED, "EUR", 1250)
    assert cap.variants == (
        catalog.Variant(
            sku="CAP-R", label="Red", attributes={"colour": "Red"}, price_minor=1990,
            price_min_minor=1500, price_max_minor=2500, weight_grams=80, volume_cm3=900,
        ),
    )  # fmt: skip
    assert 'value="19.90"' in await browser.get(page_of(cap))


async def test_what_cannot_be_read_is_said_at_its_field_and_nothing_typed_is_lost(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    before = await now(house)
    wrong = typed(before, title="", price_0="soon", min_0="-1", weight_0="heavy", share_max="200")
    wrong |= {"sku-1": "a b", "price-1": "3.00", "condition": "<i>"}

    page = await browser.post(page_of(before), 422, **wrong)

    named = set(re.findall(r'id="([a-z0-9_-]+)-error"', page))
    assert named == {"title", "price-0", "min-0", "weight-0", "share_max", "sku-1", "condition"}
    kept = dict(FIELD.findall(page))
    assert {name: kept[name] for name in ("price-0", "weight-0", "share_max")} == {
        "price-0": "soon", "weight-0": "heavy", "share_max": "200",
    }  # fmt: skip
    assert await now(house) == before


async def test_limits_that_contradict_the_price_are_said_at_the_limit(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    before = await now(house)

    page = await browser.post(page_of(before), 422, **typed(before, min_0="49.01"))

    assert 'id="min-0-error">Your minimum is above your own price.' in page
    assert await now(house) == before


async def test_of_two_editors_the_second_sees_what_the_first_saved_and_keeps_what_they_typed(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    opened = await now(house)
    theirs = catalog.Variant(sku="HOODIE-L", label="L", price_minor=5100)
    await edited(house, title="Warm hoodie", variants=(*opened.variants, theirs))

    page = await browser.post(page_of(opened), 409, **typed(opened, title="My hoodie"))

    assert "Somebody saved this product meanwhile" in page
    assert "Saved meanwhile: Warm hoodie" in page
    kept = dict(FIELD.findall(page))
    assert (kept["title"], kept["sku-2"]) == ("My hoodie", "HOODIE-L")
    assert (await now(house)).title == "Warm hoodie"
    await browser.post(page_of(opened), **(typed(await now(house)) | kept | {"rows": "3"}))
    saved = await now(house)
    assert (saved.title, [v.sku for v in saved.variants]) == ("My hoodie", ["HOODIE", "HOODIE-L"])


async def test_a_product_of_another_supplier_does_not_exist(
    open_browser: Opens, house: House
) -> None:
    async def other(tx):
        return await catalog.create_product(tx, supplier_id="luna", title="Lamp", currency="EUR")

    lamp = await house.database.unit_of_work(other)
    browser = await open_browser("nell")

    await browser.get(page_of(lamp), 404)
    await browser.post(page_of(lamp), 404, **typed(lamp))
    await browser.post(page_of(lamp, "/move"), 404, act="delete", version="1")

    assert await now(house, lamp.id) == lamp
    assert "Lamp" not in await browser.get("/backoffice/products")
    leader = await open_browser("mara")
    await leader.get(page_of(house.hoodie), 403)


async def test_a_leaders_own_picture_comes_with_their_terms_or_not_at_all(
    open_browser: Opens, house: House
) -> None:
    page = f"/backoffice/listings/{house.hoodie.id}"
    browser = await open_browser("mara")
    await browser.get(page)

    async def send(status: int, content: bytes, **terms: str) -> str:
        fields = {"csrf": browser.csrf, "share": "0", "version": "", "sells:HOODIE": "on"}
        form = aiohttp.FormData(fields | terms)
        form.add_field("picture", content, filename="me.png", content_type="image/png")
        async with browser.client.post(page, data=form, allow_redirects=False) as response:
            assert response.status == status, await response.text()
            return await response.text()

    async def listed():
        return await house.database.read(lambda tx: catalog.listings_of(tx, house.mara.id))

    assert words_pictures.WHY["not_a_picture"] in await send(422, b"no")
    assert "The supplier gives at most 0 %." in await send(422, a_picture(), share="1")
    assert await listed() == []

    await send(303, a_picture(), title="Mine")
    (listing,) = await listed()
    assert (listing.title, bool(media_model.PATH.fullmatch(listing.image))) == ("Mine", True)
    assert catalog.thumbnail(listing.image) in await browser.get("/backoffice/listings")


async def test_products_are_listed_by_status(open_browser: Opens, house: House) -> None:
    await house.database.unit_of_work(
        lambda tx: catalog.create_product(
            tx, supplier_id=house.hoodie.supplier_id, title="Sketch", currency="EUR"
        )
    )
    browser = await open_browser("nell")

    everything = await browser.get("/backoffice/products")
    drafts = await browser.get("/backoffice/products?status=draft")

    assert ("Sketch" in everything, "Hoodie" in everything) == (True, True)
    assert ("Sketch" in drafts, "Hoodie" in drafts) == (True, False)
    leader = await open_browser("mara")
    seen = await leader.get("/backoffice/products?status=draft")
    assert ("Sketch" in seen, "Drafts" in seen) == (False, False)


async def test_an_admin_sorts_and_names(open_browser: Opens, house: House) -> None:
    browser = await open_browser("ada")
    root, below = ids.new_id(), ids.new_id()
    category = {"version": "0", "parent": "", "tax_category": "children"}
    await browser.get("/backoffice/categories")

    await browser.post("/backoffice/categories", id=root, name="Kids", **category)
    await browser.post(
        "/backoffice/categories", id=below, name="Shirts", **(category | {"parent": root})
    )
    again = await browser.post(
        "/backoffice/categories", 409, id=ids.new_id(), name=" Kids ", **category
    )
    used = await browser.post(
        "/backoffice/categories", 409, id=root, name="Kids", delete="1",
        **(category | {"version": "1"}),
    )  # fmt: skip
    await browser.post("/backoffice/categories/brands", id=ids.new_id(), name="Tarn", version="0")

    assert "There is one with this name already." in again
    assert "Products or further categories are in it." in used
    tree = await house.database.read(catalog.categories)
    assert [(one.name, one.path) for one in tree] == [("Kids", (root,)), ("Shirts", (root, below))]
    assert [b.name for b in await house.database.read(catalog.brands)] == ["Tarn"]
    supplier = await open_browser("nell")
    await supplier.get("/backoffice/categories", 403)
    hoodie = await now(house)
    await supplier.post(page_of(hoodie), **(typed(hoodie, category=below) | {"tax_category": ""}))
    assert (await now(house)).tax_category is catalog.TaxCategory.CHILDREN
    for tax in ("food", ""):
        again = typed(await now(house), category=below, tax_category=tax)
        await supplier.post(page_of(hoodie), **again)
    assert (await now(house)).tax_category is catalog.TaxCategory.CHILDREN


async def test_a_leader_says_what_they_sell_and_the_console_shows_it_first(
    open_browser: Opens, house: House
) -> None:
    limited = catalog.Variant(
        sku="HOODIE", label="M", price_minor=4900, price_min_minor=4000, price_max_minor=6000
    )
    hoodie = await edited(house, variants=(limited,), share_max_bp=2000)
    browser = await open_browser("mara")
    page = await browser.get(f"/backoffice/listings/{hoodie.id}")
    assert "from €40.00 to €60.00" in page
    terms = {
        "sells:HOODIE": "on",
        "title": "Mara’s hoodie",
        "share": "15",
        "image": "",
        "version": "",
    }

    low = await browser.post(
        f"/backoffice/listings/{hoodie.id}", 422, **terms, **{"price:HOODIE": "39.99"}
    )
    assert "Ask from €40.00 to €60.00." in low
    assert 'value="39.99"' in low
    much = await browser.post(f"/backoffice/listings/{hoodie.id}", 422, **(terms | {"share": "21"}))
    assert "The supplier gives at most 20 %." in much
    assert await house.database.read(lambda tx: catalog.listings_of(tx, house.mara.id)) == []

    await browser.post(f"/backoffice/listings/{hoodie.id}", **terms, **{"price:HOODIE": "45"})

    console = await browser.get(f"/backoffice/sessions/{house.session.id}")
    assert ("Mara’s hoodie" in console, "€45.00" in console) == (True, True)
    stale = await browser.post(f"/backoffice/listings/{hoodie.id}", 409, **terms)
    assert "changed in another window" in stale
    where = await browser.post(f"/backoffice/listings/{hoodie.id}/move", act="pause", version="1")
    assert where == "/backoffice/listings?said=pause"
    (listing,) = await house.database.read(lambda tx: catalog.listings_of(tx, house.mara.id))
    assert (listing.status, listing.prices) == (ListingStatus.PAUSED, {"HOODIE": 4500})
    assert "€49.00" in await browser.get(f"/backoffice/sessions/{house.session.id}")


async def test_what_is_written_about_a_product_is_words_on_every_page(
    open_browser: Opens, house: House
) -> None:
    async def said(words: str) -> list[Tags]:
        variant = catalog.Variant(
            sku="HOODIE", label=words, attributes={words: words}, price_minor=4900
        )
        await edited(house, title=words, description=words, variants=(variant,))
        pages = [await supplier.get(page_of(house.hoodie, path)) for path in ("", "/prices")]
        return [
            Tags(p) for p in (*pages, await leader.get(f"/backoffice/listings/{house.hoodie.id}"))
        ]

    supplier, leader = await open_browser("nell"), await open_browser("mara")
    plain = await said("plain")
    for probe in PROBES:
        hostile = await said(probe)

        assert [page.shape for page in hostile] == [page.shape for page in plain]
        assert all(probe in page.words for page in hostile)


def a_price(**changes: str) -> dict[str, str]:
    return {"sku": "", "currency": "EUR", "amount": "39.90", "warehouse": ""} | changes


async def prices(house: House) -> list[tuple[str, int, int, int | None]]:
    async def read(tx):
        return [
            (price.currency, price.amount_minor, price.valid_from, price.valid_until)
            for price in (await pricing.prices_of(tx, ["HOODIE"]))["HOODIE"]
        ]

    return await house.database.read(read)


async def test_prices_are_set_for_a_time_ended_and_never_overlap(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    page = page_of(house.hoodie, "/prices")
    assert "own price" in await browser.get(page)
    june = a_price(valid_from="2099-06-01T00:00", valid_until="2099-07-01T00:00")

    await browser.post(page, **june)
    await browser.post(page, **(june | {"currency": "jpy", "amount": "6000"}))
    refused = await browser.post(page, 422, **(june | {"valid_from": "2099-06-30T23:00"}))

    assert (
        "HOODIE has another price from 01 Jun 2099, 00:00 UTC until 01 Jul 2099, 00:00 UTC."
        in refused
    )
    assert 'value="2099-06-30T23:00"' in refused
    begins, ends = 4_083_955_200_000_000, 4_086_547_200_000_000
    assert await prices(house) == [("EUR", 3990, begins, ends), ("JPY", 6000, begins, ends)]
    shown = await browser.get(page)
    first = re.findall(r'name="price" value="([^"]+)"', shown)[0]
    await browser.post(f"{page}/end", price=first)
    assert await prices(house) == [("JPY", 6000, begins, ends)]
    assert "problem=no_such_price" in await browser.post(f"{page}/end", price=first)


WRONG_PRICES = (
    ({"amount": "-1"}, "amount"),
    ({"amount": "1.234"}, "amount"),
    ({"currency": "EURO"}, "currency"),
    ({"sku": "MUG"}, "sku"),
    ({"warehouse": "moon"}, "warehouse"),
    ({"valid_from": "soon"}, "valid_from"),
    ({"valid_from": "2001-01-01T00:00"}, "valid_from"),
    ({"valid_from": "2099-06-02T00:00", "valid_until": "2099-06-01T00:00"}, "valid_until"),
)


async def test_a_price_that_cannot_be_is_refused_at_its_field(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")

    for wrong, field in WRONG_PRICES:
        page = await browser.post(page_of(house.hoodie, "/prices"), 422, **a_price(**wrong))
        assert re.findall(r'id="([a-z_]+)-error"', page) == [field], wrong

    assert await prices(house) == []


@pytest.mark.parametrize("module", [model, listing_model, category_model])
def test_every_refusal_of_the_catalog_has_words(module) -> None:
    codes = {
        kind.code
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Refusal) and kind is not Refusal
    }

    assert codes - set(words_products.PROBLEMS) == set()

"""Stock in the back office: seen by who may, changed once per form, and never by a stale one."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlencode

import pytest

from backoffice import stock_forms, words_stock
from commerce import catalog, inventory
from commerce.accounts import Role
from commerce.catalog import Product, Variant
from commerce.inventory import Stock
from commerce.kernel import audit, ids
from commerce.kernel.database import Tx
from tests.backoffice.conftest import Browser, House, Opens, a_person, a_product
from tests.backoffice.markup import PROBES, Tags
from tests.backoffice.test_console import an_order
from tests.inventory.factories import a_warehouse

SKU = "HOODIE"


def page_of(house: House, path: str = "", product: Product | None = None) -> str:
    return f"/backoffice/products/{(product or house.hoodie).id}/stock{path}"


def change(house: House, **query: str) -> str:
    return page_of(house, f"/change?{urlencode({'sku': SKU, 'warehouse': 'main', **query})}")


async def shelf(house: House, warehouse: str = "main") -> Stock:
    found = await house.database.read(lambda tx: inventory.stock_of(tx, [SKU]))
    return next(one for one in found[SKU] if one.warehouse == warehouse)


async def moved(house: House) -> list[tuple[str, int, str]]:
    found = await house.database.read(lambda tx: inventory.history(tx, [SKU]))
    return [(one.kind, one.quantity, one.reason) for one in found]


async def held(house: House, quantity: int = 2) -> None:
    holds = inventory.Holds(house.database)
    await holds.hold(
        key=ids.new_id(), sku=SKU, quantity=quantity, owner="f", reference="s", seconds=60
    )
    await holds.close()


def hidden(page: str) -> dict[str, str]:
    """What the form carries unseen."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


async def sends(browser: Browser, house: House, page: str, status: int = 303, **typed: str) -> str:
    return await browser.post(page_of(house, "/change"), status, **{**hidden(page), **typed})


async def test_a_supplier_sees_shelves_and_what_moved(open_browser: Opens, house: House) -> None:
    await held(house)
    browser = await open_browser("nell")

    page = await browser.get(page_of(house))

    figures = re.findall(r'data-label="([\w ]+)">(\d+)<', page)
    assert figures == [("On hand", "5"), ("Held", "2"), ("Sold", "0"), ("Available", "3")]
    assert "3 available" in page
    assert "+5" in Tags(page).words
    assert "Change" in Tags(page).words


@pytest.mark.parametrize(
    ("typed", "on_hand", "kept"),
    [
        ({"act": "receive", "pieces": "7"}, 12, ("received", 7, "a van came")),
        ({"act": "adjust", "pieces": "2"}, 7, ("adjusted", 2, "a van came")),
        ({"act": "adjust", "pieces": "\u22123"}, 2, ("adjusted", -3, "a van came")),
        ({"act": "count", "pieces": "4"}, 4, ("counted", -1, "a van came")),
        ({"act": "count", "pieces": "5"}, 5, ("counted", 0, "a van came")),
    ],
)
async def test_the_form_changes_the_shelf_and_says_who_and_why(
    open_browser: Opens, house: House, typed: dict[str, str], on_hand: int, kept: tuple
) -> None:
    browser = await open_browser("nell")
    form = await browser.get(change(house))

    where = await sends(browser, house, form, reason=" a van came ", reference="DN 7", **typed)

    page = await browser.get(where)
    assert words_stock.NOTICES[typed["act"]] in page
    assert (await shelf(house)).on_hand == on_hand
    assert (await moved(house))[0] == kept
    assert "a van came" in page
    assert "Nell" in page
    assert ("DN 7" in page) is (typed["act"] == "receive")


async def test_what_is_sold_counts_by_itself(open_browser: Opens, house: House) -> None:
    await sold(house, 2)
    browser = await open_browser("nell")
    form = await browser.get(change(house))
    assert "By the book: 3." in form

    await sends(browser, house, form, act="count", pieces="2", reason="stocktaking")

    assert ((await shelf(house)).on_hand, (await shelf(house)).available) == (4, 2)


async def sold(house: House, quantity: int) -> str:
    order = await an_order(house, paid=True, quantity=quantity)

    async def work(tx: Tx) -> None:
        [hold] = await inventory.hold_within(tx, [
            inventory.HoldRequest(
                key="sold", sku=SKU, quantity=quantity, owner="f", reference="s", seconds=60
            )
        ])  # fmt: skip
        assert isinstance(hold, inventory.Hold)
        await inventory.claim(tx, hold.id, reference=order.id)

    await house.database.unit_of_work(work)
    return order.code


async def test_a_sale_in_the_history_names_its_order(open_browser: Opens, house: House) -> None:
    code = await sold(house, 2)
    browser = await open_browser("nell")

    words = Tags(await browser.get(page_of(house))).words

    assert "\u22122" in words
    assert code in words


async def test_the_same_form_sent_twice_at_once_counts_once(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    form = await browser.get(change(house))
    for act, on_hand in (("receive", 6), ("adjust", 7)):
        form = await browser.get(change(house))
        fields = {"act": act, "pieces": "1", "reason": "found"}

        first, second = await asyncio.gather(
            sends(browser, house, form, **fields), sends(browser, house, form, **fields)
        )

        assert first == second
        assert (await shelf(house)).on_hand == on_hand


async def test_a_form_sent_again_with_something_else_changes_nothing(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    form = await browser.get(change(house))
    await sends(browser, house, form, act="receive", pieces="1", reason="delivery")

    page = await sends(browser, house, form, 409, act="receive", pieces="9", reason="delivery")

    assert "This form was sent before" in page
    assert (await shelf(house)).on_hand == 6


@pytest.mark.parametrize("act", ["adjust", "count"])
async def test_a_stale_form_is_told_so_and_keeps_what_was_typed(
    open_browser: Opens, house: House, act: str
) -> None:
    browser = await open_browser("nell")
    stale = await browser.get(change(house))
    fresh = await browser.get(change(house))
    await sends(browser, house, fresh, act="adjust", pieces="-1", reason="broken")

    page = await sends(browser, house, stale, 409, act=act, pieces="3", reason="my own reason")

    assert "Somebody changed this meanwhile, look again" in page
    assert "the book now says 4 on hand" in page
    assert 'value="3"' in page
    assert 'value="my own reason"' in page
    assert f'value="{act}" checked' in page
    assert (await shelf(house)).on_hand == 4
    await sends(browser, house, page, act=act, pieces="3", reason="my own reason")
    assert (await shelf(house)).on_hand == {"adjust": 7, "count": 3}[act]


async def test_a_sale_meanwhile_does_not_make_a_form_stale(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    form = await browser.get(change(house))
    await held(house)

    await sends(browser, house, form, act="count", pieces="4", reason="stocktaking")

    assert ((await shelf(house)).on_hand, (await shelf(house)).available) == (4, 2)


async def test_nobody_takes_away_what_fans_were_promised(open_browser: Opens, house: House) -> None:
    await held(house, 3)
    browser = await open_browser("nell")

    for act, pieces in (("adjust", "-3"), ("count", "2")):
        form = await browser.get(change(house))
        page = await sends(browser, house, form, 422, act=act, pieces=pieces, reason="broken")
        assert "3 of them are held for fans or sold" in page
    assert (await shelf(house)).on_hand == 5


WRONG = (
    ({"pieces": ""}, words_stock.PIECES),
    ({"pieces": "0"}, words_stock.PIECES),
    ({"pieces": "-1"}, words_stock.PIECES),
    ({"pieces": "1.5"}, words_stock.PIECES),
    ({"pieces": "٣"}, words_stock.PIECES),
    ({"pieces": "1" * 10}, words_stock.PIECES),
    ({"act": "adjust", "pieces": "0"}, words_stock.PIECES),
    ({"act": "count", "pieces": "-1"}, words_stock.PIECES),
    ({"act": "adjust", "pieces": "999999999"}, "more than a warehouse can hold"),
    ({"reason": "  "}, words_stock.REASON),
    ({"reason": "x" * 201}, words_stock.REASON),
    ({"act": "steal"}, words_stock.ACT),
    ({"warehouse": "../east"}, words_stock.WAREHOUSE),
    ({"act": "count", "warehouse": "nowhere"}, "Nothing has ever come in there"),
)


async def test_a_wrong_field_is_named_and_nothing_typed_is_lost(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    form = await browser.get(change(house))
    await sends(browser, house, form, act="receive", pieces="999999900", reason="a lot")
    form = await browser.get(change(house))
    before = await moved(house)

    for typed, said in WRONG:
        fields = {"act": "receive", "pieces": "2", "reason": "kept words", **typed}
        page = await sends(browser, house, form, 422, **fields)
        assert said in page, typed
        assert f'value="{fields["reason"].strip()}"' in page
    assert await moved(house) == before


async def test_a_new_warehouse_begins_with_what_comes_in(open_browser: Opens, house: House) -> None:
    opened = a_warehouse("east-2", supplier_id=house.hoodie.supplier_id, name="East")
    await house.database.unit_of_work(lambda tx: inventory.open_warehouse(tx, opened))
    browser = await open_browser("nell")
    assert "in another warehouse" in await browser.get(page_of(house))
    form = await browser.get(change(house, warehouse=""))
    assert 'value="count"' not in form

    where = await sends(
        browser, house, form, act="receive", warehouse="east-2", pieces="4", reason="delivery"
    )

    page = await browser.get(where)
    assert (await shelf(house, "east-2")).on_hand == 4
    assert "in East" in Tags(page).words
    assert "in another warehouse" not in page


@pytest.mark.parametrize("place", ["nowhere", "theirs", "closed"])
async def test_nothing_comes_into_a_warehouse_that_takes_nothing(
    open_browser: Opens, house: House, place: str
) -> None:
    async def opens(tx: Tx) -> None:
        for name, owner in (("theirs", "another"), ("closed", house.hoodie.supplier_id)):
            await inventory.open_warehouse(tx, a_warehouse(name, supplier_id=owner))
        await inventory.close_warehouse(
            tx, "closed", supplier_id=house.hoodie.supplier_id, expected_version=1
        )

    await house.database.unit_of_work(opens)
    browser = await open_browser("nell")
    form = await browser.get(change(house, warehouse=""))

    page = await sends(
        browser, house, form, 422, act="receive", warehouse=place, pieces="4", reason="delivery"
    )
    assert words_stock.WAREHOUSE in page
    assert 'value="4"' in page
    assert (await shelf(house)).on_hand == 5


async def test_a_product_nobody_received_yet_says_what_to_do(
    open_browser: Opens, house: House
) -> None:
    draft = await house.database.unit_of_work(
        lambda tx: catalog.create_product(
            tx, supplier_id=house.hoodie.supplier_id, title="Scarf", currency="EUR",
            variants=[Variant(sku="SCARF", label="", price_minor=900)],
        )
    )  # fmt: skip
    bare = await house.database.unit_of_work(
        lambda tx: catalog.create_product(
            tx, supplier_id=house.hoodie.supplier_id, title="Nothing", currency="EUR"
        )
    )
    browser = await open_browser("nell")

    page = await browser.get(page_of(house, product=draft))
    assert "nothing came in yet" in page
    assert "Nothing has moved yet. Receive the first pieces" in page
    form = await browser.get(f"{page_of(house, '/change', draft)}?sku=SCARF")
    assert 'value="adjust"' not in form
    assert "no sizes or variants yet" in await browser.get(page_of(house, product=bare))


async def test_the_history_comes_in_pages(open_browser: Opens, house: House) -> None:
    for n in range(32):
        await house.database.unit_of_work(
            lambda tx, n=n: inventory.receive(tx, SKU, 1, reason=f"van {n}.")
        )
    browser = await open_browser("nell")

    first = await browser.get(page_of(house))
    older = re.search(r'href="([^"]+before=\d+)"', first)
    assert older is not None
    second = await browser.get(older[1])
    beyond = await browser.get(page_of(house, "?before=1"))

    shown = [re.findall(r"van (\d+)\.", page) for page in (first, second)]
    assert shown == [[str(n) for n in range(31, 1, -1)], ["1", "0"]]
    assert "Older" not in second
    assert "There is nothing older." in beyond


async def test_who_may_see_and_who_may_change(open_browser: Opens, house: House) -> None:
    await a_person(house.database, "olga", Role.SUPPLIER, "another supplier")
    nell, mara, ada, olga = [await open_browser(name) for name in ("nell", "mara", "ada", "olga")]
    form = await nell.get(change(house))
    fields = {"act": "receive", "pieces": "1", "reason": "delivery"}

    assert "/change" not in await mara.get(page_of(house))
    await mara.get(change(house), 403)
    await sends(mara, house, form, 403, **fields, csrf=mara.csrf)
    for path in (page_of(house), change(house)):
        await olga.get(path, 404)
    await sends(olga, house, form, 404, **fields, csrf=olga.csrf)
    assert (await shelf(house)).on_hand == 5

    await sends(ada, house, await ada.get(change(house)), **fields)
    assert (await shelf(house)).on_hand == 6


async def test_a_leader_does_not_see_what_is_not_for_sale(
    open_browser: Opens, house: House
) -> None:
    await house.database.unit_of_work(lambda tx: catalog.archive(tx, house.hoodie.id))
    mara, nell = await open_browser("mara"), await open_browser("nell")

    await mara.get(page_of(house), 404)
    await nell.get(page_of(house))


@pytest.mark.parametrize("path", ["/change?sku=NO", "/change"])
async def test_a_variant_of_another_product_is_not_found(
    open_browser: Opens, house: House, path: str
) -> None:
    await a_product(house.database, house.hoodie.supplier_id, "Mug")
    browser = await open_browser("nell")

    await browser.get(page_of(house, path), 404)
    await browser.get(f"{page_of(house)}/change?sku=MUG", 404)
    await browser.get("/backoffice/products/01976000-0000-7000-8000-0000000000ff/stock", 404)


async def test_a_form_from_elsewhere_changes_no_stock(open_browser: Opens, house: House) -> None:
    browser = await open_browser("nell")
    form = hidden(await browser.get(change(house)))
    fields = {**form, "act": "receive", "pieces": "1", "reason": "delivery"}

    for path in ("/change", "/resume"):
        await browser.post(page_of(house, path), 403, **{**fields, "csrf": "0" * 64})
        await browser.post(page_of(house, path), 403, {"Origin": "https://evil.example"}, **fields)
    assert (await shelf(house)).on_hand == 5


async def test_what_is_not_for_sale_is_plain_to_see_and_an_admin_sells_it_again(
    open_browser: Opens, house: House
) -> None:
    await house.database.unit_of_work(
        lambda tx: inventory.suspend(tx, SKU, "The books say 5, the holds 7.")
    )
    nell, ada = await open_browser("nell"), await open_browser("ada")
    page = await nell.get(page_of(house))
    assert "not for sale" in page
    assert "The books say 5, the holds 7." in page
    assert "Sell it again" not in page
    form = hidden(await ada.get(page_of(house)))
    resume = page_of(house, "/resume")
    await nell.post(resume, 403, **{**form, "csrf": nell.csrf}, reason="counted them")

    where = await ada.post(resume, **form, reason=" ")
    assert "Say why" in await ada.get(where)
    where = await ada.post(resume, **form, reason="counted them")
    again = await ada.post(resume, **form, reason="counted them")

    assert where == again
    page = await ada.get(where)
    assert "It is for sale again." in page
    assert "not for sale" not in page
    assert await house.database.read(inventory.suspended) == []
    [entry] = await house.database.read(lambda tx: audit.about(tx, f"sku:{SKU}"))
    assert (entry.action, entry.actor_name, entry.reason) == (
        "stock.resumed", "Ada", "counted them",
    )  # fmt: skip


async def test_a_sku_leads_to_its_page(open_browser: Opens, house: House) -> None:
    browser = await open_browser("ada")

    async with browser.client.get(
        "/backoffice/stock", params={"sku": SKU}, allow_redirects=False
    ) as answer:
        assert answer.headers["Location"] == f"{page_of(house)}#{SKU}"
    await browser.get("/backoffice/stock?sku=NO", 404)


async def test_reasons_are_words_and_never_markup(open_browser: Opens, house: House) -> None:
    browser = await open_browser("ada")
    plain = set(Tags(await browser.get(page_of(house))).shape)
    form = await browser.get(change(house))
    tags = {tag for tag, _ in Tags(form).shape}

    for probe in PROBES:
        await house.database.unit_of_work(
            lambda tx, probe=probe: inventory.receive(tx, SKU, 1, reason=probe, reference=probe)
        )
        page = await sends(browser, house, form, 422, act="receive", pieces="x", reason=probe)
        assert {tag for tag, _ in Tags(page).shape} == tags

    after = Tags(await browser.get(page_of(house)))
    assert set(after.shape) == plain
    assert all(probe in after.words for probe in PROBES)


def test_every_refusal_of_the_form_has_words() -> None:
    met = (
        inventory.StockChanged, inventory.StockPromised, inventory.BadQuantity,
        inventory.UnknownSku,
    )  # fmt: skip
    assert {kind.code for kind in met} | {"key_reused", "no_such_product"} == set(
        words_stock.PROBLEMS
    )
    assert set(words_stock.KINDS) == set(inventory.MovementKind)
    assert set(words_stock.ACTS) == set(words_stock.HELP)


def test_a_number_is_read_as_phones_write_it() -> None:
    form = stock_forms.read({"act": "adjust", "pieces": "\u22122", "reason": "broken",
                             "warehouse": "main"})  # fmt: skip
    assert (form.number, form.errors) == (-2, {})

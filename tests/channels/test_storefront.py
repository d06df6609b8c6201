"""The shop window: the shelf, what narrows it down, a product by itself, titles while typing."""

from __future__ import annotations

import json

from commerce import catalog
from tests.catalog.shelves import SHOP, open_shop, thing
from tests.channels.web_fans import open_house
from tests.live.factories import a_session, pin


async def test_a_fan_searches_narrows_down_and_opens_a_product(database, clock):
    await open_shop(database, *SHOP)
    session = await a_session(database)
    await pin(database, session, "hoodie")

    async with open_house(database) as house:
        fan = house.browser()
        _, everything = await fan.get("/shop")
        _, typo = await fan.get("/shop?q=hodie")
        _, blue = await fan.get("/shop?colour=blue&sort=cheapest")
        _, priced = await fan.get("/shop?min=40&max=60.00&priced_in=EUR")
        _, wrong = await fan.get("/shop?min=abc&priced_in=EUR&page=99999999&sort=none")
        status, hoodie = await fan.get("/shop/hoodie")

    assert everything.count('class="good"') == 6
    assert 'href="/live/summer-drop"' in everything
    assert "Nothing for “hodie”. This is for “hoodie”." in typo
    assert typo.count('class="good"') == 1
    assert [blue.index(title) for title in ("青いシャツ", "Cosy Hoodie", "Sudadera")] == sorted(
        blue.index(title) for title in ("青いシャツ", "Cosy Hoodie", "Sudadera")
    )
    assert 'href="/shop?sort=cheapest"' in blue  # without the colour
    assert priced.count('class="good"') == 2
    assert "That is not an amount." in wrong
    assert 'value="abc"' in wrong
    assert wrong.count('class="good"') == 6
    assert status == 200
    assert "Watch live with Mara" in hoodie
    assert hoodie.count("Only 1 left") == 2


async def test_what_may_not_be_seen_has_no_page(database, clock):
    await open_shop(database, thing("hat", "Secret hat"))
    session = await a_session(database)
    await database.unit_of_work(lambda tx: catalog.unlist(tx, "hat"))

    async with open_house(database) as house:
        hidden = await house.browser().get("/shop/hat")
        unknown = await house.browser().get("/shop/%00%22%3E")
        await pin(database, session, "hat")
        shown, _ = await house.browser().get("/shop/hat")

    assert (hidden[0], unknown[0], shown) == (404, 404, 200)
    assert "Secret hat" not in hidden[1]


async def test_titles_come_while_a_fan_types_in_the_words_of_their_language(database, clock):
    await open_shop(database, *SHOP)

    async with open_house(database) as house:
        _, titles = await house.browser().get("/shop/suggest?q=suda")
        _, nothing = await house.browser().get("/shop/suggest?q=%22*%27)")
        _, spanish = await house.browser(**{"Accept-Language": "es"}).get("/shop?colour=gold")

    assert json.loads(titles) == [{"title": "Sudadera con capucha", "url": "/shop/sudadera"}]
    assert json.loads(nothing) == []
    assert "1 producto" in spanish
    assert "Dorado" in spanish


async def test_pages_of_many_products_keep_what_was_chosen(database, clock):
    await open_shop(database, *(thing(f"hat-{n:02}", f"Hat {n}", "Red") for n in range(25)))

    async with open_house(database) as house:
        _, first = await house.browser().get("/shop?q=hat&colour=red&min=1&priced_in=EUR")
        _, second = await house.browser().get("/shop?q=hat&colour=red&page=2")

    assert "25 products" in first
    assert first.count('class="good"') == 24
    assert "/shop?colour=red&amp;q=hat&amp;min=1&amp;priced_in=EUR&amp;page=2#products" in first
    assert second.count('class="good"') == 1

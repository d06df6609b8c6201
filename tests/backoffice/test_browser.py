"""The console in a real browser: it changes by itself, and nothing in it needs an inline script."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

import live
from commerce.kernel.fanout import LocalFanout
from tests.backoffice.conftest import PASSWORD, House
from tests.backoffice.test_console import an_order, console

PHONE = {"width": 390, "height": 844}


@pytest.fixture
async def page(browser: Browser, office: TestServer, house: House) -> AsyncIterator[Page]:
    """Mara's phone, signed in, on the console of her session."""
    page = await browser.new_page(base_url=str(office.make_url("/")), viewport=PHONE)
    await signs_in(page, house.mara.email, console(house))
    await expect(page.get_by_role("heading", name="Friday")).to_be_visible()
    yield page
    await page.close()


async def signs_in(page: Page, email: str, path: str) -> None:
    await page.context.clear_cookies()
    await page.goto(path)
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def test_a_paid_order_appears_without_loading_the_page(
    page: Page, house: House, fanout: LocalFanout
) -> None:
    await page.evaluate("window.sameDocument = true")

    order = await an_order(house, paid=True, title="<img src=x>")
    await live.nudge(fanout, house.session.id)

    await expect(page.get_by_text(order.code)).to_be_visible()
    await expect(page.locator("#board-numbers")).to_contain_text("€49.00")
    await expect(page.locator("#board-plot rect")).to_have_count(1)
    await expect(page.locator("#board-orders img")).to_have_count(0)
    assert await page.evaluate("window.sameDocument")


async def test_a_leader_pins_counts_down_unpins_and_ends(page: Page) -> None:
    await page.get_by_label("Minutes the offer of Hoodie lasts").fill("5")
    await page.get_by_role("button", name="Pin Hoodie").click()
    await expect(page.locator("#board-pinned")).to_contain_text("Hoodie")
    await expect(page.locator("#board-stock")).to_contain_text("5")

    await page.get_by_role("button", name="Unpin").click()
    await expect(page.locator("#board-pinned")).to_contain_text("Nothing is pinned.")

    await page.get_by_text("End this live").click()
    await page.get_by_role("button", name="End it now").click()
    await expect(page.locator("#board-pinned")).to_contain_text("This live is over.")
    await expect(page.get_by_role("button", name="Pin Hoodie")).to_have_count(0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_supplier_counts_on_a_phone(page: Page, house: House) -> None:
    await signs_in(page, "nell@livetill.example", "/backoffice/products")
    await page.get_by_role("link", name="Stock of Hoodie").click()
    await page.get_by_role("link", name="Change M in main").click()
    await page.get_by_label("I counted").check()
    await page.get_by_label("Pieces").fill("4")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Say why, in 3 to 200 characters")).to_be_visible()
    await expect(page.get_by_label("I counted")).to_be_checked()
    await expect(page.get_by_label("Pieces")).to_have_value("4")
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

    await page.get_by_label("Why?").fill("Stocktaking")
    await page.get_by_role("button", name="Save").click()

    await expect(page.get_by_text("4 available")).to_be_visible()
    await expect(page.locator(".move").first).to_contain_text("Stocktaking · Nell")
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_a_live_ended_elsewhere_closes_this_console(
    page: Page, house: House, fanout: LocalFanout
) -> None:
    await house.database.unit_of_work(
        lambda tx: live.end_session(tx, house.session.id, leader_id=house.mara.id)
    )
    await live.nudge(fanout, house.session.id)

    await expect(page.get_by_role("button", name="Pin Hoodie")).to_have_count(0)


async def test_a_phone_is_wide_enough(page: Page, house: House) -> None:
    stock = f"/products/{house.hoodie.id}/stock"
    for path in ("", "/sessions/new", "/products", stock):
        await page.goto(f"/backoffice{path}")
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

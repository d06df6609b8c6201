"""Operations on a phone: every page fits, and a decision is one reason and one press."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, expect

from tests.backoffice.conftest import PASSWORD
from tests.backoffice.test_browser import PHONE
from tests.backoffice.test_operations import HERE, REASON, troubles
from tests.backoffice.troubles import Troubles

__all__ = ["troubles"]  # a fixture


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_admin_decides_on_a_phone(
    browser: Browser, office: TestServer, troubles: Troubles
) -> None:
    purchase, stopped = await troubles.failed_refund()
    await troubles.parked_event()
    await troubles.differing_books()
    page = await browser.new_page(base_url=str(office.make_url("/")), viewport=PHONE)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(HERE)
    await page.get_by_label("E-mail").fill("ada@livetill.example")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("waiting", exact=False).first).to_be_attached()

    order = f"{HERE}/orders/{purchase.data.order_id}"
    for path in (order, *(f"{HERE}/{name}" for name in ("payments", "books", "orders", "audit"))):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], path
    await page.goto(HERE)
    await page.get_by_text(f"Refund of order {purchase.code}").click()
    assert page.url.endswith(stopped.id)
    await page.get_by_role("button", name="Skip this step").click()
    await expect(page.get_by_text("What shall happen?")).to_be_visible()  # not without a reason
    await page.get_by_label("Why?").fill(REASON)
    await page.get_by_role("button", name="Skip this step").click()

    await expect(page.get_by_text("The step was skipped")).to_be_visible()
    await expect(page.get_by_text(REASON)).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert errors == []
    await page.close()

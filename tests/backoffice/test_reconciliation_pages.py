"""Comparisons in the back office: seen and asked for by admins, told in words, closed by reason."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser as Chromium
from playwright.async_api import expect

from backoffice import plot
from backoffice.reconciliation import FILE_BYTES_MAX, share
from commerce import checkout
from commerce.checkout import Run, Total
from commerce.kernel.clock import DAY, HOUR
from commerce.kernel.database import Database
from tests.backoffice.conftest import PASSWORD, Browser, House, Opens
from tests.backoffice.markup import PROBES, Tags
from tests.backoffice.test_browser import PHONE
from tests.backoffice.test_operations import ada, troubles
from tests.backoffice.troubles import Troubles
from tests.conftest import NOON

__all__ = ["ada", "troubles"]  # fixtures

RUNS = "/backoffice/operations/books/runs"
DESK = {"width": 1280, "height": 900}


async def sends(
    browser: Browser, content: bytes | str, status: int = 303, name: str = "june.csv", **fields: str
) -> str:
    """Where it leads, or the page that came instead."""
    await browser.get(RUNS)
    content = content.encode() if isinstance(content, str) else content
    form = FormData({"csrf": browser.csrf, "provider": "sandbox", **fields})
    form.add_field("report", io.BytesIO(content), filename=name, content_type="text/csv")
    async with browser.client.post(RUNS, data=form, allow_redirects=False) as response:
        assert response.status == status, await response.text()
        return response.headers.get("Location") or await response.text()


async def runs(database: Database) -> Sequence[Run]:
    return await database.read(checkout.runs)


async def a_report(troubles: Troubles, **changes: object) -> str:
    """A file of the provider about one purchase, an hour later."""
    purchase = await troubles.paid()
    payment = await troubles.shop.payment(purchase)
    provider = troubles.shop.provider
    facts = {"amount_minor": payment.captured_minor, "fee_minor": 189} | changes
    provider.moved(payment, "charge", **facts)
    troubles.shop.clock.advance(HOUR)
    return provider.file()


async def test_a_report_is_compared_and_shown(
    ada: Browser, troubles: Troubles, house: House
) -> None:
    report = await a_report(troubles)

    where = await sends(ada, report)
    page = Tags(await ada.get(where)).words

    (run,) = await runs(house.database)
    assert where == f"{RUNS}/{run.id}"
    assert (run.source, run.lines, run.matched, run.fees_posted) == ("june.csv", 1, 1, 1)
    assert "Both sides agree" in page
    assert "1 of 1 agree with the books" in page
    assert "€54.90 agree, €0.00 do not: 100 %; €1.89 of fees" in page
    assert "Sandbox, 01 Jun 2026" in Tags(await ada.get(RUNS)).words
    assert await sends(ada, report) == where  # the same file is the same comparison


async def test_what_differs_is_told_and_closed_with_a_reason(
    ada: Browser, troubles: Troubles, house: House
) -> None:
    where = await sends(ada, await a_report(troubles, amount_minor=5_491))
    page = await ada.get(where)
    assert "has €54.91 and our books have €54.90: €0.01 more." in Tags(page).words
    (found,) = await house.database.read(checkout.open_differences)

    key = re.search(r'name="key" value="([0-9a-f-]+)"', page)
    assert key is not None
    decide = f"/backoffice/operations/books/{found.id}/resolve"
    await ada.post(decide, key=key[1], reason="the bank rounded")

    words = Tags(await ada.get(where)).words
    assert "the bank rounded" in words
    assert "Ada" in words
    assert "Close it" not in words
    assert await house.database.read(checkout.open_differences) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("content", "fields", "says"),
    [
        ("no report at all", {}, "This is no report of that provider: line 1: Expecting value"),
        ("[]", {}, "This report has no lines."),
        (b"\xff\xfe\x00", {}, "This file is no text in UTF-8."),
        ("[]", {"provider": "stripe"}, "Choose a provider that gives reports."),
        ("[]", {"provider": ""}, "Choose a provider that gives reports."),
        (b"", {"name": ""}, "Choose the report's file first."),
    ],
)
async def test_a_file_that_is_no_report_keeps_the_page_and_leaves_nothing(
    ada: Browser, house: House, content: bytes | str, fields: dict[str, str], says: str
) -> None:
    page = await sends(ada, content, 422, **fields)

    assert says in Tags(page).words
    assert 'name="report"' in page
    assert await runs(house.database) == []


async def test_a_file_that_is_too_large_is_refused(ada: Browser, house: House) -> None:
    page = await sends(ada, b" " * (FILE_BYTES_MAX + 1), 413)

    assert "At most 3 MB" in Tags(page).words
    assert await runs(house.database) == []


async def test_only_admins_see_and_compare(
    open_browser: Opens, troubles: Troubles, house: House
) -> None:
    report = await a_report(troubles)
    mara = await open_browser("mara")
    await mara.get(RUNS, 403)
    form = FormData({"csrf": mara.csrf, "provider": "sandbox"})
    form.add_field("report", report, filename="june.csv")
    async with mara.client.post(RUNS, data=form) as response:
        assert response.status == 403

    stranger = await open_browser()
    await stranger.get(RUNS, 303)
    assert await runs(house.database) == []


async def test_a_form_without_its_token_or_from_elsewhere_compares_nothing(
    ada: Browser, troubles: Troubles, house: House
) -> None:
    report = await a_report(troubles)
    for token, headers in (("x", {}), (ada.csrf, {"Sec-Fetch-Site": "cross-site"})):
        form = FormData({"csrf": token, "provider": "sandbox"})
        form.add_field("report", report, filename="june.csv")
        async with ada.client.post(RUNS, data=form, headers=headers) as response:
            assert response.status == 403

    assert await runs(house.database) == []


async def test_an_unknown_comparison_is_not_found(ada: Browser) -> None:
    await ada.get(f"{RUNS}/01976000-0000-7000-8000-0000000000ff", 404)


async def test_names_in_a_report_are_words(ada: Browser, troubles: Troubles) -> None:
    (line,) = json.loads(await a_report(troubles))
    shapes = []
    for probe in ["plain", *PROBES]:
        report = json.dumps([line | {"ref": probe, "payment_key": "x", "charge_ref": "x"}])
        where = await sends(ada, report, name=f"{probe[:9]}.csv".replace("/", ""))
        page = Tags(await ada.get(where))
        assert probe in page.words
        shapes.append([tag for tag, _ in page.shape])

    assert all(shape == shapes[0] for shape in shapes)


def test_a_share_is_never_rounded_up_to_all() -> None:
    assert share(Total(matched_minor=10**9, unmatched_minor=1)) == "99.99 %"
    assert share(Total(matched_minor=10**9)) == "100 %"
    assert share(Total(unmatched_minor=5)) == "0.00 %"
    assert share(Total()) == "100 %"


def test_each_day_of_the_plot_has_its_place_and_what_is_wrong_is_seen() -> None:
    drawn = plot.per_day(
        [(NOON, 999_999, 1), (NOON - 29 * DAY, 500_000, 0), (NOON - 30 * DAY, 9, 9)]
    )

    first, last = drawn.days
    assert (drawn.matched_minor, drawn.unmatched_minor) == (1_499_999, 1)
    assert (first.x, first.matched_height, first.unmatched_height) == (2.0, 60.0, 0)
    assert last.x + last.width == plot.WIDTH - 2
    assert (last.unmatched_height, last.unmatched_y) == (4, 0)
    assert last.matched_y == 4


def test_of_a_day_that_was_compared_twice_the_newest_counts() -> None:
    newest_first = [(NOON, 7, 0), (NOON - HOUR, 5, 2)]

    assert [(d.matched_minor, d.unmatched_minor) for d in plot.per_day(newest_first).days] == [
        (7, 0)
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_admin_compares_a_file_in_a_browser(
    browser: Chromium, office: TestServer, troubles: Troubles, tmp_path: Path
) -> None:
    await troubles.differing_books()
    file = tmp_path / "a-report-with-a-rather-long-name-as-providers-give-them-2026-06-01.csv"
    file.write_text(await a_report(troubles, amount_minor=5_400))
    page = await browser.new_page(base_url=str(office.make_url("/")), viewport=PHONE)
    await page.goto(RUNS)
    await page.get_by_label("E-mail").fill("ada@livetill.example")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()

    await page.set_input_files("input[type=file]", file)
    await page.get_by_role("button", name="Compare it").click()
    await expect(page.get_by_text("€0.90 less")).to_be_visible()
    for screen in (PHONE, DESK):
        await page.set_viewport_size(screen)
        for path in (page.url, RUNS, "/backoffice/operations/books"):
            await page.goto(path)
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width == screen["width"], path
    await page.close()

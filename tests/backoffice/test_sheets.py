"""Sheets in the back office: brought, looked at line by line, saved, and only by whose they are."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import aiohttp
import pytest

from backoffice import words_sheets
from commerce import catalog
from commerce.accounts import Role
from commerce.catalog import (
    ImportStatus,
    sheets_comparing,
    sheets_jobs,
    sheets_model,
    sheets_reading,
    sheets_values,
)
from commerce.kernel import money
from tests.backoffice.conftest import Browser, House, Opens, a_person, a_product
from tests.backoffice.markup import PROBES, Tags
from tests.backoffice.test_stock import hidden

IMPORTS = "/backoffice/imports"
SHEET = b"sku,title,price,colour\nHOODIE,Warm hoodie,45,\nMUG,Mug,1.999,\nLAMP,=Lamp,64,\n"


async def bring(browser: Browser, content: bytes, status: int = 303, **fields: str) -> str:
    """Where it leads, or the page that came instead."""
    form = aiohttp.FormData(quote_fields=False)
    given = {**hidden(await browser.get(IMPORTS)), "csrf": browser.csrf, **fields}
    for name, value in given.items():
        form.add_field(name, value)
    form.add_field("sheet", io.BytesIO(content), filename="spring <b>.csv", content_type="text/csv")
    async with browser.client.post(IMPORTS, data=form, allow_redirects=False) as response:
        assert response.status == status, await response.text()
        return response.headers.get("Location") or await response.text()


async def taken(browser: Browser, path: str) -> tuple[str, bytes]:
    async with browser.client.get(path) as response:
        assert response.status == 200
        assert response.headers["Content-Disposition"].startswith("attachment")
        return response.content_type, await response.read()


async def titles(house: House) -> list[str]:
    return [
        p.title for p in await house.database.read(lambda tx: catalog.products_page(tx, most=99))
    ]


async def test_a_supplier_sees_what_changes_and_saves_it(open_browser: Opens, house: House) -> None:
    nell = await open_browser("nell")
    where = await bring(nell, SHEET)
    page = await nell.get(where)
    assert "Reading and comparing" in page
    assert f'data-poll="{where}/progress"' in await nell.get(f"{where}/progress")

    await sheets_jobs.work_off(house.database)
    words = Tags(await nell.get(where)).words
    assert "Line 3, price" in words
    assert words_sheets.error("too_precise", {"currency": "EUR"}) in words
    assert "not read: colour" in words
    words = Tags(await nell.get(f"{where}?show=right")).words
    assert "49.00 → 45.00" in words
    assert "Hoodie → Warm hoodie" in words
    assert await titles(house) == ["Hoodie"]

    assert await nell.post(f"{where}/confirm") == where
    await sheets_jobs.work_off(house.database)
    assert "2 products saved." in await nell.get(where)
    assert await titles(house) == ["=Lamp", "Warm hoodie"]
    assert "data-poll" not in await nell.get(f"{where}/progress")


async def test_what_is_wrong_can_be_taken_away_and_runs_nothing(
    open_browser: Opens, house: House
) -> None:
    nell = await open_browser("nell")
    where = await bring(nell, b"sku,price\nHOODIE,=1+1\n")
    await sheets_jobs.work_off(house.database)

    kind, content = await taken(nell, f"{where}/errors.csv")

    assert kind == "text/csv"
    [heading, line] = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    assert heading == ["line", "column", "written", "problem"]
    assert line == ["2", "price", "'=1+1", words_sheets.ERRORS["not_a_number"]]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b" \n", "empty"), (b"x" * (10 * 1024 * 1024 + 1), "too_large")],
)
async def test_what_is_no_sheet_is_told_above_the_form(
    open_browser: Opens, house: House, content: bytes, words: str
) -> None:
    page = await bring(await open_browser("nell"), content, 422)

    assert words_sheets.UNREADABLE[words] in page


async def test_what_cannot_be_read_says_why(open_browser: Opens, house: House) -> None:
    nell = await open_browser("nell")
    where = await bring(nell, b"name,price\nx,1\n")
    await sheets_jobs.work_off(house.database)

    assert words_sheets.UNREADABLE["no_sku_column"] in await nell.get(where)


async def test_a_sheet_thrown_away_changes_nothing(open_browser: Opens, house: House) -> None:
    nell = await open_browser("nell")
    where = await bring(nell, SHEET)
    early = await nell.post(f"{where}/confirm")
    assert words_sheets.PROBLEMS["not_ready"] in await nell.get(early)

    assert "Thrown away" in await nell.get(await nell.post(f"{where}/cancel"))

    await sheets_jobs.work_off(house.database)
    assert await titles(house) == ["Hoodie"]


async def test_of_others_there_is_no_sheet(open_browser: Opens, house: House) -> None:
    await a_person(house.database, "otto", Role.SUPPLIER, "another")
    where = await bring(await open_browser("nell"), SHEET)
    otto, mara = await open_browser("otto"), await open_browser("mara")

    for path in ("", "/progress", "/errors.csv"):
        await otto.get(f"{where}{path}", 404)
        await mara.get(f"{where}{path}", 403)
    for deed in ("/confirm", "/cancel"):
        await otto.post(f"{where}{deed}", 404)
        await mara.post(f"{where}{deed}", 403)

    found = (await house.database.read(lambda tx: catalog.imports(tx, supplier_id=None, most=9)))[0]
    assert found.status is ImportStatus.WAITING


async def test_an_admin_says_whose_products_they_are(open_browser: Opens, house: House) -> None:
    ada = await open_browser("ada")
    assert words_sheets.NO_SUPPLIER in await bring(ada, SHEET, 422, supplier="nobody")

    await bring(ada, SHEET, supplier=house.hoodie.supplier_id)

    [found] = await house.database.read(lambda tx: catalog.imports(tx, supplier_id=None, most=9))
    assert found.supplier_id == house.hoodie.supplier_id


@pytest.mark.parametrize(
    ("name", "seen"),
    [("nell", {"HOODIE"}), ("mara", {"HOODIE", "MUG"}), ("ada", {"HOODIE", "MUG"})],
)
async def test_everybody_takes_away_what_they_see(
    open_browser: Opens, house: House, name: str, seen: set[str]
) -> None:
    await a_product(house.database, "another supplier", "Mug")
    browser = await open_browser(name)

    for form in ("csv", "xlsx"):
        kind, content = await taken(browser, f"/backoffice/products/export/{form}")
        sheet = sheets_reading.read(content)
        assert {line.cells["sku"] for line in sheet.lines} == seen
        assert ("csv" in kind) is (form == "csv")


async def test_cells_are_words_and_never_markup(open_browser: Opens, house: House) -> None:
    nell = await open_browser("nell")
    written = io.StringIO()
    rows = [[f"P{n}", probe, "1"] for n, probe in enumerate(PROBES)]
    csv.writer(written).writerows([["sku", "title", "price"], *rows])
    plain = "sku,title,price\n" + "".join(f"Q{n},Plain {n},1\n" for n in range(len(PROBES)))

    shapes = []
    for content in (written.getvalue(), plain):
        where = await bring(nell, content.encode())
        await sheets_jobs.work_off(house.database)
        shapes.append(Tags(await nell.get(f"{where}?show=right")).shape)

    assert shapes[0] == shapes[1]


def test_every_status_and_column_has_words() -> None:
    assert set(words_sheets.STATUS) == set(ImportStatus)
    assert set(words_sheets.COLUMNS) == set(sheets_model.COLUMNS)


def test_everything_that_can_be_wrong_has_words() -> None:
    sources = [Path(m.__file__).read_text() for m in (sheets_comparing, sheets_values)]
    codes = re.findall(r'(?:Unclear\(|note\([^"]*"[a-z_]+", )"([a-z_]+)"', " ".join(sources))
    reading = Path(sheets_reading.__file__).read_text()

    assert len(codes) > 10
    assert set(codes) - set(words_sheets.ERRORS) == set()
    assert set(re.findall(r'reason="([a-z_]+)"', reading)) <= set(words_sheets.UNREADABLE)
    assert {reason.value for reason in money.Reason} <= set(words_sheets.ERRORS)

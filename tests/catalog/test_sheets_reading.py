"""Sheets are read as every program writes them, and none of them takes the process down."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from commerce.catalog import sheets_apart, sheets_reading
from commerce.catalog.sheets_model import COLUMNS_MAX, LINES_MAX, Form, SheetRefused
from commerce.catalog.sheets_reading import escaped, read, unescaped
from commerce.catalog.sheets_values import Unclear, price, whole
from commerce.catalog.sheets_writing import table


def cells(content: bytes) -> list[tuple[int, dict[str, str]]]:
    return [(line.number, {**line.cells, **line.attributes}) for line in read(content).lines]


def xlsx(*rows: list[object]) -> bytes:
    written = io.BytesIO()
    workbook = xlsxwriter.Workbook(written, {"in_memory": True})
    sheet = workbook.add_worksheet()
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    workbook.close()
    return written.getvalue()


def repacked(content: bytes, member: str, change) -> bytes:
    """The archive with one of its files changed."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, change(part) if name == member else part)
    return written.getvalue()


TEXT = "sku;title;price\nA-1;Größe ’L’ 50 €;12,50\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_every_usual_encoding_and_delimiter_is_read(encoding: str, delimiter: str) -> None:
    quoted = TEXT.replace("12,50", '"12,50"').replace(";", delimiter)

    assert cells(quoted.encode(encoding)) == [
        (2, {"sku": "A-1", "title": "Größe ’L’ 50 €", "price": "12,50"})
    ]


def test_lines_are_counted_as_the_file_has_them() -> None:
    content = b'sep=;\r\nSKU;Description\r\n\r\nA;"two\r\nlines"\r\n;\r\nB;x\r\n'

    assert cells(content) == [
        (4, {"sku": "A", "description": "two\nlines"}), (7, {"sku": "B", "description": "x"}),
    ]  # fmt: skip


def test_headings_are_read_as_people_write_them() -> None:
    sheet = read(b"Variant SKU,Tax-Category, NAME ,Attribute:Shoe size,Colour,\nA,x,y,42,red,z\n")

    assert sheet.columns == ("sku", "tax_category", "title", "attribute:Shoe size")
    assert sheet.ignored == ("Colour",)
    assert sheet.lines[0].attributes == {"Shoe size": "42"}


def test_numbers_of_a_spreadsheet_are_what_it_shows() -> None:
    content = xlsx(
        ["sku", "price", "title", "first_pieces"],
        [7, 12.5, True, 3.0],
        [1234567, 0.1 + 0.2, "", ""],
    )

    assert cells(content) == [
        (2, {"sku": "7", "price": "12.5", "title": "true", "first_pieces": "3"}),
        (3, {"sku": "1234567", "price": "0.3", "title": "", "first_pieces": ""}),
    ]


GOOD = xlsx(["sku", "price"], ["A", 1])
SHEET = "xl/worksheets/sheet1.xml"
MANY = b"sku\n" + b"x\n" * (LINES_MAX + 1)
REFUSED = {
    "nothing": (b"\n \n", "empty"),
    "heading alone": (b"sku,price\n\n", "no_lines"),
    "no sku": (b"title\nx\n", "no_sku_column"),
    "a column twice": (b"sku,price,Price\nx,1,2\n", "column_twice"),
    "open quotes": (b'sku,title\nA,"open\nB,c\n', "broken_csv"),
    "a program": (b"\x7fELF\0\0\x81\x00", "not_a_sheet"),
    "old excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_excel"),
    "too many lines": (MANY, "too_many_lines"),
    "too many columns": (
        ("sku," + ",".join(f"attribute:{n}" for n in range(COLUMNS_MAX))).encode() + b"\nA\n",
        "too_many_columns",
    ),
    "cut archive": (GOOD[:-300], "broken_xlsx"),
    "another archive": (repacked(GOOD, "none", bytes).replace(b"xl/", b"zz/"), "broken_xlsx"),
    "a cell far below": (
        repacked(GOOD, SHEET, lambda xml: xml.replace(b'r="B2"', b'r="B1048576"')),
        "too_many_lines",
    ),
    "a cell far right": (
        repacked(GOOD, SHEET, lambda xml: xml.replace(b'r="B2"', b"r = 'XFD2'")),
        "too_many_columns",
    ),
}


@pytest.mark.parametrize(("content", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_sheet_is_refused_with_why(content: bytes, reason: str) -> None:
    with pytest.raises(SheetRefused) as refused:
        read(content)

    assert refused.value.facts["reason"] == reason


def test_an_archive_that_swells_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets_reading, "UNPACKED_BYTES_MAX", 1_000_000)
    swollen = repacked(GOOD, SHEET, lambda xml: xml + b" " * 2_000_000)
    assert len(swollen) < 20_000

    with pytest.raises(SheetRefused) as refused:
        read(swollen)

    assert refused.value.facts["reason"] == "too_large"


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_it_fall(content: bytes) -> None:
    for whole_file in (content, b"sku,title\n" + content, b"PK\x03\x04" + content):
        with suppress(SheetRefused):
            assert read(whole_file).lines


@given(st.text(max_size=12) | st.from_regex(r"'*[=+\-@\t\r].?", fullmatch=True))
def test_an_escaped_text_is_no_formula_and_comes_back(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not escaped(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("form", Form)
def test_no_cell_of_a_written_sheet_is_a_formula(form: Form) -> None:
    evil = ['=HYPERLINK("http://evil","x")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1"]

    content = table(["sku", *evil], [["x", *evil]], form)

    if form is Form.CSV:
        assert content.count(b"'=HYPERLINK") == content.count(b"=HYPERLINK") == 2
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        xml = archive.read(SHEET)
    assert b"<f>" not in xml


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.50", "EUR", 1_250), ("12,50", "EUR", 1_250), ("1.234,50", "EUR", 123_450),
        ("1,234.50", "EUR", 123_450), ("1.234.567", "EUR", 123_456_700), ("1,234,567", "EUR",
        123_456_700), ("12", "JPY", 12), ("1.234", "KWD", 1_234), ("", "EUR", None),
    ],
)  # fmt: skip
def test_prices_are_read_as_every_country_writes_them(text, currency, minor) -> None:
    assert price(currency)(text) == minor


@pytest.mark.parametrize(
    ("text", "currency", "code"),
    [
        ("1.234", "EUR", "too_precise"), ("1,234", "EUR", "too_precise"), ("-1", "EUR", "signed"),
        ("12.5", "JPY", "too_precise"), ("12 €", "EUR", "not_a_number"), ("=1", "EUR",
        "not_a_number"), ("1,2,3", "EUR", "not_a_number"), ("9" * 50, "EUR", "too_large"),
    ],
)  # fmt: skip
def test_a_price_that_may_mean_two_things_is_asked_back(text, currency, code) -> None:
    with pytest.raises(Unclear) as unclear:
        price(currency)(text)

    assert unclear.value.code == code


def test_whole_numbers_are_whole() -> None:
    assert [whole(10)(text) for text in ("", "0", "7", "7.0", "7,00")] == [0, 0, 7, 7, 7]
    for text, code in (("7.5", "not_whole"), ("-1", "not_whole"), ("11", "too_large")):
        with pytest.raises(Unclear) as unclear:
            whole(10)(text)
        assert unclear.value.code == code


def test_a_sheet_larger_than_memory_ends_the_process_that_reads_it_and_not_ours() -> None:
    far = b'<row x=">" r="1048576"><c x=">" r="XFD1048576"><v>1</v></c></row></sheetData>'
    bomb = repacked(
        xlsx(["sku", "price"], ["A", 1]),
        "xl/worksheets/sheet1.xml",
        lambda part: part.replace(b"</sheetData>", far),
    )

    with pytest.raises(SheetRefused) as refused:
        sheets_apart.read(bomb)

    assert refused.value.facts["reason"] == "too_large"


def test_a_sheet_read_apart_is_read_the_same() -> None:
    good = xlsx(["sku", "price", "attribute: colour", "x"], ["A", 1.5, "blue", "?"])

    assert sheets_apart.read(good) == read(good)
    with pytest.raises(SheetRefused) as refused:
        sheets_apart.read(xlsx(["price"], [1]))
    assert refused.value.facts == {"reason": "no_sku_column"}

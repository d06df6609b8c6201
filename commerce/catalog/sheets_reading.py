"""Reads CSV and XLSX into lines of text, whatever program wrote them, and never more than fits."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta

from python_calamine import CalamineError, CalamineWorkbook

from commerce.catalog.sheets_model import (
    ALSO_CALLED,
    ATTRIBUTE,
    COLUMNS,
    COLUMNS_MAX,
    FILE_BYTES_MAX,
    LINES_MAX,
    Line,
    Sheet,
    SheetRefused,
)

UNPACKED_BYTES_MAX = 200 * 1024 * 1024
CELL_CHARACTERS_MAX = 40_000
DELIMITERS = ";,\t|"
ARCHIVE = b"PK\x03\x04"
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
# Where cells and rows say they stand: a sheet is made as large as the farthest of them.
PLACES = re.compile(rb"<(?:[a-zA-Z]+:)?(?:c|row)\s[^>]*?\br\s*=\s*[\"']([^\"']*)")
PLACE = re.compile(r"([A-Za-z]*)([0-9]*)")
WIDEST = "IV"  # the 256th column
SCAN_BYTES = 1024 * 1024
OVERLAP = 512
# What makes a spreadsheet take a text for a formula, with the apostrophes that say it is none.
FORMULA = re.compile(r"'*[=+\-@\t\r]")
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufeff\ufffe\uffff\ud800-\udfff]")

Cell = int | float | str | bool | time | date | datetime | timedelta
Row = tuple[int, Sequence[str]]


def read(content: bytes) -> Sheet:
    """The lines of a sheet; SheetRefused says why it is none."""
    if not content.strip():
        raise SheetRefused(reason="empty")
    if len(content) > FILE_BYTES_MAX:
        raise SheetRefused(reason="too_large", maximum=FILE_BYTES_MAX)
    if content.startswith(OLD_EXCEL):
        raise SheetRefused(reason="old_excel")
    rows = _xlsx(content) if content.startswith(ARCHIVE) else _csv(content)
    return _sheet((number, cells) for number, cells in rows if any(cells))


def plain(text: str) -> str:
    """As both sides are compared: without unseen signs and blanks around, lines ended one way."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return UNSEEN.sub("", text).strip()


def escaped(text: str) -> str:
    """A text that no spreadsheet takes for a formula; `unescaped` gives it back."""
    return f"'{text}" if FORMULA.match(text) else text


def unescaped(text: str) -> str:
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def _sheet(rows: Iterator[Row]) -> Sheet:
    heading = next(rows, None)
    if heading is None:
        raise SheetRefused(reason="empty")
    columns, ignored = _columns(heading[1])
    lines = [_line(number, cells, columns) for number, cells in _bounded(rows)]
    if not lines:
        raise SheetRefused(reason="no_lines")
    known = tuple(column for column in columns if column)
    return Sheet(columns=known, ignored=ignored, lines=tuple(lines))


def _bounded(rows: Iterable[Row]) -> Iterator[Row]:
    for count, row in enumerate(rows, 1):
        if count > LINES_MAX:
            raise SheetRefused(reason="too_many_lines", maximum=LINES_MAX)
        yield row


def _columns(heading: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """What each column is, empty where it is nothing; and the headings that are nothing."""
    found = [_column(cell) for cell in heading]
    known = [column for column in found if column]
    if "sku" not in known:
        raise SheetRefused(reason="no_sku_column")
    twice = sorted({column for column in known if known.count(column) > 1})
    if twice:
        raise SheetRefused(reason="column_twice", column=twice[0])
    strange = [cell for cell, column in zip(heading, found, strict=True) if cell and not column]
    if len(heading) > COLUMNS_MAX and len(known) > COLUMNS_MAX:
        raise SheetRefused(reason="too_many_columns", maximum=COLUMNS_MAX)
    return found, tuple(cell[:40] for cell in strange[:20])


def _column(cell: str) -> str:
    if cell.lower().startswith(ATTRIBUTE):
        name = cell[len(ATTRIBUTE) :].strip()
        return f"{ATTRIBUTE}{name}" if name else ""
    name = re.sub(r"[\s_\-]+", "_", cell.lower()).strip("_")
    name = ALSO_CALLED.get(name, name)
    return name if name in COLUMNS else ""


def _line(number: int, cells: Sequence[str], columns: Sequence[str]) -> Line:
    padded = [*cells, *[""] * (len(columns) - len(cells))]
    named = {c: padded[place] for place, c in enumerate(columns) if c}
    attributes = {
        column.removeprefix(ATTRIBUTE): text
        for column, text in named.items()
        if column.startswith(ATTRIBUTE) and text
    }
    plain_cells = {c: text for c, text in named.items() if not c.startswith(ATTRIBUTE)}
    return Line(number=number, cells=plain_cells, attributes=attributes)


def _clean(cells: Iterable[str]) -> list[str]:
    return [unescaped(plain(cell)) for cell in cells]


def _csv(content: bytes) -> Iterator[Row]:
    text = _decoded(content)
    first, _, rest = text.partition("\n")
    told = re.fullmatch(r"sep=(.)\r?", first)  # as Excel writes it above the heading
    delimiter = told[1] if told else max(DELIMITERS, key=first.count)
    number = skipped = 2 if told else 1
    lines = io.StringIO(rest if told else text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield number, _clean(cells)
            number = reader.line_num + skipped
    except csv.Error:
        raise SheetRefused(reason="broken_csv", line=number) from None


def _decoded(content: bytes) -> str:
    """UTF-8, with or without its mark; UTF-16 with one; else as Windows writes in the west."""
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    if b"\0" in content:
        raise SheetRefused(reason="not_a_sheet")
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        raise SheetRefused(reason="not_a_sheet") from None


def _xlsx(content: bytes) -> Iterator[Row]:
    try:
        _must_fit(content)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        rows = workbook.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        raise SheetRefused(reason="broken_xlsx") from None
    except (IndexError, RuntimeError):  # no sheet in it; or it is locked with a password
        raise SheetRefused(reason="broken_xlsx") from None
    for number, cells in enumerate(rows, 1):
        yield number, _clean(map(_text, cells))


def _must_fit(content: bytes) -> None:
    """Unpacks it once, throwing everything away, and believes nothing it says of its own size."""
    unpacked = 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            unpacked += member.file_size
            if unpacked > UNPACKED_BYTES_MAX:
                raise SheetRefused(reason="too_large", maximum=FILE_BYTES_MAX)
            with archive.open(member) as opened:
                end = b""
                while part := opened.read(SCAN_BYTES):
                    for place in PLACES.findall(end + part):
                        _must_be_near(place.decode("ascii", "replace"))
                    end = part[-OVERLAP:]


def _must_be_near(place: str) -> None:
    found = PLACE.fullmatch(place)
    letters, digits = found.groups() if found else ("", "")
    if len(digits) > 7 or int(digits or 0) > LINES_MAX + 1:
        raise SheetRefused(reason="too_many_lines", maximum=LINES_MAX)
    if len(letters) > 2 or (len(letters) == 2 and letters.upper() > WIDEST):
        raise SheetRefused(reason="too_many_columns", maximum=COLUMNS_MAX)


def _text(cell: Cell) -> str:
    """As the spreadsheet shows it: 15 digits of a number, and no point where it is whole."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return f"{cell:.15g}" if abs(cell) >= 1e15 or cell != int(cell) else str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return str(cell)[:CELL_CHARACTERS_MAX]

"""Writes products as CSV or XLSX, so that reading it back changes nothing and nothing is run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

import xlsxwriter

from commerce.catalog.model import Product
from commerce.catalog.sheets_cells import Names, lines_of
from commerce.catalog.sheets_model import COLUMNS, LINES_MAX, Form, SheetRefused
from commerce.catalog.sheets_reading import escaped

CHARACTERS_SEEN_MAX = 48  # how wide a column is made
NUMBERS = {"price", "price_min", "price_max", "weight_grams", "volume_cm3"}
BOLD = {"bold": True}
PATTERNS = ("0", "0.0", "0.00", "0.000", "0.0000")  # by the digits that the currency has
NEVER_RUN = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def write(products: Iterable[Product], names: Names, form: Form) -> bytes:
    """A sheet of them; refused where it would be longer than one that is read."""
    lines = [line for product in products for line in lines_of(product, names)]
    if len(lines) > LINES_MAX:
        raise SheetRefused(reason="too_many_lines", maximum=LINES_MAX)
    attributes = sorted({column for line in lines for column in line} - set(COLUMNS))
    columns = (*COLUMNS, *attributes)
    rows = [[line.get(column, "") for column in columns] for line in lines]
    return table(columns, rows, form)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], form: Form) -> bytes:
    """Texts under a heading; none of them is taken for a formula."""
    return _csv(columns, rows) if form is Form.CSV else _xlsx(columns, rows)


def _csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerows([escaped(cell) for cell in row] for row in (columns, *rows))
    return written.getvalue().encode("utf-8-sig")  # without its mark, Excel reads it as cp1252


def _xlsx(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    written = io.BytesIO()
    workbook = xlsxwriter.Workbook(written, {"in_memory": True, **NEVER_RUN})
    sheet = workbook.add_worksheet("Products")
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, [escaped(column) for column in columns], workbook.add_format(BOLD))
    formats = [workbook.add_format({"num_format": pattern}) for pattern in PATTERNS]
    for place, column in enumerate(columns):
        widest = max([len(column), *(len(row[place]) for row in rows)])
        sheet.set_column(place, place, min(widest, CHARACTERS_SEEN_MAX) + 2)
        for number, row in enumerate(rows, 1):
            text = row[place]
            if column in NUMBERS and text:
                digits = len(text.partition(".")[2])
                sheet.write_number(number, place, Decimal(text), formats[digits])
            elif text:
                sheet.write_string(number, place, escaped(text))
    workbook.close()
    return written.getvalue()

"""All words about sheets of products that do not stand in a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMNS = {
    "product": "product",
    "title": "title",
    "description": "description",
    "currency": "currency",
    "category": "category",
    "brand": "brand",
    "condition": "condition",
    "tax_category": "tax category",
    "sku": "SKU",
    "option": "option",
    "price": "price",
    "price_min": "lowest price",
    "price_max": "highest price",
    "weight_grams": "weight in grams",
    "volume_cm3": "volume in cm³",
    "warehouse": "warehouse",
    "first_pieces": "first pieces",
}
STATUS = {
    "waiting": "is being read",
    "ready": "to be looked at",
    "applying": "is being saved",
    "done": "saved",
    "unreadable": "not readable",
    "cancelled": "thrown away",
}
UNREADABLE = {
    "empty": "This file is empty.",
    "too_large": "This file is too large. At most 10 MB are taken.",
    "old_excel": "This is a file of an old Excel. Save it as .xlsx or CSV first.",
    "not_a_sheet": "This is neither CSV nor XLSX.",
    "broken_csv": "The quotation marks in line {line} do not match.",
    "broken_xlsx": "This XLSX file cannot be opened. It may be damaged or locked with a password.",
    "no_sku_column": "The first line has no column called sku. Every sheet needs one.",
    "column_twice": "The column {column} is there twice.",
    "no_lines": "There is nothing below the heading.",
    "too_many_lines": "This is more than {maximum} lines. Send it in parts.",
    "too_many_columns": "This has more than {maximum} columns.",
    "not_read": "This file could not be read. Save it anew, or send it in parts.",
}
ERRORS = {
    "missing": "This must not be empty.",
    "too_long": "At most {maximum} characters; this has {length}.",
    "not_a_number": "This is no price. Write it like 12.50 or 12,50.",
    "signed": "A price has no sign.",
    "too_precise": "{currency} does not have that many digits after the point.",
    "not_whole": "Write a whole number.",
    "too_large": "This is too much.",
    "not_one_of": "Write one of: {options}.",
    "no_such_category": "There is no such category. Write it like Clothing > Shirts.",
    "no_such_brand": "There is no such brand.",
    "no_such_warehouse": "There is no such warehouse.",
    "no_currency": "There is no such currency. Write its three letters.",
    "currency_stays": "The currency of a product stays: it is {currency}.",
    "differs": "Line {first} of the same product says something else.",
    "sku_twice": "This SKU stands in line {first} already.",
    "sku_taken": "This SKU belongs to another product.",
    "archived": "This product is archived and does not change any more.",
    "incomplete": "This product is for sale and would lack: {missing}.",
    "bad_sku": "This is no SKU.",
    "bad_price": "This price cannot be.",
    "bad_price_min": "The lowest price is above the price.",
    "bad_price_max": "The highest price is below the price or the lowest one.",
    "bad_weight_grams": "This weight cannot be.",
    "bad_volume_cm3": "This volume cannot be.",
    "stock_changed": "Its first pieces were booked meanwhile. They stay as they are; leave the "
    "pieces out and bring the sheet again.",
    "stale_product": "Somebody changed this product meanwhile. It stays as they left it; bring the "
    "sheet again.",
    "no_such_product": "This product was deleted meanwhile.",
    "product_incomplete": "This product was put on sale meanwhile and would lack something.",
    "illegal_move": "This product was archived meanwhile.",
    "warehouse_closed": "This warehouse was closed meanwhile.",
}
NOT_SAVED = "It could not be saved. Bring the sheet again to see why."
NO_FILE = "Choose a file first."
NO_SUPPLIER = "Choose whose products these are."
NOTICES = {"cancelled": "Thrown away. Nothing was changed."}
PROBLEMS = {"not_ready": "It is not ready to be saved. Look again: this is how it is now."}


def unreadable(reason: str, facts: Mapping[str, Any]) -> str:
    return UNREADABLE.get(reason, UNREADABLE["not_read"]).format_map(facts)


def error(code: str, facts: Mapping[str, Any]) -> str:
    return ERRORS.get(code, NOT_SAVED).format_map(facts)


def column(name: str) -> str:
    return COLUMNS.get(name) or name.removeprefix("attribute:")

"""Compares a sheet with the catalog: what each product in it becomes, and what is wrong where.

Lines of one product go together: by a SKU that it has, by its id, by the same word in the column
`product`, or by the same title. What a sheet does not name stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from commerce.catalog import sheets_cells, sheets_values
from commerce.catalog.model import (
    EDITABLE,
    VOLUME_CM3_MAX,
    WEIGHT_GRAMS_MAX,
    BadVariants,
    Changes,
    Condition,
    Product,
    TaxCategory,
    Variant,
    checked,
    missing,
)
from commerce.catalog.sheets_cells import Names
from commerce.catalog.sheets_model import (
    ATTRIBUTE,
    PRODUCT_COLUMNS,
    Difference,
    Item,
    ItemStatus,
    Line,
    Sheet,
)
from commerce.catalog.sheets_reading import plain
from commerce.catalog.sheets_values import Cells
from commerce.inventory import MAIN, PIECES_MAX
from commerce.kernel import ids

E = TypeVar("E", bound=StrEnum)
Reader = Callable[[str], str]
UNREADABLE = -1
COLUMN_OF = {  # the catalog's field that contradicts itself -> where it is written
    "weight": "weight_grams",
    "volume": "volume_cm3",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the catalog has of all that the sheet names."""

    supplier_id: str
    currency: str  # of new products, where the sheet says none
    home_of: Mapping[str, str] = field(default_factory=dict)  # SKU -> product
    products: Mapping[str, Product] = field(default_factory=dict)  # all of those, and by their ids
    names: Names = field(default_factory=Names)
    warehouses: Mapping[str, str] = field(default_factory=lambda: {MAIN: MAIN})  # id -> name
    in_stock: frozenset[tuple[str, str]] = frozenset()  # (sku, warehouse) that had pieces


def compare(sheet: Sheet, known: Known) -> Iterator[Item | None]:
    """An item per product of the sheet; None for one that it leaves as it is."""
    twice = _skus_twice(sheet.lines)
    readers = _Readers(
        category=sheets_values.one_of(known.names.categories, "no_such_category"),
        brand=sheets_values.one_of(known.names.brands, "no_such_brand"),
        warehouse=sheets_values.one_of(known.warehouses, "no_such_warehouse"),
    )
    for lines in _grouped(sheet.lines, known):
        yield _Group(sheet, known, lines, twice, readers).item()


@dataclass(frozen=True, slots=True)
class _Readers:
    category: Reader
    brand: Reader
    warehouse: Reader


def _skus_twice(lines: Sequence[Line]) -> dict[int, int]:
    """Line -> the one before it with the same SKU."""
    first: dict[str, int] = {}
    again = {}
    for line in lines:
        sku = line.cells["sku"]
        if sku and sku in first:
            again[line.number] = first[sku]
        first.setdefault(sku, line.number)
    return again


def _grouped(lines: Sequence[Line], known: Known) -> list[list[Line]]:
    homes: dict[str, str] = {}
    for line in lines:
        if found := _home(line, known):
            homes.setdefault(_label(line), found)
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        label = _label(line)
        groups[_home(line, known) or homes.get(label) or label].append(line)
    return list(groups.values())


def _home(line: Line, known: Known) -> str:
    """The id of the product that the line is of already."""
    named = line.cells.get("product", "")
    return known.home_of.get(line.cells["sku"]) or (named if named in known.products else "")


def _label(line: Line) -> str:
    if word := line.cells.get("product", ""):
        return f"word {word}"
    if title := line.cells.get("title", ""):
        return f"title {title}"
    return f"line {line.number}"


class _Group:
    """The lines of one product."""

    def __init__(
        self,
        sheet: Sheet,
        known: Known,
        lines: Sequence[Line],
        twice: Mapping[int, int],
        readers: _Readers,
    ) -> None:
        self.sheet, self.known, self.lines = sheet, known, lines
        self.twice, self.readers = twice, readers
        self.cells = Cells()
        home = next(filter(None, (_home(line, known) for line in lines)), "")
        self.before = known.products.get(home)

    def item(self) -> Item | None:
        if not self._is_ours():
            return self._wrong(
                Product(id="", supplier_id="", title="", currency=self.known.currency)
            )
        before = self.before or self._blank()
        self._must_stay(before)
        changes = self._changes(before)
        stock = list(self._stock())
        after = self._checked(changes.to(before))
        if before.status not in EDITABLE and (after != before or stock):
            self.cells.note(self.lines[0], "product", "archived")
        if self.cells.wrong:
            return self._wrong(after)
        if after == before and not stock:
            return None
        return Item(
            line=self.lines[0].number,
            title=after.title,
            product_id=before.id,
            product_version=before.version if self.before else 0,
            status=ItemStatus.WAITING,
            wanted={"product": self._wanted(after), "stock": stock},
            differences=tuple(self._differences(before, after, stock)),
        )

    def _wrong(self, product: Product) -> Item:
        first = self.lines[0]
        return Item(
            line=first.number,
            title=product.title or first.cells.get("title", "") or first.cells["sku"],
            product_id=product.id,
            product_version=0,
            status=ItemStatus.WRONG,
            errors=tuple(sorted(self.cells.wrong, key=lambda wrong: wrong.line)),
        )

    def _is_ours(self) -> bool:
        """Of another supplier's product nothing is told but that its SKU is taken."""
        if self.before is None or self.before.supplier_id == self.known.supplier_id:
            return True
        for line in self.lines:
            self.cells.note(line, "sku", "sku_taken")
        return False

    def _blank(self) -> Product:
        line, said = self._one("currency"), self.known.currency
        if line:
            said = self.cells.read(line, "currency", sheets_values.currency, said)
        supplier = self.known.supplier_id
        return Product(id=ids.new_id(), supplier_id=supplier, title="", currency=said)

    def _one(self, column: str) -> Line | None:
        """The line that says it; those that say something else are wrong."""
        saying = [line for line in self.lines if line.cells.get(column)]
        for line in saying[1:]:
            if line.cells[column] != saying[0].cells[column]:
                self.cells.note(line, column, "differs", first=saying[0].number)
        return saying[0] if saying else None

    def _changes(self, before: Product) -> Changes:
        """All that the sheet says, also where it is what the product is already."""
        return Changes(
            title=self._text("title", before.title, sheets_values.TITLE_MAX, needed=True),
            description=self._text(
                "description", before.description, sheets_values.DESCRIPTION_MAX
            ),
            category_id=self._id("category", self.readers.category, before.category_id),
            brand_id=self._id("brand", self.readers.brand, before.brand_id),
            condition=self._choice("condition", Condition),
            tax_category=self._choice("tax_category", TaxCategory),
            variants=self._variants(before),
        )

    def _must_stay(self, before: Product) -> None:
        if self.before is None:
            return
        line = self._one("currency")
        if line and line.cells["currency"].upper() != before.currency:
            self.cells.note(line, "currency", "currency_stays", currency=before.currency)
        for line in self.lines:
            named = line.cells.get("product", "")
            if named in self.known.products and named != before.id:
                self.cells.note(line, "sku", "sku_taken")

    def _choice(self, column: str, options: type[E]) -> E | None:
        line = self._one(column)
        if line is None:
            return None
        return self.cells.read(line, column, sheets_values.choice(options), None)

    def _text(self, column: str, known: str, longest: int, *, needed: bool = False) -> str | None:
        line = self._one(column) or self.lines[0]
        if column not in self.sheet.columns and self.before:
            return None
        if self.before and line.cells.get(column, "") == plain(known):
            return None  # also where it is longer, or stranger, than a sheet may write it
        return self.cells.read(line, column, sheets_values.said(longest, needed=needed), known)

    def _id(self, column: str, reader: Reader, known: str) -> str | None:
        if column not in self.sheet.columns:
            return None
        line = self._one(column)
        if line is None:
            return ""
        names = {**self.known.names.categories, **self.known.names.brands}
        if known and line.cells[column] == plain(names.get(known, known)):
            return None  # also where it is gone from the tree meanwhile
        return self.cells.read(line, column, reader, known)

    def _variants(self, before: Product) -> tuple[Variant, ...]:
        known = {plain(variant.sku): variant for variant in before.variants}
        read = {}
        for line in self.lines:
            variant = self._variant(line, known.get(line.cells["sku"]), before)
            if variant:
                read[plain(variant.sku)] = variant
        return (*(read.pop(sku, kept) for sku, kept in known.items()), *read.values())

    def _variant(self, line: Line, known: Variant | None, before: Product) -> Variant | None:
        if line.number in self.twice:
            self.cells.note(line, "sku", "sku_twice", first=self.twice[line.number])
            return None
        if not line.cells["sku"] and before.id and self.before and not before.variants:
            return None  # a product that has no variants yet is exported as one line without a SKU
        sku = self.cells.read(
            line, "sku", sheets_values.said(sheets_values.SKU_MAX, needed=not known), ""
        )
        attributes = self._attributes(line, known)
        variant = known or Variant(sku=sku, label="", price_minor=0)
        label = line.cells.get("option", plain(variant.label))
        if label != plain(variant.label):
            reader = sheets_values.said(sheets_values.LABEL_MAX)
            variant = replace(variant, label=self.cells.read(line, "option", reader, ""))
        if not known and not label:
            variant = replace(variant, label=" / ".join(attributes.values()))
        return replace(self._priced(line, variant, before), attributes=attributes)

    def _priced(self, line: Line, variant: Variant, before: Product) -> Variant:
        price = sheets_values.price(before.currency)
        read, given = self.cells.read, line.cells
        new: dict[str, Any] = {}
        if "price" in given or not self.before:
            unreadable: int | None = UNREADABLE
            found = read(line, "price", price, unreadable) or 0
            if not found and (not self.before or before.sellable):
                self.cells.note(line, "price", "missing")
            new["price_minor"] = max(found, 0)
        for column in ("price_min", "price_max"):
            if column in given:
                new[f"{column}_minor"] = read(line, column, price, None)
        for column, most in (("weight_grams", WEIGHT_GRAMS_MAX), ("volume_cm3", VOLUME_CM3_MAX)):
            if column in given:
                new[column] = read(line, column, sheets_values.whole(most), 0)
        return replace(variant, **new)

    def _attributes(self, line: Line, known: Variant | None) -> dict[str, str]:
        found = dict(known.attributes) if known else {}
        called = {plain(name): name for name in found}
        for column in self.sheet.columns:
            name = column.removeprefix(ATTRIBUTE)
            if name == column:
                continue
            text, kept = line.attributes.get(name, ""), called.get(name, name)
            if text == plain(found.get(kept, "")):
                continue
            if len(text) > sheets_values.ATTRIBUTE_MAX or len(name) > sheets_values.ATTRIBUTE_MAX:
                maximum = sheets_values.ATTRIBUTE_MAX
                self.cells.note(line, column, "too_long", maximum=maximum, length=len(text))
            found[kept] = text
        return {name: text for name, text in found.items() if text or (known and not text)}

    def _stock(self) -> Iterator[list[Any]]:
        """[sku, warehouse, pieces] of what comes in for the first time."""
        for line in self.lines:
            place = self.cells.read(line, "warehouse", self.readers.warehouse, "")
            reader = sheets_values.whole(PIECES_MAX)
            pieces = self.cells.read(line, "first_pieces", reader, 0)
            sku, where = line.cells["sku"], place or MAIN
            if (place or pieces) and (sku, where) not in self.known.in_stock:
                yield [sku, where, pieces]

    def _checked(self, after: Product) -> Product:
        if self.cells.wrong:
            return after
        try:
            whole = checked(after)
        except BadVariants as refusal:
            column = COLUMN_OF.get(refusal.facts["field"], refusal.facts["field"])
            sku = plain(refusal.facts["sku"])
            line = next((one for one in self.lines if one.cells["sku"] == sku), self.lines[0])
            self.cells.note(line, column, f"bad_{column}")
            return after
        lacking = missing(whole, has_shelf=True) if whole.sellable else []
        if lacking:
            self.cells.note(self.lines[0], "product", "incomplete", missing=", ".join(lacking))
        return whole

    def _wanted(self, after: Product) -> dict[str, Any]:
        """All that a sheet can change; a new product may be taxed as its category."""
        fields = ("title", "description", "currency", "category_id", "brand_id", "condition")
        tax = (
            {"tax_category": after.tax_category} if self.before or self._one("tax_category") else {}
        )
        return {
            **{name: getattr(after, name) for name in fields},
            **tax,
            "variants": [asdict(variant) for variant in after.variants],
        }

    def _differences(
        self, before: Product, after: Product, stock: Sequence[Sequence[Any]]
    ) -> Iterator[Difference]:
        first, names = self.lines[0], self.known.names
        was = sheets_cells.product_cells(before, names) if self.before else {}
        now = sheets_cells.product_cells(after, names)
        for column in PRODUCT_COLUMNS[1:]:
            said = self.before or column in self.sheet.columns
            if said and was.get(column, "") != now[column]:
                yield Difference(first.number, "", column, was.get(column, ""), now[column])
        known = {variant.sku: variant for variant in before.variants}
        line_of = {line.cells["sku"]: line.number for line in self.lines}
        for variant in after.variants:
            old = known.get(variant.sku)
            cells = sheets_cells.variant_cells(old, before.currency) if old else {}
            fresh = sheets_cells.variant_cells(variant, after.currency)
            for column in dict.fromkeys([*cells, *fresh]):
                pair = cells.get(column, ""), fresh.get(column, "")
                if pair[0] != pair[1] and column != "sku":
                    line = line_of.get(plain(variant.sku), first.number)
                    yield Difference(line, variant.sku, column, *pair)
        for sku, warehouse, pieces in stock:
            called = self.known.warehouses.get(warehouse, warehouse)
            yield Difference(line_of[sku], sku, "first_pieces", "", f"{pieces} ({called})")

"""Sheets of products: their columns, what an import goes through, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from commerce.kernel.errors import Refusal
from commerce.kernel.machine import Machine

FILE_BYTES_MAX = 10 * 1024 * 1024
LINES_MAX = 20_000
COLUMNS_MAX = 80
ATTRIBUTE = "attribute:"  # a column of this prefix holds what its variants differ in

# In the order of an export. A sheet may leave columns out: what it does not name stays as it is.
PRODUCT_COLUMNS = (
    "product",
    "title",
    "description",
    "currency",
    "category",
    "brand",
    "condition",
    "tax_category",
)
VARIANT_COLUMNS = (
    "sku",
    "option",
    "price",
    "price_min",
    "price_max",
    "weight_grams",
    "volume_cm3",
    "warehouse",
    "first_pieces",
)
COLUMNS = (*PRODUCT_COLUMNS, *VARIANT_COLUMNS)
ALSO_CALLED = {
    "name": "title",
    "handle": "product",
    "variant": "option",
    "variant_sku": "sku",
    "variant_price": "price",
    "variant_grams": "weight_grams",
    "vendor": "brand",
    "minimum_price": "price_min",
    "maximum_price": "price_max",
    "quantity": "first_pieces",
}


class Form(StrEnum):
    """In which forms sheets come and go."""

    CSV = "csv"
    XLSX = "xlsx"


class ImportStatus(StrEnum):
    WAITING = "waiting"  # to be read and compared
    READY = "ready"  # a person looks at what would change
    APPLYING = "applying"
    DONE = "done"
    UNREADABLE = "unreadable"
    CANCELLED = "cancelled"


class ImportAction(StrEnum):
    COMPARE = "compare"
    GIVE_UP = "give_up"
    CONFIRM = "confirm"
    FINISH = "finish"
    CANCEL = "cancel"


IMPORT_LIFE: Machine[ImportStatus, ImportAction] = Machine(
    start=ImportStatus.WAITING,
    moves={
        (ImportStatus.WAITING, ImportAction.COMPARE): ImportStatus.READY,
        (ImportStatus.WAITING, ImportAction.GIVE_UP): ImportStatus.UNREADABLE,
        (ImportStatus.WAITING, ImportAction.CANCEL): ImportStatus.CANCELLED,
        (ImportStatus.READY, ImportAction.CONFIRM): ImportStatus.APPLYING,
        (ImportStatus.READY, ImportAction.CANCEL): ImportStatus.CANCELLED,
        (ImportStatus.APPLYING, ImportAction.FINISH): ImportStatus.DONE,
    },
)


class ItemStatus(StrEnum):
    """A product of the sheet: all of its lines are saved together, or none of them."""

    WAITING = "waiting"
    APPLIED = "applied"
    REFUSED = "refused"  # when it was to be saved: somebody changed the product meanwhile
    WRONG = "wrong"  # as it was read


class SheetRefused(Refusal):
    """Not a sheet that can be read, and why."""

    code = "sheet_refused"


class NoSuchImport(Refusal):
    code = "no_such_import"


@dataclass(frozen=True, slots=True)
class Line:
    """A line under the heading; only the columns that the sheet has are in its cells."""

    number: int
    cells: Mapping[str, str]
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    columns: tuple[str, ...]
    ignored: tuple[str, ...]  # headings that mean nothing here
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong in one line."""

    line: int
    column: str
    code: str
    written: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "facts": dict(self.facts)}


@dataclass(frozen=True, slots=True)
class Difference:
    """What a line changes; both sides as the sheet writes them."""

    line: int
    sku: str  # empty: it is the product's
    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What an import does to one product."""

    seq: int = 0
    line: int
    title: str
    product_id: str
    product_version: int
    status: ItemStatus
    wanted: Mapping[str, Any] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    errors: tuple[Wrong, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    id: str
    supplier_id: str
    brought_by: str
    name: str
    status: ImportStatus
    problem: str
    facts: Mapping[str, Any]
    lines: int
    lines_read: int
    lines_wrong: int
    created: int
    changed: int
    unchanged: int
    wrong: int
    applied: int
    refused: int
    started_at: int
    ended_at: int | None

    @property
    def to_apply(self) -> int:
        return self.created + self.changed

    @property
    def at_work(self) -> bool:
        return self.status in (ImportStatus.WAITING, ImportStatus.APPLYING)

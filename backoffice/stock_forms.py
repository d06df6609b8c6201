"""The form that changes a shelf: read into values, or into one clear sentence per field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from backoffice import words_stock as words
from backoffice.forms import ID
from commerce.inventory import MAIN, Stock
from commerce.kernel import ids

REASON_MIN, REASON_MAX = 3, 200
REFERENCE_MAX = 80
PIECES = re.compile(r"[+-]?[0-9]{1,9}")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
SEEN = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeForm:
    """`version` and `sold` are those of the shelf as the person saw it."""

    key: str
    sku: str
    warehouse: str = MAIN
    act: str = "receive"
    pieces: str = ""
    reason: str = ""
    reference: str = ""
    version: int = 0
    sold: int = 0
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return int(self.pieces)

    @property
    def counted(self) -> int:
        """What `on_hand` should say: what is not sold was counted, the rest is in the books."""
        return self.number + self.sold

    def at(self, shelf: Stock) -> ChangeForm:
        """The same form over the shelf as it is now."""
        return replace(self, version=shelf.version, sold=shelf.sold)

    def wrong(self, **errors: str) -> ChangeForm:
        return replace(self, errors={**self.errors, **errors})


def empty(sku: str, shelf: Stock, act: str) -> ChangeForm:
    known = act if act in words.ACTS and shelf.version else "receive"
    return ChangeForm(key=ids.new_id(), sku=sku, warehouse=shelf.warehouse, act=known).at(shelf)


def read(fields: Mapping[str, str]) -> ChangeForm:
    """The form as it was sent, with what is wrong in it; nothing typed is lost."""

    def typed(name: str) -> str:
        return fields.get(name, "").strip()

    form = ChangeForm(
        key=typed("key") if ID.fullmatch(typed("key")) else ids.new_id(),
        sku=fields.get("sku", ""),
        warehouse=typed("warehouse").lower(),
        act=typed("act"),
        pieces=typed("pieces").replace("\u2212", "-"),  # as a phone's keyboard writes it
        reason=typed("reason"),
        reference=typed("reference")[:REFERENCE_MAX],
        version=_seen(typed("version")),
        sold=_seen(typed("sold")),
    )
    return replace(form, errors=_errors(form))


def _seen(text: str) -> int:
    return int(text) if SEEN.fullmatch(text) else 0


def _errors(form: ChangeForm) -> dict[str, str]:
    errors: dict[str, str] = {}
    if form.act not in words.ACTS:
        errors["act"] = words.ACT
    if not _fits(form):
        errors["pieces"] = words.PIECES
    if not REASON_MIN <= len(form.reason) <= REASON_MAX:
        errors["reason"] = words.REASON
    if not NAME.fullmatch(form.warehouse):
        errors["warehouse"] = words.WAREHOUSE
    return errors


def _fits(form: ChangeForm) -> bool:
    if not PIECES.fullmatch(form.pieces):
        return False
    if form.act == "count":
        return form.number >= 0
    return form.number > 0 if form.act == "receive" else form.number != 0

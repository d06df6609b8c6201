"""The forms of flash prices: read into terms, or into one clear sentence per field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from backoffice import forms, pages
from backoffice import words_flash as words
from commerce.kernel import ids
from commerce.kernel.clock import MINUTE
from commerce.kernel.errors import Refusal
from commerce.promotions import Flash, FlashTerms

WHOLE = re.compile(r"[0-9]{1,7}")
VERSION = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashForm:
    """As it was typed; `flash_id` is also the key under which it is offered once."""

    flash_id: str
    version: int = 0
    sku: str = ""
    leader: str = ""
    price: str = ""
    quantity: str = ""
    per_fan: str = "1"
    minutes: str = "10"
    errors: Mapping[str, str] = field(default_factory=dict)

    def wrong(self, **errors: str) -> FlashForm:
        return replace(self, errors={**self.errors, **errors})

    def refused(self, refusal: Refusal, currency: str) -> FlashForm:
        return self.wrong(**words.at_field(refusal, currency))

    def terms(self, currency: str) -> FlashTerms:
        """Of a form in which nothing is wrong."""
        return FlashTerms(
            price_minor=forms.amount(self.price, currency),
            quantity=int(self.quantity),
            duration=int(self.minutes) * MINUTE,
        )

    def checked(self, currency: str) -> FlashForm:
        """With a sentence at each field that cannot be read."""
        whole = {"quantity": words.PIECES, "per_fan": words.PIECES, "minutes": words.MINUTES}
        errors = {
            name: said for name, said in whole.items() if not WHOLE.fullmatch(getattr(self, name))
        }
        try:
            forms.amount(self.price, currency)
        except forms.NoSuchAmount:
            errors["price"] = words.PRICE
        return self.wrong(**errors)


def empty(sku: str = "") -> FlashForm:
    return FlashForm(flash_id=ids.new_id(), sku=sku)


def of(flash: Flash) -> FlashForm:
    """What the supplier offers, for the leader to start as it is or with less."""
    return FlashForm(
        flash_id=flash.id,
        version=flash.version,
        sku=flash.sku,
        price=pages.major(flash.terms.price_minor, flash.currency),
        quantity=str(flash.terms.quantity),
        per_fan=str(flash.per_fan),
        minutes=str(flash.terms.duration // MINUTE),
    )


def read(fields: Mapping[str, str]) -> FlashForm:
    def typed(name: str) -> str:
        return fields.get(name, "").strip()

    given, version = typed("flash"), typed("version")
    return FlashForm(
        flash_id=given if forms.ID.fullmatch(given) else ids.new_id(),
        version=int(version) if VERSION.fullmatch(version) else 0,
        sku=fields.get("sku", ""),
        leader=typed("leader"),
        price=typed("price"),
        quantity=typed("quantity"),
        per_fan=typed("per_fan") or "1",
        minutes=typed("minutes"),
    )

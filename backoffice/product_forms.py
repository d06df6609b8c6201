"""The product editor: what was typed, read into changes, or into one clear sentence per field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

from backoffice import forms, pages
from backoffice import words_products as words
from commerce.catalog import Category, Changes, Condition, Product, TaxCategory, Variant

TITLE_MAX, DESCRIPTION_MAX, LABEL_MAX = 120, 4_000, 60
BLANK_ROWS, ROWS_MAX = 3, 300
USUAL = ("size", "colour")
SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
WHOLE = re.compile(r"[0-9]{1,9}")
PERCENT = re.compile(r"([0-9]{1,3})(?:[.,]([0-9]{1,2}))?")
AS_CATEGORY = ""  # chosen in place of a tax category
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductForm:
    """`values` is all text as a person typed it; `theirs` what somebody else saved meanwhile."""

    values: Mapping[str, str]
    rows: int
    version: int
    errors: Mapping[str, str] = field(default_factory=dict)
    theirs: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def wrong(self, **errors: str) -> ProductForm:
        return replace(self, errors={**self.errors, **errors})

    def row_of(self, sku: str) -> int:
        """The row of the SKU; the first where it stands in none."""
        return next((n for n in range(self.rows) if self.get(f"sku-{n}") == sku), 0)

    def more(self) -> ProductForm:
        rows = max(self.rows, min(self.rows + BLANK_ROWS, ROWS_MAX))
        return replace(self, rows=rows, errors={})


def of(product: Product) -> ProductForm:
    """The form as it opens."""
    names = attribute_names(product)
    values = {
        "title": product.title,
        "description": product.description,
        "category": product.category_id,
        "brand": product.brand_id,
        "condition": product.condition.value,
        "tax_category": product.tax_category.value,
        "share_max": pages.percent(product.share_max_bp),
        **{f"name-{place}": name for place, name in enumerate(names)},
    }
    for n, variant in enumerate(product.variants):
        values |= _row(n, variant, names, product.currency)
    rows = len(product.variants) + (BLANK_ROWS if not product.variants else 1)
    return ProductForm(values=values, rows=rows, version=product.version)


def attribute_names(product: Product) -> tuple[str, ...]:
    """What its variants differ by, with room for one more."""
    used = dict.fromkeys(name for variant in product.variants for name in variant.attributes)
    unused = (name for name in USUAL if name not in used)
    return (*used, *unused, "")[: max(len(USUAL), len(used) + 1)]


def _row(n: int, variant: Variant, names: tuple[str, ...], currency: str) -> dict[str, str]:
    def money(minor: int | None) -> str:
        return pages.major(minor, currency) if minor else ""

    made = " / ".join(variant.attributes.values())
    return {
        f"sku-{n}": variant.sku,
        f"label-{n}": "" if variant.label == made else variant.label,
        f"price-{n}": money(variant.price_minor),
        f"min-{n}": money(variant.price_min_minor),
        f"max-{n}": money(variant.price_max_minor),
        f"weight-{n}": str(variant.weight_grams or ""),
        f"volume-{n}": str(variant.volume_cm3 or ""),
        f"picture-{n}": variant.image,
        **{f"value-{n}-{p}": variant.attributes.get(name, "") for p, name in enumerate(names)},
    }


def basis_points(text: str) -> int | None:
    """None where it is no percentage from 0 to 100."""
    found = PERCENT.fullmatch(text.removesuffix("%").strip())
    points = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else -1
    return points if 0 <= points <= 10_000 else None


def read(
    fields: Mapping[str, str], product: Product, categories: Sequence[Category]
) -> tuple[ProductForm, Changes]:
    """The form as it was sent, with what is wrong in it; the changes count where nothing is."""
    values = {name: text.strip() for name, text in fields.items()}
    reading = _Reading(values, product)
    category_id, taxes = values.get("category", ""), {c.id: c.tax_category for c in categories}
    as_category = values.get("tax_category", AS_CATEGORY) == AS_CATEGORY
    changes = Changes(
        title=reading.text("title", TITLE_MAX, words.TITLE),
        description=reading.text("description", DESCRIPTION_MAX),
        category_id=category_id,
        brand_id=values.get("brand", ""),
        condition=reading.choice("condition", Condition, Condition.NEW),
        tax_category=taxes.get(category_id)
        if as_category
        else reading.choice("tax_category", TaxCategory, None),
        share_max_bp=reading.share("share_max"),
        variants=reading.variants(),
    )
    form = ProductForm(
        values=values,
        rows=reading.rows,
        version=reading.number("version") or 0,
        errors=reading.errors,
    )
    return form, changes


class _Reading:
    """Goes through the fields once and remembers what is wrong with each."""

    def __init__(self, values: Mapping[str, str], product: Product) -> None:
        self._values = values
        self._product = product
        self._places = range(len(attribute_names(product)))
        self.errors: dict[str, str] = {}
        most = max(ROWS_MAX, len(product.variants) + BLANK_ROWS)
        self.rows = min(self.number("rows") or BLANK_ROWS, most)

    def get(self, name: str) -> str:
        return self._values.get(name, "")

    def number(self, name: str) -> int | None:
        return int(self.get(name)) if WHOLE.fullmatch(self.get(name)) else None

    def text(self, name: str, longest: int, missing: str = "") -> str:
        said = self.get(name)
        if missing and not said:
            self.errors[name] = missing
        elif len(said) > longest:
            self.errors[name] = words.too_long(longest, len(said))
        return said

    def choice(self, name: str, kind: type[E], otherwise: E | None) -> E | None:
        if self.get(name) in {member.value for member in kind}:
            return kind(self.get(name))
        self.errors[name] = words.CHOOSE
        return otherwise

    def share(self, name: str) -> int:
        points = basis_points(self.get(name) or "0")
        if points is None:
            self.errors[name] = words.PERCENT
        return points or 0

    def money(self, name: str) -> int | None:
        if not self.get(name):
            return None
        try:
            return forms.amount(self.get(name), self._product.currency)
        except forms.NoSuchAmount:
            self.errors[name] = words.AMOUNT
            return None

    def whole(self, name: str) -> int:
        if self.get(name) and self.number(name) is None:
            self.errors[name] = words.WHOLE
        return self.number(name) or 0

    def variants(self) -> tuple[Variant, ...]:
        found = [self._variant(n) for n in range(self.rows) if self._is_meant(n)]
        skus = [variant.sku for variant in found]
        for n in range(self.rows):
            if self._is_meant(n) and self.get(f"sku-{n}") and skus.count(self.get(f"sku-{n}")) > 1:
                self.errors[f"sku-{n}"] = words.SKU_TWICE
        return tuple(found)

    def _is_meant(self, n: int) -> bool:
        """An empty row is no variant, nor is one that is to go."""
        names = ("sku", "label", "price", "min", "max", "weight", "volume")
        typed = [f"{name}-{n}" for name in names]
        typed += [f"value-{n}-{place}" for place in self._places]
        return not self.get(f"gone-{n}") and any(self.get(name) for name in typed)

    def _variant(self, n: int) -> Variant:
        sku = self.get(f"sku-{n}")
        known = {variant.sku for variant in self._product.variants}
        if sku not in known and not SKU.fullmatch(sku):
            self.errors[f"sku-{n}"] = words.SKU
        attributes = {
            self.get(f"name-{place}"): self.get(f"value-{n}-{place}")
            for place in self._places
            if self.get(f"name-{place}") and self.get(f"value-{n}-{place}")
        }
        variant = Variant(
            sku=sku,
            label=self.text(f"label-{n}", LABEL_MAX) or " / ".join(attributes.values()),
            attributes=attributes,
            price_minor=self.money(f"price-{n}") or 0,
            price_min_minor=self.money(f"min-{n}"),
            price_max_minor=self.money(f"max-{n}"),
            image=self.get(f"picture-{n}"),
            weight_grams=self.whole(f"weight-{n}"),
            volume_cm3=self.whole(f"volume-{n}"),
        )
        self._check_picture(n, variant.image)
        return variant

    def _check_picture(self, n: int, picture: str) -> None:
        """Only pictures that were checked when they came in."""
        own = {variant.image for variant in self._product.variants}
        if picture and picture not in {*self._product.pictures, *own}:
            self.errors[f"picture-{n}"] = words.CHOOSE


def over(form: ProductForm, present: Product) -> ProductForm:
    """What was typed, over the product as somebody else saved it meanwhile.

    Variants that they added stand below; taking one off needs somebody who sees it.
    """
    rows, values = form.rows, dict(form.values)
    names = attribute_names(present)
    typed = {form.get(f"sku-{n}"): n for n in range(form.rows) if form.get(f"sku-{n}")}
    theirs = {name: text for name, text in of(present).values.items() if "-" not in name}
    for variant in present.variants:
        if variant.sku in typed:
            theirs |= _row(typed[variant.sku], variant, names, present.currency)
        else:
            values |= _row(rows, variant, names, present.currency)
            rows += 1
    differs = {name: text for name, text in theirs.items() if text != form.get(name)}
    return replace(form, values=values, rows=rows, version=present.version, theirs=differs)

"""A product as lines of a sheet: the same words for what is exported, shown and compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from commerce.catalog.category_model import Brand, Category
from commerce.catalog.model import Product, Variant
from commerce.catalog.sheets_model import ATTRIBUTE, COLUMNS, PRODUCT_COLUMNS
from commerce.catalog.sheets_reading import plain
from commerce.kernel.money import exponent

BETWEEN = " > "  # a category and those within it


@dataclass(frozen=True, slots=True)
class Names:
    """What categories and brands are called in a sheet, where that says which one is meant."""

    categories: Mapping[str, str] = field(default_factory=dict)  # id -> path
    brands: Mapping[str, str] = field(default_factory=dict)  # id -> name

    @staticmethod
    def of(categories: Iterable[Category], brands: Iterable[Brand]) -> Names:
        tree = {one.id: one for one in categories}
        paths = {
            one.id: plain(BETWEEN.join(tree[id].name for id in one.path if id in tree))
            for one in tree.values()
        }
        return Names(_said_once(paths), _said_once({one.id: plain(one.name) for one in brands}))


def _said_once(names: Mapping[str, str]) -> dict[str, str]:
    """Where two have the same name, both are called by their ids."""
    said = list(names.values())
    return {id: name if name and said.count(name) == 1 else id for id, name in names.items()}


def lines_of(product: Product, names: Names) -> list[dict[str, str]]:
    """One per variant; a product without any has one line of its own."""
    own = product_cells(product, names)
    if not product.variants:
        return [dict.fromkeys(COLUMNS, "") | own]
    return [own | variant_cells(variant, product.currency) for variant in product.variants]


def product_cells(product: Product, names: Names) -> dict[str, str]:
    found = {
        "product": product.id,
        "title": product.title,
        "description": product.description,
        "currency": product.currency,
        "category": names.categories.get(product.category_id, product.category_id),
        "brand": names.brands.get(product.brand_id, product.brand_id),
        "condition": product.condition.value,
        "tax_category": product.tax_category.value,
    }
    assert tuple(found) == PRODUCT_COLUMNS
    return {column: plain(text) for column, text in found.items()}


def variant_cells(variant: Variant, currency: str) -> dict[str, str]:
    """`warehouse` and `first_pieces` are empty: they are for what was never in stock."""
    attributes = {f"{ATTRIBUTE}{plain(k)}": plain(v) for k, v in variant.attributes.items()}
    return {
        "sku": plain(variant.sku),
        "option": plain(variant.label),
        "price": amount(variant.price_minor or None, currency),
        "price_min": amount(variant.price_min_minor, currency),
        "price_max": amount(variant.price_max_minor, currency),
        "weight_grams": str(variant.weight_grams or ""),
        "volume_cm3": str(variant.volume_cm3 or ""),
        "warehouse": "",
        "first_pieces": "",
        **attributes,
    }


def amount(minor: int | None, currency: str) -> str:
    """12.50, and nothing where there is none."""
    return "" if minor is None else f"{Decimal(minor).scaleb(-exponent(currency)):f}"

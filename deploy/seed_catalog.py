"""How the demo's products are sorted, and what one of its leaders lists in her own way."""

from __future__ import annotations

from commerce import catalog
from commerce.catalog import TaxCategory, Terms
from commerce.kernel.database import Tx

CATEGORIES = {  # number -> name and what it is within
    71: ("To wear", 0),
    72: ("Clothes", 71),
    73: ("Shoes", 71),
    74: ("Bags", 71),
    75: ("For the home", 0),
    76: ("Kitchen", 75),
    77: ("Lamps and plants", 75),
}
BRANDS = {81: "Northlight", 82: "Clay & Current"}
CATEGORY_OF = {21: 72, 22: 73, 23: 74, 24: 76, 25: 77, 26: 77}  # by product
BRAND_OF = {11: 81, 12: 82}  # by supplier
SHARE_MAX_BP = 2_000
MUG = 24


def key(number: int) -> str:
    return f"01976000-0000-7000-8000-{number:012d}"


def limits(price_minor: int) -> tuple[int, int]:
    """The least and the most that leaders may ask: a fifth less, a quarter more."""
    return price_minor * 4 // 5, price_minor * 5 // 4


async def sort(tx: Tx) -> None:
    for number, (name, parent) in CATEGORIES.items():
        await catalog.create_category(
            tx,
            category_id=key(number),
            name=name,
            parent_id=key(parent) if parent else "",
            tax_category=TaxCategory.STANDARD,
        )
    for number, name in BRANDS.items():
        await catalog.create_brand(tx, brand_id=key(number), name=name)


async def list_mug(tx: Tx, leader_id: str) -> None:
    """A leader's own words, price and share for a product of somebody else."""
    mug = await catalog.product(tx, key(MUG))
    terms = Terms(
        prices={variant.sku: 1_900 for variant in mug.variants},
        title="My first-coffee mug",
        share_bp=1_500,
    )
    await catalog.put_listing(tx, leader_id=leader_id, product_id=mug.id, terms=terms)

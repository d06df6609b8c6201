"""Entries are made anew from the truth, whatever was told of it and in whatever order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from commerce import inventory
from commerce.catalog import category_store, search_model, search_store, store
from commerce.catalog.model import Product
from commerce.catalog.search_model import Facts
from commerce.kernel.database import Tx

TOGETHER_MAX = 200  # products refreshed in one unit of work


async def refresh(tx: Tx, product_ids: Sequence[str]) -> int:
    """Let the entries say what is so; how many said something else before."""
    if not product_ids:
        return 0
    # Whoever refreshes the same product waits here, and then reads what is committed by then.
    rows = await search_store.lock(tx, product_ids)
    facts = await _facts(tx, product_ids)
    entries = {one.product.id: search_model.entry_of(one) for one in facts}
    wrong = [
        entry
        for product_id, entry in entries.items()
        if product_id not in rows or not search_store.is_as(rows[product_id], entry, tx.dialect)
    ]
    gone = rows.keys() - entries.keys()
    terms = set(chain.from_iterable(map(search_model.terms_of, facts)))
    await search_store.learn(tx, terms)
    await search_store.put(tx, wrong)
    await search_store.remove(tx, gone)
    return len(wrong) + len(gone)


async def refresh_stock(tx: Tx, sku: str) -> None:
    """Most of what moves in stock leaves a product as much in stock as it was."""
    for product in (await store.of_skus(tx, [sku])).values():
        available = await inventory.available(tx, [variant.sku for variant in product.variants])
        told = await search_store.facets(tx, product.id)
        if told is None or (search_model.IN_STOCK in told.split()) != any(available.values()):
            await refresh(tx, [product.id])


async def _facts(tx: Tx, product_ids: Sequence[str]) -> list[Facts]:
    products = await store.some(tx, product_ids)
    created = await search_store.created(tx, product_ids)
    leaders = await search_store.leaders(tx, product_ids)
    brands = await search_store.brand_names(tx, {product.brand_id for product in products})
    categories = {one.id: one for one in await category_store.tree(tx)}
    skus = [variant.sku for product in products for variant in product.variants]
    available = await inventory.available(tx, skus)

    def of(product: Product) -> Facts:
        category = categories.get(product.category_id)
        path = category.path if category else ()
        names = [categories[one].name for one in path if one in categories]
        return Facts(
            product=product,
            created_at=created[product.id],
            category_path=path,
            names=[*names, *filter(None, [brands.get(product.brand_id)])],
            leaders=leaders.get(product.id, {}),
            in_stock=any(available[variant.sku] > 0 for variant in product.variants),
        )

    return [of(product) for product in products]


async def refresh_next(tx: Tx, after: str, most: int = TOGETHER_MAX) -> tuple[str, int]:
    """The products that come after this id; where to go on ("" at the end), how many were wrong."""
    product_ids = await search_store.next_products(tx, after, most)
    wrong = await refresh(tx, product_ids)
    return (product_ids[-1] if len(product_ids) == most else ""), wrong

"""Looks for what a fan asks for: in what is shown now, at its leader's, in the whole shop."""

from __future__ import annotations

from collections.abc import Sequence

import live
from bot import words
from bot.intents import Find, Good
from commerce import catalog
from commerce.kernel.database import Tx

OTHERS_MAX = 4


async def own_and_others(
    tx: Tx, intent: Find, offer: live.Offer | None, public_url: str
) -> tuple[tuple[str, ...], tuple[Good, ...]]:
    """The SKUs on offer that fit, and other products where none of them does."""
    everywhere = await catalog.search(tx, catalog.Query(text=intent.text, page_size=OTHERS_MAX + 1))
    if offer is not None:
        shown = await catalog.product(tx, offer.product_id)
        for text in filter(None, (intent.text, everywhere.corrected)):
            if skus := _fitting(text, shown, [option.sku for option in offer.options]):
                return skus, ()
    at_leader = await _of_leader(tx, intent, offer)
    products = {product.id: product for product in (*at_leader, *everywhere.hits)}
    if offer is not None:
        products.pop(offer.product_id, None)
    goods = [_good(product, public_url) for product in products.values()]
    return (), tuple(goods[:OTHERS_MAX])


async def _of_leader(tx: Tx, intent: Find, offer: live.Offer | None) -> Sequence[catalog.Product]:
    if offer is None:
        return ()
    listed = {catalog.Facet.LEADER: [offer.leader_id]}
    query = catalog.Query(text=intent.text, chosen=listed, page_size=OTHERS_MAX + 1)
    return (await catalog.search(tx, query)).hits


def _fitting(text: str, product: catalog.Product, skus: Sequence[str]) -> tuple[str, ...]:
    """Those of which each word is said: by themselves, or by the title of the product."""
    wanted = words.with_sizes(words.fold(text)).split()
    title = words.fold(product.title).split()

    def fits(variant: catalog.Variant) -> bool:
        own = " ".join([variant.label, *variant.attributes.values()])
        said = [*words.with_sizes(words.fold(own)).split(), *title]
        return all(catalog.same_meaning(word, said) for word in wanted)

    if not wanted:
        return ()
    return tuple(v.sku for v in product.variants if v.sku in skus and fits(v))


def _good(product: catalog.Product, public_url: str) -> Good:
    prices = {variant.price_minor for variant in product.variants}
    return Good(
        product.title, min(prices), product.currency, len(prices) > 1,
        f"{public_url}/shop/{product.id}",
    )  # fmt: skip

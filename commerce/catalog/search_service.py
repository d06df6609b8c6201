"""The one door of the search, over whichever engine the database has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from commerce.catalog import search_model, search_store, search_words, store
from commerce.catalog.model import Product
from commerce.catalog.search_model import (
    CANDIDATES_MAX,
    PAGE_MAX,
    PUBLIC,
    Candidate,
    Facet,
    Found,
    Query,
    Suggestion,
    Viewer,
)
from commerce.kernel.database import Tx

SUGGESTIONS_MAX = 8
SUGGESTED_OF_MAX = 200  # candidates that are ranked while somebody still writes
CORRECTIONS_TRIED_MAX = 5


@dataclass(frozen=True, slots=True)
class _Looked:
    words: Sequence[str]  # as they were looked for in the end
    candidates: list[Candidate]
    named: frozenset[str] = frozenset()  # products of which the text is a SKU
    corrected: str = ""


async def search(tx: Tx, query: Query) -> Found:
    """What there is for the query; where there is nothing, for what was probably meant."""
    looked = await _look(tx, query, CANDIDATES_MAX)
    page = max(1, min(query.page, PAGE_MAX))
    ids = _in_order(query, looked)[(page - 1) * query.page_size : page * query.page_size]
    return Found(
        hits=await _seen(tx, ids, query.viewer),
        total=len(looked.candidates),
        more=len(looked.candidates) >= CANDIDATES_MAX,
        facets=await _counted(tx, query, looked),
        corrected=looked.corrected,
    )


async def complete(tx: Tx, text: str, viewer: Viewer = PUBLIC) -> list[Suggestion]:
    """Titles for a text that is still being written."""
    if not text.strip():
        return []
    query = Query(text=text, viewer=viewer)
    looked = await _look(tx, query, SUGGESTED_OF_MAX)
    hits = await _seen(tx, _in_order(query, looked)[:SUGGESTIONS_MAX], viewer)
    return [Suggestion(product.id, product.title) for product in hits]


async def _look(tx: Tx, query: Query, most: int) -> _Looked:
    words = search_words.asked_words(query.text)
    named = await _named(tx, query)
    if query.text.strip() and not words:  # nothing but signs
        return _Looked((), named, _ids(named))
    found = await _matching(tx, query, words, most)
    if found or named or not words:
        others = _ids(found)
        found += [one for one in named if one.product_id not in others]
        return _Looked(words, found, _ids(named))
    mended = [await _mended(tx, query, word) for word in words]
    if mended != words:
        found = await _matching(tx, query, mended, most)
    return _Looked(mended, found, corrected=" ".join(mended) if found else "")


async def _named(tx: Tx, query: Query) -> list[Candidate]:
    sku = query.text.strip()
    if not sku or len(sku) > search_words.TEXT_LENGTH_MAX:
        return []
    groups = search_model.must_match(query, [search_model.of_sku(sku)])
    return await search_store.matching(tx, groups, query.price, 1)


async def _matching(
    tx: Tx, query: Query, words: Sequence[str], most: int, without: Facet | None = None
) -> list[Candidate]:
    groups = search_model.must_match(query, map(search_words.forms, words), without=without)
    return await search_store.matching(tx, groups, query.price, most)


async def _mended(tx: Tx, query: Query, word: str) -> str:
    """The word, or where it finds nothing the likeliest that finds something for this viewer."""
    if not search_words.correctable(word) or await _matching(tx, query, [word], 1):
        return word
    likely = search_model.nearest(word, await search_store.like(tx, word))
    for term in likely[:CORRECTIONS_TRIED_MAX]:
        if await _matching(tx, query, [term], 1):
            return term
    return word


def _in_order(query: Query, looked: _Looked) -> list[str]:
    return search_model.ranked(looked.candidates, looked.words, query.sort, looked.named)


async def _counted(
    tx: Tx, query: Query, looked: _Looked
) -> dict[Facet, tuple[tuple[str, int], ...]]:
    """Of a facet of which something is chosen, what there would be if it were not."""
    facets = search_model.counted(one.facets for one in looked.candidates)
    for facet in [facet for facet, values in query.chosen.items() if values]:
        open_here = await _matching(tx, query, looked.words, CANDIDATES_MAX, without=facet)
        counts = search_model.counted(one.facets for one in open_here)
        facets[facet] = counts.get(facet, ())
    return facets


async def _seen(tx: Tx, product_ids: Sequence[str], viewer: Viewer) -> tuple[Product, ...]:
    """As they are now: an entry may not know yet what was just hidden."""
    products = {product.id: product for product in await store.some(tx, product_ids)}
    found = [products[one] for one in product_ids if one in products]
    return tuple(product for product in found if viewer.sees(product))


def _ids(candidates: Sequence[Candidate]) -> frozenset[str]:
    return frozenset(one.product_id for one in candidates)

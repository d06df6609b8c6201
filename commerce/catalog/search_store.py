"""Every query of the search, in the words of each engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

import sqlalchemy
from sqlalchemy import Select, bindparam, column, delete, func, select
from sqlalchemy.dialects import postgresql

from commerce.catalog.search_model import NO_PRICE, Between, Candidate, Entry, Groups
from commerce.catalog.search_tables import SEARCH_ENTRIES, SEARCH_GRAMS, SEARCH_TERMS
from commerce.catalog.search_words import Term, grams
from commerce.catalog.tables import BRANDS, LISTINGS, PRODUCTS
from commerce.kernel.columns import Count, Text
from commerce.kernel.database import Row, Tx, any_of, insert_once

ANY_PRICE = Between("")
GRAMS_SHARED = 20  # terms looked at for a word, those with most pieces in common

COLUMNS = ("version", "currency", "price_minor", "created_at", "heading", "facets", "words")

_entries = SEARCH_ENTRIES.c
_fts5 = sqlalchemy.table("search_words", column("search_words"), column("rowid"))
_candidate = (
    _entries.product_id,
    _entries.created_at,
    _entries.currency,
    _entries.price_minor,
    _entries.heading,
    _entries.facets,
)
_low, _high, _most = (bindparam(name, type_=Count) for name in ("low", "high", "most"))
_on_postgresql = func.catalog.search_matching(
    sqlalchemy.cast(bindparam("match", type_=Text), postgresql.TSQUERY), _low, _high, _most
).table_valued(*(one.name for one in _candidate))
MATCHING: Mapping[str, Select[Any]] = {
    "sqlite": select(*_candidate)
    .select_from(_fts5.join(SEARCH_ENTRIES, _entries.doc == _fts5.c.rowid))
    .where(
        _fts5.c.search_words.op("MATCH")(bindparam("match")),
        _entries.price_minor.between(_low, _high),
    )
    .order_by(_fts5.c.rowid.desc())
    .limit(_most),
    "postgresql": select(_on_postgresql),
}

LOCK = (
    select(SEARCH_ENTRIES)
    .where(any_of(_entries.product_id, "ids"))
    .order_by(_entries.product_id)
    .with_for_update()
)
SOME = select(SEARCH_ENTRIES).where(any_of(_entries.product_id, "ids"))
_put = postgresql.insert(SEARCH_ENTRIES)
PUT = _put.on_conflict_do_update(
    index_elements=["product_id"],
    set_={name: _put.excluded[name] for name in COLUMNS},
    where=_entries.version <= _put.excluded.version,
)
REMOVE = delete(SEARCH_ENTRIES).where(any_of(_entries.product_id, "ids"))
KNOWN_TERMS = select(SEARCH_TERMS.c.term).where(any_of(SEARCH_TERMS.c.term, "terms"))
ADD_TERM = insert_once(SEARCH_TERMS, "term")
ADD_GRAM = insert_once(SEARCH_GRAMS, "gram", "term")
LIKE_TERMS = (
    select(SEARCH_GRAMS.c.term)
    .where(any_of(SEARCH_GRAMS.c.gram, "grams"))
    .group_by(SEARCH_GRAMS.c.term)
    .order_by(func.count().desc(), func.length(SEARCH_GRAMS.c.term), SEARCH_GRAMS.c.term)
    .limit(GRAMS_SHARED)
)
CREATED = select(PRODUCTS.c.id, PRODUCTS.c.created_at).where(any_of(PRODUCTS.c.id, "ids"))
LISTED = (
    select(LISTINGS.c.product_id, LISTINGS.c.leader_id, LISTINGS.c.title)
    .where(any_of(LISTINGS.c.product_id, "ids"), LISTINGS.c.status == "active")
    .order_by(LISTINGS.c.leader_id)
)
BRAND_NAMES = select(BRANDS.c.id, BRANDS.c.name).where(any_of(BRANDS.c.id, "ids"))
# Deleted products too: that their entries are gone is looked at as well.
NEXT_PRODUCTS = (
    select(PRODUCTS.c.id)
    .where(PRODUCTS.c.id > bindparam("after"))
    .order_by(PRODUCTS.c.id)
    .limit(bindparam("most"))
)
IN_GROUP = (
    select(PRODUCTS.c.id)
    .where(
        (PRODUCTS.c.category_id == bindparam("group")) | (PRODUCTS.c.brand_id == bindparam("group"))
    )
    .order_by(PRODUCTS.c.id)
    .limit(bindparam("most"))
)


def _match(groups: Groups, dialect: str) -> str:
    """The groups in the engine's language. Terms are letters, digits and "_", so quotes hold."""
    if dialect == "sqlite":
        told = {False: '"{}"', True: '"{}"*'}
        either, both = " OR ", " AND "
    else:
        told = {False: "'{}'", True: "'{}':*"}
        either, both = "|", "&"

    def say(term: Term) -> str:
        return told[term.prefix].format(term.word)

    return both.join(f"({either.join(map(say, group))})" for group in groups)


async def matching(tx: Tx, groups: Groups, price: Between | None, most: int) -> list[Candidate]:
    """Entries with a term of each group, those that came last first."""
    price = price or ANY_PRICE
    rows = await tx.all(
        MATCHING[tx.dialect],
        match=_match(groups, tx.dialect),
        low=price.low_minor,
        high=min(price.high_minor, NO_PRICE),
        most=most,
    )
    return list(map(Candidate._make, cast("list[Iterable[Any]]", rows)))


async def lock(tx: Tx, product_ids: Sequence[str]) -> dict[str, Row]:
    """The entries that there are of the products: one refreshes them at a time."""
    return {row["product_id"]: row for row in await tx.all(LOCK, ids=sorted(product_ids))}


async def versions(tx: Tx, product_ids: Sequence[str]) -> dict[str, int]:
    rows = await tx.all(SOME, ids=list(product_ids))
    return {row["product_id"]: row["version"] for row in rows}


async def facets(tx: Tx, product_id: str) -> str | None:
    """None where there is no entry."""
    row = await tx.first(SOME, ids=[product_id])
    return None if row is None else str(row["facets"])


def is_as(row: Row, entry: Entry, dialect: str) -> bool:
    """Whether the entry stands there as it should be."""
    told = _row(entry, dialect)
    return all(row[name] == told[name] for name in COLUMNS)


async def put(tx: Tx, entries: Sequence[Entry]) -> None:
    """New ones, or in place of older ones."""
    rows = [_row(entry, tx.dialect) for entry in entries]
    await tx.run_many(PUT, sorted(rows, key=lambda row: row["product_id"]))


def _row(entry: Entry, dialect: str) -> dict[str, Any]:
    return {
        "product_id": entry.product_id,
        "version": entry.version,
        "currency": entry.currency,
        "price_minor": entry.price_minor,
        "created_at": entry.created_at,
        "heading": entry.heading,
        "facets": entry.facets,
        "words": _words(entry.words, dialect),
    }


async def remove(tx: Tx, product_ids: Collection[str]) -> None:
    await tx.run(REMOVE, ids=list(product_ids))


def _words(words: Collection[str], dialect: str) -> str:
    """As the engine itself would write them down."""
    told = sorted(words, key=str.encode)
    return " ".join(told) if dialect == "sqlite" else " ".join(f"'{word}'" for word in told)


async def learn(tx: Tx, terms: Collection[str]) -> None:
    """Terms that are new, with their pieces."""
    known = {row["term"] for row in await tx.all(KNOWN_TERMS, terms=list(terms))}
    new = sorted(set(terms) - known)
    await tx.run_many(ADD_TERM, [{"term": term} for term in new])
    pieces = [{"gram": gram, "term": term} for term in new for gram in grams(term)]
    await tx.run_many(ADD_GRAM, pieces)


async def like(tx: Tx, word: str) -> list[str]:
    """Terms that have most pieces in common with the word."""
    return [row["term"] for row in await tx.all(LIKE_TERMS, grams=grams(word))]


async def created(tx: Tx, product_ids: Sequence[str]) -> dict[str, int]:
    rows = await tx.all(CREATED, ids=list(product_ids))
    return {row["id"]: row["created_at"] for row in rows}


async def leaders(tx: Tx, product_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """By product: who lists it, and the title they give it."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in await tx.all(LISTED, ids=list(product_ids)):
        found[row["product_id"]][row["leader_id"]] = row["title"]
    return found


async def brand_names(tx: Tx, brand_ids: Collection[str]) -> dict[str, str]:
    rows = await tx.all(BRAND_NAMES, ids=list(brand_ids))
    return {row["id"]: row["name"] for row in rows}


async def next_products(tx: Tx, after: str, most: int) -> list[str]:
    return [row["id"] for row in await tx.all(NEXT_PRODUCTS, after=after, most=most)]


async def products_in(tx: Tx, group_id: str, most: int) -> list[str]:
    """Of a category or a brand."""
    return [row["id"] for row in await tx.all(IN_GROUP, group=group_id, most=most)]

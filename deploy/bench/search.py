"""How long it takes to find something among many products, as a page or the bot would look for it.

It runs through the door of the catalog, in the measuring process itself and without HTTP.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from itertools import product as every
from typing import Any

import asyncpg
from sqlalchemy import insert

from commerce import catalog
from commerce.catalog import Between, Facet, Query, search_jobs
from commerce.catalog.tables import BRANDS, PRODUCTS, VARIANTS
from commerce.kernel import clock, jsons
from commerce.kernel.database import Database, Tx, connect
from deploy.bench import Kind, report, till
from deploy.bench.loads import Limits
from deploy.bench.report import Row
from deploy.migrations import migrate

TOGETHER = 1_000  # products written in one unit of work
_NOUNS = """
Hoodie Shirt Dress Sneaker Lamp Mug Jacket Skirt Poster Candle Bottle Backpack Scarf Ring Necklace
Cushion Blanket Notebook Watch Speaker Planter Basket Teapot Sandal Apron
"""
NOUNS = _NOUNS.split()
COLOURS = ("Black", "White", "Red", "Green", "Blue", "Yellow", "Pink", "Grey", "Brown")
SIZES = ("S", "M", "L", "XL")
# Words nobody has, so many of them that each is in few products.
INVENTED = tuple(map("".join, every("bdklmnrst", "aeiou", "dklmrst", "aeiou", "nrs")))
BRANDS_COUNT = 300
STRIDES = (7919, 104_729, 1_299_709, 15_485_863)  # primes: what they pick looks like chance
ADD_PRODUCTS, ADD_VARIANTS, ADD_BRANDS = insert(PRODUCTS), insert(VARIANTS), insert(BRANDS)
ASKED = ("exact", "typo", "prefix", "facet", "none")


async def measure(kind: Kind, products: int, limits: Limits) -> list[Row]:
    with till.database_server(kind) as url:
        await asyncio.to_thread(migrate, url)
        database = await connect(url, connections=max(2, limits.concurrency))
        try:
            indexing = Row(
                bench="search, indexing",
                database=kind,
                concurrency=1,
                rate_per_second=await _fill(database, products),
            )
            if kind is Kind.POSTGRESQL:
                await _as_after_a_night(url)
            rows = await _searched(database, kind, products, limits)
        finally:
            await database.close()
    return [*rows, indexing]


async def _fill(database: Database, products: int) -> float:
    """Put them in; how many per second the search then learned."""
    await database.unit_of_work(_add_brands)
    for first in range(0, products, TOGETHER):
        numbers = range(first, min(products, first + TOGETHER))
        await database.unit_of_work(lambda tx, some=numbers: _add(tx, some))  # type: ignore[misc]
    started = clock.monotonic()
    await search_jobs.reindex(database, lambda _: None)
    return round(products / (clock.monotonic() - started), 1)


async def _add_brands(tx: Tx) -> None:
    times = {"version": 1, "created_at": 0, "updated_at": 0}
    rows = [{"id": f"brand-{n}", "name": f"{_word(n, 3)} {n}"} | times for n in range(BRANDS_COUNT)]
    await tx.run_many(ADD_BRANDS, rows)


async def _add(tx: Tx, numbers: range) -> None:
    await tx.run_many(ADD_PRODUCTS, [_product(number) for number in numbers])
    await tx.run_many(ADD_VARIANTS, [one for number in numbers for one in _variants(number)])


def _product(number: int) -> dict[str, Any]:
    return {
        "id": f"product-{number:06}",
        "supplier_id": f"supplier-{number % 200}",
        "title": f"{_word(number, 0).title()} {_noun(number)} {_word(number, 1)}",
        "description": " ".join(_word(number * 12 + n, 2) for n in range(12)),
        "pictures": jsons.dumps(["/media/picture.png"]),
        "currency": "EUR",
        "category_id": "",
        "brand_id": f"brand-{number * STRIDES[2] % BRANDS_COUNT}",
        "condition": catalog.Condition.NEW,
        "tax_category": catalog.TaxCategory.STANDARD,
        "share_max_bp": 0,
        "status": catalog.Status.PUBLISHED,
        "version": 2,
        "created_at": number,
        "updated_at": number,
    }


def _variants(number: int) -> list[dict[str, Any]]:
    colours = {COLOURS[number * stride % len(COLOURS)] for stride in STRIDES[:2]}
    return [
        {
            "sku": f"{number}-{colour}-{size}",
            "product_id": f"product-{number:06}",
            "label": f"{colour} / {size}",
            "attributes": jsons.dumps({"colour": colour, "size": size}),
            "price_minor": 500 + number * STRIDES[1] % 40_000,
            "position": position,
        }
        for position, (colour, size) in enumerate(every(sorted(colours), SIZES[:2]))
    ]


def _word(number: int, which: int) -> str:
    return INVENTED[number * STRIDES[which] % len(INVENTED)]


def _noun(number: int) -> str:
    return NOUNS[number * STRIDES[3] % len(NOUNS)]


def _query(number: int, products: int) -> Query:
    """The kinds of ASKED in turn, each time about another product."""
    about = number * STRIDES[1] % products
    noun, word = _noun(about), _word(about, 0)
    match ASKED[number % len(ASKED)]:
        case "exact":
            sku = f"{about}-{_variants(about)[0]['label'].replace(' / ', '-')}"
            return Query(text=(f"{noun} {word}", word, noun, sku)[number // 5 % 4])
        case "typo":
            slip = f"{noun[:2]}{noun[3]}{noun[2]}{noun[4:]}" if number % 2 else noun[:-2] + noun[-1]
            return Query(text=f"{slip} {COLOURS[about % len(COLOURS)]}")
        case "prefix":
            return Query(text=(noun[:3], noun[:4], word[:3], f"{noun} {word[:2]}")[number // 5 % 4])
        case "facet":
            chosen = {Facet.COLOUR: [COLOURS[about % len(COLOURS)].lower()], Facet.SIZE: ["M"]}
            if number // 5 % 2:
                chosen = {Facet.BRAND: [f"brand-{about % BRANDS_COUNT}"]}
            return Query(text=noun if number % 3 else "", chosen=chosen, price=_between(number))
    return Query(text="" if number // 5 % 2 else f"qx{word}zv")


def _between(number: int) -> Between | None:
    return Between("EUR", 1_000, 9_999) if number % 2 else None


async def _as_after_a_night(url: str) -> None:
    """What autovacuum has done by then."""
    server = await asyncpg.connect(url)
    await server.execute("VACUUM (ANALYZE)")
    await server.close()


async def _searched(database: Database, kind: Kind, products: int, limits: Limits) -> list[Row]:
    took: dict[str, list[float]] = {asked: [] for asked in ASKED}
    gc.collect()
    gc.freeze()  # as a till does once it runs
    for number in range(2 * len(ASKED)):  # the first of each kind prepare their statements
        await _search(database, _query(number, products))
    started = clock.monotonic()
    numbers = iter(range(limits.count))
    until = started + limits.seconds
    callers = [_call(database, products, numbers, until, took) for _ in range(limits.concurrency)]
    await asyncio.gather(*callers)
    seconds = clock.monotonic() - started
    rows = {"search": [one for some in took.values() for one in some]}
    rows |= {f"search, {asked}": some for asked, some in took.items() if some}
    return [
        Row(
            bench=name,
            database=kind,
            concurrency=limits.concurrency,
            rate_per_second=round(len(times) / seconds, 1),
            p50_ms=report.quantile_ms(times, 50),
            p99_ms=report.quantile_ms(times, 99),
        )
        for name, times in rows.items()
    ]


async def _call(
    database: Database,
    products: int,
    numbers: Iterator[int],
    until: float,
    took: dict[str, list[float]],
) -> None:
    for number in numbers:  # shared by all callers
        started = clock.monotonic()
        await _search(database, _query(number, products))
        ended = clock.monotonic()
        took[ASKED[number % len(ASKED)]].append(ended - started)
        if ended >= until:
            return


async def _search(database: Database, query: Query) -> None:
    await database.read(lambda tx: catalog.search(tx, query))

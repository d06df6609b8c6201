"""The search's entries say what is so: fed in any order, made anew, swept, and by many at once."""

from __future__ import annotations

import asyncio
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commerce import catalog, inventory
from commerce.catalog import (
    Changes,
    Eyes,
    Facet,
    Sort,
    Viewer,
    search_feeding,
    search_handlers,
    search_jobs,
)
from commerce.catalog.search_tables import SEARCH_ENTRIES
from commerce.kernel import rounds
from commerce.kernel.outbox import Dispatcher, envelope
from commerce.kernel.tables import CONSUMED, OUTBOX
from tests.catalog.factories import a_draft
from tests.catalog.shelves import SHOP, entries, feed, found, ids, open_shop, thing

SPOIL = SEARCH_ENTRIES.update().values(heading="spoilt", facets="")
SIGNS = st.sampled_from(
    [*"\"'*()|&!:<>-+^{}~\\%_;,.@#\0", " OR ", " AND ", " NOT ", "NEAR(", "hat"]
)
HOSTILE = st.lists(SIGNS | st.text(max_size=4), max_size=8).map("".join)


async def a_life_of_products(database) -> None:
    """Everything that can happen to a product, each announced."""
    await open_shop(database, *SHOP)
    await database.unit_of_work(lambda tx: a_draft(tx, thing("draft", "Draft hat")))
    for product_id in ("mug", "ring", "dress"):
        await database.unit_of_work(lambda tx, one=product_id: catalog.unlist(tx, one))
    await database.unit_of_work(lambda tx: catalog.archive(tx, "ring"))
    await database.unit_of_work(lambda tx: catalog.delete_product(tx, "ring", expected_version=4))
    await database.unit_of_work(lambda tx: catalog.publish(tx, "dress"))
    renamed = Changes(title="Warm hoodie", description="")
    await database.unit_of_work(
        lambda tx: catalog.edit_product(tx, "hoodie", renamed, expected_version=2)
    )
    terms = catalog.Terms(title="My choice", prices={"MUG-ONE": None})
    await database.unit_of_work(
        lambda tx: catalog.put_listing(tx, leader_id="mara", product_id="mug", terms=terms)
    )
    for sku in ("HOODIE-RED", "HOODIE-BLUE"):
        await database.unit_of_work(
            lambda tx, sku=sku: inventory.suspend(tx, sku, reason="counting", by="tester")
        )


async def test_fed_in_any_order_and_more_than_once_is_as_made_anew(database, clock):
    await a_life_of_products(database)
    events = [envelope(row) for row in await database.read(lambda tx: tx.all(OUTBOX.select()))]
    dispatcher = Dispatcher(database, [search_handlers.HANDLERS])
    outcomes = []

    for seed in range(4):
        await database.unit_of_work(lambda tx: tx.run(SEARCH_ENTRIES.delete()))
        await database.unit_of_work(lambda tx: tx.run(CONSUMED.delete()))
        order = events * 2
        Random(seed).shuffle(order)
        for event in order:
            await dispatcher.deliver(event)
        outcomes.append(await entries(database))
    await database.unit_of_work(lambda tx: tx.run(SEARCH_ENTRIES.delete()))
    assert await search_jobs.reindex(database, lambda _: None) == 6

    anew = await entries(database)
    assert [entry["product_id"] for entry in anew] == sorted(
        ["draft", "dress", "hoodie", "mug", "shirt", "sudadera"]
    )
    assert outcomes == [anew] * len(outcomes)
    assert await search_jobs.reindex(database, lambda _: None) == 0
    assert await ids(database, "warm hoodie") == ["hoodie"]
    assert await ids(database, "cosy") == []


async def test_an_event_of_a_version_that_was_seen_changes_nothing(database, clock):
    await open_shop(database, thing("hat", "Hat"))
    (event, *_) = await database.read(
        lambda tx: tx.all(OUTBOX.select().where(OUTBOX.c.name == "product.published"))
    )
    await database.unit_of_work(lambda tx: tx.run(SPOIL))
    spoilt = await entries(database)

    await database.unit_of_work(lambda tx: search_handlers.refresh_product(tx, envelope(event)))

    assert await entries(database) == spoilt


async def test_the_sweep_puts_right_what_drifted_and_goes_round(database, clock):
    await open_shop(database, *SHOP)
    right = await entries(database)
    await database.unit_of_work(lambda tx: tx.run(SPOIL))

    assert await search_jobs.sweep(database) == len(SHOP)

    assert await entries(database) == right
    assert await search_jobs.sweep(database) == 0
    positions = await database.read(rounds.positions)
    assert positions[search_jobs.ROUND] == ""  # fewer than it takes at once: from the start again


async def test_parts_of_a_round_follow_each_other(database, clock):
    await open_shop(database, *SHOP)
    await database.unit_of_work(lambda tx: tx.run(SEARCH_ENTRIES.delete()))
    last, taken = "", []

    while True:
        last, made = await database.unit_of_work(
            lambda tx, after=last: search_feeding.refresh_next(tx, after, most=4)
        )
        taken.append(made)
        if not last:
            break

    assert taken == [4, 2]
    assert len(await ids(database)) == 6


async def test_of_many_who_refresh_at_once_each_tells_the_truth(database, clock):
    await open_shop(database, thing("hat", "Hat"))

    async def retitle(n: int) -> None:
        if n % 2:
            await database.unit_of_work(lambda tx: search_feeding.refresh(tx, ["hat"]))
            return
        product = await database.read(lambda tx: catalog.product(tx, "hat"))
        title = Changes(title=f"Hat {n}")
        try:
            await database.unit_of_work(
                lambda tx: catalog.edit_product(tx, "hat", title, expected_version=product.version)
            )
        except catalog.StaleProduct:
            return

    await asyncio.gather(*(retitle(n) for n in range(12)))
    await feed(database)

    (entry,) = await entries(database)
    now = await database.read(lambda tx: catalog.product(tx, "hat"))
    assert (entry["version"], entry["heading"]) == (now.version, now.title.lower())


def hostile_texts() -> list[str]:
    texts: list[str] = []

    @settings(max_examples=60, database=None, suppress_health_check=list(HealthCheck))
    @given(HOSTILE)
    def gather(text: str) -> None:
        texts.append(text)

    gather()
    return texts


async def test_no_text_breaks_the_search_or_is_more_than_a_text(database, clock):
    await open_shop(database, thing("hat", "Hat"), thing("secret", "Secret", supplier_id="mar"))
    await database.unit_of_work(lambda tx: catalog.unlist(tx, "secret"))
    await feed(database)
    tricks = ['hat" OR "secret', "hat' | 'secret':*", "_seen_staff", "words:hat", "hat*", "\ud800"]
    own = Viewer(Eyes.SUPPLIER, "') | 'x")

    for text in [*hostile_texts(), *tricks]:
        answer = await found(database, text, chosen={Facet.BRAND: [text][: len(text)]})
        assert answer.hits == () or not text
        assert set(await ids(database, text, sort=Sort.NEWEST)) <= {"hat"}
        await database.read(lambda tx, text=text: catalog.complete(tx, text, own))

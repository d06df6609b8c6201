"""Imports: shown before they are saved, saved once whatever dies, never over somebody's change."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from commerce import catalog, inventory, suppliers
from commerce.catalog import Changes, sheets, sheets_jobs, sheets_store
from commerce.catalog.sheets_model import (
    IMPORT_LIFE,
    LINES_MAX,
    Form,
    ImportStatus,
    ItemStatus,
    NoSuchImport,
    SheetRefused,
)
from commerce.catalog.sheets_tables import IMPORT_FILES, IMPORT_ITEMS, IMPORTS
from commerce.kernel.clock import MINUTE
from commerce.kernel.idempotency import KeyReused
from commerce.kernel.machine import IllegalMove
from tests.catalog.factories import a_draft, a_product, a_variant

PRICES = b"sku,price\nshirt-m,26\nshirt-l,27\n"


@pytest.fixture
async def shop(database, clock):
    async def open_it(tx):
        await suppliers.create(tx, supplier_id="sol", name="Sol", country="ES", currency="EUR")
        await a_draft(tx)

    await database.unit_of_work(open_it)
    return database


def bring(database, content=PRICES, *, key="form", supplier_id="sol", by="nell"):
    return database.unit_of_work(
        lambda tx: sheets.bring_sheet(
            tx, key=key, supplier_id=supplier_id, by=by, name="prices.csv", content=content
        )
    )


async def compared(database, content=PRICES, **given):
    brought = await bring(database, content, **given)
    await sheets_jobs.work_off(database)
    return await one(database, brought.id)


def one(database, import_id, supplier_id="sol"):
    return database.read(lambda tx: sheets.imported(tx, import_id, supplier_id=supplier_id))


def confirm(database, import_id, supplier_id="sol"):
    return database.unit_of_work(
        lambda tx: sheets.confirm_import(tx, import_id, supplier_id=supplier_id)
    )


def items(database, import_id, *statuses):
    return database.read(
        lambda tx: sheets.import_items(tx, import_id, statuses=statuses or ItemStatus, most=99_999)
    )


def product(database, product_id="shirt"):
    return database.read(lambda tx: catalog.product(tx, product_id))


def products(database):
    return database.read(lambda tx: catalog.products_page(tx, most=99))


def counted(found) -> tuple[Any, ...]:
    return (found.status, found.created, found.changed, found.unchanged, found.wrong)


async def test_a_sheet_is_shown_first_and_saved_when_confirmed(shop):
    found = await compared(shop, PRICES + b"hat,9\n")
    before = await product(shop)

    assert counted(found) == (ImportStatus.READY, 0, 1, 0, 1)
    assert (found.lines, found.lines_read, found.lines_wrong) == (3, 3, 1)
    assert before == a_product()
    await confirm(shop, found.id)
    assert await sheets_jobs.work_off(shop) == 1

    done = await one(shop, found.id)
    assert (done.status, done.applied, done.refused) == (ImportStatus.DONE, 1, 0)
    assert [v.price_minor for v in (await product(shop)).variants] == [2_600, 2_700]
    assert (await product(shop)).version == 2
    assert await shop.read(lambda tx: tx.all(IMPORT_FILES.select())) == []


async def test_new_products_come_with_their_first_pieces(shop):
    sheet = b"product,title,sku,option,price,first_pieces\nhat,Hat,HAT-S,S,9,4\nhat,,HAT-M,M,9,\n"
    found = await compared(shop, sheet)
    await confirm(shop, found.id)
    await sheets_jobs.work_off(shop)

    [hat] = [p for p in await products(shop) if p.title == "Hat"]
    assert (hat.supplier_id, hat.currency, hat.status) == ("sol", "EUR", catalog.Status.DRAFT)
    assert [v.label for v in hat.variants] == ["S", "M"]
    assert await shop.read(lambda tx: inventory.available(tx, ["HAT-S"])) == {"HAT-S": 4}
    [moved] = await shop.read(lambda tx: inventory.history(tx, ["HAT-S"]))
    assert (moved.quantity, moved.by) == (4, "nell")

    again = await compared(shop, sheet, key="again")
    assert counted(again) == (ImportStatus.READY, 0, 0, 1, 0)


async def test_the_same_form_twice_at_once_is_one_import(shop):
    brought = await asyncio.gather(*(bring(shop) for _ in range(5)))

    assert len({found.id for found in brought}) == 1
    with pytest.raises(KeyReused):
        await bring(shop, supplier_id="luna")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"name,price\nx,1\n", "no_sku_column"),
        (b"sku,price\n", "no_lines"),
        (b"\x89PNG\0\0\x81\x8d", "not_a_sheet"),
        (b"PK\x03\x04 but no archive", "broken_xlsx"),
        (b"sku,sku\na,b\n", "column_twice"),
    ],
)
async def test_what_is_no_sheet_ends_with_why(shop, content, problem):
    found = await compared(shop, content)

    assert (found.status, found.problem) == (ImportStatus.UNREADABLE, problem)
    assert found.ended_at is not None


async def test_nothing_and_too_much_are_not_even_taken_in(shop):
    for content in (b" \n", b"x" * (10 * 1024 * 1024 + 1)):
        with pytest.raises(SheetRefused):
            await bring(shop, content)

    assert await shop.read(lambda tx: tx.all(IMPORTS.select())) == []


async def test_ten_thousand_broken_lines_are_all_told(shop):
    """Some hundreds of products, with forty variants each."""
    lines = [f"new-{n},Thing {n // 40}," for n in range(10_000)]

    found = await compared(shop, "\n".join(["sku,title,price", *lines]).encode())

    assert counted(found) == (ImportStatus.READY, 0, 0, 0, 250)
    assert found.lines_wrong == 10_000
    wrong = await items(shop, found.id, ItemStatus.WRONG)
    assert [e.line for item in wrong for e in item.errors] == list(range(2, 10_002))
    assert LINES_MAX >= 10_000


async def test_a_product_that_changed_meanwhile_is_told_and_not_overwritten(shop):
    await shop.unit_of_work(
        lambda tx: a_draft(tx, a_product(id="hat", variants=(a_variant(sku="hat"),)))
    )
    found = await compared(shop, PRICES + b"hat,30\n")
    await shop.unit_of_work(
        lambda tx: catalog.edit_product(tx, "shirt", Changes(title="Silk"), expected_version=1)
    )
    await confirm(shop, found.id)
    await sheets_jobs.work_off(shop)

    done = await one(shop, found.id)
    assert (done.status, done.applied, done.refused) == (ImportStatus.DONE, 1, 1)
    shirt = await product(shop)
    assert (shirt.title, shirt.variants) == ("Silk", a_product().variants)
    assert (await product(shop, "hat")).variants[0].price_minor == 3_000
    [refused] = await items(shop, found.id, ItemStatus.REFUSED)
    assert (refused.title, refused.errors[0].code) == ("Linen shirt", "stale_product")


async def test_what_is_refused_when_it_is_saved_leaves_nothing_of_its_product(shop):
    """Its first variant is new, its second is another product's by then."""
    found = await compared(shop, b"product,title,sku,price\nhat,Hat,new-1,5\nhat,,new-2,5\n")
    await shop.unit_of_work(
        lambda tx: a_draft(tx, a_product(id="quick", variants=(a_variant(sku="new-2"),)))
    )
    await confirm(shop, found.id)
    await sheets_jobs.work_off(shop)

    done = await one(shop, found.id)
    assert (done.status, done.applied, done.refused) == (ImportStatus.DONE, 0, 1)
    assert {p.id for p in await products(shop)} == {"shirt", "quick"}
    assert await shop.read(lambda tx: catalog.products_of_skus(tx, ["new-1"])) == {}


MANY = "\n".join(
    ["sku,title,price,first_pieces", *(f"new-{n:02},Thing {n:02},5,2" for n in range(45))]
).encode()


class Killed(BaseException):
    """The process is gone."""


async def dies_at(database, commit: int):
    """Works off, and dies as the given transaction is about to commit."""
    real, seen = database.unit_of_work, 0

    async def counted_work(work):
        nonlocal seen
        seen += 1
        dying = seen == commit

        async def whole(tx):
            result = await work(tx)
            if dying:
                raise Killed
            return result

        return await real(whole)

    database.unit_of_work = counted_work
    try:
        await sheets_jobs.work_off(database)
    except Killed:
        return True
    finally:
        database.unit_of_work = real
    return False


async def test_whoever_is_killed_at_any_commit_goes_on_behind_it(shop, clock):
    brought = await bring(shop, MANY)
    commit = 1
    while await dies_at(shop, commit):
        commit += 1
        clock.advance(2 * MINUTE)
    assert counted(await one(shop, brought.id)) == (ImportStatus.READY, 45, 0, 0, 0)
    await confirm(shop, brought.id)
    commit = 1
    while await dies_at(shop, commit):
        commit += 1
        clock.advance(2 * MINUTE)

    done = await one(shop, brought.id)
    assert (done.status, done.applied, done.refused) == (ImportStatus.DONE, 45, 0)
    made = [p for p in await products(shop) if p.title.startswith("Thing")]
    assert len({p.title for p in made}) == len(made) == 45
    skus = [f"new-{n:02}" for n in range(45)]
    assert await shop.read(lambda tx: inventory.available(tx, skus)) == dict.fromkeys(skus, 2)


async def test_a_sheet_that_kills_whoever_reads_it_is_given_up(shop, clock):
    brought = await bring(shop)
    for _ in range(sheets_jobs.TRIES_MAX):
        assert await shop.unit_of_work(sheets_store.due)
        clock.advance(2 * MINUTE)

    await sheets_jobs.work_off(shop)

    found = await one(shop, brought.id)
    assert (found.status, found.problem) == (ImportStatus.UNREADABLE, "not_read")


async def test_workers_at_once_save_everything_once(shop):
    found = await compared(shop, MANY)
    await confirm(shop, found.id)

    await asyncio.gather(*(sheets_jobs.work_off(shop) for _ in range(4)))

    done = await one(shop, found.id)
    assert (done.status, done.applied) == (ImportStatus.DONE, 45)
    assert len(await products(shop)) == 46


async def test_who_lost_the_lease_saves_nothing_more(shop, clock):
    found = await compared(shop)
    await confirm(shop, found.id)
    slow = await shop.unit_of_work(sheets_store.due)
    clock.advance(2 * MINUTE)
    quick = await shop.unit_of_work(sheets_store.due)
    [item] = await items(shop, found.id)

    with pytest.raises(sheets_jobs.TakenOver):
        await shop.unit_of_work(lambda tx: sheets_jobs._apply(tx, slow, found, [item]))
    assert await product(shop) == a_product()

    for _ in range(2):  # and who has it saves each product once
        await shop.unit_of_work(lambda tx: sheets_jobs._apply(tx, quick, found, [item]))
    assert (await product(shop)).version == 2
    assert (await one(shop, found.id)).applied == 1


async def test_a_cancelled_import_changes_nothing_and_is_not_confirmed(shop):
    found = await compared(shop)
    await shop.unit_of_work(lambda tx: sheets.cancel_import(tx, found.id, supplier_id="sol"))

    with pytest.raises(IllegalMove):
        await confirm(shop, found.id)
    await sheets_jobs.work_off(shop)

    assert (await one(shop, found.id)).status is ImportStatus.CANCELLED
    assert await product(shop) == a_product()


async def test_confirming_twice_saves_once_and_before_it_is_compared_not_at_all(shop):
    brought = await bring(shop)
    with pytest.raises(IllegalMove):
        await confirm(shop, brought.id)
    await sheets_jobs.work_off(shop)
    await asyncio.gather(*(confirm(shop, brought.id) for _ in range(5)))
    await sheets_jobs.work_off(shop)
    await confirm(shop, brought.id)
    await sheets_jobs.work_off(shop)

    assert (await product(shop)).version == 2


async def test_imports_of_others_are_not_there(shop):
    found = await compared(shop)

    for deed in (sheets.imported, sheets.confirm_import, sheets.cancel_import):
        with pytest.raises(NoSuchImport):
            await shop.unit_of_work(lambda tx, deed=deed: deed(tx, found.id, supplier_id="luna"))

    assert (await one(shop, found.id, None)).status is ImportStatus.READY
    listed = [
        await shop.read(lambda tx, who=who: sheets.imports(tx, supplier_id=who, most=9))
        for who in ("sol", None, "luna")
    ]
    assert [len(some) for some in listed] == [1, 1, 0]


@pytest.mark.parametrize("form", Form)
async def test_what_is_exported_changes_nothing_when_it_comes_back(shop, form):
    written = await shop.read(lambda tx: sheets.sheet_of(tx, form, supplier_id="sol"))

    found = await compared(shop, written())

    assert counted(found) == (ImportStatus.READY, 0, 0, 1, 0)
    rows = await shop.read(lambda tx: tx.all(IMPORT_ITEMS.select()))
    assert rows == []


def test_an_import_ends_in_one_of_three_ways():
    assert IMPORT_LIFE.final == {
        ImportStatus.DONE, ImportStatus.UNREADABLE, ImportStatus.CANCELLED,
    }  # fmt: skip


async def test_first_pieces_that_were_booked_meanwhile_are_not_booked_again(shop):
    sheet = b"sku,first_pieces\nshirt-m,4\n"
    found = await compared(shop, sheet)
    await shop.unit_of_work(lambda tx: inventory.receive(tx, "shirt-m", 4, reason="by hand"))

    await confirm(shop, found.id)
    await sheets_jobs.work_off(shop)

    (item,) = await items(shop, found.id)
    assert (item.status, item.errors[0].code) == (ItemStatus.REFUSED, "stock_changed")
    (shelf,) = (await shop.read(lambda tx: inventory.stock_of(tx, ["shirt-m"])))["shirt-m"]
    assert shelf.on_hand == 4
    assert (await product(shop)).version == 1

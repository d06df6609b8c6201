"""Works off sheets in the background: reads and compares them, and saves what was confirmed.

Comparing begins anew wherever it broke off; nothing of it is shown before all is there. Saving goes
a few products at a time, each with the mark that it is saved: whoever is killed goes on behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from commerce.catalog import sheets_applying, sheets_store
from commerce.catalog.sheets_apart import read
from commerce.catalog.sheets_comparing import compare
from commerce.catalog.sheets_lookup import lookup
from commerce.catalog.sheets_model import (
    Import,
    ImportStatus,
    Item,
    ItemStatus,
    Sheet,
    SheetRefused,
    Wrong,
)
from commerce.catalog.sheets_store import LEASE, Work
from commerce.kernel import clock, jsons
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Refusal

T = TypeVar("T")
COMPARED_AT_ONCE = 250
SAVED_AT_ONCE = 10  # they hold up whoever else wants to write
RUN_SECONDS_MAX = 120.0  # so that a run ends before whoever runs it loses patience
TRIES_MAX = 4  # to compare a sheet that takes its process down with it


@dataclass
class Compared:
    """What was found so far."""

    products: int = 0
    items: int = 0
    created: int = 0
    changed: int = 0
    wrong: int = 0
    lines_wrong: int = 0

    def add(self, some: Sequence[Item | None]) -> None:
        self.products += len(some)
        for item in filter(None, some):
            self.items += 1
            self.lines_wrong += len({error.line for error in item.errors})
            if item.status is ItemStatus.WRONG:
                self.wrong += 1
            elif item.product_version:
                self.changed += 1
            else:
                self.created += 1


class TakenOver(Exception):
    """The lease ran out and another process goes on, or a person cancelled."""


async def work_off(database: Database) -> int:
    """All sheets that wait, until the time is up; how many were taken."""
    until, taken = clock.monotonic() + RUN_SECONDS_MAX, 0
    while clock.monotonic() < until:
        work = await database.unit_of_work(sheets_store.due)
        if work is None:
            break
        taken += 1
        try:
            if work.status is ImportStatus.WAITING:
                await _compare(database, work)
            else:
                await _save(database, work, until)
        except TakenOver:
            continue
    return taken


async def _compare(database: Database, work: Work) -> None:
    found, content = await database.read(partial(_brought, import_id=work.id))
    try:
        if work.tries > TRIES_MAX:
            raise SheetRefused(reason="not_read")
        sheet = await asyncio.to_thread(read, content)
    except SheetRefused as refusal:
        await database.unit_of_work(partial(_give_up, work=work, refusal=refusal))
        return
    await database.unit_of_work(partial(_begin, work=work, sheet=sheet))
    comparing = compare(sheet, await lookup(database, found.supplier_id, sheet))
    seen = Compared()
    while some := await asyncio.to_thread(lambda: list(islice(comparing, COMPARED_AT_ONCE))):
        await database.unit_of_work(partial(_note, work=work, sheet=sheet, seen=seen, some=some))
        seen.add(some)
    await database.unit_of_work(partial(_compared, work=work, sheet=sheet, seen=seen))


async def _brought(tx: Tx, import_id: str) -> tuple[Import, bytes]:
    found = await sheets_store.one(tx, import_id)
    content = await tx.scalar(sheets_store.FILE, which=import_id)
    if found is None or content is None:
        raise TakenOver
    return found, bytes(content)


async def _give_up(tx: Tx, work: Work, refusal: SheetRefused) -> None:
    facts = {name: fact for name, fact in refusal.facts.items() if name != "reason"}
    await _ours(
        tx,
        sheets_store.GAVE_UP,
        work,
        new_problem=refusal.facts["reason"],
        new_facts=jsons.dumps(facts),
        now=await tx.now(),
    )
    await tx.run(sheets_store.FORGET_FILE, which=work.id)


async def _begin(tx: Tx, work: Work, sheet: Sheet) -> None:
    """Anew, whatever one that broke off had found."""
    await _read_on(tx, work, sheet, 0)
    await tx.run(sheets_store.FORGET_ITEMS, which=work.id)


async def _read_on(tx: Tx, work: Work, sheet: Sheet, lines: int) -> None:
    until = await tx.now() + LEASE
    await _ours(tx, sheets_store.READ_ON, work, new_lines=len(sheet.lines), read=lines, until=until)


async def _note(
    tx: Tx, work: Work, sheet: Sheet, seen: Compared, some: Sequence[Item | None]
) -> None:
    """A product has a line at least, so there are never more products seen than lines."""
    await _read_on(tx, work, sheet, seen.products + len(some))
    await sheets_store.add_items(tx, work.id, [item for item in some if item], after=seen.items)


async def _compared(tx: Tx, work: Work, sheet: Sheet, seen: Compared) -> None:
    await _ours(
        tx,
        sheets_store.COMPARED,
        work,
        new_facts=jsons.dumps({"ignored": list(sheet.ignored)}),
        new_lines_wrong=seen.lines_wrong,
        new_created=seen.created,
        new_changed=seen.changed,
        new_unchanged=seen.products - seen.items,
        new_wrong=seen.wrong,
    )
    await tx.run(sheets_store.FORGET_FILE, which=work.id)


async def _save(database: Database, work: Work, until: float) -> None:
    found = await database.read(partial(sheets_store.one, import_id=work.id))
    if found is None:
        raise TakenOver
    while clock.monotonic() < until:
        items = await database.read(
            partial(
                sheets_store.items,
                import_id=work.id,
                statuses=[ItemStatus.WAITING],
                most=SAVED_AT_ONCE,
            )
        )
        if not items:
            await database.unit_of_work(partial(_finish, work=work))
            return
        await _save_some(database, work, found, items)
    await database.unit_of_work(partial(_let_go, work=work))


async def _save_some(database: Database, work: Work, found: Import, items: Sequence[Item]) -> None:
    """All in one transaction; where one is refused, each in its own."""
    try:
        await database.unit_of_work(partial(_apply, work=work, found=found, items=items))
    except Refusal:
        for item in items:
            try:
                await database.unit_of_work(partial(_apply, work=work, found=found, items=[item]))
            except Refusal as refusal:
                refuse = partial(_refuse, work=work, item=item, refusal=refusal)
                await database.unit_of_work(refuse)


async def _apply(tx: Tx, work: Work, found: Import, items: Sequence[Item]) -> None:
    fresh = [
        item
        for item in items
        if await sheets_store.settle(tx, work.id, item.seq, ItemStatus.APPLIED)
    ]
    for item in fresh:
        await sheets_applying.apply(tx, found, item)
    await _saved(tx, work, applied=len(fresh))


async def _refuse(tx: Tx, work: Work, item: Item, refusal: Refusal) -> None:
    facts = {name: str(fact) for name, fact in refusal.facts.items()}
    errors = [Wrong(item.line, "product", refusal.code, "", facts)]
    if await sheets_store.settle(tx, work.id, item.seq, ItemStatus.REFUSED, errors):
        await _saved(tx, work, refused=1)


async def _saved(tx: Tx, work: Work, *, applied: int = 0, refused: int = 0) -> None:
    await _ours(
        tx,
        sheets_store.SAVED,
        work,
        more_applied=applied,
        more_refused=refused,
        until=await tx.now() + LEASE,
    )


async def _finish(tx: Tx, work: Work) -> None:
    await _ours(tx, sheets_store.FINISHED, work, now=await tx.now())


async def _let_go(tx: Tx, work: Work) -> None:
    await _ours(tx, sheets_store.LET_GO, work, now=await tx.now())


async def _ours(tx: Tx, statement: Any, work: Work, **values: Any) -> None:
    if not await tx.run(statement, **work.ours, **values):
        raise TakenOver

"""Comparing whole reports, from the provider or from a file, in transactions of their own.

A comparison may be repeated at any time, and by several processes at once: what it found is known
by its name, a fee is posted once, and a run that died is taken over when its lease ends.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from commerce import payments
from commerce.checkout import reconciliation_store, reconciling
from commerce.checkout.reconciliation import compare
from commerce.checkout.reconciliation_values import (
    ComparingNow,
    Comparison,
    EmptyReport,
    NoReport,
    Run,
    RunStatus,
)
from commerce.kernel import ids
from commerce.kernel.clock import DAY, MINUTE
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Outage
from commerce.payments import ReportLine

LEASE = 10 * MINUTE
SETTLING = 10 * MINUTE  # so long money may be on its way between our own books
MARGIN = 1 * DAY  # asked for around a day, so that money near midnight finds its partner
WRITTEN_AT_ONCE = 200
LOOKED_UP_AT_ONCE = 1_000

T = TypeVar("T")
Say = Callable[[str], None]


def quietly(words: str) -> None:
    """Nobody listens."""


def reporting_gateway(gateways: payments.Gateways, provider: str) -> payments.Reporting:
    gateway = gateways.get(provider)
    if not isinstance(gateway, payments.Reporting):
        raise NoReport(provider=provider)
    return gateway


def reporting_providers(gateways: payments.Gateways) -> list[str]:
    """Those that can be compared."""
    return [name for name, one in gateways.items() if isinstance(one, payments.Reporting)]


async def read_file(gateway: payments.Reporting, text: str) -> Sequence[ReportLine]:
    """In a thread, because others are being served meanwhile. Refuses with MalformedReport."""
    return await asyncio.to_thread(gateway.read_report, text)


def period_of(lines: Sequence[ReportLine], now: int) -> tuple[int, int]:
    """The whole days (UTC) that a file speaks of, as far as they can be judged already."""
    if not lines:
        raise EmptyReport()
    first, last = min(line.at for line in lines), max(line.at for line in lines)
    return first - first % DAY, min(last - last % DAY + DAY, now - SETTLING)


async def compared(
    database: Database,
    provider: str,
    lines: Sequence[ReportLine],
    *,
    since: int,
    until: int,
    say: Say = quietly,
) -> Comparison:
    """Only look: nothing is written."""
    say(f"{len(lines):,} lines read; reading the books")
    books = await database.read(
        lambda tx: reconciling.books_for(tx, provider, lines, since=since, until=until)
    )
    say(f"comparing with {len(books.facts):,} movements of our books")
    return await asyncio.to_thread(partial(compare, lines, books, since=since, until=until))


async def compare_file(
    database: Database,
    gateways: payments.Gateways,
    provider: str,
    text: str,
    *,
    name: str,
    say: Say = quietly,
) -> Run:
    """Compare a report file and keep what was found. The same file again is the same run.

    Raises no_report, malformed_report with its line, empty_report, comparing_now.
    """
    lines = await read_file(reporting_gateway(gateways, provider), text)
    since, until = period_of(lines, await database.read(_now))
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    run = _new_run(f"file:{provider}:{fingerprint}", provider, name, since, until)
    taken = await _take(database, run)
    if taken is None:
        raise ComparingNow(provider=provider)
    return await _keep(database, taken, lines, say)


async def compare_day(
    database: Database,
    gateways: payments.Gateways,
    provider: str,
    day: int,
    say: Say = quietly,
) -> Run | None:
    """Ask the provider what it moved on a day; None where somebody else compares it now."""
    gateway = reporting_gateway(gateways, provider)
    run = _new_run(f"day:{provider}:{day // DAY}", provider, "api", day, day + DAY)
    taken = await _take(database, run)
    if taken is None:
        return None
    try:
        lines = await gateway.report(day - MARGIN, day + DAY + MARGIN)
    except Outage as outage:
        failure = str(outage)
        await database.unit_of_work(
            lambda tx: reconciliation_store.end_run(tx, taken.id, RunStatus.FAILED, failure=failure)
        )
        raise
    return await _keep(database, taken, lines, say)


async def _keep(database: Database, run: Run, lines: Sequence[ReportLine], say: Say) -> Run:
    found = await compared(database, run.provider, lines, since=run.since, until=run.until, say=say)
    for fees in _parts(found.fees, WRITTEN_AT_ONCE):
        await database.unit_of_work(
            partial(reconciling.post_fees, provider=run.provider, fees=fees)
        )
    for number, some in enumerate(_parts(found.differences, WRITTEN_AT_ONCE), 1):
        await database.unit_of_work(partial(reconciling.keep, run=run, differences=some))
        say(f"{min(number * WRITTEN_AT_ONCE, len(found.differences)):,} differences kept")
    for abouts in _parts(sorted(found.examined), LOOKED_UP_AT_ONCE):
        await database.unit_of_work(partial(reconciling.explain_gone, run=run, examined=abouts))
    return await database.unit_of_work(partial(_end, run=run, found=found))


async def _end(tx: Tx, run: Run, found: Comparison) -> Run:
    await reconciliation_store.end_run(
        tx,
        run.id,
        RunStatus.DONE,
        lines=found.lines,
        matched=found.matched,
        fees_posted=len(found.fees),
        totals=found.totals,
    )
    ended = await reconciliation_store.run(tx, run.id)
    assert ended is not None, run.id
    return ended


async def _take(database: Database, run: Run) -> Run | None:
    async def work(tx: Tx) -> Run | None:
        leased_until = await tx.now() + LEASE
        return await reconciliation_store.take_run(tx, run, leased_until=leased_until)

    return await database.unit_of_work(work)


def _new_run(key: str, provider: str, source: str, since: int, until: int) -> Run:
    return Run(
        id=ids.new_id(),
        key=key,
        provider=provider,
        source=source,
        since=since,
        until=until,
        status=RunStatus.RUNNING,
    )


async def _now(tx: Tx) -> int:
    return await tx.now()


def _parts(whole: Sequence[T], size: int) -> list[Sequence[T]]:
    return [whole[at : at + size] for at in range(0, len(whole), size)]

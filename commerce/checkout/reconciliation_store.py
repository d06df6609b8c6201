"""Every query of reconciliation runs and of the differences they found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import and_, bindparam, case, func, select, update

from commerce.checkout.reconciliation_values import (
    Difference,
    DifferenceStatus,
    Found,
    Kind,
    Run,
    RunStatus,
    Total,
)
from commerce.checkout.tables import DIFFERENCES, RUNS
from commerce.kernel import jsons
from commerce.kernel.columns import Count, db_now
from commerce.kernel.database import Row, Tx, any_of, insert_once

R, D = RUNS.c, DIFFERENCES.c
OPEN = DifferenceStatus.OPEN

ADD_RUN = insert_once(RUNS, "key")
# One at a time compares a report; who died under it left a lease that ends.
TAKE_RUN = (
    update(RUNS)
    .where(R.key == bindparam("of_key"), R.lease_until <= db_now())
    .values(
        status=RunStatus.RUNNING,
        lease_until=bindparam("leased_until"),
        started_at=db_now(),
        ended_at=None,
        failure="",
        tries=R.tries + 1,
    )
    .returning(RUNS)
)
END_RUN = (
    update(RUNS)
    .where(R.id == bindparam("of_run"))
    .values(
        status=bindparam("new_status"),
        lines=bindparam("new_lines"),
        matched=bindparam("new_matched"),
        fees_posted=R.fees_posted + bindparam("more_fees", type_=Count),
        totals=bindparam("new_totals"),
        failure=bindparam("new_failure"),
        ended_at=db_now(),
        lease_until=0,
    )
)
_open_of_run = (
    select(func.count())
    .select_from(DIFFERENCES)
    .where(D.run_id == R.id, D.status == OPEN)
    .scalar_subquery()
)
_WITH_OPEN = select(RUNS, _open_of_run.label("open"))
RUN = _WITH_OPEN.where(R.id == bindparam("of_run"))
NEWEST_RUNS = _WITH_OPEN.order_by(R.since.desc(), R.provider, R.id.desc()).limit(
    bindparam("most", type_=Count)
)
DAYS_DONE = select(R.since).where(
    R.provider == bindparam("provider"), R.source == "api", R.status == RunStatus.DONE
)
# Days whose differences may have come right since they were compared.
DAYS_OPEN = (
    select(R.since)
    .where(
        R.provider == bindparam("provider"),
        R.source == "api",
        R.status == RunStatus.DONE,
        R.since >= bindparam("since"),
        R.ended_at <= bindparam("ended_before"),
        select(D.id).where(D.run_id == R.id, D.status == OPEN).exists(),
    )
    .order_by(R.since)
)

ADD = insert_once(DIFFERENCES, "provider", "kind", "about")
_gone_by_itself = and_(D.status == DifferenceStatus.EXPLAINED, D.closed_by == "")
AGAIN = (
    update(DIFFERENCES)
    .where(
        D.provider == bindparam("of_provider"),
        D.kind == bindparam("of_kind"),
        D.about == bindparam("of_about"),
    )
    .values(
        run_id=bindparam("of_run"),
        facts=bindparam("new_facts"),
        seen_at=bindparam("at"),
        status=case((_gone_by_itself, OPEN), else_=D.status),
        closed_at=case((_gone_by_itself, None), else_=D.closed_at),
        reason=case((_gone_by_itself, ""), else_=D.reason),
    )
)
GONE = (
    update(DIFFERENCES)
    .where(
        D.provider == bindparam("of_provider"),
        D.status == OPEN,
        any_of(D.about, "abouts"),
        D.seen_at < bindparam("at"),
    )
    .values(
        status=DifferenceStatus.EXPLAINED,
        closed_at=bindparam("at"),
        closed_by="",
        reason=bindparam("why"),
    )
)
ONE = select(DIFFERENCES).where(D.id == bindparam("of_difference"))
LOCK = ONE.with_for_update()
CLOSE = (
    update(DIFFERENCES)
    .where(D.id == bindparam("of_difference"), D.status == OPEN)
    .values(
        status=bindparam("new_status"),
        closed_at=bindparam("at"),
        closed_by=bindparam("by"),
        reason=bindparam("why"),
    )
)
OF_RUN = (
    select(DIFFERENCES)
    .where(D.run_id == bindparam("of_run"))
    .order_by(case((D.status == OPEN, 0), else_=1), D.kind, D.id)
    .limit(bindparam("most", type_=Count))
)
ALL_OPEN = (
    select(DIFFERENCES)
    .where(D.status == OPEN)
    .order_by(D.found_at, D.id)
    .limit(bindparam("most", type_=Count))
)
COUNT_OPEN = (
    select(func.count())
    .select_from(DIFFERENCES)
    .where(D.provider == bindparam("provider"), D.status == OPEN)
)


async def take_run(tx: Tx, run: Run, *, leased_until: int) -> Run | None:
    """The run of this key, for the caller alone; None where somebody else has it."""
    given = {name: getattr(run, name) for name in ("id", "key", "provider", "since", "until")}
    await tx.run(
        ADD_RUN,
        **given,
        source=run.source,
        status=RunStatus.RUNNING,
        lines=0,
        matched=0,
        fees_posted=0,
        totals="{}",
        failure="",
        tries=0,
        lease_until=0,
        started_at=await tx.now(),
        ended_at=None,
    )
    row = await tx.first(TAKE_RUN, of_key=run.key, leased_until=leased_until)
    return None if row is None else _run(row)


async def end_run(
    tx: Tx,
    run_id: str,
    status: RunStatus,
    *,
    lines: int = 0,
    matched: int = 0,
    fees_posted: int = 0,
    totals: Mapping[str, Total] | None = None,
    failure: str = "",
) -> None:
    await tx.run(
        END_RUN,
        of_run=run_id,
        new_status=status,
        new_lines=lines,
        new_matched=matched,
        more_fees=fees_posted,
        new_totals=jsons.dumps({name: asdict(total) for name, total in (totals or {}).items()}),
        new_failure=failure[:500],
    )


async def run(tx: Tx, run_id: str) -> Run | None:
    row = await tx.first(RUN, of_run=run_id)
    return None if row is None else _run(row)


async def newest_runs(tx: Tx, at_most: int) -> list[Run]:
    return [_run(row) for row in await tx.all(NEWEST_RUNS, most=at_most)]


async def days_done(tx: Tx, provider: str) -> set[int]:
    return {row["since"] for row in await tx.all(DAYS_DONE, provider=provider)}


async def days_open(tx: Tx, provider: str, *, since: int, ended_before: int) -> list[int]:
    rows = await tx.all(DAYS_OPEN, provider=provider, since=since, ended_before=ended_before)
    return [row["since"] for row in rows]


async def note(
    tx: Tx, run_id: str, provider: str, difference: Difference, *, new_id: str, at: int
) -> bool:
    """Keep a difference; True where it was not known."""
    facts = jsons.dumps(asdict(difference))
    added = await tx.run(
        ADD,
        id=new_id,
        run_id=run_id,
        provider=provider,
        kind=difference.kind,
        about=difference.about,
        facts=facts,
        order_code=difference.order_code,
        status=OPEN,
        found_at=at,
        seen_at=at,
        closed_at=None,
        closed_by="",
        reason="",
    )
    if not added:
        await tx.run(
            AGAIN,
            of_provider=provider,
            of_kind=difference.kind,
            of_about=difference.about,
            of_run=run_id,
            new_facts=facts,
            at=at,
        )
    return bool(added)


async def gone(tx: Tx, provider: str, abouts: Sequence[str], *, at: int, why: str) -> int:
    """Explain what this comparison looked at and found right; how many."""
    return await tx.run(GONE, of_provider=provider, abouts=list(abouts), at=at, why=why)


async def one(tx: Tx, difference_id: str, *, lock: bool = False) -> Found | None:
    row = await tx.first(LOCK if lock else ONE, of_difference=difference_id)
    return None if row is None else _found(row)


async def close(
    tx: Tx, difference_id: str, status: DifferenceStatus, *, by: str, why: str, at: int
) -> bool:
    closed = await tx.run(
        CLOSE, of_difference=difference_id, new_status=status, by=by, why=why, at=at
    )
    return bool(closed)


async def differences_of(tx: Tx, run_id: str, at_most: int) -> list[Found]:
    return [_found(row) for row in await tx.all(OF_RUN, of_run=run_id, most=at_most)]


async def open_differences(tx: Tx, at_most: int) -> list[Found]:
    return [_found(row) for row in await tx.all(ALL_OPEN, most=at_most)]


async def count_open(tx: Tx, provider: str) -> int:
    found: int = await tx.scalar(COUNT_OPEN, provider=provider)
    return found


def _run(row: Row) -> Run:
    plain = (
        "id", "key", "provider", "source", "since", "until", "lines", "matched", "fees_posted",
        "failure", "tries", "started_at", "ended_at",
    )  # fmt: skip
    totals = jsons.loads(row["totals"])
    return Run(
        **{name: row[name] for name in plain},
        status=RunStatus(row["status"]),
        totals={name: Total(**total) for name, total in totals.items()},
        open=row["open"] if "open" in row.keys() else 0,  # noqa: SIM118  (a row is no mapping)
    )


def _found(row: Row) -> Found:
    facts: dict[str, Any] = jsons.loads(row["facts"])
    return Found(
        id=row["id"],
        run_id=row["run_id"],
        provider=row["provider"],
        difference=Difference(**facts | {"kind": Kind(facts["kind"])}),
        status=DifferenceStatus(row["status"]),
        found_at=row["found_at"],
        seen_at=row["seen_at"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        reason=row["reason"],
    )

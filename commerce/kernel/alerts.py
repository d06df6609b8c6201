"""Alerts: what a person must know, once per thing for as long as it lasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.dialects import postgresql

from commerce.kernel import clock, jsons, logs, metrics
from commerce.kernel.columns import Count
from commerce.kernel.database import Row, Tx
from commerce.kernel.tables import ALERTS

log = logs.get(__name__)
OPEN = metrics.gauge("livetill_alerts_open", "Alerts that a person has to look at", ["alert"])

_OPEN_NOW = ALERTS.c.resolved_at.is_(None)
_THIS = (ALERTS.c.name == bindparam("alert"), ALERTS.c.subject == bindparam("about"), _OPEN_NOW)
AGAIN = (
    update(ALERTS)
    .where(*_THIS)
    .values(
        count=ALERTS.c.count + 1,
        last_at=bindparam("at"),
        message=bindparam("words"),
        facts=bindparam("known"),
    )
)
FIRST = postgresql.insert(ALERTS).on_conflict_do_nothing()  # of the one that is open
RESOLVE = (
    update(ALERTS).where(*_THIS).values(resolved_at=bindparam("at"), resolution=bindparam("why"))
)
OPEN_ONES = select(ALERTS).where(_OPEN_NOW).order_by(ALERTS.c.name, ALERTS.c.subject)
NEWEST = (
    select(ALERTS)
    .order_by(case((_OPEN_NOW, 0), else_=1), ALERTS.c.last_at.desc(), ALERTS.c.seq.desc())
    .limit(bindparam("most", type_=Count))
)
COUNTS = (
    select(ALERTS.c.name, func.count().label("alerts")).where(_OPEN_NOW).group_by(ALERTS.c.name)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    name: str
    subject: str  # what it is about: an SKU, an order, a saga
    message: str  # for a person
    facts: Mapping[str, Any]
    count: int  # how often it was raised since first_at
    first_at: int
    last_at: int
    resolved_at: int | None
    resolution: str

    @property
    def open(self) -> bool:
        return self.resolved_at is None


async def raise_alert(
    tx: Tx, name: str, subject: str, message: str, facts: Mapping[str, Any]
) -> bool:
    """Open an alert, or count the open one on; True where it is new."""
    now, known = clock.now(), jsons.dumps(dict(facts))
    again = {"alert": name, "about": subject, "words": message, "known": known, "at": now}
    if await tx.run(AGAIN, **again):
        return False
    opened = await tx.run(
        FIRST,
        name=name,
        subject=subject,
        message=message,
        facts=known,
        count=1,
        first_at=now,
        last_at=now,
        resolution="",
    )
    if not opened:  # somebody opened it in the same moment
        await tx.run(AGAIN, **again)
        return False
    log.error("alert", alert=name, subject=subject, message=message, facts=known)
    return True


async def resolve(tx: Tx, name: str, subject: str, reason: str) -> bool:
    """Close the open alert; False where none is open."""
    closed = await tx.run(RESOLVE, alert=name, about=subject, why=reason, at=clock.now())
    if closed:
        log.info("alert_resolved", alert=name, subject=subject, reason=reason)
    return bool(closed)


async def open_alerts(tx: Tx) -> list[Alert]:
    return [_alert(row) for row in await tx.all(OPEN_ONES)]


async def newest(tx: Tx, limit: int = 100) -> list[Alert]:
    """The open ones first, then those resolved last."""
    return [_alert(row) for row in await tx.all(NEWEST, most=limit)]


async def measure(tx: Tx) -> None:
    """Set the gauge: each process has metrics of its own, and another one may have raised."""
    counts = {row["name"]: row["alerts"] for row in await tx.all(COUNTS)}
    OPEN.clear()
    for name, number in counts.items():
        OPEN.labels(name).set(number)


def _alert(row: Row) -> Alert:
    return Alert(
        name=row["name"],
        subject=row["subject"],
        message=row["message"],
        facts=jsons.loads(row["facts"]),
        count=row["count"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        resolved_at=row["resolved_at"],
        resolution=row["resolution"],
    )

"""How much of the kernel's work waits for a person, counted cheaply enough for every page."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, bindparam, func, select

from commerce.kernel import metrics
from commerce.kernel.database import Tx
from commerce.kernel.saga import OPEN, STUCK_AFTER
from commerce.kernel.tables import (
    INBOX,
    OUTBOX,
    SAGAS,
    InboxStatus,
    OutboxStatus,
    SagaStatus,
)

WAITING = metrics.gauge("livetill_waiting_for_person", "What a person has to look at", ["what"])


def _count(*where: ColumnElement[bool]) -> ScalarSelect[Any]:
    return select(func.count()).where(*where).scalar_subquery()


COUNTS = select(
    _count(SAGAS.c.status == SagaStatus.PARKED).label("sagas_parked"),
    _count(SAGAS.c.status.in_(OPEN), SAGAS.c.next_at < bindparam("before")).label("sagas_stuck"),
    _count(OUTBOX.c.status == OutboxStatus.PARKED).label("events_parked"),
    _count(INBOX.c.status == InboxStatus.PARKED).label("messages_parked"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    sagas_parked: int
    sagas_stuck: int
    events_parked: int
    messages_parked: int

    @property
    def total(self) -> int:
        return sum(astuple(self))


async def counts(tx: Tx) -> Counts:
    row = await tx.first(COUNTS, before=await tx.now() - STUCK_AFTER)
    assert row is not None
    return Counts(**{name: row[name] for name in Counts.__slots__})


async def measure(tx: Tx) -> None:
    """Bring the gauges up to date; for whoever is about to show them."""
    found = await counts(tx)
    for name in Counts.__slots__:
        WAITING.labels(name).set(getattr(found, name))

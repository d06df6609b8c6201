"""What promotions were seen, touched and bought with, by leader's audience, channel and day.

What fans see is counted in this process and written down by a job: a crash loses some seconds of
it. What they buy is counted from the uses themselves and loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import bindparam, cast, func, select
from sqlalchemy.dialects import postgresql

from commerce.kernel import clock
from commerce.kernel.clock import DAY
from commerce.kernel.columns import Amount, Instant
from commerce.kernel.database import Database, Tx
from commerce.promotions.model import UseStatus
from commerce.promotions.tables import USES, VIEWS

V, U = VIEWS.c, USES.c
ADD = postgresql.insert(VIEWS)
COUNT_UP = ADD.on_conflict_do_update(
    index_elements=["promotion_id", "leader_id", "channel", "day"],
    set_={
        "impressions": V.impressions + ADD.excluded.impressions,
        "clicks": V.clicks + ADD.excluded.clicks,
    },
)
SEEN = (
    select(V.leader_id, V.channel, V.day, V.impressions, V.clicks)
    .where(V.promotion_id == bindparam("promotion"), V.day >= bindparam("since", type_=Instant))
    .order_by(V.day, V.leader_id, V.channel)
)
_day = U.decided_at - U.decided_at % DAY
SOLD = (
    select(
        U.leader_id,
        U.channel,
        _day.label("day"),
        U.currency,
        func.count().label("conversions"),
        cast(func.sum(U.revenue_minor), Amount).label("revenue_minor"),
    )
    .where(
        U.promotion_id == bindparam("promotion"),
        U.status.in_([UseStatus.CONFIRMED, UseStatus.HONOURED]),
        U.decided_at >= bindparam("since", type_=Instant),
    )
    .group_by(U.leader_id, U.channel, _day, U.currency)
    .order_by(_day, U.leader_id, U.channel, U.currency)
)

Place = tuple[str, str, str, int]  # promotion, leader, channel, start of the day


class Seen(StrEnum):
    IMPRESSION = "impression"  # a fan was shown the price
    CLICK = "click"  # a fan went for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """One promotion on one day, in one audience and channel."""

    leader_id: str
    channel: str
    day: int
    impressions: int = 0
    clicks: int = 0
    conversions: int = 0
    revenue_minor: Mapping[str, int] = field(default_factory=dict)  # by currency; never added up


class Performance:
    """Counts what fans see until `flush` writes it down."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: Counter[tuple[Place, Seen]] = Counter()

    def note(self, kind: Seen, rule_ids: Iterable[str], leader_id: str, channel: str) -> None:
        day = clock.now() // DAY * DAY
        for rule_id in rule_ids:
            self._seen[(rule_id, leader_id, channel, day), kind] += 1

    async def flush(self) -> int:
        """Everything counted so far, in one statement; what cannot be written waits."""
        seen, self._seen = self._seen, Counter()
        try:
            return await self._database.unit_of_work(lambda tx: add(tx, seen))
        except BaseException:
            self._seen += seen
            raise


async def add(tx: Tx, seen: Mapping[tuple[Place, Seen], int]) -> int:
    # Every process writes its rows in the same order, so that none waits in a circle.
    places = sorted({place for place, _ in seen})
    rows = [
        {
            "promotion_id": promotion,
            "leader_id": leader,
            "channel": channel,
            "day": day,
            "impressions": seen.get(((promotion, leader, channel, day), Seen.IMPRESSION), 0),
            "clicks": seen.get(((promotion, leader, channel, day), Seen.CLICK), 0),
        }
        for promotion, leader, channel, day in places
    ]
    if rows:
        await tx.run_many(COUNT_UP, rows)
    return len(rows)


async def performance(tx: Tx, promotion_id: str, *, since: int) -> list[Performed]:
    """By day, audience and channel, the oldest day first."""
    first = since // DAY * DAY
    found: dict[tuple[int, str, str], Performed] = {}
    for row in await tx.all(SEEN, promotion=promotion_id, since=first):
        found[row["day"], row["leader_id"], row["channel"]] = Performed(
            leader_id=row["leader_id"],
            channel=row["channel"],
            day=row["day"],
            impressions=row["impressions"],
            clicks=row["clicks"],
        )
    for row in await tx.all(SOLD, promotion=promotion_id, since=first):
        place = row["day"], row["leader_id"], row["channel"]
        before = found.get(
            place, Performed(leader_id=row["leader_id"], channel=row["channel"], day=row["day"])
        )
        found[place] = _with_sold(before, row["conversions"], row["currency"], row["revenue_minor"])
    return [found[place] for place in sorted(found)]


def _with_sold(before: Performed, conversions: int, currency: str, revenue: int) -> Performed:
    return Performed(
        leader_id=before.leader_id,
        channel=before.channel,
        day=before.day,
        impressions=before.impressions,
        clicks=before.clicks,
        conversions=before.conversions + conversions,
        revenue_minor={**before.revenue_minor, currency: revenue},
    )


def totals(performed: Sequence[Performed]) -> Performed:
    """All of it together; currencies stay apart."""
    revenue: Counter[str] = Counter()
    for one in performed:
        revenue.update(one.revenue_minor)
    return Performed(
        leader_id="",
        channel="",
        day=0,
        impressions=sum(one.impressions for one in performed),
        clicks=sum(one.clicks for one in performed),
        conversions=sum(one.conversions for one in performed),
        revenue_minor=dict(revenue),
    )

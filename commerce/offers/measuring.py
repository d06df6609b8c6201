"""What offers are worth, measured against the fans who are held out; figures for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Float, bindparam, cast, func, select

from commerce.kernel import clock, jsons
from commerce.kernel.columns import Count
from commerce.kernel.database import Row, Tx
from commerce.offers.life import Status
from commerce.offers.model import Group, Reason
from commerce.offers.tables import BUDGETS, DECISIONS, DEMAND, OFFERS

FANS_MIN = 30  # in each group, before an interval means anything
SURE = 1.96  # standard errors to either side hold the truth in 95 of 100 cases

_since = (OFFERS.c.decided_at >= bindparam("since"), OFFERS.c.learn_at <= bindparam("now"))
_day = (OFFERS.c.decided_at // clock.DAY * clock.DAY).label("day")
_fans = (
    select(
        OFFERS.c.currency,
        OFFERS.c.grouped,
        func.sum(OFFERS.c.margin_minor).label("margin_minor"),
    )
    .where(*_since)
    .group_by(OFFERS.c.currency, OFFERS.c.grouped, OFFERS.c.fan_id)
    .subquery()
)
_margin = cast(_fans.c.margin_minor, Float)
GROUPS = (
    select(
        _fans.c.currency,
        _fans.c.grouped,
        func.count().label("fans"),
        func.sum(_fans.c.margin_minor).label("margin_minor"),
        func.sum(_margin * _margin).label("squares"),
    )
    .group_by(_fans.c.currency, _fans.c.grouped)
    .order_by(_fans.c.currency, _fans.c.grouped)
)
DAYS = (
    select(
        _day,
        OFFERS.c.currency,
        OFFERS.c.grouped,
        func.count(OFFERS.c.fan_id.distinct()).label("fans"),
        func.sum(OFFERS.c.margin_minor).label("margin_minor"),
    )
    .where(*_since)
    .group_by(_day, OFFERS.c.currency, OFFERS.c.grouped)
    .order_by(_day, OFFERS.c.currency, OFFERS.c.grouped)
)
COUNTS = select(DEMAND).order_by(DEMAND.c.percent_bp)
RECENT = (
    select(DECISIONS, OFFERS.c.status, OFFERS.c.margin_minor)
    .join(OFFERS, OFFERS.c.id == DECISIONS.c.id)
    .order_by(DECISIONS.c.decided_at.desc(), DECISIONS.c.id.desc())
    .limit(bindparam("most", type_=Count))
)
MONEY = select(BUDGETS).order_by(BUDGETS.c.currency)


class Sample(NamedTuple):
    """The margins of a group of fans: how many fans, their sum and the sum of their squares."""

    fans: int
    margin_minor: int
    squares: float

    @property
    def mean(self) -> float:
        return self.margin_minor / self.fans if self.fans else 0.0

    @property
    def variance_of_mean(self) -> float:
        if self.fans < 2:
            return 0.0
        variance = (self.squares - self.fans * self.mean**2) / (self.fans - 1)
        return max(variance, 0.0) / self.fans


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """Margin per fan, with offers against without; amounts are rounded to whole minor units."""

    currency: str
    treated_fans: int
    held_out_fans: int
    treated_minor: int
    held_out_minor: int
    difference_minor: int
    low_minor: int | None  # with the next, where the truth lies in 95 of 100 cases
    high_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfGroup:
    day: int  # its start
    currency: str
    group: Group
    fans: int
    margin_minor: int


class Share(NamedTuple):
    """Of the fans with a history who were counted: how many saw a discount, how many bought."""

    history: str
    percent_bp: int
    trials: int
    bought: int


class Budget(NamedTuple):
    currency: str
    allowed_milli: int
    spent_milli: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A decision as an admin reads it."""

    at: int
    sku: str
    currency: str
    price_minor: int
    floor_minor: int
    cell: str
    percent_bp: int
    propensity_ppm: int
    reason: Reason
    model_version: int
    expected_milli: Mapping[int, int]
    status: Status
    margin_minor: int


def lift(currency: str, treated: Sample, held_out: Sample) -> Lift:
    """The difference of two means, with Welch's standard error."""
    difference = treated.mean - held_out.mean
    width = SURE * (treated.variance_of_mean + held_out.variance_of_mean) ** 0.5
    enough = min(treated.fans, held_out.fans) >= FANS_MIN
    return Lift(
        currency=currency,
        treated_fans=treated.fans,
        held_out_fans=held_out.fans,
        treated_minor=round(treated.mean),
        held_out_minor=round(held_out.mean),
        difference_minor=round(difference),
        low_minor=round(difference - width) if enough else None,
        high_minor=round(difference + width) if enough else None,
    )


async def lifts(tx: Tx, since: int) -> list[Lift]:
    """For each currency, of the offers decided since then that had their time."""
    found: dict[str, dict[str, Sample]] = {}
    for row in await tx.all(GROUPS, since=since, now=await tx.now()):
        sample = Sample(row["fans"], int(row["margin_minor"]), float(row["squares"]))
        found.setdefault(row["currency"], {})[row["grouped"]] = sample
    nobody = Sample(0, 0, 0.0)
    return [
        lift(currency, of.get(Group.TREATED, nobody), of.get(Group.HELD_OUT, nobody))
        for currency, of in found.items()
    ]


async def days(tx: Tx, since: int) -> list[DayOfGroup]:
    """The oldest first."""
    return [
        DayOfGroup(
            day=row["day"],
            currency=row["currency"],
            group=Group(row["grouped"]),
            fans=row["fans"],
            margin_minor=int(row["margin_minor"]),
        )
        for row in await tx.all(DAYS, since=since, now=await tx.now())
    ]


async def shares(tx: Tx) -> list[Share]:
    """By history and discount; the smallest discount first."""
    sums: dict[tuple[str, int], tuple[int, int]] = {}
    for row in await tx.all(COUNTS):
        place = (row["cell"].partition(":")[0], row["percent_bp"])
        trials, bought = sums.get(place, (0, 0))
        sums[place] = (trials + row["trials"], bought + row["bought"])
    return [Share(*place, *counted) for place, counted in sums.items()]


async def budgets(tx: Tx) -> list[Budget]:
    rows = await tx.all(MONEY)
    return [Budget(row["currency"], row["allowed_milli"], row["spent_milli"]) for row in rows]


async def recent(tx: Tx, most: int) -> list[Logged]:
    """The newest decisions first."""
    return [_logged(row) for row in await tx.all(RECENT, most=most)]


def _logged(row: Row) -> Logged:
    facts: dict[str, Any] = jsons.loads(row["facts"])
    return Logged(
        at=row["decided_at"],
        sku=row["sku"],
        currency=row["currency"],
        price_minor=row["price_minor"],
        floor_minor=row["floor_minor"],
        cell=row["cell"],
        percent_bp=row["percent_bp"],
        propensity_ppm=row["propensity_ppm"],
        reason=Reason(row["reason"]),
        model_version=row["model_version"],
        expected_milli={int(arm): milli for arm, milli in facts["expected_milli"].items()},
        status=Status(row["status"]),
        margin_minor=row["margin_minor"],
    )

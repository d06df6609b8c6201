"""What the page of personal offers shows: what they are worth, what is known, what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from backoffice.plot import HEIGHT, WIDTH
from commerce import catalog, loyalty, offers, suppliers
from commerce.kernel import clock
from commerce.kernel.database import Tx
from commerce.kernel.money import exponent
from commerce.loyalty import Tier
from commerce.offers import Budget, DayOfGroup, Group, Kind, Lift, Logged, Rules, Share

DAYS = 30
RECENT = 20
WHOLE = 100


@dataclass(frozen=True, slots=True)
class Curve:
    """A group's margin per fan, day by day."""

    group: str
    points: str  # of a polyline
    dots: tuple[tuple[float, float, int, int], ...]  # x, y, the day's start, minor units per fan


@dataclass(frozen=True, slots=True)
class Worth:
    """One currency: the lift, and how it came about."""

    lift: Lift
    curves: tuple[Curve, ...]
    highest_minor: int
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Slice:
    percent_bp: int
    fans: int
    start: float  # where the slice begins, in percent of all fans with this history
    part: float
    bought: float  # of those, in percent


@dataclass(frozen=True, slots=True)
class Learned:
    history: str
    fans: int
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class Exempted:
    kind: str
    about: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    rules: Rules
    worth: tuple[Worth, ...]
    learned: tuple[Learned, ...]
    recent: Sequence[Logged]
    exempted: Sequence[Exempted]
    budgets: Sequence[Budget]
    tiers: Sequence[Tier]


async def of(tx: Tx) -> Board:
    rules = await offers.rules(tx)
    now = await tx.now()
    days = await offers.days(tx, max(now - DAYS * clock.DAY, rules.measured_since))
    return Board(
        rules=rules,
        worth=tuple(_worth(lift, days) for lift in await offers.lifts(tx, rules.measured_since)),
        learned=tuple(_learned(await offers.shares(tx))),
        recent=await offers.recent(tx, RECENT),
        exempted=await _exempted(tx),
        budgets=await offers.budgets(tx),
        tiers=await loyalty.tiers(tx),
    )


async def _exempted(tx: Tx) -> list[Exempted]:
    found = await offers.exempted(tx)
    products = [about for kind, about in found if kind is Kind.PRODUCT]
    sellers = [about for kind, about in found if kind is Kind.SUPPLIER]
    titles = {one.id: one.title for one in await catalog.products(tx, products)} if products else {}
    names = {one.id: one.name for one in await suppliers.suppliers(tx, sellers)} if sellers else {}
    return [Exempted(kind, about, (titles | names).get(about, about)) for kind, about in found]


def _worth(lift: Lift, days: Iterable[DayOfGroup]) -> Worth:
    own = [day for day in days if day.currency == lift.currency]
    per_fan = {(day.group, day.day): day.margin_minor // day.fans for day in own}
    highest = max(per_fan.values(), default=0)
    shown = sorted({day.day for day in own})
    curves = tuple(_curve(group, per_fan, shown, highest) for group in Group)
    return Worth(lift, curves, highest)


def _curve(
    group: Group, per_fan: Mapping[tuple[Group, int], int], days: Sequence[int], highest: int
) -> Curve:
    first, last = (days[0], days[-1]) if days else (0, 0)
    dots = []
    for day in days:
        if (group, day) in per_fan:
            minor = per_fan[group, day]
            along = (day - first) / (last - first) if last > first else 0.5
            high = minor / highest if highest else 0
            x, y = 8 + along * (WIDTH - 16), HEIGHT - 6 - high * (HEIGHT - 16)
            dots.append((round(x, 1), round(y, 1), day, minor))
    return Curve(group, " ".join(f"{x},{y}" for x, y, _, _ in dots), tuple(dots))


def _learned(shares: Iterable[Share]) -> list[Learned]:
    by_history: dict[str, list[Share]] = {}
    for share in shares:
        if share.trials:
            by_history.setdefault(share.history, []).append(share)
    return [_slices(history, by_history[history]) for history in sorted(by_history)]


def _slices(history: str, shares: Sequence[Share]) -> Learned:
    total = sum(one.trials for one in shares)
    starts = accumulate((one.trials for one in shares), initial=0)
    slices = [
        Slice(
            one.percent_bp,
            one.trials,
            start=round(WHOLE * start / total, 1),
            part=round(WHOLE * one.trials / total, 1),
            bought=round(WHOLE * one.bought / one.trials, 1),
        )
        for one, start in zip(shares, starts, strict=False)
    ]
    return Learned(history, total, tuple(slices))


def left_minor(budget: Budget) -> int:
    return (budget.allowed_milli - budget.spent_milli) // 1_000


def minor_of(milli: int, currency: str) -> str:
    """An expected margin, to a tenth of the smallest unit, in the currency's own unit."""
    return f"{milli / 1_000 / 10 ** exponent(currency):.{exponent(currency) + 1}f} {currency}"

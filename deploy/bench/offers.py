"""What personal offers earn from audiences whose demand is known: the product's own policy.

Margins are expected ones: what a decision brings on the known curve, without the luck of who buys.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from commerce import offers
from commerce.kernel import clock, ids
from commerce.offers import MILLI, WHOLE_BP, Curve, Population, Rules
from deploy.bench.audience import ARMS_BP, AUDIENCES, Fan, fans
from deploy.bench.report import Row

RULES = Rules(salt="bench")
COUNTED_AFTER = 200  # fans later an outcome is known
BATCH = 100  # outcomes are learned at once
FIXED_BP = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRow(Row):
    margin_per_fan_minor: float  # in hundredths of the currency
    of_oracle: float
    worst_deficit: float | None = None  # the most that was ever missing against no discount
    percent_bp: int | None = None


@dataclass(slots=True)
class Learner:
    """The policy at work: it knows counts, as the tables do, and never a curve of the audience."""

    left_milli: int = 0
    counts: dict[str, dict[str, dict[int, tuple[int, int]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )
    populations: dict[str, Population] = field(default_factory=dict)
    believed: dict[str, list[Curve]] = field(default_factory=dict)
    waiting: deque[tuple[Fan, int, bool, int]] = field(default_factory=deque)
    counted: int = 0
    fitted: int = 0

    def decide(self, fan: Fan, number: int) -> int:
        """The discount, after which the fan buys or not."""
        margins = offers.policy.margins(fan.price_minor, fan.floor_minor)
        choice = offers.policy.decide(
            self._curves(fan),
            margins,
            group=RULES.group_of(f"fan {number}"),
            left_milli=self.left_milli,
            chance=ids.fraction(),
        )
        arm = choice.percent_bp
        self.left_milli -= choice.cost_milli
        self.waiting.append((fan, arm, ids.fraction() < fan.chances[arm], margins[arm]))
        if len(self.waiting) >= COUNTED_AFTER + BATCH:
            self._learn()
        return arm

    def _curves(self, fan: Fan) -> list[Curve]:
        key = fan.cell.key
        if key not in self.believed:
            population = self.populations.get(fan.cell.history, offers.demand.NOTHING_KNOWN)
            self.believed[key] = offers.demand.believed(
                self.counts[fan.cell.history][key], population
            )
        return self.believed[key]

    def _learn(self) -> None:
        for _ in range(BATCH):
            fan, arm, bought, margin = self.waiting.popleft()
            of_cell = self.counts[fan.cell.history][fan.cell.key]
            trials, sales = of_cell.get(arm, (0, 0))
            of_cell[arm] = (trials + 1, sales + bought)
            self.believed.pop(fan.cell.key, None)
            if bought:
                self.left_milli += margin * MILLI * RULES.explore_bp // WHOLE_BP
        self.counted += BATCH
        if self.counted - self.fitted >= max(BATCH, self.fitted // 10):
            self.populations = offers.demand.populations(self.counts)
            self.believed.clear()
            self.fitted = self.counted


@dataclass(frozen=True, slots=True)
class Earned:
    """The margin of a whole audience, and the worst deficit against no discount on the way."""

    margin_minor: float
    worst_deficit: float
    seconds: float


async def measure(count: int, seed: int) -> list[OfferRow]:
    ids.set_randomness(seed)
    try:
        return [row for name in AUDIENCES for row in _measured(name, count)]
    finally:
        ids.set_randomness(None)


def _measured(name: str, count: int) -> list[OfferRow]:
    asking = fans(AUDIENCES[name], count)
    known = rows(name, asking)
    oracle = known[-1].margin_per_fan_minor
    ours = learned(asking)
    of_ours = OfferRow(
        bench=f"offers, {name}, personal offers",
        rate_per_second=round(count / ours.seconds, 1),
        margin_per_fan_minor=round(ours.margin_minor / count, 2),
        of_oracle=round(ours.margin_minor / count / oracle, 4),
        worst_deficit=round(ours.worst_deficit, 4),
    )
    return [*known[:-1], of_ours, known[-1]]


def rows(name: str, asking: Sequence[Fan]) -> list[OfferRow]:
    """What needs no learning: the last is the oracle, which knows every curve."""
    fixed = {arm: sum(_brings(fan, arm) for fan in asking) for arm in ARMS_BP}
    best = max(fixed, key=lambda arm: fixed[arm])
    oracle = sum(max(_brings(fan, arm) for arm in ARMS_BP) for fan in asking)
    known = (
        ("no discount", fixed[0], 0),
        ("fixed discount", fixed[FIXED_BP], FIXED_BP),
        ("best fixed discount", fixed[best], best),
        ("oracle", oracle, None),
    )
    return [
        OfferRow(
            bench=f"offers, {name}, {of}",
            margin_per_fan_minor=round(margin / len(asking), 2),
            of_oracle=round(margin / oracle, 4),
            percent_bp=arm,
        )
        for of, margin, arm in known
    ]


def learned(asking: Sequence[Fan]) -> Earned:
    """What the policy earns that begins knowing nothing."""
    learner = Learner()
    started = clock.monotonic()
    ours = none = worst = 0.0
    for number, fan in enumerate(asking):
        ours += _brings(fan, learner.decide(fan, number))
        none += _brings(fan, 0)
        worst = max(worst, 1 - ours / none)
    return Earned(ours, worst, clock.monotonic() - started)


def _brings(fan: Fan, arm: int) -> float:
    """The expected margin; a discount that would pass the floor is the largest that does not."""
    margins = offers.policy.margins(fan.price_minor, fan.floor_minor)
    arm = min(arm, max(margins))
    return margins[arm] * fan.chances[arm]

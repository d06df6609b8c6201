"""Counts how offers ended into `demand`, a batch at a time, and sums up what they teach.

An offer is counted once it is ten minutes old, bought or not: counted at once, those who buy would
be seen before those who do not. What changes later is put right. One learns at a time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select, update

from commerce.kernel import jsons
from commerce.kernel.columns import Count, any_of
from commerce.kernel.database import Row, Tx, insert_once
from commerce.offers.demand import Population
from commerce.offers.life import Status
from commerce.offers.model import MILLI, WHOLE_BP
from commerce.offers.store import KNOWN, ONE
from commerce.offers.tables import BUDGETS, DEMAND, LEARNING, OFFERS

BATCH = 500

BEGIN = insert_once(LEARNING, "id")
# Who finds it locked leaves the learning to whoever holds it.
TURN = select(LEARNING).with_for_update(skip_locked=True)
TO_LEARN = (
    select(OFFERS)
    .where(OFFERS.c.learned != OFFERS.c.status, OFFERS.c.learn_at <= bindparam("now"))
    .order_by(OFFERS.c.learn_at, OFFERS.c.id)
    .limit(bindparam("most", type_=Count))
    .with_for_update(skip_locked=True)
)
LEARNED = update(OFFERS).where(any_of(OFFERS.c.id, "which")).values(learned=OFFERS.c.status)
COUNT = (
    update(DEMAND)
    .where(DEMAND.c.cell == bindparam("which_cell"), DEMAND.c.percent_bp == bindparam("arm"))
    .values(
        trials=DEMAND.c.trials + bindparam("more_trials"),
        bought=DEMAND.c.bought + bindparam("more_bought"),
    )
)
COUNT_FIRST = insert(DEMAND)
ALLOW = (
    update(BUDGETS)
    .where(BUDGETS.c.currency == bindparam("which_currency"))
    .values(allowed_milli=BUDGETS.c.allowed_milli + bindparam("more_milli"))
)
ALLOW_FIRST = insert(BUDGETS)
STEP = update(LEARNING).values(version=LEARNING.c.version + 1)
COUNTS = select(DEMAND).order_by(DEMAND.c.cell, DEMAND.c.percent_bp)
FITTED = (
    update(LEARNING)
    .where(LEARNING.c.fitted_version < bindparam("of_version"))
    .values(populations=bindparam("weights"), fitted_version=bindparam("of_version"))
)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a batch of offers adds to the counts, and to the money for trials."""

    trials: Mapping[tuple[str, int], int]  # by cell and discount
    bought: Mapping[tuple[str, int], int]
    earned_minor: Mapping[str, int]  # by currency


def lesson(rows: Sequence[Row]) -> Lesson:
    """Each row's status against the one that was counted of it before, if any."""
    trials: Counter[tuple[str, int]] = Counter()
    bought: Counter[tuple[str, int]] = Counter()
    earned: Counter[str] = Counter()
    for row in rows:
        place = (row["cell"], row["percent_bp"])
        trials[place] += not row["learned"]
        sale = (row["status"] == Status.BOUGHT) - (row["learned"] == Status.BOUGHT)
        bought[place] += sale
        if sale > 0:
            earned[row["currency"]] += row["margin_minor"]
    return Lesson(trials, bought, earned)


async def learn_some(tx: Tx, explore_bp: int) -> int:
    """How many offers were counted."""
    if await tx.first(TURN) is None:
        await tx.run(BEGIN, id=ONE, version=0, fitted_version=0, populations="{}")
        if await tx.first(TURN) is None:
            return 0
    rows = await tx.all(TO_LEARN, now=await tx.now(), most=BATCH)
    if not rows:
        return 0
    learned = lesson(rows)
    for place in sorted(learned.trials):
        await _count(tx, place, learned.trials[place], learned.bought[place])
    for currency, margin_minor in sorted(learned.earned_minor.items()):
        await _allow(tx, currency, margin_minor * MILLI * explore_bp // WHOLE_BP)
    await tx.run(LEARNED, which=[row["id"] for row in rows])
    await tx.run(STEP)
    return len(rows)


async def _count(tx: Tx, place: tuple[str, int], trials: int, bought: int) -> None:
    cell, arm = place
    counted = await tx.run(COUNT, which_cell=cell, arm=arm, more_trials=trials, more_bought=bought)
    if not counted:
        await tx.run(COUNT_FIRST, cell=cell, percent_bp=arm, trials=trials, bought=bought)


async def _allow(tx: Tx, currency: str, milli: int) -> None:
    if not await tx.run(ALLOW, which_currency=currency, more_milli=milli):
        await tx.run(ALLOW_FIRST, currency=currency, allowed_milli=milli, spent_milli=0)


Cells = dict[str, dict[str, dict[int, tuple[int, int]]]]


async def unfitted(tx: Tx) -> tuple[int, Cells] | None:
    """The newest counts by history and cell, where nothing was summed up from them yet."""
    at = await tx.first(KNOWN)
    if at is None or at["fitted_version"] == at["version"]:
        return None
    cells: Cells = defaultdict(lambda: defaultdict(dict))
    for row in await tx.all(COUNTS):
        of_cell = cells[row["cell"].partition(":")[0]][row["cell"]]
        of_cell[row["percent_bp"]] = (row["trials"], row["bought"])
    return at["version"], cells


async def keep(tx: Tx, version: int, populations: Mapping[str, Population]) -> None:
    """Unless what newer counts teach is there already."""
    weights = jsons.dumps({history: list(one) for history, one in populations.items()})
    await tx.run(FITTED, of_version=version, weights=weights)

"""What must always hold, as queries whose every row is a violation. Used by tests, `doctor` and the
watch that runs every minute.

Only here may one statement look into several contexts: it proves that they agree.
"""

from __future__ import annotations

from collections.abc import Sequence

from commerce.kernel.database import Tx
from deploy.invariants import (
    catalog,
    clearing,
    flash,
    media,
    money,
    offers,
    orders,
    payouts,
    promotions,
    shipping,
    stock,
    waitlist,
    work,
)
from deploy.invariants.rule import Invariant, Part, Violation, asked

INVARIANTS: Sequence[Invariant] = (
    *stock.INVARIANTS,
    *waitlist.INVARIANTS,
    *flash.INVARIANTS,
    *orders.INVARIANTS,
    *money.INVARIANTS,
    *payouts.INVARIANTS,
    *clearing.INVARIANTS,
    *catalog.INVARIANTS,
    *media.INVARIANTS,
    *promotions.INVARIANTS,
    *offers.INVARIANTS,
    *shipping.INVARIANTS,
    *work.INVARIANTS,
)
# What jobs do in time; a till that stands still lets it lie.
CHORES: Sequence[Invariant] = (
    *stock.CHORES,
    *waitlist.CHORES,
    *flash.CHORES,
    *money.CHORES,
    *offers.CHORES,
    *media.CHORES,
)


async def violations(tx: Tx) -> list[Violation]:
    """Everything that does not hold; empty when the books are right."""
    return [found for invariant in INVARIANTS for found in await asked(tx, invariant)]


__all__ = ["CHORES", "INVARIANTS", "Invariant", "Part", "Violation", "asked", "violations"]

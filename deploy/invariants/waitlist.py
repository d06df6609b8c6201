"""What the waitlist told fans is held for them is held."""

from __future__ import annotations

from sqlalchemy import literal, select

from commerce.inventory.tables import HOLDS
from commerce.kernel.columns import db_now
from deploy.invariants.rule import STUCK_AFTER, Invariant, word
from live import WaitStatus
from live.tables import WAITLIST_ENTRIES

E, H = WAITLIST_ENTRIES.c, HOLDS.c
_its_hold = (
    select(H.id)
    .where(H.id == E.hold_id, H.sku == E.sku, H.owner == E.owner, H.quantity == E.held)
    .exists()
)

INVARIANTS = (
    Invariant(
        "turn_is_held",
        "the waitlist told a fan that pieces are held, and there is no such hold",
        select(E.id, E.sku, E.owner).where(
            E.status.in_([WaitStatus.OFFERED, WaitStatus.TAKEN]), ~_its_hold
        ),
    ),
)

# Only of a till that runs.
CHORES = (
    Invariant(
        "no_turn_overdue",
        "the time of a fan's turn is long over, and the fan was not told",
        select(E.id, E.sku, E.expires_at).where(
            E.status == word(WaitStatus.OFFERED), E.expires_at < db_now() - literal(STUCK_AFTER)
        ),
    ),
)

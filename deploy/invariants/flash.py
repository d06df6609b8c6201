"""Pieces at a flash price are counted once, to their fan, and stand on a hold."""

from __future__ import annotations

from sqlalchemy import and_, literal, or_, select

from commerce.inventory.tables import HOLDS
from commerce.kernel.columns import db_now
from commerce.promotions import ClaimStatus
from commerce.promotions.flash_tables import FLASH_CLAIMS, FLASH_FANS, FLASHES
from deploy.invariants.rule import STUCK_AFTER, Invariant, total, word

F, N, C, H = FLASHES.c, FLASH_FANS.c, FLASH_CLAIMS.c, HOLDS.c
_pieces = select(total(C.pieces)).where(C.flash_id == F.id)
_taken = C.status.in_([ClaimStatus.HELD, ClaimStatus.CONFIRMED])
_of_fan = select(total(C.pieces)).where(C.flash_id == N.flash_id, C.owner == N.owner, _taken)
_its_hold = (
    select(H.id).where(H.id == C.hold_id, H.owner == C.owner, H.quantity >= C.pieces).exists()
)
_gone = and_(H.id == C.hold_id, H.status.in_(["released", "expired"]))

INVARIANTS = (
    Invariant(
        "flash_counts_claims",
        "pieces taken, sold or sold late at a flash price are not those of its claims",
        select(F.id, F.sku, F.taken, F.sold, F.late).where(
            or_(
                F.taken != _pieces.where(_taken).scalar_subquery(),
                F.sold != _pieces.where(C.status == ClaimStatus.CONFIRMED).scalar_subquery(),
                F.late != _pieces.where(C.status == ClaimStatus.LATE).scalar_subquery(),
            )
        ),
    ),
    Invariant(
        "flash_fan_counts_claims",
        "what a fan has of a flash price is not the sum of their claims",
        select(N.flash_id, N.owner, N.pieces).where(N.pieces != _of_fan.scalar_subquery()),
    ),
    Invariant(
        "flash_claim_has_a_hold",
        "pieces at a flash price stand on no hold of that fan with so many",
        select(C.hold_id, C.flash_id, C.owner).where(~_its_hold),
    ),
)

# Only of a till that runs.
CHORES = (
    Invariant(
        "no_flash_claim_overdue",
        "a hold is long gone, and its pieces at the flash price were not given back",
        select(C.hold_id, C.flash_id).where(
            C.status == word(ClaimStatus.HELD),
            select(H.id).where(_gone, H.changed_at < db_now() - literal(STUCK_AFTER)).exists(),
        ),
    ),
)

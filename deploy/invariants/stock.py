"""Stock, the holds on it and its movements agree."""

from __future__ import annotations

from sqlalchemy import Text, and_, case, cast, literal, select

from commerce.inventory import HoldStatus, MovementKind
from commerce.inventory.tables import HOLDS, STOCK, STOCK_MOVEMENTS
from commerce.kernel.columns import db_now
from commerce.kernel.tables import SAGAS, SagaStatus
from deploy.invariants.rule import STUCK_AFTER, Invariant, Part, total, word

H, S, M = HOLDS.c, STOCK.c, STOCK_MOVEMENTS.c
_this_shelf = and_(H.sku == S.sku, H.warehouse == S.warehouse)
_moved_here = and_(M.sku == S.sku, M.warehouse == S.warehouse)
# One status at a time, because each has an index of its own.
_held = (
    select(total(H.quantity))
    .where(_this_shelf, H.status == word(HoldStatus.HELD))
    .scalar_subquery()
)
_claiming = (
    select(total(H.quantity))
    .where(_this_shelf, H.status == word(HoldStatus.CLAIMING))
    .scalar_subquery()
)
_claimed = (
    select(total(H.quantity))
    .where(_this_shelf, H.status == word(HoldStatus.CLAIMED))
    .scalar_subquery()
)
_came_in = (
    select(total(M.quantity))
    .where(
        _moved_here,
        M.kind.in_([MovementKind.RECEIVED, MovementKind.ADJUSTED, MovementKind.COUNTED]),
    )
    .scalar_subquery()
)
_went_out = (
    select(total(case((M.kind == MovementKind.SOLD, M.quantity), else_=-M.quantity)))
    .where(_moved_here, M.kind.in_([MovementKind.SOLD, MovementKind.RETURNED]))
    .scalar_subquery()
)
_checkout_lives = (
    select(SAGAS.c.id)
    .where(
        SAGAS.c.kind == "checkout",
        SAGAS.c.status.not_in([SagaStatus.COMPLETED, SagaStatus.REVERTED]),
        cast(SAGAS.c.data, Text).contains(H.id),
    )
    .exists()
)
_no_shelf = ~select(S.sku).where(_this_shelf).exists()

INVARIANTS = (
    Invariant(
        "stock_held_is_holds",
        "the stock row counts other pieces as held than there are holds",
        select(S.sku, S.warehouse, S.held).where(S.held != _held + _claiming),
        Part.SKUS,
        S.sku,
    ),
    Invariant(
        "stock_sold_is_claims",
        "the stock row counts other pieces as sold than were claimed",
        select(S.sku, S.warehouse, S.sold).where(S.sold != _claimed),
        Part.SKUS,
        S.sku,
    ),
    Invariant(
        "stock_on_hand_is_movements",
        "the stock row counts other pieces as on hand than came in, were adjusted or counted",
        select(S.sku, S.warehouse, S.on_hand).where(S.on_hand != _came_in),
        Part.SKUS,
        S.sku,
    ),
    Invariant(
        "stock_sold_is_movements",
        "the stock row counts other pieces as sold than went out and did not come back",
        select(S.sku, S.warehouse, S.sold).where(S.sold != _went_out),
        Part.SKUS,
        S.sku,
    ),
    Invariant(
        "hold_has_a_shelf",
        "pieces are held that no stock row counts",
        select(H.id, H.sku, H.warehouse).where(H.status == word(HoldStatus.HELD), _no_shelf),
    ),
    Invariant(
        "claiming_hold_has_a_checkout",
        "pieces wait for money, but no checkout takes it any more",
        select(H.id, H.sku).where(H.status == word(HoldStatus.CLAIMING), ~_checkout_lives),
    ),
)

# Only of a till that runs.
CHORES = (
    Invariant(
        "no_hold_overdue",
        "pieces are held long after their time",
        select(H.id, H.sku, H.expires_at).where(
            H.status == word(HoldStatus.HELD), H.expires_at < db_now() - literal(STUCK_AFTER)
        ),
    ),
)

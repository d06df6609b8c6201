"""Stock, the holds on it and its movements agree."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Text, and_, case, cast, literal, literal_column, select

from commerce.inventory import HoldStatus, MovementKind
from commerce.inventory.tables import HOLD_PARTS, HOLDS, STOCK, STOCK_MOVEMENTS
from commerce.kernel.columns import db_now
from commerce.kernel.tables import SAGAS, SagaStatus
from deploy.invariants.rule import STUCK_AFTER, Invariant, Part, total, word

H, P, S, M = HOLDS.c, HOLD_PARTS.c, STOCK.c, STOCK_MOVEMENTS.c
_this_shelf = and_(H.sku == S.sku, H.warehouse == S.warehouse)
_part_here = and_(P.hold_id == H.id, P.warehouse == S.warehouse)
_moved_here = and_(M.sku == S.sku, M.warehouse == S.warehouse)
_in_parts = H.warehouse == literal_column("''")  # written out, as the index has it


def _pieces(status: HoldStatus) -> ColumnElement[int]:
    """What a shelf owes to holds. One status at a time, because each has an index of its own."""
    whole = select(total(H.quantity)).where(_this_shelf, H.status == word(status))
    parts = (
        select(total(P.quantity))
        .select_from(HOLDS.join(HOLD_PARTS, _part_here))
        .where(H.sku == S.sku, _in_parts, H.status == word(status))
        .correlate(STOCK)
    )
    return whole.scalar_subquery() + parts.scalar_subquery()


_held, _claiming, _claimed = map(
    _pieces, (HoldStatus.HELD, HoldStatus.CLAIMING, HoldStatus.CLAIMED)
)
_came_in = (
    select(total(case((M.kind == MovementKind.MOVED_OUT, -M.quantity), else_=M.quantity)))
    .where(_moved_here, M.kind.not_in([MovementKind.SOLD, MovementKind.RETURNED]))
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
_of_parts = select(total(P.quantity)).where(P.hold_id == H.id).correlate(HOLDS).scalar_subquery()
_hold_and_shelf = (
    select(H.id)
    .where(H.id == P.hold_id, _in_parts, S.sku == H.sku, S.warehouse == P.warehouse)
    .exists()
)
_on_the_way = (
    select(total(case((M.kind == MovementKind.MOVED_OUT, M.quantity), else_=-M.quantity)))
    .where(M.sku == S.sku, M.kind.in_([MovementKind.MOVED_OUT, MovementKind.MOVED_IN]))
    .scalar_subquery()
)

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
        select(H.id, H.sku, H.warehouse).where(
            H.status == word(HoldStatus.HELD), H.warehouse != "", _no_shelf
        ),
    ),
    Invariant(
        "hold_is_its_parts",
        "a hold over several warehouses has other pieces than its parts",
        select(H.sku, H.id, H.quantity).where(_in_parts, H.quantity != _of_parts),
        Part.SKUS,
        H.sku,
    ),
    Invariant(
        "part_has_a_shelf",
        "a part of a hold is of a hold that is in one warehouse, or where no stock row counts it",
        select(P.hold_id, P.warehouse, P.quantity).where(~_hold_and_shelf),
        Part.REST,
    ),
    Invariant(
        "what_left_arrived",
        "pieces left one warehouse for another and did not arrive, or the other way round",
        select(S.sku).where(_on_the_way != 0).distinct(),
        Part.SKUS,
        S.sku,
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

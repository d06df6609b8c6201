"""Orders agree with the pieces sold for them, with their money, and with the ledger."""

from __future__ import annotations

from sqlalchemy import ColumnElement, case, func, or_, select

from commerce.inventory import MovementKind
from commerce.inventory.tables import STOCK_MOVEMENTS
from commerce.ledger import CUSTOMER_PAYABLE
from commerce.ledger.tables import TRANSFERS
from commerce.orders import Status
from commerce.orders.tables import ORDERS
from commerce.payments.tables import PAYMENTS
from deploy.invariants.rule import Invariant, Part, posted_minor, total

ORDER, P, M = ORDERS.c, PAYMENTS.c, STOCK_MOVEMENTS.c


def _by_the_fan(account: ColumnElement[str]) -> ColumnElement[bool]:
    """Paid, or to be paid at the door; discounts and contained taxes move beside it."""
    return or_(account == CUSTOMER_PAYABLE, account.startswith("receivable:"))


SOLD = (Status.CONFIRMED, Status.PAID, Status.REFUNDED)  # the pieces are the fan's
_for_it = M.reference == ORDER.id
_sold_twice = (  # from one warehouse; its pieces may come from several
    select(M.sku)
    .where(_for_it, M.kind == MovementKind.SOLD)
    .group_by(M.sku, M.warehouse)
    .having(func.count() > 1)
    .exists()
)
_pieces_sold = (
    select(total(M.quantity)).where(_for_it, M.kind == MovementKind.SOLD).scalar_subquery()
)
_pieces_out = (
    select(total(case((M.kind == MovementKind.SOLD, M.quantity), else_=-M.quantity)))
    .where(_for_it, M.kind.in_([MovementKind.SOLD, MovementKind.RETURNED]))
    .scalar_subquery()
)
_captured = select(total(P.captured_minor)).where(P.order_id == ORDER.id).scalar_subquery()
_sale = posted_minor("sold:", ORDER.id, _by_the_fan(TRANSFERS.c.debit))
_taken_back = posted_minor("unsold:", ORDER.id, _by_the_fan(TRANSFERS.c.credit))

INVARIANTS = (
    Invariant(
        "paid_order_sold_once",
        "an order that was paid or confirmed did not take its pieces exactly once",
        select(ORDER.id.label("order_id"), ORDER.code, ORDER.pieces).where(
            ORDER.status.in_(SOLD), or_(_sold_twice, _pieces_sold != ORDER.pieces)
        ),
        Part.ORDERS,
        ORDER.id,
    ),
    Invariant(
        "unpaid_order_sold_nothing",
        "an order that is neither paid nor confirmed has pieces",
        select(ORDER.id.label("order_id"), ORDER.code).where(
            ORDER.status.not_in(SOLD), _pieces_out != 0
        ),
        Part.ORDERS,
        ORDER.id,
    ),
    Invariant(
        "paid_order_has_its_money",
        "an order is paid, but its payments do not add up to its total",
        select(ORDER.id.label("order_id"), ORDER.code, ORDER.total_minor).where(
            ORDER.status.in_([Status.PAID, Status.REFUNDED]), _captured != ORDER.total_minor
        ),
        Part.ORDERS,
        ORDER.id,
    ),
    Invariant(
        "paid_order_is_posted",
        "an order is paid or confirmed, but its sale is not in the ledger with its total",
        select(ORDER.id.label("order_id"), ORDER.code, ORDER.total_minor).where(
            ORDER.status.in_(SOLD), _sale - _taken_back != ORDER.total_minor
        ),
        Part.ORDERS,
        ORDER.id,
    ),
    Invariant(
        "unpaid_order_is_not_posted",
        "an order is neither paid nor confirmed, but the ledger has its sale",
        select(ORDER.id.label("order_id"), ORDER.code).where(
            ORDER.status.not_in(SOLD), _sale != _taken_back
        ),
        Part.ORDERS,
        ORDER.id,
    ),
)

"""What promotions are used for is paid for, and what limits them counts exactly that."""

from __future__ import annotations

from sqlalchemy import func, or_, select

from commerce.orders import Status
from commerce.orders.tables import ORDERS
from commerce.promotions import UseStatus
from commerce.promotions.tables import LIMITS, USES
from deploy.invariants.rule import Invariant, Part

L, U, ORDER = LIMITS.c, USES.c, ORDERS.c
_counted = (
    select(func.count())
    .where(
        U.promotion_id == L.promotion_id,
        or_(L.code == "", U.code == L.code),
        or_(L.fan_id == "", U.fan_id == L.fan_id),
        U.status.in_([UseStatus.RESERVED, UseStatus.CONFIRMED]),
    )
    .scalar_subquery()
)
_of_orders = select(ORDER.id, U.promotion_id, U.status, ORDER.status.label("order")).join(
    USES, U.key == ORDER.reference
)

INVARIANTS = (
    Invariant(
        "promotion_limit_counts_uses",
        "a promotion or its code is counted as used otherwise than it is",
        select(L.key, L.used, L.most).where(L.used != _counted),
        part=Part.REST,
    ),
    Invariant(
        "paid_use_is_of_a_paid_order",
        "the use of a promotion is told as paid, and its order is not",
        _of_orders.where(
            U.status.in_([UseStatus.CONFIRMED, UseStatus.HONOURED]),
            ORDER.status.notin_([Status.PAID, Status.REFUNDED]),
        ),
        part=Part.ORDERS,
        key=ORDER.id,
    ),
    Invariant(
        "reserved_use_is_of_an_open_order",
        "the use of a promotion is kept aside for an order that waits for no money",
        _of_orders.where(
            U.status == UseStatus.RESERVED, ORDER.status.notin_([Status.PENDING, Status.CONFIRMED])
        ),
        part=Part.ORDERS,
        key=ORDER.id,
    ),
    Invariant(
        "use_has_an_order",
        "a promotion is used by something that is no order",
        select(U.key, U.promotion_id).where(
            ~select(ORDER.id).where(ORDER.reference == U.key).exists()
        ),
        part=Part.REST,
    ),
)

"""What must always hold, as queries whose every row is a violation. Used by tests and by `doctor`.

Only here may one statement look into several contexts: it proves that they agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, or_, select

from commerce.inventory import PROMISED, HoldStatus, MovementKind
from commerce.inventory.tables import HOLDS, STOCK, STOCK_MOVEMENTS
from commerce.kernel.clock import MINUTE
from commerce.kernel.columns import db_now
from commerce.kernel.database import Tx
from commerce.kernel.tables import INBOX, OUTBOX, SAGAS, InboxStatus, OutboxStatus, SagaStatus
from commerce.ledger.tables import TRANSFERS
from commerce.orders import Status as OrderStatus
from commerce.orders.tables import ORDERS
from commerce.payments.tables import PAYMENTS, REFUNDS

STUCK_AFTER = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Invariant:
    name: str
    meaning: str  # what a violation means, in words
    violations: Select[Any]


@dataclass(frozen=True, slots=True)
class Violation:
    invariant: str
    meaning: str
    facts: dict[str, Any]


def _pieces(*statuses: HoldStatus) -> Any:
    return (
        select(func.coalesce(func.sum(HOLDS.c.quantity), 0))
        .where(
            HOLDS.c.sku == STOCK.c.sku,
            HOLDS.c.warehouse == STOCK.c.warehouse,
            HOLDS.c.status.in_(statuses),
        )
        .scalar_subquery()
    )


def _moved(pieces: Any, *kinds: MovementKind) -> Any:
    return (
        select(func.coalesce(func.sum(pieces), 0))
        .where(
            STOCK_MOVEMENTS.c.sku == STOCK.c.sku,
            STOCK_MOVEMENTS.c.warehouse == STOCK.c.warehouse,
            STOCK_MOVEMENTS.c.kind.in_(kinds),
        )
        .scalar_subquery()
    )


def _posted(prefix: str, subject: Any) -> Any:
    """How many transfers the posting `prefix:subject` has."""
    return (
        select(func.count())
        .select_from(TRANSFERS)
        .where(TRANSFERS.c.posting_id == literal(prefix) + subject)
        .scalar_subquery()
    )


_came_in = _moved(
    STOCK_MOVEMENTS.c.quantity,
    MovementKind.RECEIVED,
    MovementKind.ADJUSTED,
    MovementKind.COUNTED,
)
_went_out = _moved(
    case(
        (STOCK_MOVEMENTS.c.kind == MovementKind.SOLD, STOCK_MOVEMENTS.c.quantity),
        else_=-STOCK_MOVEMENTS.c.quantity,
    ),
    MovementKind.SOLD,
    MovementKind.RETURNED,
)
_sold_for_order = (
    select(func.count())
    .select_from(STOCK_MOVEMENTS)
    .where(
        STOCK_MOVEMENTS.c.reference == ORDERS.c.id,
        STOCK_MOVEMENTS.c.kind == MovementKind.SOLD,
    )
    .scalar_subquery()
)
_paid_for_order = (
    select(func.coalesce(func.sum(PAYMENTS.c.captured_minor), 0))
    .where(PAYMENTS.c.order_id == ORDERS.c.id)
    .scalar_subquery()
)
_order_lives = (
    select(ORDERS.c.id)
    .where(
        ORDERS.c.id == PAYMENTS.c.order_id,
        ORDERS.c.status.in_([OrderStatus.PAID, OrderStatus.REFUNDED]),
    )
    .exists()
)
_promised_back = (
    select(func.coalesce(func.sum(REFUNDS.c.amount_minor), 0))
    .where(REFUNDS.c.payment_id == PAYMENTS.c.id, REFUNDS.c.status != "failed")
    .scalar_subquery()
)
_sold_or_given_back = (OrderStatus.PAID, OrderStatus.REFUNDED)
INVARIANTS: Sequence[Invariant] = (
    Invariant(
        "stock_held_is_holds",
        "the stock row counts other pieces as held than there are holds",
        select(STOCK.c.sku, STOCK.c.warehouse, STOCK.c.held).where(
            STOCK.c.held != _pieces(*PROMISED)
        ),
    ),
    Invariant(
        "stock_sold_is_claims",
        "the stock row counts other pieces as sold than were claimed",
        select(STOCK.c.sku, STOCK.c.warehouse, STOCK.c.sold).where(
            STOCK.c.sold != _pieces(HoldStatus.CLAIMED)
        ),
    ),
    Invariant(
        "stock_on_hand_is_movements",
        "the stock row counts other pieces as on hand than came in, were adjusted or counted",
        select(STOCK.c.sku, STOCK.c.warehouse, STOCK.c.on_hand).where(STOCK.c.on_hand != _came_in),
    ),
    Invariant(
        "stock_sold_is_movements",
        "the stock row counts other pieces as sold than went out and did not come back",
        select(STOCK.c.sku, STOCK.c.warehouse, STOCK.c.sold).where(STOCK.c.sold != _went_out),
    ),
    Invariant(
        "paid_order_sold_once",
        "an order that was paid did not take its pieces exactly once",
        select(ORDERS.c.id, ORDERS.c.code).where(
            ORDERS.c.status.in_(_sold_or_given_back), _sold_for_order != 1
        ),
    ),
    Invariant(
        "unpaid_order_sold_nothing",
        "an order that is not paid took pieces",
        select(ORDERS.c.id, ORDERS.c.code).where(
            ORDERS.c.status.not_in(_sold_or_given_back), _sold_for_order != 0
        ),
    ),
    Invariant(
        "paid_order_has_its_money",
        "an order is paid, but its payments do not add up to its total",
        select(ORDERS.c.id, ORDERS.c.code, ORDERS.c.total_minor).where(
            ORDERS.c.status == OrderStatus.PAID, _paid_for_order != ORDERS.c.total_minor
        ),
    ),
    Invariant(
        "money_has_an_end",
        "money was received, but nothing was sold for it and it is not on its way back",
        select(PAYMENTS.c.id, PAYMENTS.c.order_id, PAYMENTS.c.captured_minor).where(
            PAYMENTS.c.captured_minor > 0,
            PAYMENTS.c.paid_at < db_now() - STUCK_AFTER,
            ~_order_lives,
            _promised_back < PAYMENTS.c.captured_minor,
        ),
    ),
    Invariant(
        "paid_order_is_posted",
        "an order is paid, but its sale is not in the ledger",
        select(ORDERS.c.id, ORDERS.c.code).where(
            ORDERS.c.status.in_(_sold_or_given_back), _posted("sold:", ORDERS.c.id) == 0
        ),
    ),
    Invariant(
        "nothing_parked",
        "something failed too often and waits for a person",
        select(SAGAS.c.id, SAGAS.c.failure).where(SAGAS.c.status == SagaStatus.PARKED),
    ),
    Invariant(
        "no_event_parked",
        "an event failed too often and waits for a person",
        select(OUTBOX.c.id, OUTBOX.c.name, OUTBOX.c.error).where(
            OUTBOX.c.status == OutboxStatus.PARKED
        ),
    ),
    Invariant(
        "no_message_parked",
        "a fan's message failed too often and waits for a person",
        select(INBOX.c.seq, INBOX.c.conversation_id).where(INBOX.c.status == InboxStatus.PARKED),
    ),
    Invariant(
        "nothing_stuck",
        "a saga should have gone on long ago",
        select(SAGAS.c.id, SAGAS.c.status).where(
            SAGAS.c.status.in_([SagaStatus.RUNNING, SagaStatus.WAITING, SagaStatus.COMPENSATING]),
            SAGAS.c.next_at < db_now() - STUCK_AFTER,
        ),
    ),
    Invariant(
        "no_event_stuck",
        "an event should have been delivered long ago",
        select(OUTBOX.c.id, OUTBOX.c.name).where(
            OUTBOX.c.status == OutboxStatus.WAITING,
            and_(
                OUTBOX.c.occurred_at < db_now() - STUCK_AFTER,
                or_(OUTBOX.c.next_at == 0, OUTBOX.c.next_at < db_now() - STUCK_AFTER),
            ),
        ),
    ),
)


async def violations(tx: Tx) -> list[Violation]:
    """Everything that does not hold; empty when the books are right."""
    found = []
    for invariant in INVARIANTS:
        for row in await tx.all(invariant.violations):
            facts = {name: row[name] for name in row.keys()}  # noqa: SIM118
            found.append(Violation(invariant.name, invariant.meaning, facts))
    return found

"""What was left unfinished is found across the contexts, and finished by the one whose it is.

Whole events get lost only by hand or by a bug: these jobs find nothing in a till that works.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import and_, bindparam, literal, or_, select, text

from commerce import checkout, payments
from commerce.kernel.clock import DAY, HOUR, MINUTE
from commerce.kernel.columns import Text, db_now
from commerce.kernel.database import Database
from commerce.kernel.tables import SAGAS, SagaStatus
from commerce.ledger.tables import TRANSFERS
from commerce.orders import Status as OrderStatus
from commerce.orders.tables import ORDERS
from commerce.payments import RefundStatus, Status
from commerce.payments.tables import PAYMENTS, REFUNDS
from deploy.invariants.rule import posted_minor, quiet, total

AT_MOST = 50  # of each kind in one run
LATE_AFTER = 2 * MINUTE  # news is heard within seconds
GONE_AFTER = 1 * HOUR
BACK_TO = 2 * DAY  # what is older is left to the watch, and to a person

P, R = PAYMENTS.c, REFUNDS.c
_promised_back = (
    select(total(R.amount_minor))
    .where(R.payment_id == P.id, R.status != RefundStatus.FAILED)
    .scalar_subquery()
)
_undecided = (
    select(ORDERS.c.id)
    .where(
        ORDERS.c.id == P.order_id,
        ORDERS.c.status.not_in([OrderStatus.PAID, OrderStatus.REFUNDED]),
    )
    .exists()
)
UNFINISHED = (
    select(P.id)
    .where(
        P.provider == bindparam("provider", type_=Text),
        text("captured_minor > 0"),  # as the index has it
        P.paid_at > db_now() - BACK_TO,
        P.paid_at < db_now() - LATE_AFTER,
        P.refund_minor == 0,
        _undecided,
        quiet(P.id),
    )
    .order_by(P.paid_at)
    .limit(AT_MOST)
)
_can_be_paid = (
    select(P.id)
    .where(
        P.order_id == ORDERS.c.id,
        or_(P.status.not_in([Status.EXPIRED, Status.FAILED, Status.VOIDED]), P.captured_minor > 0),
    )
    .exists()
)
_checkout_lives = (
    select(SAGAS.c.id)
    .where(
        SAGAS.c.id == ORDERS.c.reference,
        SAGAS.c.status.not_in([SagaStatus.COMPLETED, SagaStatus.REVERTED]),
    )
    .exists()
)
ABANDONED = (
    select(ORDERS.c.id)
    .where(
        text("orders.status = 'pending'"),
        ORDERS.c.placed_at < db_now() - GONE_AFTER,
        ~_can_be_paid,
        ~_checkout_lives,
    )
    .order_by(ORDERS.c.placed_at)
    .limit(AT_MOST)
)
_given_back = posted_minor("refunded:", R.id) - posted_minor("correction:refunded:", R.id)
_ending = TRANSFERS.alias("ending")
_waits = (
    select(TRANSFERS.c.id)
    .where(
        TRANSFERS.c.posting_id == literal("refunded:") + R.id,
        TRANSFERS.c.kind == "pend",
        ~select(_ending.c.id).where(_ending.c.id == TRANSFERS.c.id + literal("/end")).exists(),
    )
    .exists()
)
_still_paid = (
    select(ORDERS.c.id)
    .where(ORDERS.c.id == P.order_id, ORDERS.c.status == OrderStatus.PAID)
    .exists()
)
UNHEARD_REFUNDS = (
    select(R.id, R.payment_id)
    .join(PAYMENTS, P.id == R.payment_id)
    .where(
        R.created_at > db_now() - BACK_TO,
        quiet(R.payment_id),
        or_(
            and_(R.status == RefundStatus.SUCCEEDED, _given_back != R.amount_minor),
            and_(R.status == RefundStatus.SUCCEEDED, P.status == Status.REFUNDED, _still_paid),
            and_(R.status == RefundStatus.FAILED, or_(_given_back != 0, _waits)),
        ),
    )
    .order_by(R.id)
    .limit(AT_MOST)
)


async def finish_payments(database: Database, gateways: payments.Gateways) -> int:
    """Captured, and neither sold for nor on its way back; how many were finished."""
    found = [
        row["id"]
        for provider in gateways
        for row in await database.read(lambda tx, p=provider: tx.all(UNFINISHED, provider=p))  # type: ignore[misc]
    ]
    done = [await database.unit_of_work(partial(checkout.finish, payment_id=one)) for one in found]
    return sum(done)


async def cancel_abandoned(database: Database) -> int:
    """Orders that nobody can pay any more, and no checkout looks after; how many."""
    found = await database.read(lambda tx: tx.all(ABANDONED))
    done = [
        await database.unit_of_work(partial(checkout.abandon, order_id=row["id"])) for row in found
    ]
    return sum(done)


async def conclude_refunds(database: Database) -> int:
    """Refunds that are over, and that books or orders have not heard of; how many."""
    found = await database.read(lambda tx: tx.all(UNHEARD_REFUNDS))
    for row in found:
        refund = {"refund_id": row["id"], "payment_id": row["payment_id"]}
        await database.unit_of_work(partial(checkout.conclude_refund, **refund))
    return len(found)

"""Payments with their captures, refunds and disputes agree with each other and with the ledger."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, literal, or_, select

from commerce.kernel.clock import DAY, HOUR
from commerce.kernel.columns import db_now
from commerce.ledger.tables import TRANSFERS, UNSEALED
from commerce.orders import Status as OrderStatus
from commerce.orders.tables import ORDERS
from commerce.payments import CaptureStatus, DisputeStatus, RefundStatus, Status
from commerce.payments.tables import CAPTURES, DISPUTES, PAYMENTS, REFUNDS
from deploy.invariants.rule import STUCK_AFTER, Invariant, Part, posted_minor, quiet, total

P, R, D, C, T = PAYMENTS.c, REFUNDS.c, DISPUTES.c, CAPTURES.c, TRANSFERS.c
WITH_MONEY = (Status.PAID, Status.REFUNDING, Status.PARTLY_REFUNDED, Status.REFUNDED)
ON_HOLD = (Status.AUTHORISED, Status.CAPTURING)
LET_GO_WITHIN = 1 * HOUR  # of money set aside for an order that came to nothing
PENDS_AT_MOST = 30 * DAY  # long before, a refund that the provider sits on waits for a person
RECEIVED, REFUNDED, DISPUTED, WON = "received:", "refunded:", "disputed:", "dispute_won:"
CORRECTION = "correction:"


def _has(prefix: str) -> ColumnElement[bool]:
    return func.substr(T.posting_id, 1, len(prefix)) == prefix


def _after(prefix: str) -> ColumnElement[str]:
    """The id behind the prefix of a posting."""
    return func.substr(T.posting_id, len(prefix) + 1)


_order = select(ORDERS.c.id).where(ORDERS.c.id == P.order_id)
_order_lives = _order.where(ORDERS.c.status.in_([OrderStatus.PAID, OrderStatus.REFUNDED])).exists()
_order_ended = _order.where(ORDERS.c.status == OrderStatus.CANCELLED).exists()
_promised_back = (
    select(total(R.amount_minor))
    .where(R.payment_id == P.id, R.status != RefundStatus.FAILED)
    .scalar_subquery()
)
_has_captures = select(C.id).where(C.payment_id == P.id).exists()
_taken = (
    select(total(C.amount_minor))
    .where(C.payment_id == P.id, C.status == CaptureStatus.SUCCEEDED)
    .scalar_subquery()
)
_long_paid = and_(P.captured_minor > 0, P.paid_at < db_now() - STUCK_AFTER)
_given_back = posted_minor(REFUNDED, R.id) - posted_minor(CORRECTION + REFUNDED, R.id)
_ending = TRANSFERS.alias("ending")
_waits = and_(
    T.kind == "pend",
    ~select(_ending.c.id).where(_ending.c.id == T.id + literal("/end")).exists(),
)
_refund_waits = (
    select(R.id)
    .where(
        R.id == _after(REFUNDED),
        or_(R.status.in_([RefundStatus.ASKED, RefundStatus.PENDING]), ~quiet(R.payment_id)),
    )
    .exists()
)
_its_payment = (
    select(P.id).where(P.id == _after(RECEIVED), P.captured_minor == T.amount_minor).exists()
)
_beside = TRANSFERS.alias("beside")
_of_the_posting = (  # a refund's tax is a transfer of its own
    select(total(_beside.c.amount_minor))
    .where(_beside.c.posting_id == T.posting_id, _beside.c.kind == T.kind)
    .correlate(TRANSFERS)
    .scalar_subquery()
)
_its_refund = (
    select(R.id).where(R.id == _after(REFUNDED), R.amount_minor == _of_the_posting).exists()
)


def _of_payments(name: str, meaning: str, *broken: ColumnElement[bool]) -> Invariant:
    facts = (P.id, P.order_id, P.status, P.captured_minor, P.refund_minor)
    return Invariant(name, meaning, select(*facts).where(*broken), Part.PAYMENTS, P.id)


def _of_refunds(name: str, meaning: str, *broken: ColumnElement[bool]) -> Invariant:
    facts = select(R.id, P.order_id, R.status, R.amount_minor).join(PAYMENTS, P.id == R.payment_id)
    return Invariant(name, meaning, facts.where(*broken), Part.REFUNDS, R.id)


def _of_disputes(name: str, meaning: str, *broken: ColumnElement[bool]) -> Invariant:
    facts = select(D.id, P.order_id, D.status, D.amount_minor).join(PAYMENTS, P.id == D.payment_id)
    return Invariant(name, meaning, facts.where(*broken), Part.DISPUTES, D.id)


def _of_postings(name: str, meaning: str, *broken: ColumnElement[bool]) -> Invariant:
    facts = (T.id, T.posting_id, T.reference.label("order_id"), T.amount_minor)
    return Invariant(name, meaning, select(*facts).where(*broken), Part.POSTINGS, T.id)


INVARIANTS: tuple[Invariant, ...] = (
    _of_payments(
        "money_has_an_end",
        "money was received, but nothing was sold for it and it is not on its way back",
        _long_paid,
        ~_order_lives,
        _promised_back < P.captured_minor,
    ),
    _of_payments(
        "payment_status_is_its_money",
        "a payment says that it is paid and has no money, or the other way round",
        P.status.in_(WITH_MONEY) != (P.captured_minor > 0),
    ),
    _of_payments(
        "captured_is_captures",
        "the captures of a payment do not add up to what was captured",
        _has_captures,
        _taken != P.captured_minor,
    ),
    _of_payments(
        "refunding_is_refunds",
        "the refunds of a payment do not add up to what it sets aside for them",
        _promised_back != P.refund_minor,
    ),
    _of_payments(
        "captured_payment_is_received",
        "money was captured, but the ledger has not received exactly that",
        _long_paid,
        posted_minor(RECEIVED, P.id) != P.captured_minor,
    ),
    _of_payments(
        "held_money_has_an_order",
        "a fan's money is set aside for an order that was cancelled long ago",
        P.status.in_(ON_HOLD),
        P.authorised_at < db_now() - LET_GO_WITHIN,
        _order_ended,
    ),
    _of_refunds(
        "succeeded_refund_is_posted",
        "money went back, but the ledger does not have exactly that",
        R.status == RefundStatus.SUCCEEDED,
        quiet(R.payment_id),
        _given_back != R.amount_minor,
    ),
    _of_refunds(
        "failed_refund_is_not_posted",
        "a refund failed, but the ledger says that money went back",
        R.status == RefundStatus.FAILED,
        quiet(R.payment_id),
        _given_back != 0,
    ),
    _of_disputes(
        "dispute_is_posted",
        "a bank took money back, but the ledger does not have that dispute",
        quiet(D.payment_id),
        posted_minor(DISPUTED, D.id) == 0,
    ),
    _of_disputes(
        "won_dispute_is_posted",
        "a dispute was won, but the ledger does not have the money back",
        D.status == DisputeStatus.WON,
        quiet(D.payment_id),
        posted_minor(WON, D.id) == posted_minor(CORRECTION + WON, D.id),
    ),
    _of_disputes(
        "lost_dispute_is_posted",
        "a dispute was lost, but the ledger still counts on its money",
        D.status == DisputeStatus.LOST,
        quiet(D.payment_id),
        or_(
            posted_minor("dispute_lost:", D.id) == 0,
            posted_minor(WON, D.id) != posted_minor(CORRECTION + WON, D.id),
        ),
    ),
    _of_postings(
        "received_money_has_its_payment",
        "the ledger received money that no payment captured",
        _has(RECEIVED),
        ~_its_payment,
    ),
    _of_postings(
        "returned_money_has_its_refund",
        "the ledger gave back money that no refund is for",
        _has(REFUNDED),
        ~_its_refund,
    ),
    _of_postings(
        "pending_refund_waits",
        "the ledger waits for a refund that has ended",
        _waits,
        _has(REFUNDED),
        ~_refund_waits,
    ),
    _of_postings(
        "nothing_pends_for_ever",
        "the ledger has waited for something for a month",
        _waits,
        T.at < db_now() - PENDS_AT_MOST,
    ),
)

# Only of a till that runs.
CHORES = (
    Invariant(
        "every_transfer_is_sealed",
        "a transfer was not sealed in time: the chain does not guard it",
        select(T.id, T.posting_id, T.at)
        .join(UNSEALED, UNSEALED.c.transfer_id == T.id)
        .where(T.at < db_now() - STUCK_AFTER),
    ),
)

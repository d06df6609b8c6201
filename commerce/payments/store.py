"""Every query and every lock of payments, their attempts and provider events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select, text, update

from commerce.kernel import jsons
from commerce.kernel.columns import db_now
from commerce.kernel.database import Row, Tx, any_of, insert_once
from commerce.kernel.errors import Contended
from commerce.payments.lives import (
    CaptureMode,
    DisputeStatus,
    EventKind,
    Outcome,
    RefundStatus,
    Status,
)
from commerce.payments.refusals import PaymentNotFound
from commerce.payments.tables import ATTEMPTS, EVENTS, PAYMENTS, TO_CHECK
from commerce.payments.values import Decision, KeptEvent, Payment, ProviderEvent

PAYMENT_FIELDS = tuple(field.name for field in fields(Payment))

INSERT_PAYMENT = insert_once(PAYMENTS, "key")
PAYMENT_BY_KEY = select(PAYMENTS).where(PAYMENTS.c.key == bindparam("of_key"))
PAYMENT = select(PAYMENTS).where(PAYMENTS.c.id == bindparam("of_id"))
LOCK_PAYMENT = PAYMENT.with_for_update()
PAYMENTS_OF_ORDER = (
    select(PAYMENTS)
    .where(PAYMENTS.c.order_id == bindparam("of_order"))
    .order_by(PAYMENTS.c.created_at, PAYMENTS.c.id)
)
SAVE_PAYMENT = (
    update(PAYMENTS)
    .where(
        PAYMENTS.c.id == bindparam("of_id"),
        PAYMENTS.c.version == bindparam("old_version"),
    )
    .values(
        status=bindparam("new_status"),
        provider_ref=bindparam("new_provider_ref"),
        charge_ref=bindparam("new_charge_ref"),
        pay_url=bindparam("new_pay_url"),
        authorised_at=bindparam("new_authorised_at"),
        authorised_minor=bindparam("new_authorised_minor"),
        capture_before=bindparam("new_capture_before"),
        paid_at=bindparam("new_paid_at"),
        captured_minor=bindparam("new_captured_minor"),
        refund_minor=bindparam("new_refund_minor"),
        version=bindparam("new_version"),
    )
)
LOCK_PAYMENT_OF_EVENT = (
    select(PAYMENTS)
    .where(
        PAYMENTS.c.provider == bindparam("of_provider"),
        or_(
            PAYMENTS.c.key == bindparam("of_key"),
            PAYMENTS.c.provider_ref == bindparam("of_ref"),
            PAYMENTS.c.charge_ref == bindparam("of_charge"),
        ),
    )
    .order_by(PAYMENTS.c.created_at)
    .limit(1)
    .with_for_update()
)
CLAIM_PAYMENTS = (
    select(PAYMENTS)
    .where(text(TO_CHECK), PAYMENTS.c.check_at <= db_now())
    .order_by(PAYMENTS.c.check_at)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
CHECK_LATER = (
    update(PAYMENTS)
    .where(any_of(PAYMENTS.c.id, "of_ids"))
    .values(check_at=bindparam("new_check_at"))
)

INSERT_EVENT = insert_once(EVENTS, "provider", "event_id")
WAITING_EVENTS = (
    select(EVENTS)
    .where(
        EVENTS.c.provider == bindparam("of_provider"),
        EVENTS.c.applied_at.is_(None),
        or_(
            EVENTS.c.payment_key == bindparam("of_key"),
            EVENTS.c.provider_ref == bindparam("of_ref"),
            EVENTS.c.charge_ref == bindparam("of_charge"),
        ),
    )
    .order_by(EVENTS.c.received_at, EVENTS.c.event_id)
)
_is_about = and_(
    PAYMENTS.c.provider == EVENTS.c.provider,
    or_(
        PAYMENTS.c.key == EVENTS.c.payment_key,
        PAYMENTS.c.provider_ref == EVENTS.c.provider_ref,
        PAYMENTS.c.charge_ref == EVENTS.c.charge_ref,
    ),
)
# The newest first: old ones may wait for something that never comes, and must not be in the way.
APPLICABLE = (
    select(PAYMENTS.c.id)
    .select_from(EVENTS.join(PAYMENTS, _is_about))
    .where(EVENTS.c.applied_at.is_(None))
    .group_by(PAYMENTS.c.id)
    .order_by(func.max(EVENTS.c.received_at).desc())
    .limit(bindparam("at_most"))
)
SAVE_OUTCOME = (
    update(EVENTS)
    .where(
        EVENTS.c.provider == bindparam("of_provider"),
        EVENTS.c.event_id == bindparam("of_event"),
    )
    .values(
        outcome=bindparam("new_outcome"),
        note=bindparam("new_note"),
        applied_at=bindparam("new_applied_at"),
    )
)
EVENTS_WITH = (
    select(EVENTS)
    .where(EVENTS.c.outcome == bindparam("of_outcome"))
    .order_by(EVENTS.c.received_at, EVENTS.c.event_id)
)

_kept = (
    select(
        EVENTS,
        PAYMENTS.c.id.label("payment_id"),
        PAYMENTS.c.order_id,
        PAYMENTS.c.amount_minor.label("asked_minor"),
        PAYMENTS.c.currency.label("asked_currency"),
    )
    .select_from(EVENTS.outerjoin(PAYMENTS, _is_about))
    .order_by(EVENTS.c.received_at.desc(), EVENTS.c.event_id)
    .limit(bindparam("at_most"))
)
# What people look at; each as its index says it, because there are many events.
KEPT = {
    Outcome.WAITING: _kept.where(text("applied_at IS NULL")),
    Outcome.MISMATCHED: _kept.where(text("outcome = 'mismatched'")),
}

INSERT_ATTEMPT = insert_once(ATTEMPTS, "payment_id", "ref")
ATTEMPTS_OF = (
    select(ATTEMPTS)
    .where(ATTEMPTS.c.payment_id == bindparam("of_payment"))
    .order_by(ATTEMPTS.c.happened_at, ATTEMPTS.c.ref)
)


async def add(tx: Tx, payment: Payment, *, check_at: int) -> bool:
    """False where the key exists."""
    return await tx.run(INSERT_PAYMENT, **asdict(payment), check_at=check_at) == 1


async def by_key(tx: Tx, key: str) -> Payment | None:
    row = await tx.first(PAYMENT_BY_KEY, of_key=key)
    return None if row is None else _payment(row)


async def get(tx: Tx, payment_id: str) -> Payment:
    row = await tx.first(PAYMENT, of_id=payment_id)
    if row is None:
        raise PaymentNotFound(payment_id=payment_id)
    return _payment(row)


async def lock(tx: Tx, payment_id: str) -> Payment:
    """Every change of a payment, its refunds and its events begins here: one lock, no deadlock."""
    row = await tx.first(LOCK_PAYMENT, of_id=payment_id)
    if row is None:
        raise PaymentNotFound(payment_id=payment_id)
    return _payment(row)


async def lock_of_event(tx: Tx, provider: str, event: ProviderEvent) -> Payment | None:
    row = await tx.first(
        LOCK_PAYMENT_OF_EVENT,
        of_provider=provider,
        of_key=event.payment_key,
        of_ref=event.provider_ref,
        of_charge=event.charge_ref,
    )
    return None if row is None else _payment(row)


async def of_order(tx: Tx, order_id: str) -> list[Payment]:
    return [_payment(row) for row in await tx.all(PAYMENTS_OF_ORDER, of_order=order_id)]


async def save(tx: Tx, payment: Payment) -> None:
    saved = await tx.run(
        SAVE_PAYMENT,
        of_id=payment.id,
        old_version=payment.version - 1,
        new_status=payment.status,
        new_provider_ref=payment.provider_ref,
        new_charge_ref=payment.charge_ref,
        new_pay_url=payment.pay_url,
        new_authorised_at=payment.authorised_at,
        new_authorised_minor=payment.authorised_minor,
        new_capture_before=payment.capture_before,
        new_paid_at=payment.paid_at,
        new_captured_minor=payment.captured_minor,
        new_refund_minor=payment.refund_minor,
        new_version=payment.version,
    )
    if saved != 1:
        raise Contended(f"payment {payment.id} was changed by somebody else")


async def check_later(tx: Tx, payment_ids: Sequence[str], at: int) -> None:
    await tx.run(CHECK_LATER, of_ids=list(payment_ids), new_check_at=at)


async def claim_to_check(tx: Tx, *, at_most: int, again_at: int) -> list[Payment]:
    """Payments nothing was heard of, each given to one caller until `again_at`."""
    claimed = [_payment(row) for row in await tx.all(CLAIM_PAYMENTS, at_most=at_most)]
    if claimed:
        await check_later(tx, [payment.id for payment in claimed], again_at)
    return claimed


async def add_event(tx: Tx, provider: str, event: ProviderEvent, *, now: int) -> bool:
    """False where it was stored before."""
    added = await tx.run(
        INSERT_EVENT,
        provider=provider,
        event_id=event.event_id,
        type=event.type,
        payment_key=event.payment_key,
        provider_ref=event.provider_ref,
        charge_ref=event.charge_ref,
        payload=jsons.dumps(event),
        received_at=now,
        applied_at=None,
        outcome=Outcome.WAITING,
        note="",
    )
    return added == 1


async def save_outcome(
    tx: Tx, provider: str, event: ProviderEvent, decision: Decision, *, now: int
) -> None:
    await tx.run(
        SAVE_OUTCOME,
        of_provider=provider,
        of_event=event.event_id,
        new_outcome=decision.outcome,
        new_note=decision.note,
        new_applied_at=now,
    )


async def waiting_events(tx: Tx, payment: Payment) -> list[ProviderEvent]:
    rows = await tx.all(
        WAITING_EVENTS,
        of_provider=payment.provider,
        of_key=payment.key,
        of_ref=payment.provider_ref,
        of_charge=payment.charge_ref,
    )
    return [_event(row) for row in rows]


async def payments_with_waiting_events(tx: Tx, *, at_most: int) -> list[str]:
    return [row["id"] for row in await tx.all(APPLICABLE, at_most=at_most)]


async def events_with(tx: Tx, outcome: Outcome) -> list[ProviderEvent]:
    return [_event(row) for row in await tx.all(EVENTS_WITH, of_outcome=outcome)]


async def kept_events(tx: Tx, outcome: Outcome, *, at_most: int = 200) -> list[KeptEvent]:
    """Those that wait or are mismatched, the newest first, each with the payment it is about."""
    return [_kept_event(row) for row in await tx.all(KEPT[outcome], at_most=at_most)]


async def add_attempt(
    tx: Tx, payment_id: str, ref: str, *, result: str, reason: str, now: int
) -> None:
    """Does nothing where it is known."""
    await tx.run(
        INSERT_ATTEMPT,
        payment_id=payment_id,
        ref=ref,
        result=result,
        reason=reason,
        happened_at=now,
    )


async def attempts_of(tx: Tx, payment_id: str) -> list[Row]:
    return await tx.all(ATTEMPTS_OF, of_payment=payment_id)


def _payment(row: Row) -> Payment:
    values: dict[str, Any] = {name: row[name] for name in PAYMENT_FIELDS}
    words = {"status": Status(values["status"]), "capture": CaptureMode(values["capture"])}
    return Payment(**values | words)


def _event(row: Row) -> ProviderEvent:
    values: dict[str, Any] = jsons.loads(row["payload"])
    refund, dispute = values.get("refund_status"), values.get("dispute_status")
    return ProviderEvent(
        **values
        | {
            "kind": EventKind(values["kind"]),
            "refund_status": None if refund is None else RefundStatus(refund),
            "dispute_status": None if dispute is None else DisputeStatus(dispute),
        }
    )


def _kept_event(row: Row) -> KeptEvent:
    return KeptEvent(
        provider=row["provider"],
        event=_event(row),
        received_at=row["received_at"],
        outcome=Outcome(row["outcome"]),
        note=row["note"],
        payment_id=row["payment_id"],
        order_id=row["order_id"],
        asked_minor=row["asked_minor"],
        asked_currency=row["asked_currency"],
    )

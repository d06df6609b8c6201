"""Every query of the sandbox provider's sessions, refunds, disputes and webhooks."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, TypeVar

from sqlalchemy import bindparam, insert, select, text, update

from commerce.kernel import ids
from commerce.kernel.columns import db_now
from commerce.kernel.database import Row, Tx, insert_once
from commerce.payments.gateways.sandbox_model import (
    Delivery,
    RefundMode,
    SandboxDispute,
    SandboxRefund,
    Session,
    SessionStatus,
)
from commerce.payments.gateways.tables import (
    SANDBOX_DELIVERIES,
    SANDBOX_DISPUTES,
    SANDBOX_REFUNDS,
    SANDBOX_SESSIONS,
)
from commerce.payments.lives import CaptureMode, DisputeStatus, RefundStatus

T = TypeVar("T")

INSERT_SESSION = insert_once(SANDBOX_SESSIONS, "key")
BY_KEY = select(SANDBOX_SESSIONS).where(SANDBOX_SESSIONS.c.key == bindparam("of_key"))
BY_TOKEN = select(SANDBOX_SESSIONS).where(SANDBOX_SESSIONS.c.token == bindparam("of_token"))
LOCK_BY_KEY = BY_KEY.with_for_update()
LOCK_BY_TOKEN = BY_TOKEN.with_for_update()
SAVE_SESSION = (
    update(SANDBOX_SESSIONS)
    .where(SANDBOX_SESSIONS.c.id == bindparam("of_id"))
    .values(
        status=bindparam("new_status"),
        declines=bindparam("new_declines"),
        charge_ref=bindparam("new_charge_ref"),
        capture_before=bindparam("new_capture_before"),
        captured_minor=bindparam("new_captured_minor"),
        refunded_minor=bindparam("new_refunded_minor"),
        refunds=bindparam("new_refunds"),
        settles_at=bindparam("new_settles_at"),
    )
)
INSERT_REFUND = insert(SANDBOX_REFUNDS)
REFUND_BY_KEY = select(SANDBOX_REFUNDS).where(SANDBOX_REFUNDS.c.key == bindparam("of_key"))
REFUNDS_OF = (
    select(SANDBOX_REFUNDS)
    .where(SANDBOX_REFUNDS.c.session_id == bindparam("of_session"))
    .order_by(SANDBOX_REFUNDS.c.created_at, SANDBOX_REFUNDS.c.id)
)
SAVE_REFUND = (
    update(SANDBOX_REFUNDS)
    .where(SANDBOX_REFUNDS.c.id == bindparam("of_id"))
    .values(status=bindparam("new_status"))
)
INSERT_DISPUTE = insert(SANDBOX_DISPUTES)
DISPUTES_OF = (
    select(SANDBOX_DISPUTES)
    .where(SANDBOX_DISPUTES.c.session_id == bindparam("of_session"))
    .order_by(SANDBOX_DISPUTES.c.created_at, SANDBOX_DISPUTES.c.id)
)
SAVE_DISPUTE = (
    update(SANDBOX_DISPUTES)
    .where(SANDBOX_DISPUTES.c.id == bindparam("of_id"))
    .values(status=bindparam("new_status"))
)
INSERT_DELIVERY = insert(SANDBOX_DELIVERIES)
DUE = (
    select(SANDBOX_DELIVERIES)
    .where(
        text("delivered_at IS NULL AND gave_up_at IS NULL"),
        SANDBOX_DELIVERIES.c.next_at <= db_now(),
    )
    .order_by(SANDBOX_DELIVERIES.c.next_at, SANDBOX_DELIVERIES.c.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
TRY_AGAIN = (
    update(SANDBOX_DELIVERIES)
    .where(SANDBOX_DELIVERIES.c.id == bindparam("of_id"))
    .values(tries=SANDBOX_DELIVERIES.c.tries + 1, next_at=bindparam("new_next_at"))
)
DELIVERED = (
    update(SANDBOX_DELIVERIES)
    .where(SANDBOX_DELIVERIES.c.id == bindparam("of_id"))
    .values(delivered_at=db_now())
)
GAVE_UP = (
    update(SANDBOX_DELIVERIES)
    .where(SANDBOX_DELIVERIES.c.id == bindparam("of_id"))
    .values(gave_up_at=db_now())
)
NEXT_DUE = (
    select(SANDBOX_DELIVERIES.c.next_at)
    .where(text("delivered_at IS NULL AND gave_up_at IS NULL"))
    .order_by(SANDBOX_DELIVERIES.c.next_at)
    .limit(1)
)


async def add(tx: Tx, session: Session) -> None:
    """Does nothing where the key exists."""
    await tx.run(INSERT_SESSION, **asdict(session))


async def by_key(tx: Tx, key: str, *, lock: bool = False) -> Session | None:
    row = await tx.first(LOCK_BY_KEY if lock else BY_KEY, of_key=key)
    return None if row is None else _session(row)


async def by_token(tx: Tx, token: str, *, lock: bool = False) -> Session | None:
    row = await tx.first(LOCK_BY_TOKEN if lock else BY_TOKEN, of_token=token)
    return None if row is None else _session(row)


async def save(tx: Tx, session: Session) -> None:
    await tx.run(
        SAVE_SESSION,
        of_id=session.id,
        new_status=session.status,
        new_declines=session.declines,
        new_charge_ref=session.charge_ref,
        new_capture_before=session.capture_before,
        new_captured_minor=session.captured_minor,
        new_refunded_minor=session.refunded_minor,
        new_refunds=session.refunds,
        new_settles_at=session.settles_at,
    )


async def add_refund(tx: Tx, refund: SandboxRefund) -> None:
    await tx.run(INSERT_REFUND, **asdict(refund))


async def refund_by_key(tx: Tx, key: str) -> SandboxRefund | None:
    row = await tx.first(REFUND_BY_KEY, of_key=key)
    return None if row is None else _refund(row)


async def refunds_of(tx: Tx, session_id: str) -> list[SandboxRefund]:
    return [_refund(row) for row in await tx.all(REFUNDS_OF, of_session=session_id)]


async def save_refund(tx: Tx, refund: SandboxRefund) -> None:
    await tx.run(SAVE_REFUND, of_id=refund.id, new_status=refund.status)


async def add_dispute(tx: Tx, dispute: SandboxDispute) -> None:
    await tx.run(INSERT_DISPUTE, **asdict(dispute))


async def disputes_of(tx: Tx, session_id: str) -> list[SandboxDispute]:
    rows = await tx.all(DISPUTES_OF, of_session=session_id)
    return [_value(SandboxDispute, row, status=DisputeStatus(row["status"])) for row in rows]


async def save_dispute(tx: Tx, dispute: SandboxDispute) -> None:
    await tx.run(SAVE_DISPUTE, of_id=dispute.id, new_status=dispute.status)


async def add_delivery(tx: Tx, body: str, *, at: int) -> None:
    await tx.run(
        INSERT_DELIVERY,
        id=ids.new_id(),
        body=body,
        tries=0,
        next_at=at,
        created_at=await tx.now(),
    )
    tx.wake("sandbox")


async def due(tx: Tx, *, at_most: int) -> list[Delivery]:
    rows = await tx.all(DUE, at_most=at_most)
    return [Delivery(id=row["id"], body=row["body"], tries=row["tries"]) for row in rows]


async def try_again(tx: Tx, delivery_id: str, at: int) -> None:
    await tx.run(TRY_AGAIN, of_id=delivery_id, new_next_at=at)


async def delivered(tx: Tx, delivery_id: str) -> None:
    await tx.run(DELIVERED, of_id=delivery_id)


async def gave_up(tx: Tx, delivery_id: str) -> None:
    await tx.run(GAVE_UP, of_id=delivery_id)


async def next_due_at(tx: Tx) -> int | None:
    at: int | None = await tx.scalar(NEXT_DUE)
    return at


def _session(row: Row) -> Session:
    return _value(
        Session,
        row,
        capture=CaptureMode(row["capture"]),
        status=SessionStatus(row["status"]),
        refunds=RefundMode(row["refunds"]),
    )


def _refund(row: Row) -> SandboxRefund:
    return _value(SandboxRefund, row, status=RefundStatus(row["status"]))


def _value(kind: type[T], row: Row, **words: Any) -> T:
    return kind(**{field.name: row[field.name] for field in fields(kind)} | words)  # type: ignore[arg-type]

"""Every query of the sandbox provider."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import bindparam, insert, select, text, update

from commerce.kernel import ids
from commerce.kernel.columns import db_now
from commerce.kernel.database import Row, Tx, insert_once
from commerce.payments.gateways.sandbox_model import Delivery, Session, SessionStatus
from commerce.payments.tables import SANDBOX_DELIVERIES, SANDBOX_REFUNDS, SANDBOX_SESSIONS

FIELDS = tuple(field.name for field in fields(Session))

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
        refunded_minor=bindparam("new_refunded_minor"),
    )
)
REFUND_BY_KEY = select(SANDBOX_REFUNDS).where(SANDBOX_REFUNDS.c.key == bindparam("of_key"))
INSERT_REFUND = insert(SANDBOX_REFUNDS)
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
        new_refunded_minor=session.refunded_minor,
    )


async def refund_by_key(tx: Tx, key: str) -> Row | None:
    return await tx.first(REFUND_BY_KEY, of_key=key)


async def add_refund(
    tx: Tx, *, key: str, refund_id: str, session_id: str, amount_minor: int
) -> None:
    await tx.run(
        INSERT_REFUND,
        key=key,
        id=refund_id,
        session_id=session_id,
        amount_minor=amount_minor,
        created_at=await tx.now(),
    )


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
    values: dict[str, Any] = {name: row[name] for name in FIELDS}
    return Session(**values | {"status": SessionStatus(values["status"])})

"""Every query of refunds; whoever changes one holds the lock of its payment."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import bindparam, insert, select, text, update

from commerce.kernel.columns import db_now
from commerce.kernel.database import Row, Tx
from commerce.kernel.errors import Contended
from commerce.payments.lives import RefundStatus
from commerce.payments.tables import REFUNDS
from commerce.payments.values import Refund

FIELDS = tuple(field.name for field in fields(Refund))

INSERT = insert(REFUNDS)
BY_KEY = select(REFUNDS).where(REFUNDS.c.key == bindparam("of_key"))
BY_ID = select(REFUNDS).where(REFUNDS.c.id == bindparam("of_id"))
OF_PAYMENT = (
    select(REFUNDS)
    .where(REFUNDS.c.payment_id == bindparam("of_payment"))
    .order_by(REFUNDS.c.created_at, REFUNDS.c.id)
)
FAILED = (
    select(REFUNDS)
    .where(text("status = 'failed'"))  # as the index says it
    .order_by(REFUNDS.c.created_at.desc(), REFUNDS.c.id)
    .limit(bindparam("at_most"))
)
SAVE = (
    update(REFUNDS)
    .where(REFUNDS.c.id == bindparam("of_id"), REFUNDS.c.version == bindparam("old_version"))
    .values(
        status=bindparam("new_status"),
        failure=bindparam("new_failure"),
        provider_ref=bindparam("new_provider_ref"),
        version=bindparam("new_version"),
    )
)
CLAIM = (
    select(REFUNDS)
    .where(text("status IN ('asked', 'pending')"), REFUNDS.c.next_at <= db_now())
    .order_by(REFUNDS.c.next_at)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
ASK_AGAIN = (
    update(REFUNDS)
    .where(REFUNDS.c.id == bindparam("of_id"))
    .values(tries=REFUNDS.c.tries + 1, next_at=bindparam("new_next_at"))
)
ASK_SOON = (
    update(REFUNDS)
    .where(REFUNDS.c.payment_id == bindparam("of_payment"))
    .values(next_at=bindparam("new_next_at"))
)


async def add(tx: Tx, refund: Refund, *, now: int, ask_at: int) -> None:
    await tx.run(INSERT, **asdict(refund), next_at=ask_at, created_at=now)


async def by_key(tx: Tx, key: str) -> Refund | None:
    row = await tx.first(BY_KEY, of_key=key)
    return None if row is None else _refund(row)


async def get(tx: Tx, refund_id: str) -> Refund | None:
    row = await tx.first(BY_ID, of_id=refund_id)
    return None if row is None else _refund(row)


async def of_payment(tx: Tx, payment_id: str) -> tuple[Refund, ...]:
    return tuple(_refund(row) for row in await tx.all(OF_PAYMENT, of_payment=payment_id))


async def failed(tx: Tx, *, at_most: int) -> list[Refund]:
    return [_refund(row) for row in await tx.all(FAILED, at_most=at_most)]


async def save(tx: Tx, refund: Refund) -> None:
    saved = await tx.run(
        SAVE,
        of_id=refund.id,
        old_version=refund.version - 1,
        new_status=refund.status,
        new_failure=refund.failure,
        new_provider_ref=refund.provider_ref,
        new_version=refund.version,
    )
    if saved != 1:
        raise Contended(f"refund {refund.id} was changed by somebody else")


async def claim_due(tx: Tx, *, at_most: int) -> list[Refund]:
    return [_refund(row) for row in await tx.all(CLAIM, at_most=at_most)]


async def ask_again(tx: Tx, refund_id: str, at: int) -> None:
    await tx.run(ASK_AGAIN, of_id=refund_id, new_next_at=at)


async def ask_soon(tx: Tx, payment_id: str, at: int) -> None:
    await tx.run(ASK_SOON, of_payment=payment_id, new_next_at=at)


def _refund(row: Row) -> Refund:
    values: dict[str, Any] = {name: row[name] for name in FIELDS}
    return Refund(**values | {"status": RefundStatus(values["status"])})

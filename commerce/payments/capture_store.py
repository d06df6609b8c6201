"""Every query of captures; whoever changes one holds the lock of its payment."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from commerce.kernel.database import Row, Tx
from commerce.kernel.errors import Contended
from commerce.payments.lives import CaptureStatus
from commerce.payments.tables import CAPTURES
from commerce.payments.values import Capture

FIELDS = tuple(field.name for field in fields(Capture))

INSERT = insert(CAPTURES)
BY_KEY = select(CAPTURES).where(CAPTURES.c.key == bindparam("of_key"))
BY_ID = select(CAPTURES).where(CAPTURES.c.id == bindparam("of_id"))
OF_PAYMENT = (
    select(CAPTURES)
    .where(CAPTURES.c.payment_id == bindparam("of_payment"))
    .order_by(CAPTURES.c.created_at, CAPTURES.c.id)
)
SAVE = (
    update(CAPTURES)
    .where(CAPTURES.c.id == bindparam("of_id"), CAPTURES.c.version == bindparam("old_version"))
    .values(
        status=bindparam("new_status"),
        reason=bindparam("new_reason"),
        version=bindparam("new_version"),
    )
)
TRY = update(CAPTURES).where(CAPTURES.c.id == bindparam("of_id")).values(tries=CAPTURES.c.tries + 1)


async def add(tx: Tx, capture: Capture, *, now: int) -> None:
    await tx.run(INSERT, **asdict(capture), created_at=now)


async def by_key(tx: Tx, key: str) -> Capture | None:
    row = await tx.first(BY_KEY, of_key=key)
    return None if row is None else _capture(row)


async def get(tx: Tx, capture_id: str) -> Capture | None:
    row = await tx.first(BY_ID, of_id=capture_id)
    return None if row is None else _capture(row)


async def of_payment(tx: Tx, payment_id: str) -> tuple[Capture, ...]:
    return tuple(_capture(row) for row in await tx.all(OF_PAYMENT, of_payment=payment_id))


async def save(tx: Tx, capture: Capture) -> None:
    saved = await tx.run(
        SAVE,
        of_id=capture.id,
        old_version=capture.version - 1,
        new_status=capture.status,
        new_reason=capture.reason,
        new_version=capture.version,
    )
    if saved != 1:
        raise Contended(f"capture {capture.id} was changed by somebody else")


async def tried(tx: Tx, capture_id: str) -> None:
    await tx.run(TRY, of_id=capture_id)


def _capture(row: Row) -> Capture:
    values: dict[str, Any] = {name: row[name] for name in FIELDS}
    return Capture(**values | {"status": CaptureStatus(values["status"])})

"""Every query of disputes; whoever changes one holds the lock of its payment."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from commerce.kernel.database import Row, Tx
from commerce.kernel.errors import Contended
from commerce.payments.lives import DisputeStatus
from commerce.payments.tables import DISPUTES
from commerce.payments.values import Dispute

FIELDS = tuple(field.name for field in fields(Dispute))

INSERT = insert(DISPUTES)
BY_REF = select(DISPUTES).where(
    DISPUTES.c.provider == bindparam("of_provider"),
    DISPUTES.c.provider_ref == bindparam("of_ref"),
)
OF_PAYMENT = (
    select(DISPUTES)
    .where(DISPUTES.c.payment_id == bindparam("of_payment"))
    .order_by(DISPUTES.c.opened_at, DISPUTES.c.id)
)
NEWEST = (
    select(DISPUTES)
    .order_by(DISPUTES.c.opened_at.desc(), DISPUTES.c.id)
    .limit(bindparam("at_most"))
)
GONE = select(func.coalesce(func.sum(DISPUTES.c.amount_minor), 0)).where(
    DISPUTES.c.payment_id == bindparam("of_payment"),
    DISPUTES.c.status != str(DisputeStatus.WON),
)
SAVE = (
    update(DISPUTES)
    .where(DISPUTES.c.id == bindparam("of_id"), DISPUTES.c.version == bindparam("old_version"))
    .values(
        amount_minor=bindparam("new_amount_minor"),
        fee_minor=bindparam("new_fee_minor"),
        reason=bindparam("new_reason"),
        status=bindparam("new_status"),
        closed_at=bindparam("new_closed_at"),
        version=bindparam("new_version"),
    )
)


async def add(tx: Tx, dispute: Dispute) -> None:
    await tx.run(INSERT, **asdict(dispute))


async def by_ref(tx: Tx, provider: str, ref: str) -> Dispute | None:
    row = await tx.first(BY_REF, of_provider=provider, of_ref=ref)
    return None if row is None else _dispute(row)


async def of_payment(tx: Tx, payment_id: str) -> tuple[Dispute, ...]:
    return tuple(_dispute(row) for row in await tx.all(OF_PAYMENT, of_payment=payment_id))


async def newest(tx: Tx, *, at_most: int) -> list[Dispute]:
    return [_dispute(row) for row in await tx.all(NEWEST, at_most=at_most)]


async def gone_minor(tx: Tx, payment_id: str) -> int:
    """What banks took back of the payment and did not return."""
    return int(await tx.scalar(GONE, of_payment=payment_id))


async def save(tx: Tx, dispute: Dispute) -> None:
    saved = await tx.run(
        SAVE,
        of_id=dispute.id,
        old_version=dispute.version - 1,
        new_amount_minor=dispute.amount_minor,
        new_fee_minor=dispute.fee_minor,
        new_reason=dispute.reason,
        new_status=dispute.status,
        new_closed_at=dispute.closed_at,
        new_version=dispute.version,
    )
    if saved != 1:
        raise Contended(f"dispute {dispute.id} was changed by somebody else")


def _dispute(row: Row) -> Dispute:
    values: dict[str, Any] = {name: row[name] for name in FIELDS}
    return Dispute(**values | {"status": DisputeStatus(values["status"])})

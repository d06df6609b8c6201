"""Every query and every lock of payouts and their reversals."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import bindparam, func, insert, select, text, update

from commerce.kernel.columns import db_now
from commerce.kernel.database import Row, Tx
from commerce.kernel.errors import Contended
from commerce.payments.lives import PayoutStatus, ReversalStatus
from commerce.payments.refusals import PayoutNotFound
from commerce.payments.tables import PAYOUT_REVERSALS, PAYOUTS
from commerce.payments.values import Payout, PayoutReversal

PAYOUT_FIELDS = tuple(field.name for field in fields(Payout))
REVERSAL_FIELDS = tuple(field.name for field in fields(PayoutReversal))

INSERT_PAYOUT = insert(PAYOUTS)
PAYOUT = select(PAYOUTS).where(PAYOUTS.c.id == bindparam("of_id"))
LOCK_PAYOUT = PAYOUT.with_for_update()
PAYOUT_BY_KEY = select(PAYOUTS).where(PAYOUTS.c.key == bindparam("of_key"))
PAYOUTS_OF_PAYMENT = (
    select(PAYOUTS)
    .where(PAYOUTS.c.payment_id == bindparam("of_payment"))
    .order_by(PAYOUTS.c.created_at, PAYOUTS.c.id)
)
PAYOUTS_OF_PAYMENT_SUM = select(func.coalesce(func.sum(PAYOUTS.c.amount_minor), 0)).where(
    PAYOUTS.c.payment_id == bindparam("of_payment"),
    PAYOUTS.c.status != str(PayoutStatus.FAILED),
)
BACK_OF_PAYMENT_SUM = (
    select(func.coalesce(func.sum(PAYOUT_REVERSALS.c.amount_minor), 0))
    .select_from(PAYOUT_REVERSALS.join(PAYOUTS, PAYOUTS.c.id == PAYOUT_REVERSALS.c.payout_id))
    .where(
        PAYOUTS.c.payment_id == bindparam("of_payment"),
        PAYOUT_REVERSALS.c.status == str(ReversalStatus.SUCCEEDED),
    )
)
SAVE_PAYOUT = (
    update(PAYOUTS)
    .where(PAYOUTS.c.id == bindparam("of_id"), PAYOUTS.c.version == bindparam("old_version"))
    .values(
        status=bindparam("new_status"),
        failure=bindparam("new_failure"),
        provider_ref=bindparam("new_provider_ref"),
        reversed_minor=bindparam("new_reversed_minor"),
        version=bindparam("new_version"),
    )
)
CLAIM_PAYOUTS = (
    select(PAYOUTS)
    .where(text("status IN ('asked', 'pending')"), PAYOUTS.c.next_at <= db_now())
    .order_by(PAYOUTS.c.next_at)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
TRY_PAYOUT = (
    update(PAYOUTS)
    .where(PAYOUTS.c.id == bindparam("of_id"))
    .values(tries=PAYOUTS.c.tries + 1, next_at=bindparam("new_next_at"))
)

INSERT_REVERSAL = insert(PAYOUT_REVERSALS)
REVERSAL = select(PAYOUT_REVERSALS).where(PAYOUT_REVERSALS.c.id == bindparam("of_id"))
REVERSAL_BY_KEY = select(PAYOUT_REVERSALS).where(PAYOUT_REVERSALS.c.key == bindparam("of_key"))
REVERSALS_OF = (
    select(PAYOUT_REVERSALS)
    .where(PAYOUT_REVERSALS.c.payout_id == bindparam("of_payout"))
    .order_by(PAYOUT_REVERSALS.c.created_at, PAYOUT_REVERSALS.c.id)
)
SAVE_REVERSAL = (
    update(PAYOUT_REVERSALS)
    .where(
        PAYOUT_REVERSALS.c.id == bindparam("of_id"),
        PAYOUT_REVERSALS.c.version == bindparam("old_version"),
    )
    .values(
        status=bindparam("new_status"),
        failure=bindparam("new_failure"),
        provider_ref=bindparam("new_provider_ref"),
        version=bindparam("new_version"),
    )
)
CLAIM_REVERSALS = (
    select(PAYOUT_REVERSALS)
    .where(text("status = 'asked'"), PAYOUT_REVERSALS.c.next_at <= db_now())
    .order_by(PAYOUT_REVERSALS.c.next_at)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
TRY_REVERSAL = (
    update(PAYOUT_REVERSALS)
    .where(PAYOUT_REVERSALS.c.id == bindparam("of_id"))
    .values(tries=PAYOUT_REVERSALS.c.tries + 1, next_at=bindparam("new_next_at"))
)


async def add(tx: Tx, payout: Payout, *, now: int) -> None:
    await tx.run(INSERT_PAYOUT, **asdict(payout), next_at=now, created_at=now)


async def get(tx: Tx, payout_id: str) -> Payout:
    return _found(await tx.first(PAYOUT, of_id=payout_id), payout_id)


async def lock(tx: Tx, payout_id: str) -> Payout:
    """Every change of a payout and its reversals begins here."""
    return _found(await tx.first(LOCK_PAYOUT, of_id=payout_id), payout_id)


async def by_key(tx: Tx, key: str) -> Payout | None:
    row = await tx.first(PAYOUT_BY_KEY, of_key=key)
    return None if row is None else _payout(row)


async def of_payment(tx: Tx, payment_id: str) -> tuple[Payout, ...]:
    return tuple(_payout(row) for row in await tx.all(PAYOUTS_OF_PAYMENT, of_payment=payment_id))


async def out_minor(tx: Tx, payment_id: str) -> int:
    """Sent on of a payment, or about to be, less what came back."""
    out: int = await tx.scalar(PAYOUTS_OF_PAYMENT_SUM, of_payment=payment_id)
    back: int = await tx.scalar(BACK_OF_PAYMENT_SUM, of_payment=payment_id)
    return int(out) - int(back)


async def save(tx: Tx, payout: Payout) -> None:
    saved = await tx.run(
        SAVE_PAYOUT,
        of_id=payout.id,
        old_version=payout.version - 1,
        new_status=payout.status,
        new_failure=payout.failure,
        new_provider_ref=payout.provider_ref,
        new_reversed_minor=payout.reversed_minor,
        new_version=payout.version,
    )
    if saved != 1:
        raise Contended(f"payout {payout.id} was changed by somebody else")


async def claim_due(tx: Tx, *, at_most: int) -> list[Payout]:
    return [_payout(row) for row in await tx.all(CLAIM_PAYOUTS, at_most=at_most)]


async def tried(tx: Tx, payout_id: str, *, again_at: int) -> None:
    await tx.run(TRY_PAYOUT, of_id=payout_id, new_next_at=again_at)


async def add_reversal(tx: Tx, reversal: PayoutReversal, *, now: int) -> None:
    await tx.run(INSERT_REVERSAL, **asdict(reversal), next_at=now, created_at=now)


async def reversal(tx: Tx, reversal_id: str) -> PayoutReversal:
    row = await tx.first(REVERSAL, of_id=reversal_id)
    assert row is not None, reversal_id
    return _reversal(row)


async def reversal_by_key(tx: Tx, key: str) -> PayoutReversal | None:
    row = await tx.first(REVERSAL_BY_KEY, of_key=key)
    return None if row is None else _reversal(row)


async def reversals_of(tx: Tx, payout_id: str) -> tuple[PayoutReversal, ...]:
    return tuple(_reversal(row) for row in await tx.all(REVERSALS_OF, of_payout=payout_id))


async def save_reversal(tx: Tx, reversal: PayoutReversal) -> None:
    saved = await tx.run(
        SAVE_REVERSAL,
        of_id=reversal.id,
        old_version=reversal.version - 1,
        new_status=reversal.status,
        new_failure=reversal.failure,
        new_provider_ref=reversal.provider_ref,
        new_version=reversal.version,
    )
    if saved != 1:
        raise Contended(f"reversal {reversal.id} was changed by somebody else")


async def claim_due_reversals(tx: Tx, *, at_most: int) -> list[PayoutReversal]:
    return [_reversal(row) for row in await tx.all(CLAIM_REVERSALS, at_most=at_most)]


async def reversal_tried(tx: Tx, reversal_id: str, *, again_at: int) -> None:
    await tx.run(TRY_REVERSAL, of_id=reversal_id, new_next_at=again_at)


def _found(row: Row | None, payout_id: str) -> Payout:
    if row is None:
        raise PayoutNotFound(payout_id=payout_id)
    return _payout(row)


def _payout(row: Row) -> Payout:
    values: dict[str, Any] = {name: row[name] for name in PAYOUT_FIELDS}
    return Payout(**values | {"status": PayoutStatus(values["status"])})


def _reversal(row: Row) -> PayoutReversal:
    values: dict[str, Any] = {name: row[name] for name in REVERSAL_FIELDS}
    return PayoutReversal(**values | {"status": ReversalStatus(values["status"])})

"""What moved at a provider by our records, read in bulk to be compared with its own report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Table, and_, bindparam, or_, select, text, union

from commerce.kernel.database import Row, Tx, any_of
from commerce.payments.tables import DISPUTES, PAYMENTS, PAYOUT_REVERSALS, PAYOUTS, REFUNDS

AT_ONCE = 1_000  # names or ids in one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundMoved:
    id: str
    payment_id: str
    amount_minor: int
    status: str
    provider_ref: str | None
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeMoved:
    id: str
    payment_id: str
    amount_minor: int
    currency: str
    fee_minor: int
    status: str
    provider_ref: str
    opened_at: int
    closed_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMoved:
    id: str
    key: str
    order_id: str
    amount_minor: int
    currency: str
    status: str
    provider_ref: str | None
    charge_ref: str | None
    paid_at: int | None
    captured_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMoved:
    """Money sent on to a connected account, or taken back from one."""

    id: str  # of the payout or the reversal
    back: bool
    amount_minor: int
    currency: str
    status: str
    provider_ref: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A payment with all that came after it."""

    payment: PaymentMoved
    refunds: tuple[RefundMoved, ...]
    disputes: tuple[DisputeMoved, ...]


def _columns(table: Table, value: type[Any]) -> list[Column[Any]]:
    return [table.c[field.name] for field in fields(value)]


def _named(column: Column[Any]) -> ColumnElement[bool]:
    return any_of(column, "names")


def _between(column: Column[Any]) -> ColumnElement[bool]:
    return and_(column >= bindparam("since"), column < bindparam("until"))


_HAS_MONEY = text("captured_minor > 0")  # written out, as the index has it
_PAYMENTS = select(PAYMENTS.c.id).where(PAYMENTS.c.provider == bindparam("provider"))
_REFUNDED = _PAYMENTS.join(REFUNDS, REFUNDS.c.payment_id == PAYMENTS.c.id)
_DISPUTED = select(DISPUTES.c.payment_id.label("id")).where(
    DISPUTES.c.provider == bindparam("provider")
)
NAMED = union(
    _PAYMENTS.where(_named(PAYMENTS.c.key)),
    _PAYMENTS.where(_named(PAYMENTS.c.charge_ref)),
    _PAYMENTS.where(_named(PAYMENTS.c.provider_ref)),
    _REFUNDED.where(_named(REFUNDS.c.provider_ref)),
    _DISPUTED.where(_named(DISPUTES.c.provider_ref)),
)
MOVING = union(
    _PAYMENTS.where(_HAS_MONEY, _between(PAYMENTS.c.paid_at)),
    _REFUNDED.where(_between(REFUNDS.c.created_at)),
    _DISPUTED.where(or_(_between(DISPUTES.c.opened_at), _between(DISPUTES.c.closed_at))),
)
FIRST_PAID = (
    select(PAYMENTS.c.paid_at)
    .where(PAYMENTS.c.provider == bindparam("provider"), _HAS_MONEY)
    .order_by(PAYMENTS.c.paid_at)
    .limit(1)
)
OF_IDS = select(*_columns(PAYMENTS, PaymentMoved)).where(any_of(PAYMENTS.c.id, "ids"))
REFUNDS_OF = (
    select(*_columns(REFUNDS, RefundMoved))
    .where(any_of(REFUNDS.c.payment_id, "ids"))
    .order_by(REFUNDS.c.created_at, REFUNDS.c.id)
)
DISPUTES_OF = (
    select(*_columns(DISPUTES, DisputeMoved))
    .where(any_of(DISPUTES.c.payment_id, "ids"))
    .order_by(DISPUTES.c.opened_at, DISPUTES.c.id)
)
OF_REFUNDS = select(REFUNDS.c.payment_id.label("id")).where(any_of(REFUNDS.c.id, "ids"))
OF_DISPUTES = select(DISPUTES.c.payment_id.label("id")).where(any_of(DISPUTES.c.id, "ids"))


_SENT = select(
    PAYOUTS.c.id,
    PAYOUTS.c.amount_minor,
    PAYOUTS.c.currency,
    PAYOUTS.c.status,
    PAYOUTS.c.provider_ref,
    PAYOUTS.c.created_at,
).where(PAYOUTS.c.provider == bindparam("provider"))
_BACK = (
    select(
        PAYOUT_REVERSALS.c.id,
        PAYOUT_REVERSALS.c.amount_minor,
        PAYOUTS.c.currency,
        PAYOUT_REVERSALS.c.status,
        PAYOUT_REVERSALS.c.provider_ref,
        PAYOUT_REVERSALS.c.created_at,
    )
    .join(PAYOUTS, PAYOUTS.c.id == PAYOUT_REVERSALS.c.payout_id)
    .where(PAYOUTS.c.provider == bindparam("provider"))
)
SENT, BACK = (
    moved_there.where(
        or_(any_of(table.c.id, "ids"), _named(table.c.provider_ref), _between(table.c.created_at))
    )
    for moved_there, table in ((_SENT, PAYOUTS), (_BACK, PAYOUT_REVERSALS))
)


async def payments_named(tx: Tx, provider: str, names: Sequence[str]) -> set[str]:
    """The payments that a provider's report means by these names: keys, charges, refunds..."""
    found: set[str] = set()
    for some in _some(names):
        found |= {row["id"] for row in await tx.all(NAMED, provider=provider, names=some)}
    return found


async def payments_moving(tx: Tx, provider: str, since: int, until: int) -> set[str]:
    """Those that were paid, given back or disputed with since <= at < until."""
    rows = await tx.all(MOVING, provider=provider, since=since, until=until)
    return {row["id"] for row in rows}


async def payments_of(tx: Tx, *, refunds: Sequence[str], disputes: Sequence[str]) -> set[str]:
    """The payments behind these refunds and disputes."""
    rows = await tx.all(OF_REFUNDS, ids=list(refunds)) if refunds else []
    rows += await tx.all(OF_DISPUTES, ids=list(disputes)) if disputes else []
    return {row["id"] for row in rows}


async def moved(tx: Tx, payment_ids: Sequence[str]) -> list[Moved]:
    """The payments with their refunds and disputes."""
    found: list[Moved] = []
    for some in _some(payment_ids):
        refunds = [_read(RefundMoved, row) for row in await tx.all(REFUNDS_OF, ids=some)]
        disputes = [_read(DisputeMoved, row) for row in await tx.all(DISPUTES_OF, ids=some)]
        found += [
            Moved(
                payment,
                tuple(one for one in refunds if one.payment_id == payment.id),
                tuple(one for one in disputes if one.payment_id == payment.id),
            )
            for payment in [_read(PaymentMoved, row) for row in await tx.all(OF_IDS, ids=some)]
        ]
    return found


async def sent_on(
    tx: Tx, provider: str, *, ids: Sequence[str], names: Sequence[str], since: int, until: int
) -> list[SentMoved]:
    """Payouts to connected accounts and their reversals: these, or asked for in the period."""
    asked = {"ids": list(ids), "names": list(names), "since": since, "until": until}
    return [
        _read(SentMoved, row, back=back)
        for statement, back in ((SENT, False), (BACK, True))
        for row in await tx.all(statement, provider=provider, **asked)
    ]


async def first_paid_at(tx: Tx, provider: str) -> int | None:
    at: int | None = await tx.scalar(FIRST_PAID, provider=provider)
    return at


def _some(names: Sequence[str]) -> list[list[str]]:
    return [list(names[at : at + AT_ONCE]) for at in range(0, len(names), AT_ONCE)]


V = TypeVar("V", PaymentMoved, RefundMoved, DisputeMoved, SentMoved)


def _read(value: type[V], row: Row, **known: Any) -> V:
    names = {field.name for field in fields(value)} - known.keys()
    return value(**{name: row[name] for name in names}, **known)

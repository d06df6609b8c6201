"""Payments with defaults, provider events, and what was announced."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from commerce import payments
from commerce.kernel import clock, ids, jsons
from commerce.kernel.clock import MINUTE
from commerce.kernel.database import Database
from commerce.kernel.tables import OUTBOX
from commerce.payments import (
    Capture,
    CaptureMode,
    DisputeStatus,
    EventKind,
    Payment,
    Payout,
    PayoutReversal,
    PayoutStatus,
    ProviderEvent,
    RefundStatus,
    ReversalStatus,
    Status,
)

NEWS = select(OUTBOX).order_by(OUTBOX.c.seq)


def a_payment(**changes: Any) -> Payment:
    """One that no database knows."""
    values: dict[str, Any] = {
        "id": "payment-1",
        "key": "key-1",
        "order_id": "order-1",
        "reference": "checkout-1",
        "provider": "sandbox",
        "amount_minor": 5_000,
        "currency": "EUR",
        "description": "Linen shirt, M",
        "capture": CaptureMode.AUTOMATIC,
        "status": Status.CREATED,
        "provider_ref": None,
        "charge_ref": None,
        "pay_url": None,
        "expires_at": clock.now() + 10 * MINUTE,
        "created_at": clock.now(),
        "authorised_at": None,
        "authorised_minor": 0,
        "capture_before": None,
        "paid_at": None,
        "captured_minor": 0,
        "refund_minor": 0,
        "version": 1,
    }
    return Payment(**values | changes)


async def created(database: Database, **changes: Any) -> Payment:
    values: dict[str, Any] = {
        "key": ids.new_id(),
        "order_id": "order-1",
        "reference": "checkout-1",
        "provider": "sandbox",
        "amount_minor": 5_000,
        "currency": "EUR",
        "description": "Linen shirt, M",
        "expires_at": clock.now() + 10 * MINUTE,
    }
    return await database.unit_of_work(lambda tx: payments.create(tx, **values | changes))


async def opened(database: Database, **changes: Any) -> Payment:
    payment = await created(database, **changes)
    ref = f"ref:{payment.key}"
    return await database.unit_of_work(
        lambda tx: payments.opened(tx, payment.id, ref, "https://pay.example/1")
    )


async def paid(database: Database, **changes: Any) -> Payment:
    payment = await opened(database, **changes)
    await record(database, news_of(payment, EventKind.PAID))
    return await get(database, payment)


async def authorised(database: Database, **changes: Any) -> Payment:
    """One that is captured by hand, and that the fan has agreed to."""
    payment = await opened(database, capture=CaptureMode.MANUAL, **changes)
    charge = f"charge:{payment.key}"
    await record(database, news_of(payment, EventKind.AUTHORISED, charge_ref=charge))
    return await get(database, payment)


async def capture(
    database: Database, payment: Payment, amount_minor: int, key: str | None = None
) -> Capture:
    return await database.unit_of_work(
        lambda tx: payments.request_capture(
            tx, key=key or f"{payment.key}:capture", payment_id=payment.id,
            amount_minor=amount_minor,
        )
    )  # fmt: skip


async def get(database: Database, payment: Payment) -> Payment:
    return await database.read(lambda tx: payments.get(tx, payment.id))


async def record(database: Database, event: ProviderEvent, provider: str = "sandbox") -> bool:
    return await database.unit_of_work(lambda tx: payments.record_event(tx, provider, event))


def news_of(payment: Payment, kind: EventKind, **changes: Any) -> ProviderEvent:
    """A provider's event about the payment: true in every word that is not changed."""
    values: dict[str, Any] = {
        "event_id": f"{kind}:{payment.key}",
        "kind": kind,
        "type": str(kind),
        "payment_key": payment.key,
        "provider_ref": f"ref:{payment.key}",
        "charge_ref": f"charge:{payment.key}" if kind is EventKind.PAID else None,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
    }
    return ProviderEvent(**values | changes)


def refund_news(
    payment: Payment,
    status: RefundStatus,
    *,
    ref: str,
    amount_minor: int,
    key: str | None = None,
    **changes: Any,
) -> ProviderEvent:
    values: dict[str, Any] = {
        "event_id": f"{payment.key}:{ref}:{status}",
        "provider_ref": None,
        "charge_ref": f"charge:{payment.key}",
        "amount_minor": amount_minor,
        "refund_key": key,
        "refund_ref": ref,
        "refund_status": status,
    }
    return news_of(payment, EventKind.REFUND, **values | changes)


def dispute_news(
    payment: Payment, status: DisputeStatus, *, amount_minor: int, **changes: Any
) -> ProviderEvent:
    return news_of(
        payment,
        EventKind.DISPUTE,
        **{
            "event_id": f"{payment.key}:dispute:{status}",
            "provider_ref": None,
            "charge_ref": f"charge:{payment.key}",
            "amount_minor": amount_minor,
            "reason": "fraudulent",
            "dispute_ref": f"dp:{payment.key}",
            "dispute_status": status,
        }
        | changes,
    )


def a_payout(**changes: Any) -> Payout:
    values: dict[str, Any] = {
        "id": "payout-1", "key": "payout-1", "provider": "sandbox", "payment_id": "payment-1",
        "account": "leader-1", "amount_minor": 3_000, "currency": "EUR", "reference": "key-1",
        "charge_ref": None, "status": PayoutStatus.ASKED, "failure": "", "provider_ref": None,
        "reversed_minor": 0, "tries": 0, "version": 1,
    }  # fmt: skip
    return Payout(**values | changes)


def a_reversal(**changes: Any) -> PayoutReversal:
    values: dict[str, Any] = {
        "id": "reversal-1", "key": "reversal-1", "payout_id": "payout-1", "amount_minor": 2_000,
        "status": ReversalStatus.ASKED, "failure": "", "provider_ref": None, "tries": 0,
        "version": 1,
    }  # fmt: skip
    return PayoutReversal(**values | changes)


async def announced(database: Database, payment: Payment) -> list[str]:
    return [name for name, _ in await announcements(database, payment)]


async def announcements(database: Database, payment: Payment) -> list[tuple[str, dict[str, Any]]]:
    rows = await database.read(lambda tx: tx.all(NEWS))
    mine = [row for row in rows if row["aggregate_id"] == payment.id]
    return [(row["name"], jsons.loads(row["payload"])) for row in mine]

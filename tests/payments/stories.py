"""Stories of provider events, told in any order, and everything that is left of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commerce import payments
from commerce.kernel.database import Database, Tx
from commerce.payments import (
    CaptureMode,
    DisputeStatus,
    EventKind,
    Payment,
    ProviderEvent,
    RefundStatus,
)
from tests.payments import factories
from tests.payments.factories import dispute_news, news_of, refund_news

CAPTURE_BEFORE = 1_780_900_000_000_000
CONSEQUENCES = (
    "payment.authorised",
    "payment.succeeded",
    "payment.voided",
    "payment.dispute_opened",
    "payment.dispute_won",
    "payment.dispute_lost",
)


def of_money(payment: Payment) -> dict[str, ProviderEvent]:
    """Everything that can happen to a payment, each by its name."""
    part = {"ref": f"re-1:{payment.key}", "amount_minor": 2_000}
    rest = {"ref": f"re-2:{payment.key}", "amount_minor": 3_000}
    charge = f"charge:{payment.key}"
    return {
        "authorised": news_of(
            payment, EventKind.AUTHORISED, charge_ref=charge, capture_before=CAPTURE_BEFORE
        ),
        "paid": news_of(payment, EventKind.PAID),
        "captured in part": news_of(payment, EventKind.PAID, amount_minor=3_000),
        "declined": news_of(payment, EventKind.DECLINED, reason="no_funds"),
        "expired": news_of(payment, EventKind.EXPIRED),
        "failed": news_of(payment, EventKind.FAILED),
        "voided": news_of(payment, EventKind.VOIDED),
        "refund pending": refund_news(payment, RefundStatus.PENDING, **part),
        "refund succeeded": refund_news(payment, RefundStatus.SUCCEEDED, **part),
        "refund failed": refund_news(payment, RefundStatus.FAILED, **part),
        "rest succeeded": refund_news(payment, RefundStatus.SUCCEEDED, **rest),
        "rest failed": refund_news(payment, RefundStatus.FAILED, **rest),
        "dispute opened": dispute_news(payment, DisputeStatus.OPENED, amount_minor=5_000),
        "dispute won": dispute_news(payment, DisputeStatus.WON, amount_minor=5_000),
        "dispute lost": dispute_news(
            payment, DisputeStatus.LOST, amount_minor=5_000, fee_minor=1_500
        ),
    }


async def told(
    database: Database, names: Sequence[str], *, times: int = 1, capture_minor: int = 0
) -> Payment:
    """A fresh payment hears all this, each `times` times, and then all of it again backwards."""
    manual = {"capture": CaptureMode.MANUAL} if capture_minor else {}
    payment = await factories.opened(database, **manual)
    story = of_money(payment)
    if capture_minor:
        await factories.record(database, story["authorised"])
        await factories.capture(database, payment, capture_minor)
    heard = [story[name] for name in names for _ in range(times)]
    heard += reversed(heard)

    async def hear(tx: Tx) -> None:
        for event in heard:
            await payments.record_event(tx, "sandbox", event)

    await database.unit_of_work(hear)
    return payment


async def end(database: Database, payment: Payment) -> dict[str, Any]:
    """All that stands afterwards, without the names and instants each payment has of its own."""

    async def read(tx: Tx) -> dict[str, Any]:
        after = await payments.get(tx, payment.id)
        attempts = await payments.attempts_of(tx, payment.id)
        captures = await payments.captures_of(tx, payment.id)
        refunds = await payments.refunds_of(tx, payment.id)
        disputes = await payments.disputes_of(tx, payment.id)
        return {
            "status": after.status,
            "money": (after.authorised_minor, after.captured_minor, after.refund_minor),
            "charge": after.charge_ref is not None,
            "capture_before": after.capture_before,
            "instants": (after.authorised_at is None, after.paid_at is None),
            "attempts": sorted((a["result"], a["reason"]) for a in attempts),
            "captures": sorted((c.amount_minor, c.status, c.reason) for c in captures),
            "refunds": sorted((r.amount_minor, r.status, r.failure) for r in refunds),
            "disputes": [(d.amount_minor, d.fee_minor, d.status, d.reason) for d in disputes],
        }

    return await database.read(read)


async def said_once(database: Database, payment: Payment) -> None:
    """Nothing of consequence was announced twice, and disputes in their true order."""
    said = await factories.announcements(database, payment)
    names = [name for name, _ in said]
    for name in CONSEQUENCES:
        assert names.count(name) <= 1, name
    settled = [(n, f["refund_id"]) for n, f in said if "refund_id" in f]
    assert len(settled) == len(set(settled))
    disputed = [name.rpartition("_")[2] for name in names if "dispute" in name]
    assert disputed in ([], ["opened"], ["opened", "won"], ["opened", "lost"],
                        ["opened", "won", "lost"])  # fmt: skip

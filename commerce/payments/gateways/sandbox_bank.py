"""What the sandbox does when it is asked or pressed: to its sessions, its books, its webhooks.

Each function runs in a transaction of its caller, who holds the lock of the session.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from commerce.kernel import ids, jsons
from commerce.kernel.clock import SECOND
from commerce.kernel.database import Tx
from commerce.payments.gateways import sandbox_books, sandbox_store
from commerce.payments.gateways.sandbox_model import (
    AUTHORISED_FOR,
    SESSION_LIFE,
    Button,
    RefundMode,
    SandboxDispute,
    SandboxRefund,
    Session,
    SessionAct,
    SessionStatus,
    as_of,
)
from commerce.payments.lives import CaptureMode, DisputeStatus, RefundStatus, ReportKind
from commerce.payments.refusals import CaptureRefused, RefundRefused
from commerce.payments.values import Capture, Refund

NAME = "sandbox"
SLOW_WEBHOOK_AFTER = 8 * SECOND
LATE_MONEY_AFTER = 15 * SECOND
FIRST_STATUS = {
    RefundMode.AT_ONCE: RefundStatus.SUCCEEDED,
    RefundMode.PENDING: RefundStatus.PENDING,
    RefundMode.FAIL: RefundStatus.FAILED,
}


async def locked(tx: Tx, key: str) -> Session | None:
    """The session as time has made it."""
    session = await sandbox_store.by_key(tx, key, lock=True)
    return None if session is None else as_of(session, await tx.now())


async def approve(tx: Tx, session: Session, button: Button = Button.APPROVE) -> Session:
    """The fan agrees: the money is taken, or promised where it is captured later."""
    session = replace(session, charge_ref=f"sbx_ch_{ids.token(96)}")
    after = SLOW_WEBHOOK_AFTER if button is Button.SLOW else 0
    times = 2 if button is Button.TWICE else 1
    if session.capture is CaptureMode.AUTOMATIC:
        paid = await _take(tx, session, SessionAct.APPROVE, session.amount_minor)
        await announce(tx, "session.paid", paid, after=after, times=times)
        return paid
    until = await tx.now() + AUTHORISED_FOR
    held = await _moved(tx, replace(session, capture_before=until), SessionAct.AUTHORISE)
    await announce(tx, "session.authorised", held, after=after, times=times, capture_before=until)
    return held


async def pay_late(tx: Tx, session: Session) -> Session:
    """The link ends at once, and a slow bank sends the money after it."""
    at = await tx.now() + LATE_MONEY_AFTER
    charge = f"sbx_ch_{ids.token(96)}"
    over = await _moved(tx, replace(session, charge_ref=charge, settles_at=at), SessionAct.EXPIRE)
    await announce(tx, "session.expired", replace(over, charge_ref=None))
    await announce(tx, "session.paid", over, after=LATE_MONEY_AFTER)
    await sandbox_books.write(tx, over, ReportKind.CHARGE, charge, over.amount_minor, at=at)
    return over


async def decline(tx: Tx, session: Session) -> Session:
    declined = await _moved(tx, replace(session, declines=session.declines + 1), SessionAct.DECLINE)
    await announce(tx, "session.declined", declined, reason="card_declined")
    return declined


async def close(tx: Tx, session: Session) -> Session:
    """Make the page worthless and release what is authorised; what is paid stays paid."""
    if SESSION_LIFE.allows(session.status, SessionAct.EXPIRE):
        session = await _moved(tx, session, SessionAct.EXPIRE)
        await announce(tx, "session.expired", session)
    elif SESSION_LIFE.allows(session.status, SessionAct.VOID):
        session = await _moved(tx, session, SessionAct.VOID)
        await announce(tx, "session.voided", session)
    return session


async def capture(tx: Tx, session: Session, asked: Capture) -> Session:
    """Taken once, whatever is asked for afterwards; gone stays gone."""
    if session.status in (SessionStatus.PAID, SessionStatus.VOIDED, SessionStatus.EXPIRED):
        return session
    if session.status is not SessionStatus.AUTHORISED:
        raise CaptureRefused(provider=NAME, reason="not_authorised")
    if asked.amount_minor > session.amount_minor:
        raise CaptureRefused(provider=NAME, reason="amount_too_large")
    paid = await _take(tx, session, SessionAct.CAPTURE, asked.amount_minor)
    await announce(tx, "session.paid", paid)
    return paid


async def give_back(tx: Tx, session: Session, asked: Refund) -> SandboxRefund:
    """Never more than was taken."""
    if session.status is not SessionStatus.PAID:
        raise RefundRefused(provider=NAME, reason="not_paid")
    if session.refunded_minor + asked.amount_minor > session.captured_minor:
        raise RefundRefused(provider=NAME, reason="amount_too_large")
    refund = SandboxRefund(
        key=asked.key,
        id=f"sbx_re_{ids.token(96)}",
        session_id=session.id,
        amount_minor=asked.amount_minor,
        status=FIRST_STATUS[session.refunds],
        created_at=await tx.now(),
    )
    await sandbox_store.add_refund(tx, refund)
    await _refund_stands(tx, session, refund, was=None)
    return refund


async def settle_refund(
    tx: Tx, session: Session, refund: SandboxRefund, status: RefundStatus
) -> Session:
    after = replace(refund, status=status)
    await sandbox_store.save_refund(tx, after)
    return await _refund_stands(tx, session, after, was=refund.status)


async def dispute(tx: Tx, session: Session, amount_minor: int) -> SandboxDispute:
    """The bank takes the money back, for now."""
    opened = SandboxDispute(
        id=f"sbx_dp_{ids.token(96)}",
        session_id=session.id,
        amount_minor=amount_minor,
        status=DisputeStatus.OPENED,
        created_at=await tx.now(),
    )
    await sandbox_store.add_dispute(tx, opened)
    await sandbox_books.write(tx, session, ReportKind.DISPUTE, opened.id, -amount_minor)
    await _announce_dispute(tx, session, opened)
    return opened


async def end_dispute(
    tx: Tx, session: Session, disputed: SandboxDispute, status: DisputeStatus
) -> None:
    ended = replace(disputed, status=status)
    await sandbox_store.save_dispute(tx, ended)
    if status is DisputeStatus.WON:
        kind = ReportKind.DISPUTE_REVERSAL
        await sandbox_books.write(tx, session, kind, ended.id, ended.amount_minor)
    await _announce_dispute(tx, session, ended)


async def announce(
    tx: Tx, event_type: str, session: Session, *, after: int = 0, times: int = 1, **facts: Any
) -> None:
    """Queue the webhook in the transaction of its cause: it is sent at least once."""
    now = await tx.now()
    body = {
        "id": f"sbx_evt_{ids.token(96)}",
        "type": event_type,
        "created_at": now,
        "session": session.id,
        "reference": session.key,
        "charge": session.charge_ref,
        "amount": session.money_minor,
        "currency": session.currency,
        **facts,
    }
    for _ in range(times):
        await sandbox_store.add_delivery(tx, jsons.dumps(body), at=now + after)


async def _moved(tx: Tx, session: Session, act: SessionAct) -> Session:
    moved = replace(session, status=SESSION_LIFE.after(session.status, act))
    await sandbox_store.save(tx, moved)
    return moved


async def _take(tx: Tx, session: Session, act: SessionAct, amount_minor: int) -> Session:
    assert session.charge_ref is not None, session.id
    paid = await _moved(tx, replace(session, captured_minor=amount_minor), act)
    await sandbox_books.write(tx, paid, ReportKind.CHARGE, session.charge_ref, amount_minor)
    return paid


async def _refund_stands(
    tx: Tx, session: Session, refund: SandboxRefund, *, was: RefundStatus | None
) -> Session:
    """Set aside while it may still succeed; in the books once it has, and once it comes back."""
    aside = refund.amount_minor if was in (None, RefundStatus.FAILED) else 0
    if refund.status is RefundStatus.FAILED:
        aside -= refund.amount_minor
    session = replace(session, refunded_minor=session.refunded_minor + aside)
    await sandbox_store.save(tx, session)
    if refund.status is RefundStatus.SUCCEEDED:
        kind = ReportKind.REFUND
        await sandbox_books.write(tx, session, kind, refund.id, -refund.amount_minor)
    elif was is RefundStatus.SUCCEEDED:
        back = f"{refund.id}_back"
        await sandbox_books.write(tx, session, ReportKind.REFUND, back, refund.amount_minor)
    await announce(
        tx,
        f"refund.{refund.status}",
        session,
        refund_id=refund.id,
        refund_key=refund.key,
        amount=refund.amount_minor,
        reason="account_closed" if refund.status is RefundStatus.FAILED else "",
    )
    return session


async def _announce_dispute(tx: Tx, session: Session, disputed: SandboxDispute) -> None:
    await announce(
        tx,
        f"dispute.{disputed.status}",
        session,
        dispute_id=disputed.id,
        amount=disputed.amount_minor,
        reason="fraudulent",
    )

"""What happens on the sandbox's pay page: somebody looks at a session and presses a button."""

from __future__ import annotations

from dataclasses import dataclass, replace

from commerce.kernel.database import Tx
from commerce.payments.gateways import sandbox_bank, sandbox_store
from commerce.payments.gateways.sandbox_model import (
    Button,
    NoSuchSession,
    RefundMode,
    SandboxDispute,
    SandboxRefund,
    Session,
    SessionStatus,
    as_of,
)
from commerce.payments.lives import CaptureMode, DisputeStatus, RefundStatus

__all__ = ["Button", "NoSuchSession", "Page", "Session", "SessionStatus", "look", "press"]

REFUND_MODES = {
    Button.REFUNDS_AT_ONCE: RefundMode.AT_ONCE,
    Button.REFUNDS_PENDING: RefundMode.PENDING,
    Button.REFUNDS_FAIL: RefundMode.FAIL,
}
STANDING = (RefundStatus.PENDING, RefundStatus.SUCCEEDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A session as it is now, with what came of it, and the buttons that do something."""

    session: Session
    refunds: tuple[SandboxRefund, ...]
    disputes: tuple[SandboxDispute, ...]
    now: int

    @property
    def left_minor(self) -> int:
        disputed = sum(d.amount_minor for d in self.disputes if d.status is not DisputeStatus.WON)
        return self.session.captured_minor - self.session.refunded_minor - disputed

    @property
    def open_dispute(self) -> SandboxDispute | None:
        return next((d for d in self.disputes if d.status is DisputeStatus.OPENED), None)

    def has_refund(self, *statuses: RefundStatus) -> bool:
        return any(refund.status in statuses for refund in self.refunds)

    @property
    def buttons(self) -> frozenset[Button]:
        if self.session.status is SessionStatus.OPEN:
            late = {Button.LATE} if self.session.capture is CaptureMode.AUTOMATIC else set()
            return frozenset({Button.APPROVE, Button.DECLINE, Button.SLOW, Button.TWICE} | late)
        if self.session.status is SessionStatus.AUTHORISED:
            return frozenset({Button.LAPSE})
        if self.session.status is not SessionStatus.PAID:
            return frozenset()
        useful = {
            button for button, mode in REFUND_MODES.items() if mode is not self.session.refunds
        }
        if self.has_refund(RefundStatus.PENDING):
            useful.add(Button.FINISH)
        if self.has_refund(*STANDING):
            useful.add(Button.BOUNCE)
        if self.open_dispute is not None:
            useful |= {Button.WIN, Button.LOSE}
        elif self.left_minor > 0:
            useful.add(Button.DISPUTE)
        return frozenset(useful)


async def look(tx: Tx, token: str) -> Page:
    """The session as it is now; one past its end reads as expired before any job says so."""
    return await _page(tx, await sandbox_store.by_token(tx, token))


async def press(tx: Tx, token: str, button: Button) -> Page:
    """Do what the button says. Pressed again, or too late, it changes nothing."""
    page = await _page(tx, await sandbox_store.by_token(tx, token, lock=True))
    if button not in page.buttons:
        return page
    await _do(tx, page, button)
    return await look(tx, token)


async def _page(tx: Tx, session: Session | None) -> Page:
    if session is None:
        raise NoSuchSession()
    now = await tx.now()
    return Page(
        session=as_of(session, now),
        refunds=tuple(await sandbox_store.refunds_of(tx, session.id)),
        disputes=tuple(await sandbox_store.disputes_of(tx, session.id)),
        now=now,
    )


async def _do(tx: Tx, page: Page, button: Button) -> None:
    session = page.session
    if button in REFUND_MODES:
        await sandbox_store.save(tx, replace(session, refunds=REFUND_MODES[button]))
    elif button is Button.DECLINE:
        await sandbox_bank.decline(tx, session)
    elif button is Button.LATE:
        await sandbox_bank.pay_late(tx, session)
    elif button is Button.LAPSE:
        await sandbox_bank.close(tx, session)
    elif button is Button.FINISH:
        await _settle_refunds(tx, page, (RefundStatus.PENDING,), RefundStatus.SUCCEEDED)
    elif button is Button.BOUNCE:
        await _settle_refunds(tx, page, STANDING, RefundStatus.FAILED)
    elif button is Button.DISPUTE:
        await sandbox_bank.dispute(tx, session, page.left_minor)
    elif button in (Button.WIN, Button.LOSE):
        await _end_dispute(tx, page, button)
    else:
        await sandbox_bank.approve(tx, session, button)


async def _settle_refunds(
    tx: Tx, page: Page, of: tuple[RefundStatus, ...], status: RefundStatus
) -> None:
    session = page.session
    for refund in page.refunds:
        if refund.status in of:
            session = await sandbox_bank.settle_refund(tx, session, refund, status)


async def _end_dispute(tx: Tx, page: Page, button: Button) -> None:
    assert page.open_dispute is not None, page.session.id
    status = DisputeStatus.WON if button is Button.WIN else DisputeStatus.LOST
    await sandbox_bank.end_dispute(tx, page.session, page.open_dispute, status)

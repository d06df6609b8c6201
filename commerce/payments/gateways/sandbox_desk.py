"""What happens on the sandbox's pay page: a fan looks at a session and presses a button."""

from __future__ import annotations

from dataclasses import replace

from commerce.kernel import ids
from commerce.kernel.clock import SECOND
from commerce.kernel.database import Tx
from commerce.payments.gateways import sandbox, sandbox_store
from commerce.payments.gateways.sandbox_model import (
    SESSION_LIFE,
    Button,
    NoSuchSession,
    Session,
    SessionAct,
    SessionStatus,
    as_of,
)

__all__ = ["Button", "NoSuchSession", "Session", "SessionStatus", "look", "press"]

SLOW_WEBHOOK_AFTER = 8 * SECOND


async def look(tx: Tx, token: str) -> Session:
    """The session as it is now; one past its end reads as expired before any job says so."""
    session = await sandbox_store.by_token(tx, token)
    if session is None:
        raise NoSuchSession()
    return as_of(session, await tx.now())


async def press(tx: Tx, token: str, button: Button) -> Session:
    """Do what the button says. Pressed again, or too late, it changes nothing."""
    session = await sandbox_store.by_token(tx, token, lock=True)
    if session is None:
        raise NoSuchSession()
    current = as_of(session, await tx.now())
    if current.status is not SessionStatus.OPEN:
        return current
    if button is Button.DECLINE:
        return await _decline(tx, session)
    return await _approve(tx, session, button)


async def _approve(tx: Tx, session: Session, button: Button) -> Session:
    paid = replace(
        session,
        status=SESSION_LIFE.after(session.status, SessionAct.APPROVE),
        charge_ref=f"sbx_ch_{ids.token(96)}",
    )
    await sandbox_store.save(tx, paid)
    await sandbox.announce(
        tx,
        "session.paid",
        paid,
        after=SLOW_WEBHOOK_AFTER if button is Button.SLOW else 0,
        times=2 if button is Button.TWICE else 1,
    )
    return paid


async def _decline(tx: Tx, session: Session) -> Session:
    status = SESSION_LIFE.after(session.status, SessionAct.DECLINE)
    declined = replace(session, status=status, declines=session.declines + 1)
    await sandbox_store.save(tx, declined)
    await sandbox.announce(tx, "session.declined", declined, reason="card_declined")
    return declined

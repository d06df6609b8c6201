"""The sandbox provider's own words: its checkout sessions and what a fan may do to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from commerce.kernel.errors import Refusal
from commerce.kernel.machine import Machine


class SessionStatus(StrEnum):
    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"


class SessionAct(StrEnum):
    APPROVE = "approve"
    DECLINE = "decline"
    EXPIRE = "expire"


SESSION_LIFE = Machine(
    start=SessionStatus.OPEN,
    moves={
        (SessionStatus.OPEN, SessionAct.APPROVE): SessionStatus.PAID,
        (SessionStatus.OPEN, SessionAct.DECLINE): SessionStatus.OPEN,
        (SessionStatus.OPEN, SessionAct.EXPIRE): SessionStatus.EXPIRED,
    },
)


class Button(StrEnum):
    """What the pay page offers."""

    APPROVE = "approve"
    DECLINE = "decline"
    SLOW = "slow"  # paid at once, told late
    TWICE = "twice"  # paid once, told twice


class NoSuchSession(Refusal):
    code = "no_such_pay_page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    id: str
    key: str
    token: str
    amount_minor: int
    currency: str
    description: str
    return_url: str
    status: SessionStatus
    declines: int
    charge_ref: str | None
    refunded_minor: int
    expires_at: int
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    id: str
    body: str
    tries: int


def as_of(session: Session, now: int) -> Session:
    """The session at this moment: past its end it is expired before anybody has written so."""
    if session.status is SessionStatus.OPEN and session.expires_at <= now:
        return replace(session, status=SessionStatus.EXPIRED)
    return session

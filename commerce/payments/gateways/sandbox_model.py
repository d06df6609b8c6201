"""The sandbox provider's own words: sessions, refunds and disputes, and the buttons for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from commerce.kernel.clock import DAY
from commerce.kernel.errors import Refusal
from commerce.kernel.machine import Machine
from commerce.payments.lives import CaptureMode, DisputeStatus, RefundStatus

AUTHORISED_FOR = 7 * DAY


class SessionStatus(StrEnum):
    OPEN = "open"
    AUTHORISED = "authorised"
    PAID = "paid"
    EXPIRED = "expired"
    VOIDED = "voided"


class SessionAct(StrEnum):
    APPROVE = "approve"
    AUTHORISE = "authorise"
    DECLINE = "decline"
    EXPIRE = "expire"
    SETTLE = "settle"  # a slow bank pays after the end
    CAPTURE = "capture"
    VOID = "void"


SESSION_LIFE = Machine(
    start=SessionStatus.OPEN,
    moves={
        (SessionStatus.OPEN, SessionAct.APPROVE): SessionStatus.PAID,
        (SessionStatus.OPEN, SessionAct.AUTHORISE): SessionStatus.AUTHORISED,
        (SessionStatus.OPEN, SessionAct.DECLINE): SessionStatus.OPEN,
        (SessionStatus.OPEN, SessionAct.EXPIRE): SessionStatus.EXPIRED,
        (SessionStatus.EXPIRED, SessionAct.SETTLE): SessionStatus.PAID,
        (SessionStatus.AUTHORISED, SessionAct.CAPTURE): SessionStatus.PAID,
        (SessionStatus.AUTHORISED, SessionAct.VOID): SessionStatus.VOIDED,
    },
)


class RefundMode(StrEnum):
    """What becomes of the next refunds."""

    AT_ONCE = "at_once"
    PENDING = "pending"
    FAIL = "fail"


class Button(StrEnum):
    """What the pay page offers: to the fan, and to whoever tries the difficult cases."""

    APPROVE = "approve"
    DECLINE = "decline"
    SLOW = "slow"  # paid at once, told late
    TWICE = "twice"  # paid once, told twice
    LATE = "late"  # the link ends, and the money comes afterwards
    LAPSE = "lapse"  # the authorisation runs out
    REFUNDS_AT_ONCE = "refunds_at_once"
    REFUNDS_PENDING = "refunds_pending"
    REFUNDS_FAIL = "refunds_fail"
    FINISH = "finish"  # the refunds that are pending
    BOUNCE = "bounce"  # the refunds that are pending or succeeded
    DISPUTE = "dispute"
    WIN = "win"
    LOSE = "lose"


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
    capture: CaptureMode
    status: SessionStatus
    declines: int
    charge_ref: str | None
    capture_before: int | None
    captured_minor: int
    refunded_minor: int
    refunds: RefundMode
    settles_at: int | None  # when the money of a slow bank comes
    expires_at: int
    created_at: int

    @property
    def money_minor(self) -> int:
        """What is taken, or else what there is to take."""
        return self.captured_minor or self.amount_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRefund:
    key: str
    id: str
    session_id: str
    amount_minor: int
    status: RefundStatus
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxDispute:
    id: str
    session_id: str
    amount_minor: int
    status: DisputeStatus
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money sent on to a connected account."""

    key: str
    id: str
    account: str
    amount_minor: int
    currency: str
    payment_key: str
    reversed_minor: int
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    id: str
    body: str
    tries: int


def as_of(session: Session, now: int) -> Session:
    """The session at this moment: what time does to it counts before anybody has written so."""
    if session.status is SessionStatus.OPEN and session.expires_at <= now:
        return replace(session, status=SessionStatus.EXPIRED)
    if session.status is SessionStatus.EXPIRED and _passed(session.settles_at, now):
        status = SESSION_LIFE.after(session.status, SessionAct.SETTLE)
        return replace(session, status=status, captured_minor=session.amount_minor)
    if session.status is SessionStatus.AUTHORISED and _passed(session.capture_before, now):
        return replace(session, status=SessionStatus.VOIDED)
    return session


def _passed(at: int | None, now: int) -> bool:
    return at is not None and at <= now

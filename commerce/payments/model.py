"""What a payment and its refunds are, and every decision about them; no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from commerce.kernel.events import Event
from commerce.kernel.machine import Machine
from commerce.payments import events
from commerce.payments.refusals import BadAmount, NotPaid, RefundTooLarge


class Status(StrEnum):
    CREATED = "created"  # committed here; the provider not asked yet, or its answer unknown
    OPEN = "open"  # the fan has a link and may try as often as the provider lets them
    EXPIRED = "expired"  # the link is dead; money may still turn up
    FAILED = "failed"  # the provider said no for good
    PAID = "paid"
    REFUNDING = "refunding"  # at least one refund is asked for and not settled
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"


class Act(StrEnum):
    OPEN = "open"
    DECLINE = "decline"
    PAY = "pay"
    EXPIRE = "expire"
    FAIL = "fail"
    REFUND = "refund"
    RETURN_ALL = "return_all"
    RETURN_PART = "return_part"
    RETURN_NOTHING = "return_nothing"  # the provider could not give the money back


# Money may arrive in every status before PAID, because the provider's word is the last one.
# EXPIRED and FAILED in either order end as FAILED, so that the order of events does not matter.
LIFE = Machine(
    start=Status.CREATED,
    moves={
        (Status.CREATED, Act.OPEN): Status.OPEN,
        (Status.CREATED, Act.DECLINE): Status.CREATED,
        (Status.CREATED, Act.PAY): Status.PAID,
        (Status.CREATED, Act.EXPIRE): Status.EXPIRED,
        (Status.CREATED, Act.FAIL): Status.FAILED,
        (Status.OPEN, Act.DECLINE): Status.OPEN,
        (Status.OPEN, Act.PAY): Status.PAID,
        (Status.OPEN, Act.EXPIRE): Status.EXPIRED,
        (Status.OPEN, Act.FAIL): Status.FAILED,
        (Status.EXPIRED, Act.PAY): Status.PAID,
        (Status.EXPIRED, Act.FAIL): Status.FAILED,
        (Status.FAILED, Act.PAY): Status.PAID,
        (Status.PAID, Act.REFUND): Status.REFUNDING,
        (Status.PARTLY_REFUNDED, Act.REFUND): Status.REFUNDING,
        (Status.REFUNDING, Act.REFUND): Status.REFUNDING,
        (Status.REFUNDING, Act.RETURN_ALL): Status.REFUNDED,
        (Status.REFUNDING, Act.RETURN_PART): Status.PARTLY_REFUNDED,
        (Status.REFUNDING, Act.RETURN_NOTHING): Status.PAID,
        (Status.PARTLY_REFUNDED, Act.RETURN_PART): Status.PARTLY_REFUNDED,
        (Status.PARTLY_REFUNDED, Act.RETURN_NOTHING): Status.PAID,
        (Status.REFUNDED, Act.RETURN_PART): Status.PARTLY_REFUNDED,
        (Status.REFUNDED, Act.RETURN_NOTHING): Status.PAID,
    },
)
UNSETTLED = frozenset({Status.CREATED, Status.OPEN})
WITH_MONEY = frozenset(
    {Status.PAID, Status.REFUNDING, Status.PARTLY_REFUNDED, Status.REFUNDED},
)


class RefundStatus(StrEnum):
    ASKED = "asked"  # committed here; the provider not asked yet, or its answer unknown
    PENDING = "pending"  # the provider took it and has not finished
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundAct(StrEnum):
    ACCEPT = "accept"
    SUCCEED = "succeed"
    FAIL = "fail"


# Banks return refunds: SUCCEEDED may still fail. FAILED is final.
REFUND_LIFE = Machine(
    start=RefundStatus.ASKED,
    moves={
        (RefundStatus.ASKED, RefundAct.ACCEPT): RefundStatus.PENDING,
        (RefundStatus.ASKED, RefundAct.SUCCEED): RefundStatus.SUCCEEDED,
        (RefundStatus.ASKED, RefundAct.FAIL): RefundStatus.FAILED,
        (RefundStatus.PENDING, RefundAct.SUCCEED): RefundStatus.SUCCEEDED,
        (RefundStatus.PENDING, RefundAct.FAIL): RefundStatus.FAILED,
        (RefundStatus.SUCCEEDED, RefundAct.FAIL): RefundStatus.FAILED,
    },
)


class Stands(StrEnum):
    """Where a payment stands at its provider."""

    ABSENT = "absent"  # the provider never took it
    OPEN = "open"
    PROCESSING = "processing"  # completed by the fan, not yet by the bank
    PAID = "paid"
    EXPIRED = "expired"
    FAILED = "failed"


class EventKind(StrEnum):
    """What a provider's event means to us."""

    PAID = "paid"
    DECLINED = "declined"
    FAILED = "failed"
    EXPIRED = "expired"
    REFUND = "refund"
    REFUNDS_CHANGED = "refunds_changed"  # says that, not which: the provider is asked
    OTHER = "other"  # of no interest; acknowledged and not stored


class Outcome(StrEnum):
    """What became of a stored provider event."""

    WAITING = "waiting"  # its payment or refund is not known yet
    APPLIED = "applied"
    UNCHANGED = "unchanged"  # true, and already known or overtaken
    MISMATCHED = "mismatched"  # money that is not the money asked for; for a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    id: str
    key: str  # the caller's; also the idempotency key and the reference at the provider
    order_id: str
    reference: str  # who waits for it, such as the checkout
    provider: str
    amount_minor: int
    currency: str
    description: str
    status: Status
    provider_ref: str | None  # the provider's name for what the fan pays
    charge_ref: str | None  # the provider's name for the money, known once paid
    pay_url: str | None
    expires_at: int
    created_at: int
    paid_at: int | None
    paid_minor: int
    refund_minor: int  # asked for and not failed; never above paid_minor
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    id: str
    key: str
    payment_id: str
    amount_minor: int
    reason: str
    status: RefundStatus
    provider_ref: str | None
    tries: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    provider_ref: str
    pay_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The provider's own answer about a payment; proof when it says PAID."""

    status: Stands
    provider_ref: str | None = None
    charge_ref: str | None = None
    amount_minor: int = 0
    currency: str = ""
    pay_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    standing: Standing

    @property
    def was_paid(self) -> bool:
        return self.standing.status is Stands.PAID


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundStanding:
    """The provider's own answer about a refund."""

    status: RefundStatus
    provider_ref: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEvent:
    """A verified webhook. `payload` keeps the facts of payment, never a person's data."""

    event_id: str
    kind: EventKind
    type: str  # the provider's word
    payment_key: str | None = None
    provider_ref: str | None = None
    charge_ref: str | None = None
    amount_minor: int = 0
    currency: str = ""
    reason: str = ""
    refund_key: str | None = None
    refund_ref: str | None = None
    refund_status: RefundStatus | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    payment: Payment
    events: tuple[Event, ...] = ()
    outcome: Outcome = Outcome.APPLIED


def check_amount(amount_minor: int, currency: str) -> None:
    if amount_minor <= 0:
        raise BadAmount(amount_minor=amount_minor)
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise BadAmount(currency=currency)


def opened(payment: Payment, made: Opened) -> Decision:
    """The link is known. News of the payment may have overtaken it: then only the link is kept."""
    known = replace(payment, provider_ref=made.provider_ref, pay_url=made.pay_url)
    if LIFE.allows(payment.status, Act.OPEN):
        return Decision(payment=_moved(known, Act.OPEN))
    if known == payment:
        return Decision(payment=payment, outcome=Outcome.UNCHANGED)
    return Decision(payment=replace(known, version=payment.version + 1))


def pay(payment: Payment, proof: Standing, *, now: int) -> Decision:
    """Paid only when the proof is of exactly this money, and only once."""
    if payment.status in WITH_MONEY:
        return _paid_again(payment, proof)
    if _differs(payment, proof):
        return _mismatch(payment, proof, reason="wrong_money")
    late = payment.status not in UNSETTLED
    paid = replace(
        _moved(payment, Act.PAY),
        provider_ref=proof.provider_ref or payment.provider_ref,
        charge_ref=proof.charge_ref,
        paid_at=now,
        paid_minor=payment.amount_minor,
    )
    return Decision(payment=paid, events=(_succeeded(paid, late=late),))


def decline(payment: Payment, reason: str) -> Decision:
    if not LIFE.allows(payment.status, Act.DECLINE):
        return Decision(payment=payment, outcome=Outcome.UNCHANGED)
    event = events.PaymentDeclined(
        payment_id=payment.id,
        order_id=payment.order_id,
        reference=payment.reference,
        reason=reason,
    )
    return Decision(payment=_moved(payment, Act.DECLINE), events=(event,))


def expire(payment: Payment) -> Decision:
    if not LIFE.allows(payment.status, Act.EXPIRE):
        return Decision(payment=payment, outcome=Outcome.UNCHANGED)
    event = events.PaymentExpired(
        payment_id=payment.id,
        order_id=payment.order_id,
        reference=payment.reference,
    )
    return Decision(payment=_moved(payment, Act.EXPIRE), events=(event,))


def fail(payment: Payment, reason: str) -> Decision:
    if not LIFE.allows(payment.status, Act.FAIL):
        return Decision(payment=payment, outcome=Outcome.UNCHANGED)
    event = events.PaymentFailed(
        payment_id=payment.id,
        order_id=payment.order_id,
        reference=payment.reference,
        reason=reason,
    )
    return Decision(payment=_moved(payment, Act.FAIL), events=(event,))


def reserve_refund(payment: Payment, amount_minor: int) -> Payment:
    """Sets the amount aside, so that refunds asked for at once never exceed what was paid."""
    check_amount(amount_minor, payment.currency)
    if payment.status not in WITH_MONEY:
        raise NotPaid(payment_id=payment.id, status=str(payment.status))
    left = payment.paid_minor - payment.refund_minor
    if amount_minor > left:
        raise RefundTooLarge(payment_id=payment.id, asked_minor=amount_minor, left_minor=left)
    moved = _moved(payment, Act.REFUND)
    return replace(moved, refund_minor=payment.refund_minor + amount_minor)


def settle_refunds(payment: Payment, refunds: tuple[Refund, ...]) -> Payment:
    """The payment after its refunds changed; a failed one frees its amount again."""
    standing = [refund for refund in refunds if refund.status is not RefundStatus.FAILED]
    reserved = sum(refund.amount_minor for refund in standing)
    if any(refund.status is not RefundStatus.SUCCEEDED for refund in standing):
        act = Act.REFUND
    elif reserved == payment.paid_minor:
        act = Act.RETURN_ALL
    else:
        act = Act.RETURN_PART if reserved else Act.RETURN_NOTHING
    return replace(_moved(payment, act), refund_minor=reserved)


def refund_after(refund: Refund, standing: RefundStanding) -> Refund:
    """The refund after news of it; old news changes nothing."""
    act = {
        RefundStatus.PENDING: RefundAct.ACCEPT,
        RefundStatus.SUCCEEDED: RefundAct.SUCCEED,
        RefundStatus.FAILED: RefundAct.FAIL,
    }[standing.status]
    if not REFUND_LIFE.allows(refund.status, act):
        return refund
    status = REFUND_LIFE.after(refund.status, act)
    ref = standing.provider_ref or refund.provider_ref
    return replace(refund, status=status, provider_ref=ref, version=refund.version + 1)


def _moved(payment: Payment, act: Act) -> Payment:
    status = LIFE.after(payment.status, act)
    return replace(payment, status=status, version=payment.version + 1)


def _differs(payment: Payment, proof: Standing) -> bool:
    asked = (payment.amount_minor, payment.currency)
    return (proof.amount_minor, proof.currency.upper()) != asked


def _paid_again(payment: Payment, proof: Standing) -> Decision:
    """The same news once more, or the same purchase charged a second time."""
    same_charge = proof.charge_ref in (None, payment.charge_ref) or payment.charge_ref is None
    if same_charge and not _differs(payment, proof):
        return Decision(payment=payment, outcome=Outcome.UNCHANGED)
    return _mismatch(payment, proof, reason="paid_twice")


def _mismatch(payment: Payment, proof: Standing, *, reason: str) -> Decision:
    event = events.PaymentMismatched(
        payment_id=payment.id,
        order_id=payment.order_id,
        reference=payment.reference,
        reason=reason,
        asked_minor=payment.amount_minor,
        asked_currency=payment.currency,
        got_minor=proof.amount_minor,
        got_currency=proof.currency,
    )
    return Decision(payment=payment, events=(event,), outcome=Outcome.MISMATCHED)


def _succeeded(payment: Payment, *, late: bool) -> Event:
    return events.PaymentSucceeded(
        payment_id=payment.id,
        order_id=payment.order_id,
        reference=payment.reference,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        late=late,
    )

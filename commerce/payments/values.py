"""What a payment and everything around it is made of: frozen values, without decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from commerce.kernel.events import Event
from commerce.payments.lives import (
    CaptureMode,
    CaptureStatus,
    DisputeStatus,
    EventKind,
    Outcome,
    PayoutStatus,
    RefundStatus,
    ReportKind,
    ReversalStatus,
    Stands,
    Status,
)


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
    capture: CaptureMode
    status: Status
    provider_ref: str | None  # the provider's name for what the fan pays
    charge_ref: str | None  # the provider's name for the money, known once authorised or paid
    pay_url: str | None
    expires_at: int
    created_at: int
    authorised_at: int | None
    authorised_minor: int
    capture_before: int | None  # when the authorisation runs out, where the provider says so
    paid_at: int | None
    captured_minor: int  # less than the amount after a partial capture
    refund_minor: int  # asked for and not failed; never above captured_minor
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Money taken out of an authorisation; what is not taken is released."""

    id: str
    key: str
    payment_id: str
    amount_minor: int
    status: CaptureStatus
    reason: str  # why it failed
    tries: int  # how often the provider was asked for it
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    id: str
    key: str
    payment_id: str
    amount_minor: int
    reason: str
    status: RefundStatus
    failure: str  # why the provider gave nothing back
    provider_ref: str | None
    tries: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A bank that took a fan's money back, and how that ended."""

    id: str
    payment_id: str
    provider: str
    provider_ref: str
    amount_minor: int
    currency: str
    fee_minor: int  # what the provider takes for it
    reason: str
    status: DisputeStatus
    opened_at: int
    closed_at: int | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The provider's own answer about a payment; proof when it says PAID or AUTHORISED."""

    status: Stands
    provider_ref: str | None = None
    charge_ref: str | None = None
    amount_minor: int = 0  # what is authorised resp. captured
    currency: str = ""
    pay_url: str | None = None
    capture_before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    provider_ref: str
    pay_url: str | None  # None: there is nothing the fan must do, as for cash on delivery
    standing: Standing | None = None  # known at once, where nobody has to wait for the fan


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    standing: Standing


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
    amount_minor: int = 0  # of the payment, the refund or the dispute, whatever the kind is
    currency: str = ""
    reason: str = ""
    capture_before: int | None = None
    refund_key: str | None = None
    refund_ref: str | None = None
    refund_status: RefundStatus | None = None
    dispute_ref: str | None = None
    dispute_status: DisputeStatus | None = None
    fee_minor: int = 0  # of the dispute
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    payment: Payment
    events: tuple[Event, ...] = ()
    outcome: Outcome = Outcome.APPLIED
    note: str = ""  # why it is mismatched


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEvent:
    """A stored provider event, with what a person needs to look into it."""

    provider: str
    event: ProviderEvent
    received_at: int
    outcome: Outcome
    note: str
    payment_id: str | None  # None: no payment of ours is known for it
    order_id: str | None
    asked_minor: int | None
    asked_currency: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """Money of ours to be sent to an account that is connected at the provider."""

    id: str
    key: str  # the idempotency key
    provider: str
    payment_id: str | None  # the payment it is a share of; None = out of our balance
    account: str  # the provider's name of the account
    amount_minor: int
    currency: str
    reference: str  # what it is for; groups transfers at the provider
    charge_ref: str | None  # the provider's name of the money it is a share of
    status: PayoutStatus
    failure: str  # why the provider refused
    provider_ref: str | None  # the provider's name of the transfer, known once it was made
    reversed_minor: int  # asked back and not refused; never above the amount
    tries: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutReversal:
    """Money taken back out of a payout."""

    id: str
    key: str
    payout_id: str
    amount_minor: int
    status: ReversalStatus
    failure: str
    provider_ref: str | None
    tries: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutStanding:
    """The provider's own answer about a payout or a reversal."""

    status: PayoutStatus
    provider_ref: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """One movement of money as the provider tells it, to be compared with the ledger."""

    kind: ReportKind
    ref: str  # the provider's name of this movement; the same movement has the same name
    payment_key: str | None
    charge_ref: str | None
    amount_minor: int  # signed: + is to us
    fee_minor: int  # what the provider kept of it; positive
    currency: str
    at: int  # µs

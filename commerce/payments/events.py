"""What payments announces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from commerce.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent(Event):
    """What every event of a payment says."""

    payment_id: str
    order_id: str
    reference: str

    @property
    def aggregate_id(self) -> str:
        return self.payment_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAuthorised(PaymentEvent):
    """The money is promised: capture it before the promise runs out, or close the payment."""

    name: ClassVar[str] = "payment.authorised"
    amount_minor: int
    currency: str
    capture_before: int | None
    late: bool  # the payment had expired or failed here before


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSucceeded(PaymentEvent):
    """The money is ours; `amount_minor` is what was captured."""

    name: ClassVar[str] = "payment.succeeded"
    amount_minor: int
    currency: str
    late: bool  # the payment had expired, failed or been voided: revive the order or refund


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureFailed(PaymentEvent):
    """The provider took nothing; what is authorised stays so until it is voided."""

    name: ClassVar[str] = "payment.capture_failed"
    capture_key: str
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDeclined(PaymentEvent):
    """The fan may try again under the same link."""

    name: ClassVar[str] = "payment.declined"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(PaymentEvent):
    name: ClassVar[str] = "payment.failed"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentExpired(PaymentEvent):
    name: ClassVar[str] = "payment.expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentVoided(PaymentEvent):
    """What was authorised is released, or ran out. The fan was not charged."""

    name: ClassVar[str] = "payment.voided"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMismatched(PaymentEvent):
    """Money came that is not the money asked for. The payment is as it was; a person must look."""

    name: ClassVar[str] = "payment.mismatched"
    reason: str  # wrong_money | paid_twice | wrong_authorisation | wrong_refund | wrong_dispute
    asked_minor: int
    asked_currency: str
    got_minor: int
    got_currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded(PaymentEvent):
    name: ClassVar[str] = "payment.refunded"
    refund_id: str
    refund_key: str
    amount_minor: int  # of this refund
    currency: str
    whole: bool  # with it everything paid has been given back


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFailed(PaymentEvent):
    """The money stays with us for now; a person must look."""

    name: ClassVar[str] = "payment.refund_failed"
    refund_id: str
    refund_key: str
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeEvent(PaymentEvent):
    """Always in this order: opened, then won or lost; a won one may still be lost."""

    dispute_id: str
    amount_minor: int
    currency: str
    fee_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeOpened(DisputeEvent):
    """The bank took the money back, for now."""

    name: ClassVar[str] = "payment.dispute_opened"
    reason: str
    exceeds_left: bool  # more than is left after refunds: a person must look


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeWon(DisputeEvent):
    name: ClassVar[str] = "payment.dispute_won"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeLost(DisputeEvent):
    name: ClassVar[str] = "payment.dispute_lost"
    after_won: bool  # the money had come back to us, and is gone again


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutEvent(Event):
    """What every event of a payout says; events of one payout are heard in their order."""

    payout_id: str
    payout_key: str
    payment_id: str | None
    account: str
    currency: str

    @property
    def aggregate_id(self) -> str:
        return self.payout_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutSent(PayoutEvent):
    """The connected account has the money."""

    name: ClassVar[str] = "payout.sent"
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFailed(PayoutEvent):
    """Nothing was sent; another payout may be asked for under another key."""

    name: ClassVar[str] = "payout.failed"
    amount_minor: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutReversed(PayoutEvent):
    name: ClassVar[str] = "payout.reversed"
    reversal_id: str
    reversal_key: str
    amount_minor: int  # of this reversal
    whole: bool  # with it everything sent has been taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalFailed(PayoutEvent):
    """The connected account keeps the money; a person must look."""

    name: ClassVar[str] = "payout.reversal_failed"
    reversal_id: str
    reversal_key: str
    amount_minor: int
    reason: str

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
class PaymentSucceeded(PaymentEvent):
    name: ClassVar[str] = "payment.succeeded"
    amount_minor: int
    currency: str
    late: bool  # the payment had expired or failed here before: revive the order or refund


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
class PaymentMismatched(PaymentEvent):
    """Money came that is not the money asked for. The payment is as it was; a person must look."""

    name: ClassVar[str] = "payment.mismatched"
    reason: str  # wrong_money | paid_twice
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

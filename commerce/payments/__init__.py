"""Payments: what is to be paid, what was paid by proof of the provider, and what was given back."""

from __future__ import annotations

from commerce.payments.calls import ask_gateway, close_at_gateway, open_at_gateway
from commerce.payments.events import (
    PaymentDeclined,
    PaymentExpired,
    PaymentFailed,
    PaymentMismatched,
    PaymentRefunded,
    PaymentSucceeded,
    RefundFailed,
)
from commerce.payments.gateways import sandbox_desk
from commerce.payments.gateways.port import Gateway, Gateways
from commerce.payments.model import (
    Closed,
    EventKind,
    Opened,
    Outcome,
    Payment,
    ProviderEvent,
    Refund,
    RefundStatus,
    Standing,
    Stands,
    Status,
)
from commerce.payments.refunds import request_refund
from commerce.payments.refusals import (
    BadAmount,
    BadSignature,
    MalformedEvent,
    NotPaid,
    PaymentDiffers,
    PaymentNotFound,
    PaymentRefused,
    RefundDiffers,
    RefundRefused,
    RefundTooLarge,
    UnknownProvider,
)
from commerce.payments.service import (
    create,
    expired,
    failed,
    opened,
    record_event,
    record_standing,
)
from commerce.payments.store import attempts_of, by_key, events_with, get, of_order, refunds_of

__all__ = [
    "BadAmount",
    "BadSignature",
    "Closed",
    "EventKind",
    "Gateway",
    "Gateways",
    "MalformedEvent",
    "NotPaid",
    "Opened",
    "Outcome",
    "Payment",
    "PaymentDeclined",
    "PaymentDiffers",
    "PaymentExpired",
    "PaymentFailed",
    "PaymentMismatched",
    "PaymentNotFound",
    "PaymentRefunded",
    "PaymentRefused",
    "PaymentSucceeded",
    "ProviderEvent",
    "Refund",
    "RefundDiffers",
    "RefundFailed",
    "RefundRefused",
    "RefundStatus",
    "RefundTooLarge",
    "Standing",
    "Stands",
    "Status",
    "UnknownProvider",
    "ask_gateway",
    "attempts_of",
    "by_key",
    "close_at_gateway",
    "create",
    "events_with",
    "expired",
    "failed",
    "get",
    "of_order",
    "open_at_gateway",
    "opened",
    "record_event",
    "record_standing",
    "refunds_of",
    "request_refund",
    "sandbox_desk",
]

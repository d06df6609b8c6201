"""Every no that payments knows: codes and facts, no words."""

from __future__ import annotations

from commerce.kernel.errors import Refusal


class PaymentNotFound(Refusal):
    code = "payment_not_found"


class PaymentDiffers(Refusal):
    """The key was used before with another body."""

    code = "payment_differs"


class PaymentRefused(Refusal):
    """The provider said no for good; nothing was charged."""

    code = "payment_refused"


class RefundDiffers(Refusal):
    code = "refund_differs"


class RefundTooLarge(Refusal):
    code = "refund_too_large"


class RefundRefused(Refusal):
    """The provider said no for good; nothing was given back."""

    code = "refund_refused"


class NotPaid(Refusal):
    code = "not_paid"


class BadAmount(Refusal):
    code = "bad_amount"


class UnknownProvider(Refusal):
    code = "unknown_provider"


class BadSignature(Refusal):
    code = "bad_signature"


class MalformedEvent(Refusal):
    """Signed, and yet not an event of this provider."""

    code = "malformed_event"

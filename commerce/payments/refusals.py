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


class NotAuthorised(Refusal):
    """There is nothing that could be captured, or it is being captured already."""

    code = "not_authorised"


class CaptureDiffers(Refusal):
    code = "capture_differs"


class CaptureTooLarge(Refusal):
    code = "capture_too_large"


class CaptureNotWhole(Refusal):
    """Only what was agreed to be captured by hand can be captured in part."""

    code = "capture_not_whole"


class CaptureRefused(Refusal):
    """The provider said no for good; nothing was taken."""

    code = "capture_refused"


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


class PayoutNotFound(Refusal):
    code = "payout_not_found"


class PayoutDiffers(Refusal):
    code = "payout_differs"


class PayoutTooLarge(Refusal):
    """More than is left of the payment it is a share of."""

    code = "payout_too_large"


class PayoutNotSent(Refusal):
    """What did not arrive, or has not yet, cannot be taken back."""

    code = "payout_not_sent"


class ReversalDiffers(Refusal):
    code = "reversal_differs"


class ReversalTooLarge(Refusal):
    code = "reversal_too_large"


class PayoutRefused(Refusal):
    """The provider said no for good; nothing was sent, or taken back."""

    code = "payout_refused"


class BadSignature(Refusal):
    code = "bad_signature"


class MalformedEvent(Refusal):
    """Signed, and yet not an event of this provider."""

    code = "malformed_event"


class MalformedReport(Refusal):
    """Not a report of this provider; `line` says where."""

    code = "malformed_report"

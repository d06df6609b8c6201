"""The lifecycles of payments, captures, refunds and disputes, and the words that move them."""

from __future__ import annotations

from enum import StrEnum

from commerce.kernel.machine import Machine


class CaptureMode(StrEnum):
    AUTOMATIC = "automatic"  # the provider takes the money as soon as the fan agrees
    MANUAL = "manual"  # the fan's agreement is kept, and the money taken when we ask for it


class Status(StrEnum):
    CREATED = "created"  # committed here; the provider not asked yet, or its answer unknown
    OPEN = "open"  # the fan has a link and may try as often as the provider lets them
    EXPIRED = "expired"  # the link is dead; money may still turn up
    FAILED = "failed"  # the provider said no for good
    AUTHORISED = "authorised"  # the money is promised to us and can be taken
    CAPTURING = "capturing"  # a capture is asked for, its outcome not known
    VOIDED = "voided"  # the promise was released, or ran out
    PAID = "paid"
    REFUNDING = "refunding"  # at least one refund is asked for and not settled
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"


class Act(StrEnum):
    OPEN = "open"
    DECLINE = "decline"
    EXPIRE = "expire"
    FAIL = "fail"
    AUTHORISE = "authorise"
    CAPTURE = "capture"
    KEEP = "keep"  # the provider took nothing, and the promise stands
    VOID = "void"
    PAY = "pay"
    REFUND = "refund"
    RETURN_ALL = "return_all"
    RETURN_PART = "return_part"
    RETURN_NOTHING = "return_nothing"  # the provider could not give the money back


# What providers tell, the weakest first: a stronger word is believed whenever it comes, a weaker
# one changes nothing any more. So all orders of the same events have one end.
RANK = (
    Status.CREATED,
    Status.OPEN,
    Status.EXPIRED,
    Status.FAILED,
    Status.AUTHORISED,
    Status.VOIDED,
    Status.PAID,
)

LIFE = Machine(
    start=Status.CREATED,
    moves={
        (Status.CREATED, Act.OPEN): Status.OPEN,
        (Status.CREATED, Act.DECLINE): Status.CREATED,
        (Status.CREATED, Act.EXPIRE): Status.EXPIRED,
        (Status.CREATED, Act.FAIL): Status.FAILED,
        (Status.CREATED, Act.AUTHORISE): Status.AUTHORISED,
        (Status.CREATED, Act.VOID): Status.VOIDED,
        (Status.CREATED, Act.PAY): Status.PAID,
        (Status.OPEN, Act.DECLINE): Status.OPEN,
        (Status.OPEN, Act.EXPIRE): Status.EXPIRED,
        (Status.OPEN, Act.FAIL): Status.FAILED,
        (Status.OPEN, Act.AUTHORISE): Status.AUTHORISED,
        (Status.OPEN, Act.VOID): Status.VOIDED,
        (Status.OPEN, Act.PAY): Status.PAID,
        (Status.EXPIRED, Act.FAIL): Status.FAILED,
        (Status.EXPIRED, Act.AUTHORISE): Status.AUTHORISED,
        (Status.EXPIRED, Act.VOID): Status.VOIDED,
        (Status.EXPIRED, Act.PAY): Status.PAID,
        (Status.FAILED, Act.AUTHORISE): Status.AUTHORISED,
        (Status.FAILED, Act.VOID): Status.VOIDED,
        (Status.FAILED, Act.PAY): Status.PAID,
        (Status.AUTHORISED, Act.CAPTURE): Status.CAPTURING,
        (Status.AUTHORISED, Act.VOID): Status.VOIDED,
        (Status.AUTHORISED, Act.PAY): Status.PAID,
        (Status.CAPTURING, Act.KEEP): Status.AUTHORISED,
        (Status.CAPTURING, Act.VOID): Status.VOIDED,
        (Status.CAPTURING, Act.PAY): Status.PAID,
        (Status.VOIDED, Act.PAY): Status.PAID,
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
ON_HOLD = frozenset({Status.AUTHORISED, Status.CAPTURING})
WITH_MONEY = frozenset(
    {Status.PAID, Status.REFUNDING, Status.PARTLY_REFUNDED, Status.REFUNDED},
)


class CaptureStatus(StrEnum):
    ASKED = "asked"  # committed here; the provider not asked yet, or its answer unknown
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class CaptureAct(StrEnum):
    SUCCEED = "succeed"
    FAIL = "fail"


# A provider that said no and then took the money has taken the money.
CAPTURE_LIFE = Machine(
    start=CaptureStatus.ASKED,
    moves={
        (CaptureStatus.ASKED, CaptureAct.SUCCEED): CaptureStatus.SUCCEEDED,
        (CaptureStatus.ASKED, CaptureAct.FAIL): CaptureStatus.FAILED,
        (CaptureStatus.FAILED, CaptureAct.SUCCEED): CaptureStatus.SUCCEEDED,
    },
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


class DisputeStatus(StrEnum):
    OPENED = "opened"  # the bank took the money back, for now
    WON = "won"
    LOST = "lost"


class DisputeAct(StrEnum):
    WIN = "win"
    LOSE = "lose"


# A won dispute may be lost in the next round; a lost one is final.
DISPUTE_LIFE = Machine(
    start=DisputeStatus.OPENED,
    moves={
        (DisputeStatus.OPENED, DisputeAct.WIN): DisputeStatus.WON,
        (DisputeStatus.OPENED, DisputeAct.LOSE): DisputeStatus.LOST,
        (DisputeStatus.WON, DisputeAct.LOSE): DisputeStatus.LOST,
    },
)


class Stands(StrEnum):
    """Where a payment stands at its provider."""

    ABSENT = "absent"  # the provider never took it
    OPEN = "open"
    PROCESSING = "processing"  # completed by the fan, not yet by the bank
    AUTHORISED = "authorised"
    VOIDED = "voided"  # was authorised, and is no longer
    PAID = "paid"
    EXPIRED = "expired"
    FAILED = "failed"


class EventKind(StrEnum):
    """What a provider's event means to us."""

    AUTHORISED = "authorised"
    PAID = "paid"
    DECLINED = "declined"
    FAILED = "failed"
    EXPIRED = "expired"
    VOIDED = "voided"
    REFUND = "refund"
    REFUNDS_CHANGED = "refunds_changed"  # says that, not which: the provider is asked
    DISPUTE = "dispute"
    OTHER = "other"  # of no interest; acknowledged and not stored


class Outcome(StrEnum):
    """What became of a stored provider event."""

    WAITING = "waiting"  # its payment or refund is not known yet
    APPLIED = "applied"
    UNCHANGED = "unchanged"  # true, and already known or overtaken
    MISMATCHED = "mismatched"  # money that is not the money asked for; for a person


class PayoutStatus(StrEnum):
    ASKED = "asked"  # committed here; the provider not asked yet, or its answer unknown
    PENDING = "pending"  # the provider took it and has not finished
    SUCCEEDED = "succeeded"  # the connected account has the money
    FAILED = "failed"
    PARTLY_REVERSED = "partly_reversed"
    REVERSED = "reversed"


class PayoutAct(StrEnum):
    ACCEPT = "accept"
    SUCCEED = "succeed"
    FAIL = "fail"
    REVERSE_PART = "reverse_part"
    REVERSE_ALL = "reverse_all"


PAYOUT_LIFE = Machine(
    start=PayoutStatus.ASKED,
    moves={
        (PayoutStatus.ASKED, PayoutAct.ACCEPT): PayoutStatus.PENDING,
        (PayoutStatus.ASKED, PayoutAct.SUCCEED): PayoutStatus.SUCCEEDED,
        (PayoutStatus.ASKED, PayoutAct.FAIL): PayoutStatus.FAILED,
        (PayoutStatus.PENDING, PayoutAct.SUCCEED): PayoutStatus.SUCCEEDED,
        (PayoutStatus.PENDING, PayoutAct.FAIL): PayoutStatus.FAILED,
        (PayoutStatus.SUCCEEDED, PayoutAct.REVERSE_PART): PayoutStatus.PARTLY_REVERSED,
        (PayoutStatus.SUCCEEDED, PayoutAct.REVERSE_ALL): PayoutStatus.REVERSED,
        (PayoutStatus.PARTLY_REVERSED, PayoutAct.REVERSE_PART): PayoutStatus.PARTLY_REVERSED,
        (PayoutStatus.PARTLY_REVERSED, PayoutAct.REVERSE_ALL): PayoutStatus.REVERSED,
    },
)
SENT = frozenset(
    {PayoutStatus.SUCCEEDED, PayoutStatus.PARTLY_REVERSED, PayoutStatus.REVERSED},
)


class ReversalStatus(StrEnum):
    ASKED = "asked"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ReversalAct(StrEnum):
    SUCCEED = "succeed"
    FAIL = "fail"


REVERSAL_LIFE = Machine(
    start=ReversalStatus.ASKED,
    moves={
        (ReversalStatus.ASKED, ReversalAct.SUCCEED): ReversalStatus.SUCCEEDED,
        (ReversalStatus.ASKED, ReversalAct.FAIL): ReversalStatus.FAILED,
    },
)


class ReportKind(StrEnum):
    """A line of what a provider says it moved."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    DISPUTE_REVERSAL = "dispute_reversal"
    PAYOUT = "payout"
    FEE = "fee"

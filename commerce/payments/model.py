"""Every decision about payments, captures, refunds and disputes; no I/O, no clock."""

from __future__ import annotations

from dataclasses import replace

from commerce.kernel.events import Event
from commerce.payments import events
from commerce.payments.lives import (
    CAPTURE_LIFE,
    DISPUTE_LIFE,
    LIFE,
    ON_HOLD,
    PAYOUT_LIFE,
    RANK,
    REFUND_LIFE,
    REVERSAL_LIFE,
    UNSETTLED,
    WITH_MONEY,
    Act,
    CaptureAct,
    CaptureMode,
    CaptureStatus,
    DisputeAct,
    DisputeStatus,
    EventKind,
    Outcome,
    PayoutStatus,
    RefundAct,
    RefundStatus,
    ReportKind,
    Stands,
    Status,
)
from commerce.payments.refusals import (
    BadAmount,
    CaptureNotWhole,
    CaptureTooLarge,
    MalformedEvent,
    NotAuthorised,
    NotPaid,
    RefundTooLarge,
)
from commerce.payments.values import (
    Capture,
    Closed,
    Decision,
    Dispute,
    Opened,
    Payment,
    Payout,
    PayoutReversal,
    PayoutStanding,
    ProviderEvent,
    Refund,
    RefundStanding,
    ReportLine,
    Standing,
)

__all__ = [
    "CAPTURE_LIFE",
    "DISPUTE_LIFE",
    "LIFE",
    "ON_HOLD",
    "PAYOUT_LIFE",
    "RANK",
    "REFUND_LIFE",
    "REVERSAL_LIFE",
    "UNSETTLED",
    "WITH_MONEY",
    "Act",
    "Capture",
    "CaptureAct",
    "CaptureMode",
    "CaptureStatus",
    "Closed",
    "Decision",
    "Dispute",
    "DisputeAct",
    "DisputeStatus",
    "EventKind",
    "Opened",
    "Outcome",
    "Payment",
    "Payout",
    "PayoutReversal",
    "PayoutStanding",
    "PayoutStatus",
    "ProviderEvent",
    "Refund",
    "RefundAct",
    "RefundStanding",
    "RefundStatus",
    "ReportKind",
    "ReportLine",
    "Standing",
    "Stands",
    "Status",
]

# More than any provider takes in one payment, and far from what the databases' integers hold.
AMOUNT_MINOR_MAX = 10**14


def check_amount(amount_minor: int, currency: str) -> None:
    if type(amount_minor) is not int or not 0 < amount_minor <= AMOUNT_MINOR_MAX:
        raise BadAmount(amount_minor=amount_minor)
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise BadAmount(currency=currency)


def check_event(provider: str, event: ProviderEvent) -> None:
    """Whether the database can hold it; what it means is decided later."""
    for amount_minor in (event.amount_minor, event.fee_minor):
        if abs(amount_minor) > AMOUNT_MINOR_MAX:
            raise MalformedEvent(provider=provider, amount_minor=str(amount_minor))


def proof(event: ProviderEvent, stands: Stands) -> Standing:
    return Standing(
        status=stands,
        provider_ref=event.provider_ref,
        charge_ref=event.charge_ref,
        amount_minor=event.amount_minor,
        currency=event.currency,
        capture_before=event.capture_before,
    )


def concerns(payment: Payment, event: ProviderEvent) -> bool:
    """Whether money that went back went back from this payment's own charge."""
    of_this_charge = event.charge_ref is None or event.charge_ref == payment.charge_ref
    return of_this_charge and event.amount_minor > 0 and event.currency.upper() == payment.currency


def opened(payment: Payment, made: Opened) -> Decision:
    """The link is known. News of the payment may have overtaken it: then only the link is kept."""
    known = replace(payment, provider_ref=made.provider_ref, pay_url=made.pay_url)
    if LIFE.allows(payment.status, Act.OPEN):
        return Decision(payment=_moved(known, Act.OPEN))
    if known == payment:
        return Decision(payment=payment, outcome=Outcome.UNCHANGED)
    return Decision(payment=replace(known, version=payment.version + 1))


def authorise(payment: Payment, proof: Standing, *, now: int) -> Decision:
    """The whole amount is promised. Where stronger news overtook it, only the facts are kept."""
    if not _is(proof, payment.amount_minor, payment.currency):
        return mismatch(payment, proof, reason="wrong_authorisation")
    known = replace(
        payment,
        provider_ref=payment.provider_ref or proof.provider_ref,
        charge_ref=payment.charge_ref or proof.charge_ref,
        authorised_at=payment.authorised_at or now,
        authorised_minor=payment.amount_minor,
        capture_before=_later(payment.capture_before, proof.capture_before),
    )
    if LIFE.allows(payment.status, Act.AUTHORISE):
        moved = _moved(known, Act.AUTHORISE)
        late = payment.status not in UNSETTLED
        return Decision(payment=moved, events=(_authorised(moved, late=late),))
    if known == payment:
        return Decision(payment=payment, outcome=Outcome.UNCHANGED)
    return Decision(payment=replace(known, version=payment.version + 1))


def reserve_capture(payment: Payment, amount_minor: int) -> Payment:
    """Refused unless so much is authorised and nobody is capturing it."""
    check_amount(amount_minor, payment.currency)
    if payment.status is not Status.AUTHORISED:
        raise NotAuthorised(payment_id=payment.id, status=str(payment.status))
    if amount_minor > payment.authorised_minor:
        raise CaptureTooLarge(
            payment_id=payment.id,
            asked_minor=amount_minor,
            authorised_minor=payment.authorised_minor,
        )
    if payment.capture is CaptureMode.AUTOMATIC and amount_minor != payment.amount_minor:
        raise CaptureNotWhole(payment_id=payment.id, asked_minor=amount_minor)
    return _moved(payment, Act.CAPTURE)


def pay(
    payment: Payment, proof: Standing, *, now: int, captures: tuple[Capture, ...] = ()
) -> Decision:
    """Paid only when the proof is of exactly the money asked for, and only once."""
    if payment.status in WITH_MONEY:
        return _paid_again(payment, proof)
    asked = {payment.amount_minor, *(capture.amount_minor for capture in captures)}
    if not any(_is(proof, amount_minor, payment.currency) for amount_minor in asked):
        return mismatch(payment, proof, reason="wrong_money")
    late = payment.status not in UNSETTLED | ON_HOLD
    paid = replace(
        _moved(payment, Act.PAY),
        provider_ref=payment.provider_ref or proof.provider_ref,
        charge_ref=proof.charge_ref or payment.charge_ref,
        paid_at=now,
        captured_minor=proof.amount_minor,
    )
    return Decision(payment=paid, events=(_succeeded(paid, late=late),))


def capture_paid(payment: Payment, captures: tuple[Capture, ...]) -> str | None:
    """The id of the capture by which the payment was paid; None where nobody asked for it."""
    fitting = [capture for capture in captures if capture.amount_minor == payment.captured_minor]
    asked = [capture for capture in fitting if capture.status is CaptureStatus.ASKED]
    return (asked or fitting)[-1].id if fitting else None


def capture_after(capture: Capture, payment: Payment, winner: str | None) -> Capture:
    """The capture after its payment was paid, by this one or another, or was voided."""
    if capture.id != winner:
        return capture_failed(capture, str(payment.status))
    if not CAPTURE_LIFE.allows(capture.status, CaptureAct.SUCCEED):
        return capture
    status = CAPTURE_LIFE.after(capture.status, CaptureAct.SUCCEED)
    return replace(capture, status=status, reason="", version=capture.version + 1)


def capture_failed(capture: Capture, reason: str) -> Capture:
    if not CAPTURE_LIFE.allows(capture.status, CaptureAct.FAIL):
        return capture
    status = CAPTURE_LIFE.after(capture.status, CaptureAct.FAIL)
    return replace(capture, status=status, reason=reason, version=capture.version + 1)


def capture_refused(payment: Payment, capture: Capture, reason: str) -> Decision:
    """Nothing was taken: the promise stands, and another capture may be asked for."""
    if capture.status is not CaptureStatus.ASKED:
        return Decision(payment=payment, outcome=Outcome.UNCHANGED)
    event = events.CaptureFailed(
        payment_id=payment.id,
        order_id=payment.order_id,
        reference=payment.reference,
        capture_key=capture.key,
        amount_minor=capture.amount_minor,
        currency=payment.currency,
        reason=reason,
    )
    return Decision(payment=_moved(payment, Act.KEEP), events=(event,))


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


def void(payment: Payment) -> Decision:
    if not LIFE.allows(payment.status, Act.VOID):
        return Decision(payment=payment, outcome=Outcome.UNCHANGED)
    event = events.PaymentVoided(
        payment_id=payment.id,
        order_id=payment.order_id,
        reference=payment.reference,
    )
    return Decision(payment=_moved(payment, Act.VOID), events=(event,))


def reserve_refund(payment: Payment, amount_minor: int, *, gone_minor: int = 0) -> Payment:
    """Sets the amount aside, so that refunds asked for at once never exceed what was captured.

    `gone_minor` is what banks took back in disputes.
    """
    check_amount(amount_minor, payment.currency)
    if payment.status not in WITH_MONEY:
        raise NotPaid(payment_id=payment.id, status=str(payment.status))
    left = max(0, payment.captured_minor - payment.refund_minor - gone_minor)
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
    elif reserved == payment.captured_minor:
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
    }.get(standing.status)
    if act is None or not REFUND_LIFE.allows(refund.status, act):
        return refund
    status = REFUND_LIFE.after(refund.status, act)
    ref = standing.provider_ref or refund.provider_ref
    failure = standing.reason if status is RefundStatus.FAILED else ""
    return replace(
        refund, status=status, provider_ref=ref, failure=failure, version=refund.version + 1
    )


def mismatch(payment: Payment, proof: Standing, *, reason: str) -> Decision:
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
    return Decision(payment=payment, events=(event,), outcome=Outcome.MISMATCHED, note=reason)


def _moved(payment: Payment, act: Act) -> Payment:
    status = LIFE.after(payment.status, act)
    return replace(payment, status=status, version=payment.version + 1)


def _is(proof: Standing, amount_minor: int, currency: str) -> bool:
    return (proof.amount_minor, proof.currency.upper()) == (amount_minor, currency)


def _later(one: int | None, other: int | None) -> int | None:
    known = [at for at in (one, other) if at is not None]
    return max(known) if known else None


def _paid_again(payment: Payment, proof: Standing) -> Decision:
    """The same news once more, or the same purchase charged a second time."""
    same_charge = proof.charge_ref in (None, payment.charge_ref) or payment.charge_ref is None
    if same_charge and _is(proof, payment.captured_minor, payment.currency):
        return Decision(payment=payment, outcome=Outcome.UNCHANGED)
    return mismatch(payment, proof, reason="paid_twice")


def _authorised(payment: Payment, *, late: bool) -> Event:
    return events.PaymentAuthorised(
        payment_id=payment.id,
        order_id=payment.order_id,
        reference=payment.reference,
        amount_minor=payment.authorised_minor,
        currency=payment.currency,
        capture_before=payment.capture_before,
        late=late,
    )


def _succeeded(payment: Payment, *, late: bool) -> Event:
    return events.PaymentSucceeded(
        payment_id=payment.id,
        order_id=payment.order_id,
        reference=payment.reference,
        amount_minor=payment.captured_minor,
        currency=payment.currency,
        late=late,
    )

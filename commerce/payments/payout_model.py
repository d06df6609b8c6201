"""Every decision about payouts to connected accounts and their reversals; no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from commerce.kernel.events import Event
from commerce.payments import events
from commerce.payments.lives import (
    PAYOUT_LIFE,
    REVERSAL_LIFE,
    SENT,
    WITH_MONEY,
    PayoutAct,
    PayoutStatus,
    ReversalAct,
    ReversalStatus,
)
from commerce.payments.model import check_amount
from commerce.payments.refusals import (
    BadAmount,
    NotPaid,
    PayoutNotSent,
    PayoutTooLarge,
    ReversalTooLarge,
)
from commerce.payments.values import Payment, Payout, PayoutReversal, PayoutStanding


def check_share(payment: Payment, amount_minor: int, currency: str, *, out_minor: int) -> None:
    """Refused where less is left of the payment after refunds, disputes and other shares."""
    if payment.status not in WITH_MONEY:
        raise NotPaid(payment_id=payment.id, status=str(payment.status))
    if currency != payment.currency:
        raise BadAmount(currency=currency)
    left = payment.captured_minor - payment.refund_minor - out_minor
    if amount_minor > left:
        raise PayoutTooLarge(payment_id=payment.id, asked_minor=amount_minor, left_minor=left)


def payout_after(payout: Payout, standing: PayoutStanding) -> Payout:
    """The payout after the provider's answer; old news changes nothing."""
    act = {
        PayoutStatus.PENDING: PayoutAct.ACCEPT,
        PayoutStatus.SUCCEEDED: PayoutAct.SUCCEED,
        PayoutStatus.FAILED: PayoutAct.FAIL,
    }[standing.status]
    if not PAYOUT_LIFE.allows(payout.status, act):
        return payout
    return replace(
        payout,
        status=PAYOUT_LIFE.after(payout.status, act),
        provider_ref=standing.provider_ref or payout.provider_ref,
        failure=standing.reason if act is PayoutAct.FAIL else "",
        version=payout.version + 1,
    )


def reserve_reversal(payout: Payout, amount_minor: int) -> Payout:
    """Sets the amount aside, so that reversals asked for at once never exceed the payout."""
    check_amount(amount_minor, payout.currency)
    if payout.status not in SENT:
        raise PayoutNotSent(payout_id=payout.id, status=str(payout.status))
    left = payout.amount_minor - payout.reversed_minor
    if amount_minor > left:
        raise ReversalTooLarge(payout_id=payout.id, asked_minor=amount_minor, left_minor=left)
    reserved = payout.reversed_minor + amount_minor
    return replace(payout, reversed_minor=reserved, version=payout.version + 1)


def reversal_after(reversal: PayoutReversal, standing: PayoutStanding) -> PayoutReversal:
    act = {
        PayoutStatus.SUCCEEDED: ReversalAct.SUCCEED,
        PayoutStatus.FAILED: ReversalAct.FAIL,
    }.get(standing.status)
    if act is None or not REVERSAL_LIFE.allows(reversal.status, act):
        return reversal
    return replace(
        reversal,
        status=REVERSAL_LIFE.after(reversal.status, act),
        provider_ref=standing.provider_ref or reversal.provider_ref,
        failure=standing.reason if act is ReversalAct.FAIL else "",
        version=reversal.version + 1,
    )


def settle_reversals(payout: Payout, reversals: Sequence[PayoutReversal]) -> Payout:
    """The payout after its reversals changed; a refused one frees its amount again."""
    standing = [one for one in reversals if one.status is not ReversalStatus.FAILED]
    reserved = sum(one.amount_minor for one in standing)
    back = sum(one.amount_minor for one in standing if one.status is ReversalStatus.SUCCEEDED)
    status = payout.status
    if back:
        whole = back == payout.amount_minor
        act = PayoutAct.REVERSE_ALL if whole else PayoutAct.REVERSE_PART
        status = PAYOUT_LIFE.after(status, act)
    return replace(payout, status=status, reversed_minor=reserved, version=payout.version + 1)


def payout_news(payout: Payout) -> tuple[Event, ...]:
    if payout.status is PayoutStatus.SUCCEEDED:
        return (events.PayoutSent(**_about(payout), amount_minor=payout.amount_minor),)
    if payout.status is PayoutStatus.FAILED:
        failed = events.PayoutFailed(
            **_about(payout), amount_minor=payout.amount_minor, reason=payout.failure
        )
        return (failed,)
    return ()


def reversal_news(payout: Payout, reversal: PayoutReversal) -> tuple[Event, ...]:
    of = {"reversal_id": reversal.id, "reversal_key": reversal.key}
    if reversal.status is ReversalStatus.FAILED:
        failed = events.ReversalFailed(
            **_about(payout), **of, amount_minor=reversal.amount_minor, reason=reversal.failure
        )
        return (failed,)
    whole = payout.status is PayoutStatus.REVERSED
    reversed_now = events.PayoutReversed(
        **_about(payout), **of, amount_minor=reversal.amount_minor, whole=whole
    )
    return (reversed_now,)


def _about(payout: Payout) -> dict[str, Any]:
    return {
        "payout_id": payout.id,
        "payout_key": payout.key,
        "payment_id": payout.payment_id,
        "account": payout.account,
        "currency": payout.currency,
    }

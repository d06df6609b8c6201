from __future__ import annotations

import pytest

from commerce.kernel.machine import IllegalMove
from commerce.payments import BadAmount, NotPaid, RefundTooLarge, Status, model
from commerce.payments.events import PaymentMismatched, PaymentSucceeded
from commerce.payments.model import (
    LIFE,
    REFUND_LIFE,
    Act,
    Outcome,
    Refund,
    RefundAct,
    RefundStanding,
    RefundStatus,
    Standing,
    Stands,
)
from tests.payments.factories import a_payment

PAID = {"status": Status.PAID, "captured_minor": 5_000, "charge_ref": "charge-1"}


def a_refund(amount_minor: int, status: RefundStatus) -> Refund:
    return Refund(
        id=f"refund-{amount_minor}-{status}",
        key=f"refund-{amount_minor}-{status}",
        payment_id="payment-1",
        amount_minor=amount_minor,
        reason="",
        status=status,
        failure="",
        provider_ref=None,
        tries=0,
        version=1,
    )


def proof(amount_minor: int = 5_000, currency: str = "EUR", charge: str = "charge-1") -> Standing:
    return Standing(
        status=Stands.PAID,
        provider_ref="ref-1",
        charge_ref=charge,
        amount_minor=amount_minor,
        currency=currency,
    )


def test_every_pair_of_status_and_action_moves_or_is_refused() -> None:
    moved = 0
    for status in Status:
        for act in Act:
            if LIFE.allows(status, act):
                assert LIFE.after(status, act) in Status
                moved += 1
            else:
                with pytest.raises(IllegalMove):
                    LIFE.after(status, act)
    assert moved == len(LIFE.moves)


def test_nothing_but_refunds_happens_to_a_payment_with_money() -> None:
    for status in model.WITH_MONEY:
        for act in (Act.OPEN, Act.DECLINE, Act.PAY, Act.EXPIRE, Act.FAIL):
            assert not LIFE.allows(status, act)


def test_a_failed_refund_is_final_and_a_succeeded_one_may_still_fail() -> None:
    assert REFUND_LIFE.final == {RefundStatus.FAILED}
    assert REFUND_LIFE.after(RefundStatus.SUCCEEDED, RefundAct.FAIL) is RefundStatus.FAILED


@pytest.mark.parametrize("amount_minor", [0, -1, 10**14 + 1, 10**30, True, 12.0, "12"])
def test_only_positive_amounts_of_a_believable_size_are_taken(amount_minor: int) -> None:
    with pytest.raises(BadAmount):
        model.check_amount(amount_minor, "EUR")


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "E€R"])
def test_only_currency_codes_are_taken(currency: str) -> None:
    with pytest.raises(BadAmount):
        model.check_amount(1, currency)


@pytest.mark.parametrize(
    ("status", "late"),
    [
        (Status.CREATED, False),
        (Status.OPEN, False),
        (Status.EXPIRED, True),
        (Status.FAILED, True),
    ],
)
def test_money_is_taken_in_every_status_before_paid(status: Status, late: bool) -> None:
    decision = model.pay(a_payment(status=status), proof(), now=7)

    assert decision.payment.status is Status.PAID
    assert (decision.payment.captured_minor, decision.payment.paid_at) == (5_000, 7)
    (event,) = decision.events
    assert isinstance(event, PaymentSucceeded)
    assert event.late is late


@pytest.mark.parametrize(
    ("_case", "wrong"),
    [
        ("one unit less", proof(4_999)),
        ("one unit more", proof(5_001)),
        ("nothing", proof(0)),
        ("another currency", proof(currency="USD")),
    ],
)
def test_other_money_than_asked_for_is_not_payment(_case: str, wrong: Standing) -> None:
    payment = a_payment(status=Status.OPEN)

    decision = model.pay(payment, wrong, now=7)

    assert decision.payment == payment
    assert decision.outcome is Outcome.MISMATCHED
    (event,) = decision.events
    assert isinstance(event, PaymentMismatched)
    assert event.reason == "wrong_money"


def test_the_case_of_the_currency_does_not_matter() -> None:
    assert model.pay(a_payment(), proof(currency="eur"), now=7).payment.status is Status.PAID


def test_the_same_charge_again_changes_nothing_and_a_second_charge_is_a_mismatch() -> None:
    payment = a_payment(**PAID)

    again = model.pay(payment, proof(), now=7)
    assert (again.payment, again.events, again.outcome) == (payment, (), Outcome.UNCHANGED)

    twice = model.pay(payment, proof(charge="charge-2"), now=7)
    assert (twice.payment, twice.outcome) == (payment, Outcome.MISMATCHED)
    (event,) = twice.events
    assert isinstance(event, PaymentMismatched)
    assert event.reason == "paid_twice"


def test_refunds_are_set_aside_up_to_what_was_paid() -> None:
    first = model.reserve_refund(a_payment(**PAID), 3_000)
    assert (first.status, first.refund_minor) == (Status.REFUNDING, 3_000)

    with pytest.raises(RefundTooLarge) as refused:
        model.reserve_refund(first, 2_001)
    assert refused.value.facts["left_minor"] == 2_000


@pytest.mark.parametrize("status", [Status.CREATED, Status.OPEN, Status.EXPIRED, Status.FAILED])
def test_what_was_not_paid_is_not_refunded(status: Status) -> None:
    with pytest.raises(NotPaid):
        model.reserve_refund(a_payment(status=status), 1)


@pytest.mark.parametrize(
    ("_case", "refunds", "status", "refund_minor"),
    [
        ("one asked", [(2_000, RefundStatus.ASKED)], Status.REFUNDING, 2_000),
        ("part given", [(2_000, RefundStatus.SUCCEEDED)], Status.PARTLY_REFUNDED, 2_000),
        ("all given", [(5_000, RefundStatus.SUCCEEDED)], Status.REFUNDED, 5_000),
        ("none given", [(5_000, RefundStatus.FAILED)], Status.PAID, 0),
        (
            "one given, one failed",
            [(2_000, RefundStatus.SUCCEEDED), (3_000, RefundStatus.FAILED)],
            Status.PARTLY_REFUNDED,
            2_000,
        ),
        (
            "one given, one pending",
            [(2_000, RefundStatus.SUCCEEDED), (3_000, RefundStatus.PENDING)],
            Status.REFUNDING,
            5_000,
        ),
    ],
)
def test_the_payment_follows_its_refunds(
    _case: str, refunds: list[tuple[int, RefundStatus]], status: Status, refund_minor: int
) -> None:
    before = a_payment(**PAID | {"status": Status.REFUNDING, "refund_minor": 5_000})

    after = model.settle_refunds(before, tuple(a_refund(a, s) for a, s in refunds))

    assert (after.status, after.refund_minor) == (status, refund_minor)


def test_old_news_of_a_refund_changes_nothing() -> None:
    done = a_refund(1_000, RefundStatus.SUCCEEDED)
    pending = RefundStanding(status=RefundStatus.PENDING, provider_ref="re-1")

    assert model.refund_after(done, pending) == done

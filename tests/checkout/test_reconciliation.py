"""A report and the books: what disagrees is found, all of it, and nothing else is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.checkout.reconciliation import compare
from commerce.checkout.reconciliation_values import Books, Fee, Kind, Stray
from commerce.checkout.reconciliation_words import HEADLINES, explain
from commerce.kernel.clock import DAY, HOUR
from commerce.payments import ReportKind
from tests.checkout.reports import (
    MUTATIONS,
    SINCE,
    UNTIL,
    a_fact,
    a_line,
    books_of,
    consistent,
    report_of,
)
from tests.conftest import NOON


def compared(lines, facts, **books):
    return compare(lines, Books(facts=facts, **books), since=SINCE, until=UNTIL)


def kinds(comparison):
    return [(one.kind, one.about) for one in comparison.differences]


@given(moved=consistent(4), data=st.data())
def test_books_that_agree_are_left_alone(moved, data):
    lines = data.draw(st.permutations(report_of(moved)))

    comparison = compare(lines, books_of(moved), since=SINCE, until=UNTIL)

    assert comparison.differences == ()
    assert comparison.lines == comparison.matched == len(lines)
    assert sum(total.unmatched_minor for total in comparison.totals.values()) == 0


@settings(max_examples=200)
@given(moved=consistent(4), data=st.data())
def test_every_difference_is_found_and_nothing_else(moved, data):
    mutated = [
        data.draw(st.sampled_from([None, *MUTATIONS])) if data.draw(st.booleans()) else None
        for _ in moved
    ]
    seeded = [mutate(one) if mutate else one for mutate, one in zip(mutated, moved, strict=True)]
    lines = data.draw(st.permutations(report_of(seeded)))

    comparison = compare(lines, books_of(seeded), since=SINCE, until=UNTIL)

    expected = {difference for one in seeded for difference in one.found}
    assert set(kinds(comparison)) == expected
    assert len(comparison.differences) == len(expected)
    for difference in comparison.differences:
        assert str(explain(difference, "stripe"))


@pytest.mark.parametrize("mutate", MUTATIONS)
@given(moved=consistent(2), data=st.data())
@settings(max_examples=20)
def test_one_difference_is_found_wherever_it_is(mutate, moved, data):
    at = data.draw(st.integers(0, len(moved) - 1))
    seeded = [mutate(one) if n == at else one for n, one in enumerate(moved)]

    comparison = compare(report_of(seeded), books_of(seeded), since=SINCE, until=UNTIL)

    assert set(kinds(comparison)) == set(seeded[at].found)


def a_refund_line(**changes):
    facts = {"kind": ReportKind.REFUND, "ref": "re_1", "amount_minor": -1_000}
    return a_line(**facts | changes)


def a_refund(**changes):
    facts = {
        "kind": ReportKind.REFUND, "id": "r1", "refs": frozenset({"re_1"}),
        "amount_minor": -1_000, "posted_minor": -1_000,
    }  # fmt: skip
    return a_fact(**facts | changes)


def test_fees_that_the_ledger_lacks_are_to_be_posted_once():
    lines = [
        a_line(fee_minor=189),
        a_line(kind=ReportKind.FEE, ref="monthly", payment_key=None, charge_ref=None,
               amount_minor=-500),
    ]  # fmt: skip

    first = compared(lines, [a_fact()])
    again = compared(
        lines, [a_fact()], fees={"charge:ch_1": (189, "EUR"), "fee:monthly": (500, "EUR")}
    )

    assert first.fees == (
        Fee(name="charge:ch_1", order_id="o1", amount_minor=189, currency="EUR"),
        Fee(name="fee:monthly", order_id="", amount_minor=500, currency="EUR"),
    )
    assert again.fees == ()
    assert first.differences == again.differences == ()
    assert first.totals["EUR"].fees_minor == 689


def test_a_fee_that_was_posted_as_another_sum_is_a_difference_and_not_posted_again():
    found = compared([a_line(fee_minor=190)], [a_fact()], fees={"charge:ch_1": (189, "EUR")})

    assert kinds(found) == [(Kind.FEE_DIFFERS, "line:charge:ch_1")]
    assert found.fees == ()


def test_the_fee_of_a_dispute_was_posted_with_it():
    line = a_line(kind=ReportKind.DISPUTE, ref="dp_1", amount_minor=-5_490, fee_minor=1_500)
    dispute = a_fact(
        kind=ReportKind.DISPUTE, id="d1", refs=frozenset({"dp_1"}), amount_minor=-5_490,
        posted_minor=-5_490, fee_minor=1_500,
    )  # fmt: skip

    assert compared([a_line(), line], [a_fact(), dispute]).fees == ()


def test_fees_of_what_is_not_ours_are_not_ours():
    found = compared([a_line(payment_key="x", charge_ref="x", ref="x", fee_minor=9)], [a_fact()])

    assert found.fees == ()


def test_what_lies_around_the_period_finds_its_partner_and_is_not_judged():
    before, after = SINCE - HOUR, UNTIL + HOUR
    lines = [a_line(at=before), a_refund_line(at=after), a_line(ref="x", charge_ref="x",
             payment_key="x", at=before)]  # fmt: skip
    facts = [
        a_fact(at=SINCE), a_refund(at=UNTIL - 1),
        a_fact(id="p2", payment_id="p2", refs=frozenset({"k2"}), at=after, posted_minor=None),
    ]  # fmt: skip

    found = compared(lines, facts)

    assert (kinds(found), found.lines) == ([], 0)
    assert kinds(compare(lines, Books(facts=facts), since=before - DAY, until=SINCE)) == [
        (Kind.UNKNOWN, "line:charge:x")
    ]


def test_a_refund_whose_name_is_not_known_yet_is_found_by_its_payment():
    waiting = a_refund(refs=frozenset(), settled=False, status="asked", posted_minor=None)

    found = compared([a_line(), a_refund_line()], [a_fact(), waiting])

    assert kinds(found) == [(Kind.MISSING_HERE, "refund:r1")]
    assert found.differences[0].status == "asked"


def test_two_refunds_of_the_same_sum_keep_their_names():
    other = a_refund(id="r2", refs=frozenset({"re_2"}))
    stranger = a_refund_line(ref="re_3", amount_minor=-1)

    found = compared([a_line(), a_refund_line(ref="re_2"), stranger], [a_fact(), a_refund(), other])

    assert kinds(found) == [
        (Kind.MISSING_HERE, "line:refund:re_3"), (Kind.MISSING_THERE, "refund:r1"),
    ]  # fmt: skip


def a_payout_line(**changes):
    facts = {
        "kind": ReportKind.PAYOUT, "ref": "po_1", "payment_key": None, "charge_ref": None,
        "amount_minor": -9_000,
    }  # fmt: skip
    return a_line(**facts | changes)


def test_a_payout_is_confirmed_by_a_person_once():
    confirmed = a_fact(
        kind=ReportKind.PAYOUT, id="po_1", payment_id="", order_id="", order_code="",
        refs=frozenset({"po_1"}), amount_minor=-9_000, posted_minor=-9_000,
    )  # fmt: skip
    other = replace(confirmed, id="po_2", refs=frozenset({"po_2"}))

    first = compared([a_payout_line()], [])
    later = compared([a_payout_line()], [confirmed, other])

    assert kinds(first) == [(Kind.PAYOUT_UNCONFIRMED, "line:payout:po_1")]
    assert kinds(later) == [(Kind.MISSING_THERE, "payout:po_2")]
    assert later.examined == {"payout:po_1", "line:payout:po_1"}


@pytest.mark.parametrize(
    "line", [a_payout_line(), a_line(kind=ReportKind.FEE), a_line(payment_key="x", charge_ref="x")]
)
def test_a_line_without_a_partner_that_is_listed_twice_is_told_once_and_doubled_once(line):
    once, twice = compared([line], []), compared([line, line], [])

    about = f"line:{line.kind}:{line.ref}"
    assert kinds(twice) == [(Kind.DOUBLE, about), *kinds(once)]
    assert twice.fees == once.fees


def test_a_posting_that_no_payment_made_is_told():
    stray = Stray(
        posting_id="correction:1", reason="correction", amount_minor=500, currency="EUR", at=NOON
    )

    found = compared([], [], strays=[stray, replace(stray, posting_id="old", at=SINCE - 1)])

    assert kinds(found) == [(Kind.MISSING_THERE, "posting:correction:1")]


WORDS = [
    (
        Kind.MISSING_HERE, [a_line(fee_minor=1)],
        [a_fact(settled=False, status="expired", posted_minor=None)],
        "Stripe took €54.90 for order ACDEFG (ch_1) on 01 Jun 2026, 12:00 UTC; its payment here is"
        " 'expired' and has no money.",
    ),
    (
        Kind.MISSING_THERE, [], [a_fact(refs=frozenset({"ch_1"}))],
        "Our books have €54.90 for the payment of order ACDEFG, 01 Jun 2026, 12:00 UTC;"
        " the report of Stripe does not.",
    ),
    (
        Kind.DOUBLE, [a_line(), a_line(ref="ch_2")], [a_fact()],
        "Stripe took €54.90 for order ACDEFG (ch_2) on 01 Jun 2026, 12:00 UTC once more;"
        " our books have it once.",
    ),
    (
        Kind.AMOUNT_DIFFERS, [a_line(amount_minor=5_491)], [a_fact()],
        "For the payment of order ACDEFG the report of Stripe has €54.91 and our books have €54.90:"
        " €0.01 more.",
    ),
    (
        Kind.CURRENCY_DIFFERS, [a_line(currency="JPY")], [a_fact()],
        "For the payment of order ACDEFG the report of Stripe has ¥5,490 and our books have"
        " €54.90.",
    ),
    (
        Kind.LATE, [a_line()], [a_fact(at=NOON - 2 * DAY)],
        "The payment of order ACDEFG (€54.90) is in our books on 30 May 2026, 12:00 UTC and in the"
        " report of Stripe on 01 Jun 2026, 12:00 UTC. Nothing is missing.",
    ),
    (
        Kind.UNKNOWN, [a_line(payment_key=None)], [],
        "Stripe took €54.90 (ch_1) on 01 Jun 2026, 12:00 UTC for something that is no order of"
        " ours.",
    ),
    (
        Kind.NOT_POSTED, [a_line()], [a_fact(posted_minor=5_489)],
        "The payment of order ACDEFG was recorded with €54.90 on 01 Jun 2026, 12:00 UTC; the ledger"
        " has €54.89.",
    ),
    (
        Kind.PAYOUT_UNCONFIRMED, [a_payout_line()], [],
        "Stripe paid out €90.00 (po_1) on 01 Jun 2026, 12:00 UTC; our books do not know yet that it"
        " arrived.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "lines", "facts", "sentence"), WORDS)
def test_each_difference_is_told_with_its_figures(kind, lines, facts, sentence):
    (difference,) = compared(lines, facts).differences
    said = explain(difference, "stripe")

    assert (difference.kind, said.headline, said.sentence) == (kind, HEADLINES[kind], sentence)
    assert said.advice


def test_the_fee_that_differs_is_told_with_both_sums():
    (difference,) = compared(
        [a_line(fee_minor=190)], [a_fact()], fees={"charge:ch_1": (189, "EUR")}
    ).differences

    assert explain(difference, "paypal").sentence == (
        "PayPal kept €1.90 of ch_1; the ledger has €1.89 as its fee."
    )


def test_a_refund_on_the_wrong_side_is_the_other_way_round():
    (difference,) = compared(
        [a_line(), a_refund_line(amount_minor=1_000)], [a_fact(), a_refund()]
    ).differences

    assert explain(difference, "stripe").sentence.endswith("€10.00: the other way round.")


def test_every_kind_has_words():
    assert set(HEADLINES) == set(Kind)

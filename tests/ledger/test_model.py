import pytest

from commerce import ledger
from commerce.ledger import (
    CHART,
    BadTransfer,
    Posting,
    PostingPending,
    PostingSettled,
    PostingVoided,
    Side,
    Status,
    Transfer,
    UnknownAccount,
    model,
)
from commerce.ledger.accounts import must_exist
from commerce.ledger.model import EFFECTS, Ending, Kind, Recorded

GOOD = Transfer("clearing:stripe", "sales", "EUR", 100)


def a_posting(*transfers, **changes):
    facts = {"id": "p", "reason": "sale", "reference": "order-1", "transfers": transfers or (GOOD,)}
    return Posting(**(facts | changes))


@pytest.mark.parametrize(
    ("_case", "posting", "field"),
    [
        ("no id", a_posting(id=""), "id"),
        ("no reason", a_posting(reason=""), "reason"),
        ("nothing", a_posting(transfers=()), "transfers"),
        ("too much", a_posting(transfers=(GOOD,) * 1_001), "transfers"),
        ("zero", a_posting(Transfer("bank", "sales", "EUR", 0)), "amount_minor"),
        ("negative", a_posting(Transfer("bank", "sales", "EUR", -1)), "amount_minor"),
        ("too large", a_posting(Transfer("bank", "sales", "EUR", 10**15 + 1)), "amount_minor"),
        ("a float", a_posting(Transfer("bank", "sales", "EUR", 1.5)), "amount_minor"),
        ("a bool", a_posting(Transfer("bank", "sales", "EUR", True)), "amount_minor"),
        ("no currency", a_posting(Transfer("bank", "sales", "", 1)), "currency"),
        ("small letters", a_posting(Transfer("bank", "sales", "eur", 1)), "currency"),
        ("to itself", a_posting(Transfer("bank", "bank", "EUR", 1)), "credit"),
        ("the last of two", a_posting(GOOD, Transfer("bank", "sales", "EUR", 0)), "amount_minor"),
    ],
)
def test_what_is_no_posting_is_refused_by_field(_case, posting, field):
    with pytest.raises(BadTransfer) as refused:
        model.check(posting)

    assert refused.value.facts["field"] == field


def test_points_and_stars_are_currencies_too():
    model.check(a_posting(Transfer("clearing:telegram", "sales", "XTR", 250)))
    model.check(a_posting(Transfer("points_issued", "points:fan-1", "PTS", 10)))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (a_posting(), None),
        (a_posting(reason="other"), "reason"),
        (a_posting(reference="order-2"), "reference"),
        (a_posting(GOOD, GOOD), "transfers"),
        (a_posting(Transfer("bank", "sales", "EUR", 100)), "debit"),
        (a_posting(Transfer("clearing:stripe", "bank", "EUR", 100)), "credit"),
        (a_posting(Transfer("clearing:stripe", "sales", "USD", 100)), "currency"),
        (a_posting(Transfer("clearing:stripe", "sales", "EUR", 101)), "amount_minor"),
    ],
)
def test_the_difference_of_two_postings_is_named(given, field):
    recorded = Recorded(a_posting(), Kind.POST, Status.POSTED)

    assert model.difference(recorded, given, Kind.POST) == field


def test_posted_at_once_is_something_else_than_posted_after_waiting():
    recorded = Recorded(a_posting(), Kind.PEND, Status.POSTED)

    assert model.difference(recorded, a_posting(), Kind.PEND) is None
    assert model.difference(recorded, a_posting(), Kind.POST) == "kind"


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ({Kind.POST}, Status.POSTED),
        ({Kind.PEND}, Status.PENDING),
        ({Kind.PEND, Kind.SETTLE}, Status.POSTED),
        ({Kind.PEND, Kind.VOID}, Status.VOIDED),
    ],
)
def test_the_rows_of_a_posting_tell_its_status(kinds, status):
    assert model.status_of(kinds) is status


def test_an_ending_leaves_nothing_waiting():
    for ending in Ending:
        assert EFFECTS[Kind.PEND].pending + EFFECTS[Kind(ending)].pending == 0


@pytest.mark.parametrize(
    ("status", "ending", "refusal"),
    [
        (Status.POSTED, Ending.SETTLE, None),
        (Status.VOIDED, Ending.VOID, None),
        (Status.POSTED, Ending.VOID, PostingSettled),
        (Status.VOIDED, Ending.SETTLE, PostingVoided),
    ],
)
def test_what_ended_stays_ended_that_way(status, ending, refusal):
    recorded = Recorded(a_posting(), Kind.PEND, status)

    if refusal is None:
        model.must_have_ended(recorded, ending)
    else:
        with pytest.raises(refusal) as refused:
            model.must_have_ended(recorded, ending)
        assert refused.value.facts == {"posting_id": "p"}


def test_a_correction_is_the_mirror_image():
    posted = Recorded(
        a_posting(GOOD, Transfer("bank", "fees:stripe", "USD", 3)), Kind.POST, Status.POSTED
    )

    assert model.mirror(posted, "wrong price") == Posting(
        "correction:p", "wrong price", "order-1",
        (Transfer("sales", "clearing:stripe", "EUR", 100),
         Transfer("fees:stripe", "bank", "USD", 3)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "refusal"), [(Status.PENDING, PostingPending), (Status.VOIDED, PostingVoided)]
)
def test_only_what_is_posted_is_corrected(status, refusal):
    with pytest.raises(refusal):
        model.mirror(Recorded(a_posting(), Kind.PEND, status), "wrong price")


@pytest.mark.parametrize(
    "name", ["", "cash", "sales:x", "sales:", "clearing", "clearing:", ":stripe", "Sales"]
)
def test_what_is_not_in_the_chart_is_no_account(name):
    with pytest.raises(UnknownAccount) as refused:
        must_exist(name)

    assert refused.value.facts == {"account": name}


def test_accounts_are_named_by_functions():
    assert ledger.clearing("stripe") == "clearing:stripe"
    assert ledger.fees("stripe") == "fees:stripe"
    assert ledger.receivable("cash") == "receivable:cash"
    assert ledger.payouts("stripe") == "payouts:stripe"
    assert ledger.disputes("stripe") == "disputes:stripe"
    assert ledger.dispute_fees("stripe") == "dispute_fees:stripe"
    assert ledger.tax_payable("ES") == "tax_payable:ES"
    assert ledger.supplier_payable("sol") == "supplier_payable:sol"
    assert ledger.leader_payable("lea") == "leader_payable:lea"
    assert ledger.account(ledger.SALES) == "sales"


def test_every_head_says_its_side_and_its_meaning():
    assert {head.side for head in CHART.values()} == set(Side)
    assert all(head.meaning for head in CHART.values())
    assert set(CHART) >= {ledger.SALES, ledger.DELIVERY_INCOME, ledger.REFUNDS, ledger.BANK}

import pytest

from commerce import ledger
from commerce.ledger import CHART, BadTransfer, Posting, Side, Transfer, UnknownAccount, model
from commerce.ledger.accounts import must_exist

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
    assert model.difference(a_posting(), given) == field


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
    assert ledger.tax_payable("ES") == "tax_payable:ES"
    assert ledger.supplier_payable("sol") == "supplier_payable:sol"
    assert ledger.leader_payable("lea") == "leader_payable:lea"
    assert ledger.account(ledger.SALES) == "sales"


def test_every_head_says_its_side_and_its_meaning():
    assert {head.side for head in CHART.values()} == set(Side)
    assert all(head.meaning for head in CHART.values())
    assert set(CHART) >= {ledger.SALES, ledger.DELIVERY_INCOME, ledger.REFUNDS, ledger.BANK}

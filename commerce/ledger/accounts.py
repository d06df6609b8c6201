"""The chart of accounts as data: what money can stand on, and which side it normally stands on.

An account is written `head` or `head:detail`: `sales`, `clearing:stripe`, `supplier_payable:<id>`.
A balance is debits minus credits, so what others owe us is positive and what we owe is negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from commerce.ledger.model import UnknownAccount


class Side(StrEnum):
    DEBIT = "debit"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Head:
    side: Side  # where its balance normally is
    detail: str  # what follows the colon; empty = nothing may
    meaning: str


CHART: Mapping[str, Head] = {
    "clearing": Head(Side.DEBIT, "provider", "collected by a provider, not yet paid out to us"),
    "receivable": Head(Side.DEBIT, "provider", "owed by who collects cash at the door for us"),
    "bank": Head(Side.DEBIT, "", "on our own account"),
    "sales": Head(Side.CREDIT, "", "goods sold"),
    "delivery_income": Head(Side.CREDIT, "", "delivery charged to fans"),
    "tax_payable": Head(Side.CREDIT, "country", "tax collected, owed to a country"),
    "discounts": Head(Side.DEBIT, "", "given up for promotions and coupons"),
    "refunds": Head(Side.DEBIT, "", "sales given back"),
    "fees": Head(Side.DEBIT, "provider", "kept by a provider for its service"),
    "disputes": Head(Side.DEBIT, "provider", "taken back by a provider until it is decided"),
    "dispute_fees": Head(Side.DEBIT, "provider", "kept by a provider for a dispute"),
    "payouts": Head(Side.DEBIT, "provider", "sent on to connected accounts, not yet settled"),
    "supplier_payable": Head(Side.CREDIT, "supplier", "a supplier's share, not yet paid out"),
    "leader_payable": Head(Side.CREDIT, "leader", "a leader's share, not yet paid out"),
    "platform_share": Head(Side.CREDIT, "", "the platform's own share"),
    "revenue_shared": Head(Side.DEBIT, "", "sales divided among the parties"),
    "customer_payable": Head(Side.CREDIT, "", "money received without a sale, to be given back"),
    "points": Head(Side.CREDIT, "fan", "loyalty points of a fan"),
    "points_issued": Head(Side.DEBIT, "", "loyalty points given out"),
}

SALES = "sales"
DELIVERY_INCOME = "delivery_income"
REFUNDS = "refunds"
DISCOUNTS = "discounts"
BANK = "bank"
CUSTOMER_PAYABLE = "customer_payable"


def clearing(provider: str) -> str:
    return account("clearing", provider)


def fees(provider: str) -> str:
    return account("fees", provider)


def receivable(provider: str) -> str:
    return account("receivable", provider)


def disputes(provider: str) -> str:
    return account("disputes", provider)


def dispute_fees(provider: str) -> str:
    return account("dispute_fees", provider)


def payouts(provider: str) -> str:
    return account("payouts", provider)


def tax_payable(country: str) -> str:
    return account("tax_payable", country)


def supplier_payable(supplier_id: str) -> str:
    return account("supplier_payable", supplier_id)


def leader_payable(leader_id: str) -> str:
    return account("leader_payable", leader_id)


def account(head: str, detail: str = "") -> str:
    return must_exist(f"{head}:{detail}" if detail else head)


@lru_cache(maxsize=4096)
def must_exist(name: str) -> str:
    head, colon, detail = name.partition(":")
    known = CHART.get(head)
    if known is None or bool(known.detail) != bool(detail) or bool(colon) != bool(detail):
        raise UnknownAccount(account=name)
    return name

"""Double entry as values: a posting is transfers between two accounts, and so always balanced."""

from __future__ import annotations

import re
from dataclasses import dataclass

from commerce.kernel.errors import Refusal

AMOUNT_MINOR_MAX = 10**15  # thousands of them still fit into 64 bits
TRANSFERS_MAX = 1_000
CURRENCY = re.compile(r"[A-Z]{3}")


class UnknownAccount(Refusal):
    code = "unknown_account"


class BadTransfer(Refusal):
    code = "bad_transfer"


class PostingDiffers(Refusal):
    """This posting id stands for something else already."""

    code = "posting_differs"


@dataclass(frozen=True, slots=True)
class Transfer:
    """`debit` receives what `credit` gives."""

    debit: str
    credit: str
    currency: str  # ISO 4217, or XTR
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Posting:
    """What happened once, under an id that its cause chose; it is never changed, only followed."""

    id: str
    reason: str  # "sale", "refund", "fee", "correction"
    reference: str  # the order, payment or payout behind it
    transfers: tuple[Transfer, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an account's statement."""

    at: int
    posting_id: str
    reason: str
    reference: str
    other: str  # the account on the other side
    currency: str
    amount_minor: int  # positive = debit
    balance_minor: int  # after this entry


@dataclass(frozen=True, slots=True)
class Balance:
    account: str
    currency: str
    debit_minor: int
    credit_minor: int

    @property
    def balance_minor(self) -> int:
        return self.debit_minor - self.credit_minor


def check(posting: Posting) -> None:
    """Refuse what has no id or reason, no or too many transfers, or a transfer that is none."""
    if not posting.id:
        raise BadTransfer(field="id")
    if not posting.reason:
        raise BadTransfer(field="reason")
    if not 1 <= len(posting.transfers) <= TRANSFERS_MAX:
        raise BadTransfer(field="transfers", number=len(posting.transfers))
    for transfer in posting.transfers:
        _check_transfer(transfer)


def _check_transfer(transfer: Transfer) -> None:
    amount = transfer.amount_minor
    if type(amount) is not int or not 0 < amount <= AMOUNT_MINOR_MAX:
        raise BadTransfer(field="amount_minor", amount_minor=str(amount))
    if not CURRENCY.fullmatch(transfer.currency):
        raise BadTransfer(field="currency", currency=transfer.currency)
    if transfer.debit == transfer.credit:
        raise BadTransfer(field="credit", account=transfer.credit)


def difference(posted: Posting, given: Posting) -> str | None:
    """The first field in which a posting under the same id says something else."""
    for field in ("reason", "reference"):
        if getattr(posted, field) != getattr(given, field):
            return field
    if len(posted.transfers) != len(given.transfers):
        return "transfers"
    for before, now in zip(posted.transfers, given.transfers, strict=True):
        for field in ("debit", "credit", "currency", "amount_minor"):
            if getattr(before, field) != getattr(now, field):
                return field
    return None

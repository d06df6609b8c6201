"""Double entry as values: a posting is transfers between two accounts, and so always balanced."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from commerce.kernel.errors import Refusal
from commerce.kernel.machine import Machine
from commerce.kernel.money import AMOUNT_MINOR_MAX

TRANSFERS_MAX = 1_000
CURRENCY = re.compile(r"[A-Z]{3}")


class UnknownAccount(Refusal):
    code = "unknown_account"


class BadTransfer(Refusal):
    code = "bad_transfer"


class PostingDiffers(Refusal):
    """This posting id stands for something else already."""

    code = "posting_differs"


class PostingUnknown(Refusal):
    code = "posting_unknown"


class PostingPending(Refusal):
    """It waits; what is not yet posted is voided, not corrected."""

    code = "posting_pending"


class PostingSettled(Refusal):
    """Its money is posted; what was posted is corrected, not voided."""

    code = "posting_settled"


class PostingVoided(Refusal):
    """It came to nothing, for good."""

    code = "posting_voided"


class Kind(StrEnum):
    """What a row of the ledger does. Ending a transfer that waits is a row of its own."""

    POST = "post"
    PEND = "pend"
    SETTLE = "settle"
    VOID = "void"


class Ending(StrEnum):
    """How a posting that waits ends."""

    SETTLE = Kind.SETTLE
    VOID = Kind.VOID


class Status(StrEnum):
    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"


LIFE = Machine(
    start=Status.PENDING,
    moves={
        (Status.PENDING, Ending.SETTLE): Status.POSTED,
        (Status.PENDING, Ending.VOID): Status.VOIDED,
    },
)


@dataclass(frozen=True, slots=True)
class Effect:
    """By how many times its amount a row changes what is posted, and what waits."""

    posted: int
    pending: int


EFFECTS = {
    Kind.POST: Effect(posted=1, pending=0),
    Kind.PEND: Effect(posted=0, pending=1),
    Kind.SETTLE: Effect(posted=1, pending=-1),
    Kind.VOID: Effect(posted=0, pending=-1),
}


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
class Recorded:
    """A posting as it stands in the books."""

    posting: Posting
    kind: Kind  # post or pend
    status: Status


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an account's statement."""

    at: int
    posting_id: str
    n: int
    reason: str
    reference: str
    other: str  # the account on the other side
    currency: str
    amount_minor: int  # positive = debit
    balance_minor: int  # after this entry


@dataclass(frozen=True, slots=True)
class Balance:
    """What was posted to an account, and apart from it what waits."""

    account: str
    currency: str
    debit_minor: int
    credit_minor: int
    pending_debit_minor: int = 0
    pending_credit_minor: int = 0

    @property
    def balance_minor(self) -> int:
        return self.debit_minor - self.credit_minor

    @property
    def pending_minor(self) -> int:
        return self.pending_debit_minor - self.pending_credit_minor


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


def status_of(kinds: Collection[Kind]) -> Status:
    """Of a posting, by the kinds of its rows."""
    if Kind.VOID in kinds:
        return Status.VOIDED
    return Status.PENDING if set(kinds) == {Kind.PEND} else Status.POSTED


def must_have_ended(recorded: Recorded, ending: Ending) -> None:
    """Refuse where it ended the other way, or never waited."""
    if recorded.status is LIFE.after(Status.PENDING, ending):
        return
    refusal = PostingVoided if recorded.status is Status.VOIDED else PostingSettled
    raise refusal(posting_id=recorded.posting.id)


def mirror(recorded: Recorded, reason: str) -> Posting:
    """What takes a posting back: debit and credit exchanged, under an id that exists once."""
    posting = recorded.posting
    if recorded.status is Status.PENDING:
        raise PostingPending(posting_id=posting.id)
    if recorded.status is Status.VOIDED:
        raise PostingVoided(posting_id=posting.id)
    return Posting(
        id=f"correction:{posting.id}",
        reason=reason,
        reference=posting.reference,
        transfers=tuple(
            Transfer(t.credit, t.debit, t.currency, t.amount_minor) for t in posting.transfers
        ),
    )


def difference(recorded: Recorded, given: Posting, kind: Kind) -> str | None:
    """The first field in which a posting under the same id says something else."""
    if recorded.kind is not kind:
        return "kind"
    posted = recorded.posting
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

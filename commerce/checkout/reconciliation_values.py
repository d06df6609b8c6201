"""What a comparison of a provider's report with our books is about, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from commerce.kernel.errors import Refusal
from commerce.kernel.machine import Machine
from commerce.payments import ReportKind


class Kind(StrEnum):
    MISSING_HERE = "missing_here"  # the provider moved money that our books do not have
    MISSING_THERE = "missing_there"  # our books have money that the provider does not report
    DOUBLE = "double"  # once here, more than once there
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    LATE = "late"  # the same money, in another period
    UNKNOWN = "unknown"  # about no payment of ours
    NOT_POSTED = "not_posted"  # recorded, and missing in the ledger or another sum there
    FEE_DIFFERS = "fee_differs"  # posted before as another sum
    PAYOUT_UNCONFIRMED = "payout_unconfirmed"  # sent to our bank, which nobody has seen arrive


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One movement of money as our books have it."""

    kind: ReportKind
    id: str  # of the payment, refund, dispute or payout
    payment_id: str = ""
    order_id: str = ""
    order_code: str = ""
    refs: frozenset[str] = frozenset()  # the provider's names of it
    amount_minor: int  # signed as in a report: + is to us
    currency: str
    at: int
    status: str = ""
    settled: bool = True  # False: it is known, and by our books no money has moved
    posted_minor: int | None = None  # on the clearing account, signed; None = no posting
    fee_minor: int = 0  # posted together with it

    @property
    def about(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A posting on the clearing account that no payment, refund, dispute, fee or payout made."""

    posting_id: str
    reason: str
    amount_minor: int
    currency: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What of our books one report may be about, and all of what it must have."""

    facts: Sequence[Fact]
    fees: Mapping[str, tuple[int, str]] = field(default_factory=dict)  # name -> posted money
    strays: Sequence[Stray] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    kind: Kind
    about: str  # the same in every run that finds it
    moved: str  # charge, refund, dispute, dispute_reversal, payout, fee; posting for a stray
    ref: str = ""  # the provider's name
    payment_id: str = ""
    order_id: str = ""
    order_code: str = ""
    status: str = ""  # here
    here_minor: int | None = None
    here_currency: str = ""
    here_at: int | None = None
    there_minor: int | None = None
    there_currency: str = ""
    there_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What the provider kept and the ledger does not have yet; negative = it gave one back."""

    name: str  # of the line that shows it; the same fee has the same name
    order_id: str
    amount_minor: int
    currency: str


@dataclass(slots=True)
class Total:
    """The value of one currency in one comparison, regardless of its direction."""

    matched_minor: int = 0
    unmatched_minor: int = 0
    fees_minor: int = 0  # that the lines of this report show, posted or not


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    differences: tuple[Difference, ...]
    fees: tuple[Fee, ...]  # to be posted
    lines: int  # of the period
    matched: int  # of them
    totals: Mapping[str, Total]  # by currency
    examined: frozenset[str]  # what both sides have, by its `about`


class RunStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # the provider did not answer; it is tried again


class DifferenceStatus(StrEnum):
    OPEN = "open"
    EXPLAINED = "explained"  # nothing was to be done
    RESOLVED = "resolved"  # something was done


class DifferenceAct(StrEnum):
    EXPLAIN = "explain"
    RESOLVE = "resolve"
    FIND_AGAIN = "find_again"  # only what no person has closed


DIFFERENCE_LIFE = Machine(
    start=DifferenceStatus.OPEN,
    moves={
        (DifferenceStatus.OPEN, DifferenceAct.EXPLAIN): DifferenceStatus.EXPLAINED,
        (DifferenceStatus.OPEN, DifferenceAct.RESOLVE): DifferenceStatus.RESOLVED,
        (DifferenceStatus.OPEN, DifferenceAct.FIND_AGAIN): DifferenceStatus.OPEN,
        (DifferenceStatus.EXPLAINED, DifferenceAct.FIND_AGAIN): DifferenceStatus.OPEN,
    },
)


class NoSuchDifference(Refusal):
    code = "no_such_difference"


class NoReport(Refusal):
    """This provider gives no reports, or is not in use here."""

    code = "no_report"


class EmptyReport(Refusal):
    """A file without a line says nothing about any day."""

    code = "empty_report"


class ComparingNow(Refusal):
    """Somebody else compares this report at this moment."""

    code = "comparing_now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    id: str
    key: str
    provider: str
    source: str  # api, or the name of the file
    since: int
    until: int
    status: RunStatus
    lines: int = 0
    matched: int = 0
    fees_posted: int = 0
    totals: Mapping[str, Total] = field(default_factory=dict)
    failure: str = ""
    tries: int = 0
    started_at: int = 0
    ended_at: int | None = None
    open: int = 0  # differences that wait for a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A difference as it is kept."""

    id: str
    run_id: str
    provider: str
    difference: Difference
    status: DifferenceStatus
    found_at: int
    seen_at: int
    closed_at: int | None
    closed_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What a provider still owes us of one currency, and how that came to be; all minor units."""

    provider: str
    currency: str
    captured: int
    refunded: int
    disputed: int
    fees: int
    paid_out: int
    other: int  # corrections, and what nothing explains
    balance: int  # by the ledger

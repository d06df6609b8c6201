"""A provider's report against our books: what is not the same on both sides. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from commerce.checkout import pairing
from commerce.checkout.pairing import Group, Pair, about_line, same_money
from commerce.checkout.reconciliation_values import (
    Books,
    Comparison,
    Difference,
    Fact,
    Fee,
    Kind,
    Stray,
    Total,
)
from commerce.kernel.clock import DAY
from commerce.payments import ReportKind, ReportLine

LATE_AFTER = 1 * DAY  # further apart than this, the same money lies in two periods


def compare(lines: Sequence[ReportLine], books: Books, *, since: int, until: int) -> Comparison:
    """Judge the lines and facts with since <= at < until; those around them only find partners."""
    comparing = _Comparing(books, since, until)
    first, again = pairing.listed_once(lines)
    for line in again:
        comparing.unpaired(line, Kind.DOUBLE)
    for group in pairing.grouped(first, books.facts):
        pairs, lines_left, facts_left = pairing.pair(group)
        for found in pairs:
            comparing.paired(found)
        for line in lines_left:
            comparing.unpaired(line, _kind_of_rest(line, group, pairs), group.payment)
        for fact in facts_left:
            comparing.not_reported(fact)
    for fact in books.facts:
        comparing.posted(fact)
    for stray in books.strays:
        comparing.stray(stray)
    return comparing.result()


def _kind_of_rest(line: ReportLine, group: Group, pairs: Sequence[Pair]) -> Kind:
    if line.kind is ReportKind.PAYOUT:
        return Kind.PAYOUT_UNCONFIRMED
    if group.payment is None:
        return Kind.UNKNOWN
    if any(same_money(line, found.fact) or line.kind is ReportKind.CHARGE for found in pairs):
        return Kind.DOUBLE
    return Kind.MISSING_HERE


class _Comparing:
    """What a comparison has found so far."""

    def __init__(self, books: Books, since: int, until: int) -> None:
        self._books = books
        self._since, self._until = since, until
        self._differences: list[Difference] = []
        self._fees: list[Fee] = []
        self._examined: set[str] = set()
        self._totals: dict[str, Total] = defaultdict(Total)
        self._lines = self._matched = 0

    def result(self) -> Comparison:
        return Comparison(
            differences=tuple(self._differences),
            fees=tuple(self._fees),
            lines=self._lines,
            matched=self._matched,
            totals=dict(self._totals),
            examined=frozenset(self._examined),
        )

    def paired(self, pair: Pair) -> None:
        line, fact = pair.line, pair.fact
        if not self._in_period(line.at):
            return
        self._examined |= {fact.about, about_line(line)}
        kind = _judged(pair)
        if kind is not None:
            self._differences.append(_between(kind, pair))
        for part in (line, *pair.taken_off):
            self._count(part, matched=kind in (None, Kind.LATE))
            if part.currency == fact.currency:
                self._fee(part, fact)

    def unpaired(self, line: ReportLine, kind: Kind, payment: Fact | None = None) -> None:
        if not self._in_period(line.at):
            return
        if line.kind is ReportKind.FEE and kind is not Kind.DOUBLE:
            self._examined.add(about_line(line))
            self._count(line, matched=True)
            self._fee(line, None)
            return
        self._differences.append(_only_there(kind, line, payment))
        self._count(line, matched=False)

    def not_reported(self, fact: Fact) -> None:
        if fact.settled and self._in_period(fact.at):
            self._differences.append(_only_here(fact))
            self._totals[fact.currency].unmatched_minor += abs(fact.amount_minor)

    def posted(self, fact: Fact) -> None:
        looked_at = self._in_period(fact.at) or fact.about in self._examined
        if fact.settled and looked_at and fact.posted_minor != fact.amount_minor:
            self._differences.append(_in_ledger(fact))

    def stray(self, stray: Stray) -> None:
        if self._in_period(stray.at):
            self._differences.append(_stray(stray))

    def _in_period(self, at: int) -> bool:
        return self._since <= at < self._until

    def _count(self, line: ReportLine, *, matched: bool) -> None:
        total = self._totals[line.currency]
        self._lines += 1
        self._matched += matched
        if matched:
            total.matched_minor += abs(line.amount_minor)
        else:
            total.unmatched_minor += abs(line.amount_minor)

    def _fee(self, line: ReportLine, fact: Fact | None) -> None:
        kept = _kept(line)
        self._totals[line.currency].fees_minor += kept
        kept -= fact.fee_minor if fact else 0
        posted = self._books.fees.get(fee_name(line))
        if posted is not None and posted != (kept, line.currency):
            self._differences.append(_fee_differs(line, fact, kept, posted))
        elif posted is None and kept:
            order_id = fact.order_id if fact else ""
            self._fees.append(
                Fee(
                    name=fee_name(line),
                    order_id=order_id,
                    amount_minor=kept,
                    currency=line.currency,
                )
            )


def fee_name(line: ReportLine) -> str:
    """A provider may call a movement and its reversal by one name; each has a fee of its own."""
    return f"{line.kind}:{line.ref}"


def _kept(line: ReportLine) -> int:
    """What the provider kept; a line that is a fee by itself says it as its amount."""
    own = -line.amount_minor if line.kind is ReportKind.FEE else 0
    return own + line.fee_minor


def _judged(pair: Pair) -> Kind | None:
    line, fact = pair.line, pair.fact
    if not fact.settled:
        return Kind.MISSING_HERE
    if line.currency != fact.currency:
        return Kind.CURRENCY_DIFFERS
    if pair.amount_minor != fact.amount_minor:
        return Kind.AMOUNT_DIFFERS
    return Kind.LATE if abs(line.at - fact.at) > LATE_AFTER else None


def _between(kind: Kind, pair: Pair) -> Difference:
    line, fact = pair.line, pair.fact
    return Difference(
        kind=kind,
        about=fact.about,
        moved=line.kind,
        ref=line.ref,
        **_order(fact),
        **(_here(fact) if fact.settled else {}),
        **_there(line) | {"there_minor": pair.amount_minor},
    )


def _only_there(kind: Kind, line: ReportLine, payment: Fact | None) -> Difference:
    known = _order(payment) if payment else {}
    return Difference(
        kind=kind, about=about_line(line), moved=line.kind, ref=line.ref, **known, **_there(line)
    )


def _only_here(fact: Fact) -> Difference:
    return Difference(
        kind=Kind.MISSING_THERE,
        about=fact.about,
        moved=fact.kind,
        ref=min(fact.refs, default=""),
        **_order(fact),
        **_here(fact),
    )


def _in_ledger(fact: Fact) -> Difference:
    """Here is what payments recorded, there is what the ledger has."""
    return Difference(
        kind=Kind.NOT_POSTED,
        about=fact.about,
        moved=fact.kind,
        **_order(fact),
        **_here(fact),
        there_minor=fact.posted_minor,
        there_currency=fact.currency if fact.posted_minor is not None else "",
    )


def _fee_differs(
    line: ReportLine, fact: Fact | None, kept: int, posted: tuple[int, str]
) -> Difference:
    known = _order(fact) if fact else {}
    return Difference(
        kind=Kind.FEE_DIFFERS,
        about=about_line(line),
        moved=line.kind,
        ref=line.ref,
        **known,
        here_minor=posted[0],
        here_currency=posted[1],
        **_there(line) | {"there_minor": kept},
    )


def _stray(stray: Stray) -> Difference:
    return Difference(
        kind=Kind.MISSING_THERE,
        about=f"posting:{stray.posting_id}",
        moved="posting",
        ref=stray.posting_id,
        status=stray.reason,
        here_minor=stray.amount_minor,
        here_currency=stray.currency,
        here_at=stray.at,
    )


def _order(fact: Fact) -> dict[str, Any]:
    names = ("payment_id", "order_id", "order_code", "status")
    return {name: getattr(fact, name) for name in names}


def _here(fact: Fact) -> dict[str, Any]:
    return {"here_minor": fact.amount_minor, "here_currency": fact.currency, "here_at": fact.at}


def _there(line: ReportLine) -> dict[str, Any]:
    return {"there_minor": line.amount_minor, "there_currency": line.currency, "there_at": line.at}

"""Which line of a report tells of which fact of our books; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from commerce.checkout.reconciliation_values import Fact
from commerce.payments import ReportKind, ReportLine

WITHOUT_PAYMENT = (ReportKind.PAYOUT, ReportKind.FEE)


@dataclass(frozen=True, slots=True)
class Pair:
    """A fact and the line that tells of it, with what the provider took off that line again."""

    line: ReportLine
    fact: Fact
    taken_off: tuple[ReportLine, ...] = ()

    @property
    def amount_minor(self) -> int:
        return self.line.amount_minor + sum(part.amount_minor for part in self.taken_off)


@dataclass(frozen=True, slots=True)
class Group:
    """All that one payment moved in one way; or one line about no payment of ours."""

    lines: list[ReportLine]
    facts: list[Fact]
    payment: Fact | None


def listed_once(lines: Iterable[ReportLine]) -> tuple[list[ReportLine], list[ReportLine]]:
    """The lines, and those that say word for word what another one said."""
    seen: set[ReportLine] = set()
    first: list[ReportLine] = []
    again: list[ReportLine] = []
    for line in lines:
        (again if line in seen else first).append(line)
        seen.add(line)
    return first, again


def grouped(lines: Iterable[ReportLine], facts: Iterable[Fact]) -> Iterator[Group]:
    payments: dict[str, Fact] = {}
    named: dict[str, str] = {}  # the provider's name or our key -> payment
    found: dict[tuple[str, str], tuple[list[ReportLine], list[Fact]]] = {}
    for fact in facts:
        if fact.kind is ReportKind.CHARGE:
            payments[fact.payment_id] = fact
        named |= dict.fromkeys(fact.refs, fact.payment_id)
        owner = fact.payment_id or str(fact.kind)
        found.setdefault((owner, fact.kind), ([], []))[1].append(fact)
    for line in lines:
        owner = str(line.kind) if line.kind in WITHOUT_PAYMENT else _payment_of(line, named)
        key = (owner or about_line(line), str(line.kind))
        found.setdefault(key, ([], []))[0].append(line)
    for (owner, _), (its_lines, its_facts) in found.items():
        yield Group(its_lines, its_facts, payments.get(owner))


def pair(group: Group) -> tuple[list[Pair], list[ReportLine], list[Fact]]:
    """By name; a fact that has no name yet by its money, and at last by what is left."""
    pairs: list[Pair] = []
    lines, facts = sorted(group.lines, key=lambda line: line.at), list(group.facts)
    taken_off = _taken_off(lines, facts)
    lines = [line for line in lines if line not in taken_off]
    for fits in (_same_name_and_money, _same_name, _unnamed_same_money, _unnamed):
        for line in list(lines):
            candidates = [fact for fact in facts if fits(line, fact)]
            if candidates:
                fact = min(candidates, key=lambda one: (not one.settled, abs(one.at - line.at)))
                pairs.append(Pair(line, fact, tuple(taken_off)))
                lines.remove(line)
                facts.remove(fact)
    return pairs, lines, facts


def _taken_off(lines: Sequence[ReportLine], facts: Sequence[Fact]) -> list[ReportLine]:
    """What was not captured, or bounced: a payment has one charge, and perhaps some less."""
    charged = [line for line in lines if line.amount_minor > 0]
    if not facts or not charged or facts[0].kind is not ReportKind.CHARGE:
        return []
    return [line for line in lines if line.amount_minor <= 0]


def same_money(line: ReportLine, fact: Fact) -> bool:
    return (line.amount_minor, line.currency) == (fact.amount_minor, fact.currency)


def about_line(line: ReportLine) -> str:
    return f"line:{line.kind}:{line.ref}"


def _payment_of(line: ReportLine, named: Mapping[str, str]) -> str:
    names = (line.payment_key, line.charge_ref, line.ref)
    return next((named[name] for name in names if name is not None and name in named), "")


def _same_name(line: ReportLine, fact: Fact) -> bool:
    """A payment is charged once, whatever the provider calls the charge."""
    return line.ref in fact.refs or fact.kind is ReportKind.CHARGE


def _same_name_and_money(line: ReportLine, fact: Fact) -> bool:
    return _same_name(line, fact) and same_money(line, fact)


def _unnamed_same_money(line: ReportLine, fact: Fact) -> bool:
    return _unnamed(line, fact) and same_money(line, fact)


def _unnamed(line: ReportLine, fact: Fact) -> bool:
    """Only within one payment: payouts have nothing in common but their names."""
    return not fact.refs and bool(fact.payment_id)

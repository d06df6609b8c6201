"""Reports and books that agree, and ways to make them disagree that are known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from commerce.checkout.reconciliation_values import Books, Fact, Kind
from commerce.kernel.clock import DAY, HOUR
from commerce.payments import ReportKind, ReportLine
from tests.conftest import NOON

SINCE, UNTIL = NOON - 12 * HOUR, NOON + 12 * HOUR


@dataclass(frozen=True)
class Moved:
    """One movement of money on both sides; a side may come to lack it."""

    line: ReportLine | None
    fact: Fact | None
    extra: tuple[ReportLine, ...] = ()
    found: frozenset[tuple[Kind, str]] = frozenset()  # what a comparison must say of it


def a_line(**changes: Any) -> ReportLine:
    facts = {
        "kind": ReportKind.CHARGE, "ref": "ch_1", "payment_key": "k1", "charge_ref": "ch_1",
        "amount_minor": 5_490, "fee_minor": 0, "currency": "EUR", "at": NOON,
    }  # fmt: skip
    return ReportLine(**facts | changes)


def a_fact(**changes: Any) -> Fact:
    facts = {
        "kind": ReportKind.CHARGE, "id": "p1", "payment_id": "p1", "order_id": "o1",
        "order_code": "ACDEFG", "refs": frozenset({"k1", "ch_1"}), "amount_minor": 5_490,
        "currency": "EUR", "at": NOON, "status": "paid", "settled": True, "posted_minor": 5_490,
    }  # fmt: skip
    return Fact(**facts | changes)


def both(kind: ReportKind, number: str, ref: str, amount_minor: int, **given: Any) -> Moved:
    """The same movement as the provider tells it and as our books have it."""
    payment = f"p{number}"
    facts = {"currency": given["currency"], "at": given["at"], "amount_minor": amount_minor}
    line = a_line(
        kind=kind, ref=ref, payment_key=given.get("key"), charge_ref=f"ch_{number}",
        fee_minor=given.get("fee_minor", 0), **facts,
    )  # fmt: skip
    fact = a_fact(
        kind=kind, id=payment if kind is ReportKind.CHARGE else f"id of {ref}", payment_id=payment,
        order_id=f"o{number}", order_code=f"CODE{number}", posted_minor=amount_minor,
        refs=frozenset({ref, f"k{number}"} if kind is ReportKind.CHARGE else {ref}), **facts,
    )  # fmt: skip
    return Moved(line, fact)


@st.composite
def purchases(draw: st.DrawFn, number: int) -> list[Moved]:
    """A payment, what was given back of it in different parts, and perhaps a dispute."""
    name = str(number)
    amount = draw(st.integers(100, 10**9))
    known = {"currency": draw(st.sampled_from(["EUR", "JPY", "KWD"]))}
    at = st.integers(SINCE, UNTIL - 1)
    fee = draw(st.integers(0, 99))
    key = draw(st.sampled_from([f"k{name}", None]))
    moved = [both(ReportKind.CHARGE, name, f"ch_{name}", amount, key=key, fee_minor=fee,
                  at=draw(at), **known)]  # fmt: skip
    if draw(st.booleans()):
        moved = [captured_in_part(moved[0], draw(st.integers(1, 9)))]
    parts = draw(st.lists(st.integers(1, 90), unique=True, max_size=3))
    for n, part in enumerate(parts):
        moved.append(both(ReportKind.REFUND, name, f"re_{name}_{n}", -part, at=draw(at), **known))
    if draw(st.booleans()):
        taken = (ReportKind.DISPUTE, name, f"dp_{name}", -amount)
        moved.append(both(*taken, at=draw(at), fee_minor=1_500, **known))
    return moved


def captured_in_part(moved: Moved, less: int) -> Moved:
    """The provider tells a charge of all that was authorised, and takes the rest off again."""
    line = _line_of(moved)
    rest = replace(line, ref=f"{line.ref}_rest", amount_minor=-less, fee_minor=-1)
    whole = replace(line, amount_minor=line.amount_minor + less)
    return replace(moved, line=whole, extra=(rest,))


def consistent(payments: int) -> st.SearchStrategy[list[Moved]]:
    return st.tuples(*[purchases(n) for n in range(payments)]).map(
        lambda found: [one for moved in found for one in moved]
    )


def _about(moved: Moved) -> str:
    assert moved.fact is not None
    return moved.fact.about


def _line_of(moved: Moved) -> ReportLine:
    assert moved.line is not None
    return moved.line


def _with(moved: Moved, kind: Kind, about: str, **changes: Any) -> Moved:
    return replace(moved, found=moved.found | {(kind, about)}, **changes)


def missing_there(moved: Moved) -> Moved:
    return _with(moved, Kind.MISSING_THERE, _about(moved), line=None, extra=())


def missing_here(moved: Moved) -> Moved:
    """The payment is known, and this movement of it is not."""
    line = _line_of(moved)
    if line.kind is ReportKind.CHARGE:
        assert moved.fact is not None
        fact = replace(moved.fact, settled=False, status="expired", posted_minor=None)
        return _with(moved, Kind.MISSING_HERE, _about(moved), fact=fact)
    return _with(moved, Kind.MISSING_HERE, f"line:{line.kind}:{line.ref}", fact=None)


def listed_twice(moved: Moved) -> Moved:
    line = _line_of(moved)
    return _with(moved, Kind.DOUBLE, f"line:{line.kind}:{line.ref}", extra=(*moved.extra, line))


def moved_twice(moved: Moved) -> Moved:
    line = _line_of(moved)
    again = replace(line, ref=f"{line.ref}_again", at=min(line.at + HOUR, UNTIL - 1))
    return _with(moved, Kind.DOUBLE, f"line:{again.kind}:{again.ref}", extra=(*moved.extra, again))


def one_more_there(moved: Moved) -> Moved:
    line = _line_of(moved)
    return _with(
        moved, Kind.AMOUNT_DIFFERS, _about(moved),
        line=replace(line, amount_minor=line.amount_minor + 1),
    )  # fmt: skip


def one_less_here(moved: Moved) -> Moved:
    fact = moved.fact
    assert fact is not None
    less = replace(fact, amount_minor=fact.amount_minor - 1, posted_minor=fact.amount_minor - 1)
    return _with(moved, Kind.AMOUNT_DIFFERS, _about(moved), fact=less)


def one_less_in_the_ledger(moved: Moved) -> Moved:
    assert moved.fact is not None
    less = replace(moved.fact, posted_minor=moved.fact.amount_minor - 1)
    return _with(moved, Kind.NOT_POSTED, _about(moved), fact=less)


def not_in_the_ledger(moved: Moved) -> Moved:
    assert moved.fact is not None
    return _with(moved, Kind.NOT_POSTED, _about(moved), fact=replace(moved.fact, posted_minor=None))


def other_currency(moved: Moved) -> Moved:
    line = replace(_line_of(moved), currency="USD")
    return _with(moved, Kind.CURRENCY_DIFFERS, _about(moved), line=line)


def late(moved: Moved) -> Moved:
    """In the report of this period, and in our books two days before."""
    assert moved.fact is not None
    fact = replace(moved.fact, at=_line_of(moved).at - 2 * DAY)
    return _with(moved, Kind.LATE, _about(moved), fact=fact)


def unknown(moved: Moved) -> Moved:
    """The provider moves money as well for something that is not ours."""
    line = _line_of(moved)
    other = replace(line, ref=f"other_{line.ref}", payment_key="other", charge_ref="other")
    return _with(moved, Kind.UNKNOWN, f"line:{other.kind}:{other.ref}", extra=(*moved.extra, other))


MUTATIONS: tuple[Callable[[Moved], Moved], ...] = (
    missing_there, missing_here, listed_twice, moved_twice, one_more_there, one_less_here,
    one_less_in_the_ledger, not_in_the_ledger, other_currency, late, unknown,
)  # fmt: skip


def report_of(moved: list[Moved]) -> list[ReportLine]:
    lines = [one.line for one in moved if one.line is not None]
    return lines + [line for one in moved for line in one.extra]


def books_of(moved: list[Moved]) -> Books:
    return Books(facts=[one.fact for one in moved if one.fact is not None])

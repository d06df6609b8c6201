"""What an invariant is: a statement whose every row is a violation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    and_,
    cast,
    func,
    literal,
    literal_column,
    select,
)

from commerce.kernel.clock import MINUTE
from commerce.kernel.columns import Amount, any_of
from commerce.kernel.database import Tx
from commerce.kernel.tables import OUTBOX, OutboxStatus
from commerce.ledger.tables import TRANSFERS

STUCK_AFTER = 10 * MINUTE
NEVER: ColumnElement[int] = literal_column("0")  # written out, as the index has it
POSTED = TRANSFERS.c.kind.in_(["post", "settle"])


class Part(StrEnum):
    """What an invariant can be asked of a part of, by the keys of that part."""

    WHOLE = "whole"  # it is always asked of everything: there is never much
    SKUS = "skus"
    ORDERS = "orders"
    PAYMENTS = "payments"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    PAYOUTS = "payouts"
    POSTINGS = "postings"
    REST = "rest"  # the sums of everything: too much to be asked every minute


@dataclass(frozen=True)
class Invariant:
    name: str
    meaning: str  # what a violation means, in words
    violations: Select[Any]  # its first column is what a violation is about
    part: Part = Part.WHOLE
    key: ColumnElement[Any] | None = None  # of the part, in the statement

    @cached_property
    def of_keys(self) -> Select[Any]:
        """The violations among the keys given as `keys`."""
        assert self.key is not None, self.name
        return self.violations.where(any_of(self.key, "keys"))


@dataclass(frozen=True, slots=True)
class Violation:
    invariant: str
    meaning: str
    facts: dict[str, Any]

    @property
    def subject(self) -> str:
        """What it is about: an SKU, an order, a saga."""
        return str(next(iter(self.facts.values())))


async def asked(tx: Tx, invariant: Invariant, keys: Sequence[str] | None = None) -> list[Violation]:
    """What does not hold: of everything, or of these keys."""
    if keys is None:
        rows = await tx.all(invariant.violations)
    else:
        rows = await tx.all(invariant.of_keys, keys=list(keys))
    return [
        Violation(invariant.name, invariant.meaning, {name: row[name] for name in row.keys()})  # noqa: SIM118
        for row in rows
    ]


def word(status: StrEnum) -> ColumnElement[str]:
    """A status written out, not as a parameter: only so do indexes with a condition serve it."""
    return literal_column(f"'{status}'")


def total(amount: ColumnElement[Any]) -> ColumnElement[int]:
    """A sum that is 0 of nothing, and an integer on both databases."""
    return cast(func.coalesce(func.sum(amount), 0), Amount)


def posted_minor(
    prefix: str, subject: ColumnElement[Any], *which: ColumnElement[bool]
) -> ColumnElement[int]:
    """What is posted under `prefix:subject`, its transfers (or those) together."""
    return (
        select(total(TRANSFERS.c.amount_minor))
        .where(TRANSFERS.c.posting_id == literal(prefix) + subject, POSTED, *which)
        .scalar_subquery()
    )


def quiet(aggregate: Column[Any]) -> ColumnElement[bool]:
    """No event of it is on its way to those who hear it: what they do is done."""
    of_it = select(OUTBOX.c.seq).where(OUTBOX.c.aggregate_id == aggregate)
    waits = of_it.where(OUTBOX.c.status == word(OutboxStatus.WAITING))
    unproven = of_it.where(OUTBOX.c.status == word(OutboxStatus.SENT), OUTBOX.c.next_at > NEVER)
    return and_(~waits.exists(), ~unproven.exists())

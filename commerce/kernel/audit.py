"""Who did what by hand, and why: an append-only list that is written with the deed itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, insert, select

from commerce.kernel import idempotency, jsons
from commerce.kernel.columns import Count, any_of
from commerce.kernel.database import Row, Tx
from commerce.kernel.errors import Refusal
from commerce.kernel.tables import AUDIT_ENTRIES

REASON_MIN, REASON_MAX = 3, 500
PAGE = 50
SCOPE = "intervention"

ADD = insert(AUDIT_ENTRIES)
ABOUT = (
    select(AUDIT_ENTRIES)
    .where(AUDIT_ENTRIES.c.subject == bindparam("subject"))
    .order_by(AUDIT_ENTRIES.c.seq.desc())
    .limit(bindparam("most", type_=Count))
)
RECENT = (
    select(AUDIT_ENTRIES)
    .order_by(AUDIT_ENTRIES.c.seq.desc())
    .limit(bindparam("most", type_=Count))
    .offset(bindparam("skip", type_=Count))
)
LAST_OF = (
    select(AUDIT_ENTRIES)
    .where(AUDIT_ENTRIES.c.action == bindparam("action"), any_of(AUDIT_ENTRIES.c.subject, "about"))
    .order_by(AUDIT_ENTRIES.c.seq)
)


class ReasonMissing(Refusal):
    """A deed by hand says why, in 3 to 500 characters."""

    code = "reason_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention:
    """A person's will: `key` is of the form that was sent, so that twice is once."""

    key: str
    actor: str  # the id of the person
    actor_name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    at: int
    actor: str
    actor_name: str
    action: str
    subject: str  # `kind:id` of what it was done to
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)


async def record(
    tx: Tx,
    *,
    actor: str,
    actor_name: str = "",
    action: str,
    subject: str,
    reason: str,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write it down, in the transaction of the deed."""
    await tx.run(
        ADD,
        at=await tx.now(),
        actor=actor,
        actor_name=actor_name,
        action=action,
        subject=subject,
        reason=given(reason),
        facts=jsons.dumps(dict(facts or {})),
    )


def given(reason: str) -> str:
    """The reason without the space around it; ReasonMissing where it says nothing."""
    said = reason.strip()
    if not REASON_MIN <= len(said) <= REASON_MAX:
        raise ReasonMissing(length=len(said))
    return said


async def once(
    tx: Tx,
    will: Intervention,
    *,
    action: str,
    subject: str,
    work: Callable[[], Awaitable[Mapping[str, Any]]],
) -> None:
    """Do it and write it down, or nothing where this form was sent before.

    `work` gives the facts to be kept. KeyReused where the form's key was used for something else.
    """

    async def recorded() -> idempotency.Answer:
        facts = await work()
        await record(
            tx,
            actor=will.actor,
            actor_name=will.actor_name,
            action=action,
            subject=subject,
            reason=will.reason,
            facts=facts,
        )
        return {}

    body = {
        "action": action,
        "subject": subject,
        "actor": will.actor,
        "reason": given(will.reason),
    }
    await idempotency.once(tx, SCOPE, will.key, body, recorded)


async def about(tx: Tx, subject: str, limit: int = PAGE) -> list[Entry]:
    """Newest first."""
    return [_entry(row) for row in await tx.all(ABOUT, subject=subject, most=limit)]


async def done_to(tx: Tx, action: str, subjects: Sequence[str]) -> dict[str, Entry]:
    """Those of the subjects to which it was done, each with the last time."""
    rows = await tx.all(LAST_OF, action=action, about=list(subjects))
    return {row["subject"]: _entry(row) for row in rows}


async def recent(tx: Tx, page: int = 1, size: int = PAGE) -> list[Entry]:
    """A page of everything, newest first."""
    rows = await tx.all(RECENT, most=size, skip=(page - 1) * size)
    return [_entry(row) for row in rows]


def _entry(row: Row) -> Entry:
    return Entry(
        at=row["at"],
        actor=row["actor"],
        actor_name=row["actor_name"],
        action=row["action"],
        subject=row["subject"],
        reason=row["reason"],
        facts=jsons.loads(row["facts"]),
    )

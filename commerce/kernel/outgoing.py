"""What we answer, durable before it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from commerce.kernel import clock, jsons
from commerce.kernel.columns import db_now
from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal
from commerce.kernel.tables import OUTGOING, OutgoingStatus

LEASE_SECONDS = 60

PUT = insert(OUTGOING)
AFTER = (
    select(OUTGOING.c.number, OUTGOING.c.body, OUTGOING.c.created_at)
    .where(
        OUTGOING.c.conversation_id == bindparam("conversation_id"),
        OUTGOING.c.number > bindparam("number"),
    )
    .order_by(OUTGOING.c.number)
    .limit(200)
)
_earlier = OUTGOING.alias("earlier")
_due = (
    select(OUTGOING.c.seq)
    .where(
        OUTGOING.c.account == bindparam("account"),
        OUTGOING.c.status == OutgoingStatus.WAITING,
        OUTGOING.c.next_at <= db_now(),
        OUTGOING.c.lease_until <= db_now(),
        # One message of a conversation at a time, in order.
        ~select(_earlier.c.seq)
        .where(
            _earlier.c.conversation_id == OUTGOING.c.conversation_id,
            _earlier.c.number < OUTGOING.c.number,
            _earlier.c.status == OutgoingStatus.WAITING,
        )
        .exists(),
    )
    .order_by(OUTGOING.c.priority, OUTGOING.c.seq)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
CLAIM = (
    update(OUTGOING)
    .where(OUTGOING.c.seq.in_(_due.scalar_subquery()))
    .values(lease_until=db_now() + LEASE_SECONDS * clock.SECOND, fence=OUTGOING.c.fence + 1)
    .returning(OUTGOING)
)
SETTLE = (
    update(OUTGOING)
    .where(OUTGOING.c.seq == bindparam("row"), OUTGOING.c.fence == bindparam("mine"))
    .values(
        status=bindparam("status"),
        tries=bindparam("tries"),
        next_at=bindparam("next_at"),
        lease_until=0,
        sent_at=bindparam("sent_at"),
        provider_message_id=bindparam("provider_message_id"),
        reason=bindparam("reason"),
    )
)
REPORT = (
    update(OUTGOING)
    .where(
        OUTGOING.c.account == bindparam("account_"),
        OUTGOING.c.provider_message_id == bindparam("provider_message_id_"),
        OUTGOING.c.status == OutgoingStatus.SENT,
    )
    .values(status=OutgoingStatus.FAILED, reason=bindparam("why"))
)


class Undeliverable(Refusal):
    """Never to be delivered: blocked, window_closed, bad_address, rejected, gave_up."""

    code = "undeliverable"


@dataclass(frozen=True, slots=True)
class Limits:
    per_second: float
    per_address_per_second: float
    burst: int  # messages to one address that may go without waiting


@dataclass(frozen=True, slots=True)
class Outgoing:
    seq: int
    conversation_id: str
    number: int
    address: str
    body: dict[str, Any]
    tries: int
    fence: int
    correlation_id: str

    @property
    def key(self) -> str:
        return f"{self.conversation_id}:{self.number}"


async def put(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of the table; those that wait wake the sender of their account."""
    await tx.run_many(PUT, rows)
    for account in {row["account"] for row in rows if row["status"] == OutgoingStatus.WAITING}:
        tx.wake(f"outgoing:{account}")


async def replies_after(
    tx: Tx, conversation_id: str, number: int
) -> list[tuple[int, dict[str, Any], int]]:
    """(number, body, created at) of the replies after `number`, in order, at most 200."""
    rows = await tx.all(AFTER, conversation_id=conversation_id, number=number)
    return [(row["number"], jsons.loads(row["body"]), row["created_at"]) for row in rows]


async def claim(tx: Tx, account: str, limit: int) -> list[Outgoing]:
    """Messages due on this account, leased to the caller; every later write carries their fence."""
    rows = await tx.all(CLAIM, account=account, most=limit)
    rows = sorted(rows, key=lambda row: (row["priority"], row["seq"]))
    return [
        Outgoing(
            seq=row["seq"],
            conversation_id=row["conversation_id"],
            number=row["number"],
            address=row["address"],
            body=jsons.loads(row["body"]),
            tries=row["tries"],
            fence=row["fence"],
            correlation_id=row["correlation_id"],
        )
        for row in rows
    ]


async def settle(tx: Tx, results: Sequence[Mapping[str, Any]]) -> list[None]:
    await tx.run_many(SETTLE, results)
    return [None] * len(results)


async def report_failed(tx: Tx, account: str, provider_message_id: str, reason: str) -> None:
    """The platform took the message and said later that it did not arrive."""
    await tx.run(REPORT, account_=account, provider_message_id_=provider_message_id, why=reason)

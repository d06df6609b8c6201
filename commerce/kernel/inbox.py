"""What fans wrote, durable before it is acknowledged, once per provider's message id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select, update

from commerce.kernel import clock, jsons, metrics
from commerce.kernel.columns import any_of, insert_once
from commerce.kernel.committer import GroupCommitter
from commerce.kernel.database import Database, Row, Tx
from commerce.kernel.tables import INBOX, InboxStatus

TRIES_MAX = 5
RECEIVED = metrics.counter("livetill_inbox_received_total", "Messages received", ["account"])

PUT = insert_once(INBOX, "account", "message_id")
WAITING = (
    select(INBOX)
    .where(any_of(INBOX.c.conversation_id, "conversations"), INBOX.c.status == InboxStatus.WAITING)
    .order_by(INBOX.c.seq)
)
CONVERSATIONS_WAITING = (
    select(INBOX.c.conversation_id)
    .where(INBOX.c.status == InboxStatus.WAITING)
    .group_by(INBOX.c.conversation_id)
    # What another process just took in is left to it for a while.
    .having(
        func.max(INBOX.c.next_at) <= bindparam("now"),
        func.min(INBOX.c.received_at) <= bindparam("before"),
    )
    .order_by(func.min(INBOX.c.seq))
    .limit(500)
)
MARK = (
    update(INBOX)
    .where(INBOX.c.seq == bindparam("row"), INBOX.c.status == InboxStatus.WAITING)
    .values(status=InboxStatus.DONE)
)
FAIL = (
    update(INBOX)
    .where(INBOX.c.seq == bindparam("row"))
    .values(
        tries=bindparam("tries"),
        next_at=bindparam("next_at"),
        status=bindparam("status"),
        error=bindparam("error"),
    )
)
SAID = (
    select(INBOX.c.seq, INBOX.c.message_id, INBOX.c.body, INBOX.c.received_at)
    .where(INBOX.c.conversation_id == bindparam("conversation_id"))
    .order_by(INBOX.c.seq.desc())
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Message:
    account: str
    message_id: str
    conversation_id: str
    body: Mapping[str, Any]
    correlation_id: str

    def row(self) -> dict[str, Any]:
        return {
            "account": self.account,
            "message_id": self.message_id,
            "conversation_id": self.conversation_id,
            "body": jsons.dumps(self.body),
            "correlation_id": self.correlation_id,
            "received_at": clock.now(),
            "status": InboxStatus.WAITING,
        }


class Inbox:
    """Takes messages in; each commit wakes `conversation:{id}`."""

    def __init__(self, database: Database) -> None:
        self._committer = GroupCommitter[Message, None]("inbox", database, put)

    async def receive(self, message: Message) -> None:
        """Returns when the message is durable. A duplicate is dropped."""
        await self._committer.submit(message)
        RECEIVED.labels(message.account).inc()

    async def close(self) -> None:
        await self._committer.close()


async def put(tx: Tx, messages: Sequence[Message]) -> list[None]:
    """Also for events from inside, in the transaction of their cause."""
    await tx.run_many(PUT, [message.row() for message in messages])
    for message in messages:
        tx.wake(f"conversation:{message.conversation_id}")
    return [None] * len(messages)


async def waiting(tx: Tx, conversations: Sequence[str]) -> list[Row]:
    """The waiting messages of these conversations, each conversation's in order."""
    return await tx.all(WAITING, conversations=list(conversations))


async def conversations_waiting(tx: Tx, older_than: int) -> list[str]:
    """For the sweep: conversations with messages that wait longer (µs), the oldest first."""
    now = await tx.now()
    rows = await tx.all(CONVERSATIONS_WAITING, now=now, before=now - older_than)
    return [row["conversation_id"] for row in rows]


async def done(tx: Tx, rows: Sequence[int]) -> None:
    await tx.run_many(MARK, [{"row": row} for row in rows])


async def failed(tx: Tx, row: Row, error: str = "") -> None:
    """Try again later, and park after `TRIES_MAX` so that a poison message blocks nobody."""
    tries = row["tries"] + 1
    await tx.run(
        FAIL,
        row=row["seq"],
        tries=tries,
        next_at=await tx.now() + 2**tries * clock.SECOND,
        status=InboxStatus.PARKED if tries >= TRIES_MAX else InboxStatus.WAITING,
        error=error[:500],
    )


async def said_by(
    tx: Tx, conversation_id: str, limit: int = 50
) -> list[tuple[str, dict[str, Any], int]]:
    """(message id, body, received at), the newest `limit`, oldest first."""
    rows = await tx.all(SAID, conversation_id=conversation_id, most=limit)
    return [(r["message_id"], jsons.loads(r["body"]), r["received_at"]) for r in reversed(rows)]

"""Every query of the bot: where conversations stand, and the results of turns, many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, text

from bot.tables import CONVERSATIONS
from commerce.kernel import inbox, jsons, outgoing
from commerce.kernel.columns import any_of
from commerce.kernel.database import Tx
from commerce.kernel.errors import Contended

SOME = select(CONVERSATIONS).where(any_of(CONVERSATIONS.c.id, "ids"))

# One statement saves any number of turns and says which of them came first: a conversation that
# another process moved on meanwhile keeps what that process saved.
SAVE = {
    "postgresql": text(
        """
        INSERT INTO bot.conversations (id, account, address, state, version, replies, changed_at)
        SELECT id, account, address, state, version, replies, changed_at
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS turn(
            id text, account text, address text, state jsonb,
            version bigint, replies bigint, changed_at bigint)
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, version = excluded.version,
            replies = excluded.replies, changed_at = excluded.changed_at
        WHERE conversations.version = excluded.version - 1
        RETURNING id
        """
    ),
    "sqlite": text(
        """
        INSERT INTO conversations (id, account, address, state, version, replies, changed_at)
        SELECT value ->> 'id', value ->> 'account', value ->> 'address', value -> 'state',
            value ->> 'version', value ->> 'replies', value ->> 'changed_at'
        FROM json_each(:rows) WHERE true
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, version = excluded.version,
            replies = excluded.replies, changed_at = excluded.changed_at
        WHERE conversations.version = excluded.version - 1
        RETURNING id
        """
    ),
}


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    account: str
    address: str
    state: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0  # 0 = nothing was saved yet
    replies: int = 0


@dataclass(frozen=True, slots=True)
class TurnResult:
    conversation: Conversation  # as it is to be saved
    changed_at: int
    messages: Sequence[int]  # rows of the inbox this answers
    replies: Sequence[Mapping[str, Any]]  # rows of outgoing


async def conversations(tx: Tx, ids: Sequence[str]) -> dict[str, Conversation]:
    rows = await tx.all(SOME, ids=list(ids))
    return {
        row["id"]: Conversation(
            id=row["id"],
            account=row["account"],
            address=row["address"],
            state=jsons.loads(row["state"]),
            version=row["version"],
            replies=row["replies"],
        )
        for row in rows
    }


async def save_turns(tx: Tx, turns: Sequence[TurnResult]) -> list[Contended | None]:
    """State, answered messages and replies; Contended where the conversation had gone on."""
    rows = jsons.dumps([_row(turn) for turn in turns])
    saved = {row["id"] for row in await tx.all(SAVE[tx.dialect], rows=rows)}
    won = [turn for turn in turns if turn.conversation.id in saved]
    await inbox.done(tx, [row for turn in won for row in turn.messages])
    await outgoing.put(tx, [reply for turn in won for reply in turn.replies])
    return [
        None if turn.conversation.id in saved else Contended(turn.conversation.id) for turn in turns
    ]


def _row(turn: TurnResult) -> dict[str, Any]:
    conversation = turn.conversation
    return {
        "id": conversation.id,
        "account": conversation.account,
        "address": conversation.address,
        "state": conversation.state,
        "version": conversation.version,
        "replies": conversation.replies,
        "changed_at": turn.changed_at,
    }

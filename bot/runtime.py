"""Runs turns: takes the waiting messages of a conversation, steps through them, saves all at once.

A crash anywhere leaves the messages waiting; running them again repeats the same keys at the doors
of commerce, and so changes nothing twice. Two processes may run the same turn; the first to save
wins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any

from bot import model, reception, store
from bot.intents import Intent, Outcome
from bot.messages import Reply
from bot.store import Conversation, TurnResult
from commerce.kernel import clock, inbox, jsons, logs, metrics
from commerce.kernel.committer import GroupCommitter
from commerce.kernel.database import Database, Row, Tx
from commerce.kernel.errors import Contended, Outage
from commerce.kernel.fanout import Fanout
from commerce.kernel.tables import OutgoingStatus
from commerce.kernel.waiting import nudged

TOGETHER_MAX = 128  # conversations loaded by one query
MESSAGES_MAX = 20  # of one conversation in one turn
INTENTS_MAX = 12  # per message; more is a loop in the conversation
SWEEP_SECONDS = 2.0
SWEEP_OLDER_THAN = 2 * clock.SECOND
log = logs.get(__name__)
TURNS = metrics.counter("livetill_turns_total", "Turns of conversations", ["outcome"])
TURN_SECONDS = metrics.histogram("livetill_turn_seconds", "From taking the messages to the commit")

Step = Callable[[model.State, model.Given], model.Turn]
RunIntent = Callable[[Intent, Conversation, str], Awaitable[Outcome]]


class Runtime:
    def __init__(
        self,
        *,
        database: Database,
        step: Step,
        run_intent: RunIntent,
        fanout: Fanout,
        pull_accounts: Collection[str],
    ) -> None:
        self._database = database
        self._step = step
        self._run_intent = run_intent
        self._fanout = fanout
        self._pull_accounts = frozenset(pull_accounts)
        self._committer = GroupCommitter[TurnResult, Contended | None](
            "turns", database, store.save_turns
        )
        self._ready: dict[str, None] = {}  # a set that keeps the order of arrival
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._turns: set[asyncio.Task[None]] = set()
        self._nudge = asyncio.Event()
        database.on_wake("conversation:", self.ready)

    def ready(self, conversation_id: str) -> None:
        """This conversation has messages waiting."""
        if conversation_id in self._busy:
            self._again.add(conversation_id)
        else:
            self._ready[conversation_id] = None
            self._nudge.set()

    async def run(self) -> None:
        """Forever; ends by cancellation, and `close` lets the turns under way end."""
        swept = float("-inf")
        older_than = -1  # what is there at the start was left by a process that died
        while True:
            try:
                if clock.monotonic() - swept >= SWEEP_SECONDS:
                    swept = clock.monotonic()
                    await self._sweep(older_than)
                    older_than = SWEEP_OLDER_THAN
                await self._take_ready()
            except Outage as error:
                log.warning("turns_wait", error=str(error))
                await asyncio.sleep(1)
            if not self._ready:
                self._nudge.clear()
                await nudged(self._nudge, SWEEP_SECONDS)

    async def settle(self) -> None:
        """Run everything that waits now; for tests and simulations that move time themselves."""
        await self._sweep(older_than=-1)
        while self._ready or self._turns:
            await self._take_ready()
            if self._turns:
                await asyncio.wait(self._turns)

    async def close(self) -> None:
        if self._turns:
            await asyncio.wait(self._turns, timeout=10)
        await self._committer.close()

    async def _sweep(self, older_than: int) -> None:
        for conversation_id in await self._database.read(
            lambda tx: inbox.conversations_waiting(tx, older_than)
        ):
            self.ready(conversation_id)

    async def _take_ready(self) -> None:
        taken = list(self._ready)[:TOGETHER_MAX]
        if not taken:
            return
        for conversation_id in taken:
            del self._ready[conversation_id]
        self._busy.update(taken)
        try:
            messages, known = await self._database.read(lambda tx: _load(tx, taken))
        except BaseException:
            self._release(taken)
            raise
        waiting: dict[str, list[Row]] = {}
        for row in messages:
            waiting.setdefault(row["conversation_id"], []).append(row)
        for conversation_id in taken:
            rows = _due(waiting.get(conversation_id, []))
            if not rows:
                self._release([conversation_id])
                continue
            conversation = known.get(conversation_id) or _new(rows[0])
            turn = asyncio.create_task(self._turn(conversation, rows))
            self._turns.add(turn)
            turn.add_done_callback(self._turns.discard)

    def _release(self, conversations: Iterable[str]) -> None:
        for conversation_id in conversations:
            self._busy.discard(conversation_id)
            if conversation_id in self._again:
                self._again.discard(conversation_id)
                self.ready(conversation_id)

    async def _turn(self, conversation: Conversation, rows: Sequence[Row]) -> None:
        started = clock.monotonic()
        more = False
        try:
            await self._run(conversation, rows)
            more = len(rows) > 1  # there may be more than one turn takes
            TURNS.labels("done").inc()
        except Outage as outage:  # the sweep brings it back
            TURNS.labels("outage").inc()
            log.warning("turn_waits", conversation=conversation.id, error=str(outage))
        except Exception as error:  # one poisoned conversation must not stop the others
            TURNS.labels("bug").inc()
            log.error("turn_failed", conversation=conversation.id, exc_info=error)
            reason = repr(error)
            await self._database.unit_of_work(lambda tx: inbox.failed(tx, rows[0], reason))
        finally:
            TURN_SECONDS.observe(clock.monotonic() - started)
            if more:
                self._again.add(conversation.id)
            self._release([conversation.id])

    async def _run(self, conversation: Conversation, rows: Sequence[Row]) -> None:
        state = model.State.from_json(conversation.state)
        said: list[tuple[Row, Reply]] = []
        answered: list[int] = []
        for row in rows:
            logs.correlation.set(row["correlation_id"])
            try:
                state, replies = await self._answer(conversation, state, row)
            except Exception:
                if not answered:
                    raise
                break  # what was answered before it is saved; it comes first next time
            said += [(row, reply) for reply in replies]
            answered.append(row["seq"])
        await self._save(conversation, state, answered, said)

    async def _answer(
        self, conversation: Conversation, state: model.State, row: Row
    ) -> tuple[model.State, list[Reply]]:
        """Step through one message and the outcomes of its intents."""
        given = reception.from_row(
            row["account"], row["conversation_id"], row["message_id"], jsons.loads(row["body"])
        )
        turn = self._step(state, given)
        replies, intents = list(turn.replies), list(turn.intents)
        count = 0
        while intents:
            intent = intents.pop(0)
            count += 1
            if count > INTENTS_MAX:
                raise RuntimeError(f"the conversation asks without end: {intent}")
            key = f"{row['account']}:{row['message_id']}:{count}"
            outcome = await self._run_intent(intent, conversation, key)
            turn = self._step(turn.state, model.Answer(intent, outcome))
            replies += turn.replies
            intents += turn.intents
        return turn.state, replies

    async def _save(
        self,
        conversation: Conversation,
        state: model.State,
        answered: Sequence[int],
        said: Sequence[tuple[Row, Reply]],
    ) -> None:
        now = clock.now()
        status = OutgoingStatus.WAITING
        if conversation.account in self._pull_accounts:
            status = OutgoingStatus.SHOWN
        bodies = [reply.to_json() for _, reply in said]
        replies: list[dict[str, Any]] = [
            {
                "conversation_id": conversation.id,
                "number": number,
                "account": conversation.account,
                "address": conversation.address,
                "priority": int(reply.priority),
                "body": jsons.dumps(body),
                "correlation_id": row["correlation_id"],
                "created_at": now,
                "status": status,
            }
            for number, ((row, reply), body) in enumerate(
                zip(said, bodies, strict=True), conversation.replies + 1
            )
        ]
        saved = Conversation(
            id=conversation.id,
            account=conversation.account,
            address=conversation.address,
            state=state.to_json(),
            version=conversation.version + 1,
            replies=conversation.replies + len(replies),
        )
        await self._committer.submit(TurnResult(saved, now, answered, replies))
        if status is OutgoingStatus.SHOWN:
            for row, body in zip(replies, bodies, strict=True):
                news = {"number": row["number"], "reply": body, "at": now}
                await self._fanout.publish(f"conversation:{conversation.id}", news)


async def _load(tx: Tx, conversations: Sequence[str]) -> tuple[list[Row], dict[str, Conversation]]:
    # In this order: what another process answers in between is then missing from the messages, or
    # makes the conversation too old to be saved, but is never answered twice.
    known = await store.conversations(tx, conversations)
    return await inbox.waiting(tx, conversations), known


def _due(rows: list[Row]) -> list[Row]:
    """In order, up to the first that has to wait for its next try."""
    now = clock.now()
    due: list[Row] = []
    for row in rows[:MESSAGES_MAX]:
        if row["next_at"] > now:
            break
        due.append(row)
    return due


def _new(first: Row) -> Conversation:
    account, conversation_id = first["account"], first["conversation_id"]
    return Conversation(
        id=conversation_id,
        account=account,
        address=conversation_id.removeprefix(f"{account}:"),
    )

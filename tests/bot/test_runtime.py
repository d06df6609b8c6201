"""Turns: every message answered once, in order, whatever fails, dies or runs twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import select, text

from bot import intents, store
from bot.messages import Incoming, Kind, Priority, Reply
from bot.model import Answer, State, Turn
from bot.reception import Reception
from bot.runtime import INTENTS_MAX, MESSAGES_MAX, Runtime
from bot.tables import CONVERSATIONS
from commerce.kernel import jsons
from commerce.kernel.clock import MINUTE
from commerce.kernel.database import Database, connect
from commerce.kernel.errors import Outage
from commerce.kernel.fanout import LocalFanout
from commerce.kernel.inbox import TRIES_MAX, Inbox
from commerce.kernel.tables import INBOX, OUTGOING
from tests.kernel.notes import until

pytestmark = pytest.mark.usefixtures("clock")
ACCOUNT = "telegram:platform"
SAID = select(OUTGOING).order_by(OUTGOING.c.conversation_id, OUTGOING.c.number)


def step(state: State, given: Any) -> Turn:
    """Repeats what it hears, remembers all of it, and asks when it hears `ask`."""
    if isinstance(given, Answer):
        asks = (intents.FindOrders(),) if given.outcome == "more" else ()
        return Turn(state, (Reply(text=f"-> {given.outcome}"),), asks)
    if given.text == "poison":
        raise ZeroDivisionError
    heard = replace(state, name=f"{state.name}{given.text} ")
    asks = (intents.Look(), intents.FindOrders()) if given.text.startswith("ask") else ()
    return Turn(heard, (Reply(text=given.text, priority=Priority.RECEIPT),), asks)


@dataclass
class Core:
    """Answers intents and remembers under which keys they came."""

    keys: list[str] = field(default_factory=list)
    trouble: list[BaseException] = field(default_factory=list)
    answer: str = "fine"
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    async def run(self, intent: Any, conversation: store.Conversation, key: str) -> Any:
        self.keys.append(key)
        self.asked.set()
        await self.may_answer.wait()
        if self.trouble:
            raise self.trouble.pop(0)
        return self.answer


def a_runtime(database: Database, core: Core | None = None, **changes: Any) -> Runtime:
    parts: dict[str, Any] = {
        "database": database, "step": step, "run_intent": (core or Core()).run,
        "fanout": LocalFanout(), "pull_accounts": [],
    }  # fmt: skip
    return Runtime(**parts | changes)


def a_text(number: int | str, says: str, fan: str = "1", account: str = ACCOUNT) -> Incoming:
    return Incoming(
        account=account, message_id=f"{fan}-{number}", address=fan, kind=Kind.TEXT, text=says
    )


async def received(database: Database, *messages: Incoming) -> None:
    await Reception(Inbox(database))(messages)


async def said(database: Database, fan: str = "1", account: str = ACCOUNT) -> list[str]:
    rows = await database.read(lambda tx: tx.all(SAID))
    mine = [row for row in rows if row["conversation_id"] == f"{account}:{fan}"]
    assert [row["number"] for row in mine] == list(range(1, len(mine) + 1))
    return [jsons.loads(row["body"])["text"] for row in mine]


async def remembered(database: Database, fan: str = "1") -> str:
    known = await database.read(lambda tx: store.conversations(tx, [f"{ACCOUNT}:{fan}"]))
    return str(State.from_json(known[f"{ACCOUNT}:{fan}"].state).name)


async def waiting(database: Database, status: str = "waiting") -> int:
    rows = await database.read(lambda tx: tx.all(select(INBOX).where(INBOX.c.status == status)))
    return len(rows)


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
def runtime(database, core) -> Runtime:
    return a_runtime(database, core)


async def test_a_message_is_answered_and_remembered(database, runtime, clock):
    await received(database, a_text(1, "hello"))
    await runtime.settle()

    [row] = await database.read(lambda tx: tx.all(SAID))
    assert (row["account"], row["address"], row["number"]) == (ACCOUNT, "1", 1)
    assert jsons.loads(row["body"]) == {"text": "hello", "priority": 1}
    assert (row["priority"], row["status"], row["created_at"]) == (1, "waiting", clock.at)
    [one] = await database.read(lambda tx: tx.all(select(CONVERSATIONS)))
    assert (one["id"], one["version"], one["replies"]) == (f"{ACCOUNT}:1", 1, 1)
    assert await remembered(database) == "hello "
    assert await waiting(database) == 0


async def test_an_answer_carries_the_correlation_of_its_message(database, runtime):
    await received(database, a_text(1, "a"), a_text(2, "b"))
    await runtime.settle()

    messages = await database.read(lambda tx: tx.all(select(INBOX).order_by(INBOX.c.seq)))
    answers = await database.read(lambda tx: tx.all(SAID))
    assert [r["correlation_id"] for r in answers] == [r["correlation_id"] for r in messages]


async def test_many_messages_of_many_fans_are_each_answered_once_in_order(database, runtime):
    texts = [str(number) for number in range(2 * MESSAGES_MAX + 5)]
    fans = [f"fan{number}" for number in range(30)]
    await received(database, *(a_text(t, t, fan) for t in texts for fan in fans))
    await runtime.settle()

    for fan in fans:
        assert await said(database, fan) == texts
        assert await remembered(database, fan) == " ".join(texts) + " "


async def test_a_message_that_comes_during_a_turn_is_answered_after_it(database, runtime, core):
    core.may_answer.clear()
    await received(database, a_text(1, "ask"))
    settling = asyncio.create_task(runtime.settle())
    await core.asked.wait()
    await received(database, a_text(2, "b"))
    core.may_answer.set()
    await settling
    await runtime.settle()

    assert await said(database) == ["ask", "-> fine", "-> fine", "b"]


async def test_a_conversation_that_is_often_ready_takes_one_turn(database, runtime):
    await received(database, a_text(1, "hello"))
    for _ in range(10):
        runtime.ready(f"{ACCOUNT}:1")
    await runtime.settle()
    runtime.ready(f"{ACCOUNT}:1")
    runtime.ready("nobody's")
    await runtime.settle()

    assert await said(database) == ["hello"]


async def test_each_intent_has_its_own_key_made_of_the_message(database, runtime, core):
    await received(database, a_text(1, "ask"), a_text(2, "ask again"))
    await runtime.settle()

    assert core.keys == [f"{ACCOUNT}:1-{m}:{n}" for m in (1, 2) for n in (1, 2)]
    assert await said(database) == ["ask", "-> fine", "-> fine", "ask again", "-> fine", "-> fine"]


async def test_two_fans_never_see_each_other(database, runtime):
    await received(
        database,
        *(a_text(n, f"{fan} says {n}", fan) for n in range(10) for fan in ("ana", "ben")),
        a_text(1, "the same address elsewhere", "ana", "whatsapp:platform"),
    )
    await runtime.settle()

    for fan in ("ana", "ben"):
        assert await said(database, fan) == [f"{fan} says {n}" for n in range(10)]
        assert {"ana": "ben", "ben": "ana"}[fan] not in await remembered(database, fan)
    assert await said(database, "ana", "whatsapp:platform") == ["the same address elsewhere"]


async def test_a_page_gets_its_answers_at_once_and_no_sender_takes_them(database, clock):
    fanout = LocalFanout()
    runtime = a_runtime(database, fanout=fanout, pull_accounts=["web:platform"])
    with fanout.subscribe("conversation:web:platform:1") as queue:
        await received(database, a_text(1, "hello", "1", "web:platform"), a_text(1, "b"))
        await runtime.settle()
        news = queue.get_nowait()

    reply = {"text": "hello", "priority": 1}
    assert news == {"number": 1, "reply": reply, "at": clock.at}
    rows = await database.read(lambda tx: tx.all(SAID))
    assert [(row["account"], row["status"]) for row in rows] == [
        (ACCOUNT, "waiting"),
        ("web:platform", "shown"),
    ]


async def test_a_poisoned_message_is_put_aside_and_the_rest_goes_on(database, runtime, clock):
    await received(database, a_text(1, "a"), a_text(2, "poison"), a_text(3, "c"))
    await received(database, a_text(1, "other", "2"))
    await runtime.settle()
    assert await said(database) == ["a"]
    assert await said(database, "2") == ["other"]

    for _ in range(TRIES_MAX):
        clock.advance(MINUTE)
        await runtime.settle()
    assert await said(database) == ["a", "c"]
    assert await waiting(database, "parked") == 1
    assert await waiting(database) == 0


async def test_an_intent_that_fails_by_a_bug_parks_its_message_only(database, clock):
    core = Core(trouble=[ZeroDivisionError()] * TRIES_MAX)
    runtime = a_runtime(database, core)
    await received(database, a_text(1, "ask"), a_text(2, "b"))
    for _ in range(TRIES_MAX + 1):
        await runtime.settle()
        clock.advance(MINUTE)

    assert await said(database) == ["b"]
    assert len(core.keys) == TRIES_MAX


async def test_a_conversation_that_asks_without_end_is_a_bug(database, runtime, core, clock):
    core.answer = "more"
    await received(database, a_text(1, "ask"))
    await runtime.settle()

    assert len(core.keys) == INTENTS_MAX
    assert await said(database) == []
    assert await waiting(database) == 1


async def test_an_outage_leaves_the_message_and_the_sweep_brings_it_back(database, runtime, core):
    core.trouble = [Outage("away")] * 2
    await received(database, a_text(1, "ask"), a_text(1, "other", "2"))
    await runtime.settle()
    assert await said(database) == []
    assert await said(database, "2") == ["other"]
    assert await waiting(database) == 1

    await runtime.settle()
    await runtime.settle()
    assert await said(database) == ["ask", "-> fine", "-> fine"]


async def test_an_outage_with_more_messages_waiting_is_not_hurried(database, runtime, core):
    core.trouble = [Outage("away")] * 1_000
    await received(database, a_text(1, "ask"), a_text(2, "b"))
    await runtime.settle()

    assert len(core.keys) == 1
    assert await waiting(database) == 2
    core.trouble = []
    await runtime.settle()
    assert await said(database) == ["ask", "-> fine", "-> fine", "b"]


async def test_what_was_answered_before_an_outage_is_kept(database, runtime, core):
    core.trouble = [Outage("away")]
    await received(database, a_text(1, "a"), a_text(2, "ask"))
    await runtime.settle()
    await runtime.settle()

    assert await said(database) == ["a", "ask", "-> fine", "-> fine"]


@pytest.mark.parametrize("dies_at", [1, 2, 3])
async def test_a_process_that_dies_before_the_save_repeats_the_same_keys(database, core, dies_at):
    """Killed while the intent of that number is under way, or just before the save."""
    dying, reached = Core(), asyncio.Event()

    async def until_death(intent, conversation, key):
        dying.keys.append(key)
        if len(dying.keys) == min(dies_at, 2):
            reached.set()
            await asyncio.Event().wait()
        return "fine"

    first = a_runtime(database, run_intent=until_death)
    await received(database, a_text(1, "ask"))
    living = asyncio.create_task(first.settle())
    await reached.wait()
    for turn in first._turns:
        turn.cancel()
    living.cancel()
    await asyncio.gather(living, *first._turns, return_exceptions=True)
    assert await said(database) == []

    await a_runtime(database, core).settle()
    assert await said(database) == ["ask", "-> fine", "-> fine"]
    assert core.keys[: len(dying.keys)] == dying.keys


async def test_two_runtimes_on_one_database_never_answer_twice(database, database_url):
    other = await connect(database_url)
    fans = [f"fan{number}" for number in range(20)]
    texts = [str(number) for number in range(12)]
    runtimes = [a_runtime(database), a_runtime(other)]
    try:
        for part in (texts[:5], texts[5:6], texts[6:]):
            await received(database, *(a_text(t, t, fan) for t in part for fan in fans))
            await asyncio.gather(*(runtime.settle() for runtime in runtimes))
        while await waiting(database):
            await asyncio.gather(*(runtime.settle() for runtime in runtimes))
    finally:
        await other.close()

    for fan in fans:
        assert await said(database, fan) == texts
        assert await remembered(database, fan) == " ".join(texts) + " "


WAITING_FOR_A_LOCK = text(
    "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE datname = current_database() AND NOT granted"
)


@pytest.mark.parametrize("between", ["bot.conversations", "kernel.inbox"])
async def test_a_turn_saved_elsewhere_while_we_load_is_not_answered_again(postgresql_url, between):
    """Whichever of messages and state we had read when the other process saved."""
    database, other = await connect(postgresql_url), await connect(postgresql_url)
    locked, go_on = asyncio.Event(), asyncio.Event()

    async def save_elsewhere(tx):
        await tx.run(text(f"LOCK TABLE {between} IN ACCESS EXCLUSIVE MODE"))
        locked.set()
        await go_on.wait()
        rows = await tx.all(select(INBOX))
        saved = store.Conversation(f"{ACCOUNT}:1", ACCOUNT, "1", {"name": "b "}, 1, 1)
        reply = {
            "conversation_id": saved.id, "number": 1, "account": ACCOUNT, "address": "1",
            "priority": 2, "body": jsons.dumps(Reply(text="b").to_json()), "correlation_id": "",
            "created_at": 0, "status": "waiting",
        }  # fmt: skip
        turn = store.TurnResult(saved, 0, [rows[0]["seq"]], [reply])
        return await store.save_turns(tx, [turn])

    async def somebody_waits():
        return bool(await other.read(lambda tx: tx.all(WAITING_FOR_A_LOCK)))

    try:
        await received(database, a_text(1, "b"))
        saving = asyncio.create_task(other.unit_of_work(save_elsewhere))
        await locked.wait()
        runtime = a_runtime(database)
        runtime.ready(f"{ACCOUNT}:1")
        taking = asyncio.create_task(runtime._take_ready())
        await until(somebody_waits, "the runtime waits for the other process")
        go_on.set()
        assert await saving == [None]
        await taking
        await runtime.settle()

        assert await said(database) == ["b"]
    finally:
        go_on.set()
        await database.close()
        await other.close()


async def test_a_running_runtime_answers_what_comes(database, runtime):
    running = asyncio.create_task(runtime.run())
    await received(database, a_text(1, "hello"))

    async def answered():
        return await said(database) == ["hello"]

    await until(answered, "the message was answered")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await runtime.close()

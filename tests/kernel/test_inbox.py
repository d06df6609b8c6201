"""A message is taken in once, answered in its order, and put aside when it cannot be."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from commerce.kernel import inbox, jsons
from commerce.kernel.clock import MINUTE, SECOND
from commerce.kernel.inbox import TRIES_MAX, Inbox, Message
from commerce.kernel.tables import INBOX, InboxStatus

pytestmark = pytest.mark.usefixtures("clock")
ROWS = select(INBOX).order_by(INBOX.c.seq)


def a_message(number, fan="1", account="telegram:platform", **body) -> Message:
    return Message(
        account=account,
        message_id=str(number),
        conversation_id=f"{account}:{fan}",
        body={"text": f"text {number}"} | body,
        correlation_id=f"correlation {number}",
    )


CONVERSATION = a_message(1).conversation_id
OTHER = a_message(1, fan="2").conversation_id


async def stored(database):
    return await database.read(lambda tx: tx.all(ROWS))


async def waiting(database, *conversations):
    rows = await database.read(lambda tx: inbox.waiting(tx, conversations))
    return [row["message_id"] for row in rows]


async def swept(database, older_than=0):
    return await database.read(lambda tx: inbox.conversations_waiting(tx, older_than))


async def fail_first(database, conversation_id):
    async def work(tx):
        rows = await inbox.waiting(tx, [conversation_id])
        await inbox.failed(tx, rows[0])

    await database.unit_of_work(work)


async def received(database, *messages):
    box = Inbox(database)
    await asyncio.gather(*(box.receive(message) for message in messages))


async def test_a_received_message_is_there_as_it_came(database, clock):
    await received(database, a_message(1, text="¡hola! 🙂"))

    [row] = await stored(database)
    assert (row["account"], row["message_id"]) == ("telegram:platform", "1")
    assert (row["conversation_id"], row["correlation_id"]) == (CONVERSATION, "correlation 1")
    assert jsons.loads(row["body"]) == {"text": "¡hola! 🙂"}
    assert (row["received_at"], row["status"], row["tries"]) == (clock.at, "waiting", 0)


async def test_a_message_that_comes_twice_is_kept_once(database):
    await received(database, a_message(1, text="first"))
    await received(database, a_message(1, text="again"))

    [row] = await stored(database)
    assert jsons.loads(row["body"]) == {"text": "first"}


async def test_of_ten_deliveries_at_once_over_two_processes_one_is_kept(database, database_url):
    from commerce.kernel.database import connect

    other = await connect(database_url)
    boxes = [Inbox(database), Inbox(other)]
    try:
        await asyncio.gather(*(boxes[n % 2].receive(a_message(n // 10)) for n in range(100)))
    finally:
        await other.close()

    assert sorted(int(row["message_id"]) for row in await stored(database)) == list(range(10))


async def test_the_same_id_on_two_accounts_is_two_messages(database):
    await received(database, a_message(1), a_message(1, account="whatsapp:platform"))

    assert len(await stored(database)) == 2


async def test_messages_that_come_at_once_keep_their_order(database):
    await received(database, *(a_message(n) for n in range(200)))

    assert await waiting(database, CONVERSATION) == [str(n) for n in range(200)]


async def test_a_conversation_is_given_only_its_own_messages(database):
    await received(database, a_message(1), a_message(2, fan="2"), a_message(3))

    assert await waiting(database, CONVERSATION) == ["1", "3"]
    assert await waiting(database, OTHER) == ["2"]
    assert await waiting(database, CONVERSATION, OTHER) == ["1", "2", "3"]
    assert await waiting(database) == []


async def test_each_message_wakes_its_conversation(database):
    woken = []
    database.on_wake("conversation:", woken.append)
    await received(database, a_message(1), a_message(2, fan="2"))

    assert sorted(woken) == [CONVERSATION, OTHER]


async def test_an_answered_message_waits_no_more(database):
    await received(database, a_message(1), a_message(2))
    first = (await stored(database))[0]["seq"]
    await database.unit_of_work(lambda tx: inbox.done(tx, [first]))

    assert await waiting(database, CONVERSATION) == ["2"]


async def test_a_failed_message_waits_longer_each_time(database, clock):
    await received(database, a_message(1))
    delays = []
    for _ in range(TRIES_MAX - 1):
        await fail_first(database, CONVERSATION)
        [row] = await stored(database)
        delays.append((row["next_at"] - clock.at) // SECOND)
        assert await swept(database) == []
        clock.at = row["next_at"]
        assert await swept(database) == [CONVERSATION]

    assert delays == [2, 4, 8, 16]


async def test_a_poisoned_message_is_put_aside_after_five_tries(database, clock):
    await received(database, a_message(1), a_message(2), a_message(3, fan="2"))
    for _ in range(TRIES_MAX):
        assert await waiting(database, CONVERSATION) == ["1", "2"]
        await fail_first(database, CONVERSATION)
        clock.advance(MINUTE)

    assert TRIES_MAX == 5
    assert await waiting(database, CONVERSATION, OTHER) == ["2", "3"]
    count = select(func.count()).where(INBOX.c.status == InboxStatus.PARKED)
    assert await database.read(lambda tx: tx.scalar(count)) == 1


async def test_a_failed_message_holds_up_only_its_own_conversation(database):
    await received(database, a_message(1), a_message(2), a_message(3, fan="2"))
    await fail_first(database, CONVERSATION)

    assert await swept(database) == [OTHER]


async def test_the_sweep_leaves_what_just_came_to_whoever_took_it(database, clock):
    await received(database, a_message(1))

    assert await swept(database, older_than=2 * SECOND) == []
    clock.advance(2 * SECOND)
    assert await swept(database, older_than=2 * SECOND) == [CONVERSATION]


async def test_the_sweep_begins_with_who_waits_longest(database, clock):
    for number, fan in enumerate(["3", "1", "2", "1"]):
        await received(database, a_message(number, fan=fan))
        clock.advance(SECOND)

    assert await swept(database) == [
        a_message(0, fan=fan).conversation_id for fan in ("3", "1", "2")
    ]


async def test_what_was_said_reads_back_in_order(database, clock):
    for number in range(5):
        await received(database, a_message(number))
    await received(database, a_message(9, fan="2"))

    said = await database.read(lambda tx: inbox.said_by(tx, CONVERSATION, 3))
    assert said == [(str(n), {"text": f"text {n}"}, clock.at) for n in (2, 3, 4)]

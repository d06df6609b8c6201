"""What we answer goes out in order, by priority and once per lease, within limits."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from commerce.kernel import jsons, outgoing
from commerce.kernel.clock import SECOND
from commerce.kernel.database import connect
from commerce.kernel.errors import Outage
from commerce.kernel.outgoing import LEASE_SECONDS, Limits, Undeliverable
from commerce.kernel.sender import TRIES_MAX, Sender
from commerce.kernel.tables import OUTGOING

pytestmark = pytest.mark.usefixtures("clock")
ACCOUNT = "telegram:platform"
ROWS = select(OUTGOING).order_by(OUTGOING.c.conversation_id, OUTGOING.c.number)
FAST = Limits(per_second=100_000, per_address_per_second=100_000, burst=1_000)


def a_row(number, fan="1", *, priority=2, account=ACCOUNT, status="waiting"):
    return {
        "conversation_id": f"{account}:{fan}",
        "number": number,
        "account": account,
        "address": fan,
        "priority": priority,
        "body": jsons.dumps({"text": f"{fan}/{number}"}),
        "correlation_id": f"c{number}",
        "created_at": number,
        "status": status,
    }


MIXED = [a_row(1, fan, priority=p) for fan, p in {"a": 3, "b": 2, "c": 0, "d": 1}.items()]


class Platform:
    """Takes messages and remembers their keys; `trouble` holds what to raise next for a text."""

    def __init__(self, account=ACCOUNT, limits=FAST):
        self.account = account
        self.limits = limits
        self.taken: list[tuple[str, str, str]] = []
        self.trouble: dict[str, list[Exception]] = {}

    async def carry(self, address, body, key):
        if self.trouble.get(body["text"]):
            raise self.trouble[body["text"]].pop(0)
        self.taken.append((address, body["text"], key))
        return f"id of {body['text']}"

    @property
    def texts(self):
        return [text for _, text, _ in self.taken]


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def sender(database, platform):
    return Sender(database, platform)


async def put(database, *rows):
    await database.unit_of_work(lambda tx: outgoing.put(tx, rows))


async def stored(database, *columns):
    rows = await database.read(lambda tx: tx.all(ROWS))
    return [tuple(row[name] for name in columns) for row in rows]


async def claimed(database, limit=10):
    return await database.unit_of_work(lambda tx: outgoing.claim(tx, ACCOUNT, limit))


async def settled(database, message, **changes):
    result = {
        "row": message.seq, "mine": message.fence, "status": "sent", "tries": 1, "next_at": 0,
        "sent_at": 1, "provider_message_id": "p", "reason": None,
    }  # fmt: skip
    await database.unit_of_work(lambda tx: outgoing.settle(tx, [result | changes]))


async def sent_all(sender):
    while await sender.send_due():
        pass


async def test_a_message_is_sent_once_and_remembered(database, sender, platform, clock):
    await put(database, a_row(1))
    await sent_all(sender)

    assert platform.taken == [("1", "1/1", f"{ACCOUNT}:1:1")]
    assert await stored(database, "status", "tries", "sent_at", "provider_message_id") == [
        ("sent", 1, clock.at, "id of 1/1")
    ]


async def test_a_conversation_hears_its_messages_in_order(database, sender, platform):
    await put(database, *(a_row(n, fan) for n in (1, 2, 3, 4, 5) for fan in "ab"))
    await sent_all(sender)

    for fan in "ab":
        own = [text for text in platform.texts if text.startswith(fan)]
        assert own == [f"{fan}/{n}" for n in (1, 2, 3, 4, 5)]


async def test_one_message_of_a_conversation_is_under_way_at_a_time(database):
    await put(database, a_row(1, "a"), a_row(2, "a"), a_row(1, "b"))

    first = await claimed(database)
    assert [m.key for m in first] == [f"{ACCOUNT}:a:1", f"{ACCOUNT}:b:1"]
    assert await claimed(database) == []
    await settled(database, first[0])
    assert [m.key for m in await claimed(database)] == [f"{ACCOUNT}:a:2"]


async def test_what_is_urgent_goes_first(database):
    await put(database, *MIXED)

    assert [m.address for m in await claimed(database)] == ["c", "d", "b", "a"]


async def test_what_is_urgent_goes_first_also_into_a_small_batch(database):
    await put(database, *MIXED)

    assert [m.address for m in await claimed(database, limit=2)] == ["c", "d"]


async def test_equally_urgent_goes_in_the_order_it_was_said(database):
    await put(database, *(a_row(1, fan) for fan in "dacb"))

    assert [m.address for m in await claimed(database)] == list("dacb")


async def test_an_account_carries_only_its_own(database, sender, platform):
    await put(database, a_row(1, account="whatsapp:platform"), a_row(1, status="shown"))
    await sent_all(sender)

    assert platform.taken == []


@pytest.mark.parametrize("reason", ["blocked", "window_closed", "bad_address", "rejected"])
async def test_what_cannot_be_delivered_is_told_and_does_not_block(
    database, sender, platform, reason
):
    platform.trouble["1/1"] = [Undeliverable(reason=reason)]
    await put(database, a_row(1), a_row(2))
    await sent_all(sender)

    assert await stored(database, "status", "reason") == [("failed", reason), ("sent", None)]
    assert platform.texts == ["1/2"]


async def test_an_answer_nobody_foresaw_costs_one_message_and_not_the_sender(
    database, sender, platform
):
    platform.trouble["1/1"] = [TypeError("an answer of another shape")]
    await put(database, a_row(1), a_row(2), a_row(1, "other"))
    await sent_all(sender)

    assert sorted(platform.texts) == ["1/2", "other/1"]
    assert ("failed", "bug") in await stored(database, "status", "reason")


async def test_an_outage_waits_as_long_as_the_platform_says(database, sender, platform, clock):
    platform.trouble["1/1"] = [Outage("slow down", retry_after_seconds=37)]
    await put(database, a_row(1), a_row(2), a_row(1, "other"))
    await sent_all(sender)

    assert platform.texts == ["other/1"]
    clock.advance(37 * SECOND - 1)
    await sent_all(sender)
    assert platform.texts == ["other/1"]
    clock.advance(1)
    await sent_all(sender)
    assert platform.taken[1:] == [("1", "1/1", f"{ACCOUNT}:1:1"), ("1", "1/2", f"{ACCOUNT}:1:2")]


async def test_an_outage_without_advice_waits_longer_each_time(database, sender, platform, clock):
    platform.trouble["1/1"] = [Outage("away")] * 4
    await put(database, a_row(1))
    delays = []
    for _ in range(4):
        await sent_all(sender)
        [(next_at,)] = await stored(database, "next_at")
        delays.append((next_at - clock.at) // SECOND)
        clock.at = next_at
    await sent_all(sender)

    assert delays == [2, 4, 8, 16]
    assert await stored(database, "status", "tries") == [("sent", 5)]


async def test_a_platform_that_never_answers_is_given_up_on(database, sender, platform, clock):
    platform.trouble["1/1"] = [Outage("away")] * 100
    await put(database, a_row(1), a_row(2))
    for _ in range(TRIES_MAX):
        await sent_all(sender)
        clock.advance(600 * SECOND)
    await sent_all(sender)

    assert await stored(database, "status", "reason") == [("failed", "gave_up"), ("sent", None)]
    assert len(platform.trouble["1/1"]) == 100 - TRIES_MAX


async def test_what_a_dead_sender_had_taken_is_sent_again_under_its_key(
    database, sender, platform, clock
):
    await put(database, a_row(1))
    await claimed(database)
    await sent_all(sender)
    assert platform.taken == []

    clock.advance(LEASE_SECONDS * SECOND)
    await sent_all(sender)
    assert platform.taken == [("1", "1/1", f"{ACCOUNT}:1:1")]


async def test_the_result_of_a_lease_that_ran_out_does_not_count(database, clock):
    await put(database, a_row(1))
    [old] = await claimed(database)
    clock.advance(LEASE_SECONDS * SECOND)
    [new] = await claimed(database)

    await settled(database, old, status="failed", reason="late news")
    assert await stored(database, "status", "reason") == [("waiting", None)]
    await settled(database, new)
    await settled(database, old, status="waiting")
    assert await stored(database, "status") == [("sent",)]


async def test_two_senders_never_take_the_same_message(database, database_url):
    other = await connect(database_url)
    await put(database, *(a_row(1, str(fan)) for fan in range(60)))
    platforms = [Platform(), Platform()]
    senders = [Sender(database, platforms[0]), Sender(other, platforms[1])]
    try:
        await asyncio.gather(*(sent_all(sender) for sender in senders))
    finally:
        await other.close()

    keys = [key for platform in platforms for _, _, key in platform.taken]
    assert sorted(keys) == sorted(f"{ACCOUNT}:{fan}:1" for fan in range(60))


async def test_what_the_platform_says_later_is_remembered(database, sender):
    await put(database, a_row(1), a_row(1, "other"))
    await sent_all(sender)

    async def report(tx):
        await outgoing.report_failed(tx, ACCOUNT, "id of 1/1", "blocked")
        await outgoing.report_failed(tx, "whatsapp:platform", "id of other/1", "blocked")
        await outgoing.report_failed(tx, ACCOUNT, "never heard of", "blocked")

    await database.unit_of_work(report)
    assert await stored(database, "status", "reason") == [("failed", "blocked"), ("sent", None)]


async def test_a_page_reads_its_replies_from_where_it_stands(database):
    await put(database, *(a_row(n, status="shown") for n in (1, 2, 3)), a_row(4, "other"))

    found = await database.read(lambda tx: outgoing.replies_after(tx, f"{ACCOUNT}:1", 1))
    assert found == [(2, {"text": "1/2"}, 2), (3, {"text": "1/3"}, 3)]


async def test_a_number_is_said_once(database):
    await put(database, a_row(1))

    with pytest.raises(Exception, match=r"(?i)unique"):
        await put(database, a_row(1))


async def test_only_what_waits_wakes_its_sender(database):
    nudge, other = database.listen(f"outgoing:{ACCOUNT}"), database.listen("outgoing:web:platform")
    await put(database, a_row(1), a_row(1, account="web:platform", status="shown"))

    assert nudge.is_set()
    assert not other.is_set()


async def test_a_running_sender_sends_what_is_put_while_it_runs(database, sender, platform):
    from tests.kernel.notes import until

    running = asyncio.create_task(sender.run())
    await put(database, a_row(1))

    async def sent():
        return await stored(database, "status") == [("sent",)]

    await until(sent, "the message was sent")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert platform.texts == ["1/1"]

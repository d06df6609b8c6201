"""News between processes: everyone hears it once, and who may have missed some is told so."""

from __future__ import annotations

import asyncio

import pytest
from redis import asyncio as aioredis

from commerce.kernel import ids
from commerce.kernel.fanout import GAP, QUEUE_MAX, LocalFanout, RedisFanout


@pytest.fixture
def topic() -> str:
    return f"session:{ids.new_id()}"  # the channel is shared with the other tests of this server


@pytest.fixture
async def redis(redis_url):
    async with aioredis.from_url(redis_url, protocol=2, decode_responses=True) as redis:
        yield redis


@pytest.fixture
async def two(redis_url, topic):
    here, there = (RedisFanout(f"{redis_url}?client_name={topic}-{n}") for n in (0, 1))
    await here.start()
    await there.start()
    yield here, there
    await here.close()
    await there.close()


async def following(queue: asyncio.Queue, expected: dict) -> list[dict]:
    """What comes before the expected message."""
    before = []
    async with asyncio.timeout(20):
        while (message := await queue.get()) != expected:
            before.append(message)
    return before


async def joined(fanout: RedisFanout, topic: str, queue: asyncio.Queue) -> None:
    """Publishes until the instance hears it, which is when it has subscribed."""
    async with asyncio.timeout(20):
        while queue.empty():
            await fanout.publish(topic, {"hello": True})
            await asyncio.sleep(0.01)
    await fanout.publish(topic, {"ready": True})
    await following(queue, {"ready": True})


async def test_what_one_instance_publishes_every_instance_hears_once(two, topic):
    here, there = two
    with here.subscribe(topic) as near, there.subscribe(topic) as far:
        await joined(here, topic, near)
        await joined(there, topic, far)
        await here.publish(topic, {"number": 1})
        await there.publish("another topic", {"number": 2})
        await there.publish(topic, {"number": 3})
        for queue in (near, far):
            await following(queue, {"number": 1})
            assert await following(queue, {"number": 3}) == []
            assert queue.empty()


async def test_what_a_lost_connection_missed_is_told_as_a_gap_and_the_news_goes_on(
    two, redis, topic
):
    here, there = two
    with there.subscribe(topic) as far:
        await joined(there, topic, far)
        clients = await redis.client_list(_type="pubsub")
        [listener] = [c["id"] for c in clients if c["name"] == f"{topic}-1"]
        await redis.client_kill_filter(_id=listener)
        await here.publish(topic, {"missed": True})
        before_the_gap = await following(far, GAP)
        await joined(here, topic, far)

    assert before_the_gap == []


async def test_who_is_too_slow_is_told_of_a_gap_instead_of_filling_the_memory():
    fanout = LocalFanout()
    with fanout.subscribe("room") as queue:
        for number in range(QUEUE_MAX + 1):
            await fanout.publish("room", {"number": number})
        await fanout.publish("room", {"number": "last"})

        assert await following(queue, {"number": "last"}) == [GAP]


async def test_without_redis_the_news_still_reaches_this_process(topic):
    fanout = RedisFanout("redis://127.0.0.1:1/0")
    with fanout.subscribe(topic) as queue:
        await fanout.publish(topic, {"number": 1})

        assert queue.get_nowait() == {"number": 1}
    await fanout.close()


async def test_a_topic_without_subscribers_leaves_nothing_behind():
    fanout = LocalFanout()
    with fanout.subscribe("room"):
        pass
    await fanout.publish("room", {"number": 1})

    assert fanout._queues == {}

"""Live news to whoever is looking: in this process, or through Redis to every process.

News is never the truth: a subscriber that missed some hears {"gap": true} and reads the database.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from redis import asyncio as aioredis
from redis.exceptions import RedisError

from commerce.kernel import jsons, logs
from commerce.kernel.errors import Outage

News = dict[str, Any]
GAP: News = {"gap": True}
QUEUE_MAX = 256
CHANNEL = "livetill:fanout"
log = logs.get(__name__)


class Fanout(Protocol):
    async def publish(self, topic: str, message: News) -> None: ...
    def subscribe(self, topic: str) -> Any: ...


class LocalFanout:
    """Queues of this process, by topic."""

    def __init__(self) -> None:
        self._queues: dict[str, set[asyncio.Queue[News]]] = defaultdict(set)

    async def publish(self, topic: str, message: News) -> None:
        self.deliver(topic, message)

    async def ping(self) -> None:
        """Outage where the bus does not answer."""

    def deliver(self, topic: str, message: News) -> None:
        for queue in self._queues.get(topic, ()):
            _offer(queue, message)

    def deliver_to_all(self, message: News) -> None:
        for queues in self._queues.values():
            for queue in queues:
                _offer(queue, message)

    @contextmanager
    def subscribe(self, topic: str) -> Iterator[asyncio.Queue[News]]:
        queue: asyncio.Queue[News] = asyncio.Queue(QUEUE_MAX)
        self._queues[topic].add(queue)
        try:
            yield queue
        finally:
            self._queues[topic].discard(queue)
            if not self._queues[topic]:
                del self._queues[topic]


class RedisFanout(LocalFanout):
    """One Redis channel carries all topics; what Redis loses is told as a gap."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._redis = aioredis.from_url(url, socket_connect_timeout=2)
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._listening = asyncio.create_task(self._listen())

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
        await self._redis.aclose()

    async def ping(self) -> None:
        try:
            await self._redis.ping()
        except (RedisError, OSError) as error:
            raise Outage(f"Redis does not answer: {error}") from error

    async def publish(self, topic: str, message: News) -> None:
        try:
            await self._redis.publish(CHANNEL, jsons.dumps([topic, message]))
        except (RedisError, OSError) as error:
            log.warning("fanout_publish_failed", error=str(error))
            self.deliver(topic, message)

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    async for found in pubsub.listen():
                        if found["type"] == "message":
                            self.deliver(*jsons.loads(found["data"]))
                        else:  # subscribed, maybe again: only from here on nothing is missed
                            self.deliver_to_all(GAP)
            except (RedisError, OSError) as error:
                log.warning("fanout_listen_failed", error=str(error))
            await asyncio.sleep(1)


def _offer(queue: asyncio.Queue[News], message: News) -> None:
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        message = GAP
    queue.put_nowait(message)

"""Events over Redis Streams: where the relay publishes, and the consumer group that handles them.

A stream may lose any message at any moment; the sweep in `resending` brings it again from SQL.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from redis import asyncio as aioredis
from redis.exceptions import RedisError, ResponseError

from commerce.kernel import clock, ids, jsons, logs, metrics, resending
from commerce.kernel.database import Database
from commerce.kernel.errors import Outage
from commerce.kernel.events import Envelope
from commerce.kernel.outbox import OUTAGE_TRIES_MAX, Dispatcher, outage_seconds
from commerce.kernel.resending import Turn
from commerce.kernel.waiting import heed_cancellation, nudged

PREFIX = "sc.domain."
DEAD = "sc.dead"
GROUP = "sc-proj-main"
STREAM_LENGTH_MAX = 100_000
DEAD_LENGTH_MAX = 10_000
TRIES_MAX = 5
HELD_MAX = 256  # messages in the memory of a consumer
AT_ONCE = 8  # of which so many are being handled
BLOCK_SECONDS = 1.0
OUTAGE_SECONDS = 2.0
TURN_SECONDS = 0.1
TURNS_MAX = 200
FORGET_SECONDS = 3600.0  # a consumer that was silent for so long and holds nothing
LOST = (RedisError, OSError)
log = logs.get(__name__)
PARKED = metrics.counter("livetill_events_parked_total", "Events nobody could handle", ["event"])


class WeakRedis(Exception):
    """A Redis that throws away what it was given; the message is one line that says what to do."""


async def refuse_weak_redis(url: str) -> None:
    """Start-up check: WeakRedis where keys may be evicted, Outage where nothing answers."""
    try:
        async with aioredis.from_url(url, socket_connect_timeout=2, socket_timeout=5) as redis:
            memory = await redis.info("memory")  # unlike CONFIG, hosted servers allow it
    except LOST as error:
        raise Outage(f"Redis does not answer: {error}") from error
    policy = memory.get("maxmemory_policy", "unknown")
    if policy != "noeviction":
        raise WeakRedis(f"Redis has maxmemory-policy {policy}: it must be noeviction")


def stream_of(name: str) -> str:
    return PREFIX + name.partition(".")[0]


class RedisBus:
    """Where the relay puts events; what it cannot put there stays waiting in SQL."""

    def __init__(self, url: str) -> None:
        self._redis = _connect(url)

    async def publish(self, event: Envelope) -> None:
        fields = {"event": jsons.dumps(asdict(event))}
        try:
            await self._redis.xadd(stream_of(event.name), fields, maxlen=STREAM_LENGTH_MAX)
        except LOST as error:
            raise Outage(f"Redis does not take events: {error}") from error
        heed_cancellation()

    async def close(self) -> None:
        await self._redis.aclose()


def _connect(url: str) -> Any:
    return aioredis.from_url(
        url, decode_responses=True, protocol=2, socket_connect_timeout=2, socket_timeout=5
    )


@dataclass(slots=True)
class Message:
    stream: str
    id: str
    event: Envelope
    tries: int = 0  # begun so far, here and by those who had it before
    outages: int = 0  # that its handlers met here
    turns: int = 0  # spent waiting for earlier events of the aggregate
    error: str = "begun again and again, and never ended"

    @property
    def key(self) -> tuple[str, str]:
        return self.stream, self.id


class RedisConsumer:
    """One member of a consumer group: handles each event once, an aggregate's in commit order.

    Messages of one aggregate form a lane. A message that fails is tried again while its lane waits,
    then it is parked, in SQL for a person and in `sc.dead` for a look, and the lane goes on. What
    this process holds when it dies is taken over by another after `idle_seconds`.
    """

    def __init__(
        self,
        url: str,
        database: Database,
        dispatcher: Dispatcher,
        *,
        group: str = GROUP,
        idle_seconds: float = 60.0,
        patience_seconds: float = 1.0,
    ) -> None:
        self._redis = _connect(url)
        self._database = database
        self._dispatcher = dispatcher
        self._handled = dispatcher.consumers
        self._streams = sorted({stream_of(name) for name in self._handled})
        self._group = group
        self._name = ids.new_id()
        self._idle_seconds = idle_seconds
        self._patience = patience_seconds
        self._held: dict[tuple[str, str], Message] = {}
        self._lanes: dict[str, tuple[deque[Message], asyncio.Task[None]]] = {}
        self._freed = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._upkeep_at = 0.0
        self._pause = 0.0

    async def run(self) -> None:
        """Forever; ends by cancellation, and what was under way is taken over by another."""
        try:
            while True:
                try:
                    await self._create_groups()
                    await self._consume()
                except LOST as error:
                    heed_cancellation()
                    log.warning("consumer_waits", error=str(error))
                    await asyncio.sleep(self._pause)
                    self._pause = min(2 * self._pause + 0.1, 5.0)
        finally:
            await self._stop()

    async def _stop(self) -> None:
        tasks = [task for _, task in self._lanes.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._redis.aclose()

    async def _create_groups(self) -> None:
        for stream in self._streams:
            try:
                await self._redis.xgroup_create(stream, self._group, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    async def _consume(self) -> None:
        """Until Redis goes away, or has forgotten the group."""
        while True:
            heed_cancellation()
            if clock.monotonic() >= self._upkeep_at:
                await self._keep_hold()
                await self._take_over()
                await self._forget_the_dead()
                self._upkeep_at = clock.monotonic() + self._idle_seconds / 4
            room = HELD_MAX - len(self._held)
            if room > 0:
                await self._read(room)
            else:
                self._freed.clear()
                await nudged(self._freed, BLOCK_SECONDS)
            self._pause = 0.0

    async def _read(self, count: int) -> None:
        found = await self._redis.xreadgroup(
            self._group,
            self._name,
            dict.fromkeys(self._streams, ">"),
            count=count,
            block=max(1, int(min(BLOCK_SECONDS, self._idle_seconds / 4) * 1000)),  # 0 = forever
        )
        for stream, entries in found:
            for entry, fields in entries:
                await self._receive(stream, entry, fields, tries=0)

    async def _keep_hold(self) -> None:
        """Others shall see that what waits here is not abandoned."""
        for stream in self._streams:
            held = [entry for of, entry in self._held if of == stream]
            if held:
                await self._redis.xclaim(stream, self._group, self._name, 0, held, justid=True)

    async def _take_over(self) -> None:
        """What others left. XAUTOCLAIM would count it as one more try, though nobody began it."""
        idle = int(self._idle_seconds * 1000)
        for stream in self._streams:
            left = await self._redis.xpending_range(
                stream, self._group, min="-", max="+", count=HELD_MAX, idle=idle
            )
            for one in left:
                if (stream, one["message_id"]) not in self._held:
                    await self._take(stream, one["message_id"], one["times_delivered"], idle)

    async def _take(self, stream: str, entry: str, tries: int, idle: int) -> None:
        for _, fields in await self._redis.xclaim(
            stream, self._group, self._name, idle, [entry], retrycount=tries
        ):
            if fields is not None:
                await self._receive(stream, entry, fields, tries=tries)

    async def _forget_the_dead(self) -> None:
        for stream in self._streams:
            for one in await self._redis.xinfo_consumers(stream, self._group):
                if one["pending"] == 0 and one["idle"] > FORGET_SECONDS * 1000:
                    await self._redis.xgroup_delconsumer(stream, self._group, one["name"])

    async def _receive(
        self, stream: str, entry: str, fields: Mapping[str, str], *, tries: int
    ) -> None:
        try:
            event = Envelope(**jsons.loads(fields["event"]))
        except (KeyError, ValueError, TypeError) as error:
            log.error("message_unreadable", stream=stream, error=str(error))
            await self._bury(stream, entry, jsons.dumps(dict(fields)), "unreadable")
            return
        message = Message(stream, entry, event, tries)
        self._held[message.key] = message
        lane = self._lanes.get(event.aggregate_id)
        if lane is None:
            queue = deque([message])
            task = asyncio.create_task(self._clear_lane(event.aggregate_id, queue))
            self._lanes[event.aggregate_id] = queue, task
        else:
            lane[0].append(message)

    async def _clear_lane(self, aggregate: str, queue: deque[Message]) -> None:
        try:
            while queue:
                heed_cancellation()
                if await self._finish(queue[0], alone=len(queue) == 1):
                    self._let_go(queue.popleft())
                else:
                    queue.rotate(-1)  # an earlier event may have come in after this one
        finally:
            del self._lanes[aggregate]
            for message in queue:
                self._let_go(message)

    def _let_go(self, message: Message) -> None:
        del self._held[message.key]
        self._freed.set()

    async def _finish(self, message: Message, *, alone: bool) -> bool:
        """False where an earlier event of its aggregate has to be handled first."""
        while True:
            heed_cancellation()
            try:
                turn = await self._turn(message.event)
                if turn is Turn.LATER:
                    message.turns += 1
                    await asyncio.sleep((TURN_SECONDS if alone else 0.01) * self._patience)
                    return message.turns > TURNS_MAX  # let go: it comes back with others' leavings
                seconds = await self._settle(message, turn)
            except (Outage, *LOST) as error:
                log.warning("event_waits", event_id=message.event.id, error=str(error))
                seconds = OUTAGE_SECONDS
            if seconds is None:
                return True
            await asyncio.sleep(seconds * self._patience)

    async def _settle(self, message: Message, turn: Turn) -> float | None:
        """Handle it, or park it; how long to wait before going on with it, None = not at all."""
        if turn is Turn.PARKED:
            await self._acknowledge(message)
            return None
        if message.tries < TRIES_MAX:
            if message.tries:  # the first one was counted by Redis when it gave the message
                await self._count_try(message)
            seconds = await self._handle(message)
            if seconds is None:
                await self._acknowledge(message)
                return None
            if message.tries < TRIES_MAX and message.outages < OUTAGE_TRIES_MAX:
                return seconds
        await self._park(message)
        return None

    async def _turn(self, event: Envelope) -> Turn:
        if event.name not in self._handled:
            return Turn.NOW
        return await self._database.read(lambda tx: resending.turn(tx, event, self._handled))

    async def _count_try(self, message: Message) -> None:
        await self._redis.xclaim(
            message.stream,
            self._group,
            self._name,
            0,
            [message.id],
            retrycount=message.tries + 1,
            justid=True,
        )

    async def _handle(self, message: Message) -> float | None:
        """None when it is handled, else how long to wait before the next try."""
        event = message.event
        try:
            async with self._slots:
                await self._dispatcher.deliver(event)
        except Outage as outage:
            log.warning("event_waits", event_id=event.id, error=str(outage))
            message.outages += 1
            message.error = str(outage)[:500]
            return outage_seconds(message.outages)
        except Exception as error:  # a handler's bug must not stop the other aggregates
            log.error("event_failed", event_name=event.name, event_id=event.id, exc_info=error)
            message.tries += 1
            message.error = repr(error)[:500]
            return 2.0**message.tries
        return None

    async def _acknowledge(self, message: Message) -> None:
        try:
            await self._redis.xack(message.stream, self._group, message.id)
        except LOST as error:  # it comes again, and its claims say that it was handled
            log.warning("event_not_acknowledged", event_id=message.event.id, error=str(error))

    async def _park(self, message: Message) -> None:
        event = message.event
        await self._database.unit_of_work(lambda tx: resending.park(tx, event, message.error))
        PARKED.labels(event.name).inc()
        log.error("event_parked", event_name=event.name, event_id=event.id, error=message.error)
        await self._bury(message.stream, message.id, jsons.dumps(asdict(event)), message.error)

    async def _bury(self, stream: str, entry: str, event: str, error: str) -> None:
        fields = {"stream": stream, "event": event, "error": error}
        await self._redis.xadd(DEAD, fields, maxlen=DEAD_LENGTH_MAX)
        await self._redis.xack(stream, self._group, entry)

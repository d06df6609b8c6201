"""Delivers the sandbox's webhooks over real HTTP, at least once, as any provider does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from commerce.kernel import clock, crashpoints, logs
from commerce.kernel.clock import HOUR, SECOND
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Outage
from commerce.payments.gateways import sandbox_store, signatures
from commerce.payments.gateways.sandbox import SIGNATURE_HEADER
from commerce.payments.gateways.sandbox_model import Delivery

if TYPE_CHECKING:
    import aiohttp

log = logs.get(__name__)

AT_MOST = 50  # per round
RETRY_FIRST = 2 * SECOND
RETRY_LAST = 1 * HOUR
TRIES = 40  # a day and a half with the retries above

Post = Callable[[bytes, Mapping[str, str]], Awaitable[int]]


def posting_to(client: aiohttp.ClientSession, url: str) -> Post:
    """POST to a real address. The client brings the timeouts."""
    import aiohttp

    async def post(body: bytes, headers: Mapping[str, str]) -> int:
        try:
            async with client.post(url, data=body, headers=headers) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Outage(f"webhook not delivered: {error!r}") from error

    return post


class SandboxDeliverer:
    """Woken by the topic "sandbox"; `next_due_at` tells how long to sleep otherwise."""

    def __init__(self, database: Database, post: Post, *, secret: str) -> None:
        self._database = database
        self._post = post
        self._secret = secret

    async def deliver_due(self) -> int:
        """One round: send what is due; returns how many were taken."""
        due = await self._database.unit_of_work(_claim)
        delivered = [d for d in due if await self._deliver(d)]
        if due:
            await self._database.unit_of_work(lambda tx: _record(tx, due, delivered))
        return len(delivered)

    async def next_due_at(self) -> int | None:
        """When the next webhook is due, by the database's clock; None where none waits."""
        return await self._database.read(sandbox_store.next_due_at)

    async def _deliver(self, delivery: Delivery) -> bool:
        body = delivery.body.encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signatures.sign(body, self._secret, at=clock.now()),
        }
        crashpoints.hit("before sandbox.webhook")
        try:
            status = await self._post(body, headers)
        except Outage as outage:
            log.warning("sandbox webhook not delivered", id=delivery.id, error=str(outage))
            return False
        finally:
            crashpoints.hit("after sandbox.webhook")
        if not 200 <= status < 300:
            log.warning("sandbox webhook refused", id=delivery.id, status=status)
        return 200 <= status < 300


async def _claim(tx: Tx) -> list[Delivery]:
    """Each is pushed into the future before it is sent: a crash means once more, later."""
    now = await tx.now()
    due = await sandbox_store.due(tx, at_most=AT_MOST)
    for delivery in due:
        wait = min(RETRY_FIRST << min(delivery.tries, 20), RETRY_LAST)
        await sandbox_store.try_again(tx, delivery.id, now + wait)
    return due


async def _record(tx: Tx, due: list[Delivery], delivered: list[Delivery]) -> None:
    for delivery in due:
        if delivery in delivered:
            await sandbox_store.delivered(tx, delivery.id)
        elif delivery.tries + 1 >= TRIES:
            await sandbox_store.gave_up(tx, delivery.id)

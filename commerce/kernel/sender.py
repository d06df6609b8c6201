"""Carries an account's messages to its platform: by priority, in order, within its limits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from commerce.kernel import clock, logs, metrics, outgoing
from commerce.kernel.committer import GroupCommitter
from commerce.kernel.database import Database
from commerce.kernel.errors import Outage
from commerce.kernel.outgoing import Limits, Outgoing, Undeliverable
from commerce.kernel.tables import OutgoingStatus
from commerce.kernel.waiting import nudged

TRIES_MAX = 8
END_SECONDS = 10.0
IDLE_SECONDS = 2.0  # the sweep for what another process wrote, or became due
log = logs.get(__name__)
SENT = metrics.counter("livetill_outgoing_total", "Messages to fans", ["account", "outcome"])


class Carrier(Protocol):
    """A channel as the sender sees it."""

    account: str

    @property
    def limits(self) -> Limits: ...

    async def carry(self, address: str, body: Mapping[str, Any], key: str) -> str | None:
        """The provider's message id. Raises Undeliverable, or Outage to be tried again."""


class Pace:
    """When the next message may go: evenly per account, with a burst per address."""

    def __init__(self, limits: Limits) -> None:
        self._gap = 1 / limits.per_second
        self._address_gap = 1 / limits.per_address_per_second
        self._slack = (limits.burst - 1) * self._address_gap
        self._next = 0.0
        self._addresses: dict[str, float] = {}

    def wait_seconds(self, address: str, now: float) -> float:
        """Takes a slot and says how long until it begins."""
        due = max(now, self._next, self._addresses.get(address, 0.0) - self._slack)
        self._next = max(now, self._next) + self._gap
        self._addresses[address] = max(due, self._addresses.get(address, 0.0)) + self._address_gap
        if len(self._addresses) > 50_000:
            self._addresses = {a: t for a, t in self._addresses.items() if t > now}
        return due - now


class Sender:
    def __init__(self, database: Database, carrier: Carrier) -> None:
        self._database = database
        self._carrier = carrier
        self._pace = Pace(carrier.limits)
        self._batch = max(1, min(50, int(carrier.limits.per_second)))
        self._sending: set[asyncio.Task[None]] = set()
        self._settling = GroupCommitter[Mapping[str, Any], None](
            "outgoing", database, outgoing.settle
        )

    async def run(self) -> None:
        """Forever; ends by cancellation, after what is on its way to the platform has arrived."""
        nudge = self._database.listen(f"outgoing:{self._carrier.account}")
        try:
            while True:
                nudge.clear()
                busy = await self._begin_or_wait(nudge)
                if not busy:
                    await nudged(nudge, IDLE_SECONDS)
        finally:
            if self._sending:
                await asyncio.wait(self._sending, timeout=END_SECONDS)

    async def send_due(self) -> bool:
        """One round, to its end; False when nothing was due."""
        begun = await self._begin(None)
        await asyncio.gather(*self._sending)
        return begun > 0

    async def _begin_or_wait(self, nudge: asyncio.Event) -> bool:
        try:
            return await self._begin(nudge) > 0
        except Outage as error:
            log.warning("sender_waits", account=self._carrier.account, error=str(error))
            await asyncio.sleep(1)
            return False

    async def _begin(self, ended: asyncio.Event | None) -> int:
        """Begin what is due, beside what is under way: a slow fan keeps nobody else waiting."""
        free = self._batch - len(self._sending)
        if free <= 0:
            return 0
        account = self._carrier.account
        due = await self._database.unit_of_work(lambda tx: outgoing.claim(tx, account, free))
        for message in due:
            task = asyncio.create_task(self._send(message))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
            if ended is not None:  # the next one of this conversation may go now
                task.add_done_callback(lambda _: ended.set())
        return len(due)

    async def _send(self, message: Outgoing) -> None:
        logs.correlation.set(message.correlation_id)
        await asyncio.sleep(self._pace.wait_seconds(message.address, clock.monotonic()))
        result: dict[str, Any] = {
            "row": message.seq,
            "mine": message.fence,
            "status": OutgoingStatus.SENT,
            "tries": message.tries + 1,
            "next_at": 0,
            "sent_at": None,
            "provider_message_id": None,
            "reason": None,
        }
        try:
            provider_id = await self._carrier.carry(message.address, message.body, message.key)
            result |= {"sent_at": clock.now(), "provider_message_id": provider_id}
        except Undeliverable as refusal:
            reason = str(refusal.facts.get("reason", "rejected"))
            result |= {"status": OutgoingStatus.FAILED, "reason": reason}
        except Outage as outage:
            result |= _retry(message, outage)
        except Exception:  # one message or answer nobody foresaw must not silence all the others
            log.exception("sending_broke", account=self._carrier.account)
            result |= {"status": OutgoingStatus.FAILED, "reason": "bug"}
        SENT.labels(self._carrier.account, result["status"]).inc()
        if result["reason"]:
            log.warning("message_not_sent", account=self._carrier.account, reason=result["reason"])
        try:
            await self._settling.submit(result)
        except Outage as outage:  # sent again when the lease ends
            log.warning("message_not_settled", account=self._carrier.account, error=str(outage))


def _retry(message: Outgoing, outage: Outage) -> dict[str, Any]:
    tries = message.tries + 1
    if tries >= TRIES_MAX:
        return {"status": OutgoingStatus.FAILED, "reason": "gave_up"}
    seconds = max(outage.retry_after_seconds or 0.0, min(2.0**tries, 300.0))
    return {
        "status": OutgoingStatus.WAITING,
        "next_at": clock.now() + int(seconds * clock.SECOND),
        "reason": str(outage)[:200],
    }

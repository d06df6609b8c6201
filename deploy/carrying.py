"""Joins a channel, which speaks in replies, to the kernel's sender, which carries plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import web

from bot.messages import Reply
from commerce.kernel.database import Database
from commerce.kernel.outgoing import Limits, report_failed


class PushChannel(Protocol):
    account: str
    limits: Limits

    def routes(self) -> list[web.AbstractRouteDef]: ...
    async def send(self, address: str, reply: Reply, key: str) -> str | None: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...


class Carried:
    """A push channel as the sender sees it."""

    def __init__(self, channel: PushChannel) -> None:
        self._channel = channel
        self.account = channel.account
        self.limits = channel.limits

    async def carry(self, address: str, body: Mapping[str, Any], key: str) -> str | None:
        return await self._channel.send(address, Reply.from_json(body), key)


class StatusReports:
    """Takes the platforms' later word: a message they had accepted did not arrive."""

    def __init__(self, database: Database, account: str) -> None:
        self._database = database
        self._account = account

    async def __call__(self, provider_message_id: str, status: str, reason: str) -> None:
        if status == "failed":
            await self._database.unit_of_work(
                lambda tx: report_failed(tx, self._account, provider_message_id, reason)
            )

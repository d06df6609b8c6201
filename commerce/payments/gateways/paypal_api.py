"""PayPal's API with its token: fetched once for all calls, renewed before and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from commerce.kernel import clock
from commerce.kernel.clock import MINUTE, SECOND
from commerce.kernel.errors import Outage
from commerce.payments.gateways.json_calls import Answer, Json, JsonApi, Unauthorised
from commerce.payments.gateways.paypal_wire import NAME

T = TypeVar("T")

RENEW_BEFORE = 1 * MINUTE


class PayPalApi:
    def __init__(
        self, *, client_id: str, client_secret: str, api_base: str, timeout_seconds: float
    ) -> None:
        self._api = JsonApi(NAME, api_base, timeout_seconds=timeout_seconds)
        self._tokens = JsonApi(
            NAME, api_base, timeout_seconds=timeout_seconds, auth=(client_id, client_secret)
        )
        self._token = ""
        self._token_ends_at = 0
        self._renewing = asyncio.Lock()

    async def aclose(self) -> None:
        await self._api.aclose()
        await self._tokens.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: Json | list[Json] | None = None,
        request_id: str | None = None,
    ) -> Answer:
        """Raises Outage wherever the outcome is not known for certain."""
        headers = {"Prefer": "return=representation", "Content-Type": "application/json"}
        if request_id is not None:
            headers["PayPal-Request-Id"] = request_id
        token = await self._valid_token()
        try:
            return await self._send(method, path, body, headers, token)
        except Unauthorised:  # taken back before its end
            self._forget(token)
        return await self._send(method, path, body, headers, await self._valid_token())

    def understood(self, read: Callable[[Json], T], body: Json) -> T:
        return self._api.understood(read, body)

    def understanding(self) -> AbstractContextManager[None]:
        return self._api.understanding()

    async def _send(
        self,
        method: str,
        path: str,
        body: Json | list[Json] | None,
        headers: dict[str, str],
        token: str,
    ) -> Answer:
        authorised = {**headers, "Authorization": f"Bearer {token}"}
        return await self._api.send(method, path, body=body, headers=authorised)

    async def _valid_token(self) -> str:
        async with self._renewing:
            if clock.now() >= self._token_ends_at - RENEW_BEFORE:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        asked_at = clock.now()
        answer = await self._tokens.send(
            "POST", "/v1/oauth2/token", form={"grant_type": "client_credentials"}
        )
        if not answer.done:
            raise Outage(f"paypal gives no token: {answer.status}")
        with self._tokens.understanding():
            self._token = str(answer.body["access_token"])
            self._token_ends_at = asked_at + int(answer.body["expires_in"]) * SECOND

    def _forget(self, token: str) -> None:
        """Unless another call has renewed it meanwhile."""
        if token == self._token:
            self._token_ends_at = 0

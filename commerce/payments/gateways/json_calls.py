"""A provider's JSON API over HTTP: an answer that was understood, or an Outage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from commerce.kernel import jsons, logs
from commerce.kernel.errors import Outage

if TYPE_CHECKING:
    import ssl

    import httpx

T = TypeVar("T")
Json = dict[str, Any]

ANSWER_BYTES_MAX = 4 * 1024 * 1024
ACCOUNT_WAIT_SECONDS = 60.0
# Not yet, not now, or in use by another call of ours: all may have happened, none is a no.
PASSING = frozenset({408, 409, 425, 429})
log = logs.get(__name__)


class Unauthorised(Outage):
    """The provider does not know us: nothing was done, and somebody may have to mend the keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back and is the provider's own: done (2xx), or a definite no (4xx)."""

    status: int
    body: Json

    @property
    def done(self) -> bool:
        return 200 <= self.status < 300


class JsonApi:
    def __init__(
        self,
        name: str,
        base: str,
        *,
        timeout_seconds: float,
        auth: tuple[str, str] | None = None,
    ) -> None:
        self._name = name
        self._base = base.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._auth = auth

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        return client(timeout_seconds=self._timeout_seconds, auth=self._auth)

    async def aclose(self) -> None:
        if "_client" in self.__dict__:
            await self._client.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: Json | list[Json] | None = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Raises Outage wherever the outcome is not known for certain."""
        import httpx

        request = self._client.build_request(
            method,
            f"{self._base}{path}",
            content=None if body is None else jsons.dumps(body).encode(),
            data=form,
            params=query,
            headers={
                **({} if body is None else {"Content-Type": "application/json"}),
                **(headers or {}),
            },
        )
        try:
            return await self._answer(request)
        except httpx.HTTPError as problem:
            raise Outage(f"{self._name}: {type(problem).__name__}") from problem

    async def _answer(self, request: httpx.Request) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            self._check_status(response)
            raw = bytearray()
            async for chunk in response.aiter_bytes():
                raw += chunk
                if len(raw) > ANSWER_BYTES_MAX:
                    raise Outage(f"{self._name} answers without end")
        finally:
            await response.aclose()
        return Answer(status=response.status_code, body=self._parsed(response, bytes(raw)))

    def _check_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in (401, 403):
            log.error("payment_account_refused", provider=self._name, status=status)
            kind = Unauthorised if status == 401 else Outage
            raise kind(f"{self._name} refuses our account: {status}", ACCOUNT_WAIT_SECONDS)
        if status in PASSING or status >= 500 or not (200 <= status < 300 or status >= 400):
            raise Outage(f"{self._name} answers {status}", _retry_after(response))

    def _parsed(self, response: httpx.Response, raw: bytes) -> Json:
        if response.status_code == 204:
            return {}
        try:
            parsed = jsons.loads(raw)
        except jsons.BadJson:
            parsed = None
        if not isinstance(parsed, dict):  # a proxy's page, even with status 200
            raise Outage(f"{self._name} answers {response.status_code} without a JSON object")
        return parsed

    def understood(self, read: Callable[[Json], T], body: Json) -> T:
        """What `read` makes of an answer; one of another form says nothing about the outcome."""
        with self.understanding():
            return read(body)

    @contextmanager
    def understanding(self) -> Iterator[None]:
        try:
            yield
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as problem:
            raise Outage(f"{self._name}: an answer of another form: {problem!r}") from problem


def client(*, timeout_seconds: float, auth: tuple[str, str] | None = None) -> httpx.AsyncClient:
    import httpx  # only shops that use it wait for it

    return httpx.AsyncClient(timeout=timeout_seconds, auth=auth, verify=_trusted())


@lru_cache
def _trusted() -> ssl.SSLContext:
    """Whom to trust: read once, because it takes longer than a call."""
    import httpx

    return httpx.create_ssl_context()


def _retry_after(response: httpx.Response) -> float | None:
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isascii() and seconds.isdigit() else None

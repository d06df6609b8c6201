"""How Stripe is called: one client, keys that act once, whole lists, and what its errors mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from commerce.kernel.errors import Outage, Refusal
from commerce.payments.gateways.stripe_wire import NAME
from commerce.payments.refusals import PaymentRefused

if TYPE_CHECKING:
    import stripe
    from stripe import ListObject, RequestOptions, StripeObject
    from stripe._v1_services import V1Services

T = TypeVar("T")
S = TypeVar("S", bound="StripeObject")

TIMEOUT_SECONDS = 10
# The SDK repeats a call at once under the same key; whoever called us repeats it later.
RETRIES = 1
KEYS_AT_MOST = 3
PAGE = 100  # the most Stripe gives at once
PAGES_AT_MOST = 1_000

SAID_NO = frozenset({400, 402, 404})
# These are no answer, whatever status they come with.
LATER = frozenset({"rate_limit", "lock_timeout", "idempotency_key_in_use"})


class StripeAccount:
    """The account we act for. The SDK is loaded at the first call: it takes its time."""

    def __init__(
        self,
        *,
        secret_key: str,
        api_base: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        retries: int = RETRIES,
    ) -> None:
        self._secret_key = secret_key
        self._api_base = api_base
        self._timeout_seconds = timeout_seconds
        self._retries = retries

    @cached_property
    def _http(self) -> stripe.HTTPXClient:
        import stripe  # takes a third of a second: only shops that use it wait for it

        return stripe.HTTPXClient(timeout=self._timeout_seconds)

    @cached_property
    def _v1(self) -> V1Services:
        import stripe

        return stripe.StripeClient(
            self._secret_key,
            http_client=self._http,
            max_network_retries=self._retries,
            base_addresses={"api": self._api_base} if self._api_base else None,
        ).v1

    async def aclose(self) -> None:
        if "_http" in self.__dict__:
            await self._http.close_async()  # type: ignore[no-untyped-call]


async def once(
    key: str,
    post: Callable[[RequestOptions], Awaitable[T]],
    find: Callable[[], Awaitable[T | None]] | None = None,
) -> T:
    """Make something once under the key; Stripe answers a repetition with its first answer.

    For a day that holds of a 500 too. A repeated 500 says that the first call has ended: what it
    did can be found now, and where it did nothing, the next key is as safe as the first.
    """
    import stripe

    for number in range(KEYS_AT_MOST):
        try:
            return await post({"idempotency_key": f"{key}:{number}" if number else key})
        except stripe.StripeError as error:
            if not _kept(error):
                raise
        found = None if find is None else await find()
        if found is not None:
            return found
    raise Outage(f"{NAME}: every key answers with a failure")


async def listed(fetch: Callable[[str | None], Awaitable[ListObject[S]]]) -> AsyncIterator[S]:
    """All of a list, page by page; `fetch` is given the id to start after."""
    after: str | None = None
    for _ in range(PAGES_AT_MOST):
        page = await fetch(after)
        for item in page.data:
            yield item
        if not page.has_more:
            return
        after = str(page.data[-1].to_dict()["id"])
    raise Outage(f"{NAME}: a list of more than {PAGES_AT_MOST} pages")


def read(parse: Callable[[Mapping[str, Any]], T], answer: StripeObject) -> T:
    """What an answer says; one that cannot be understood is no answer."""
    try:
        return parse(answer.to_dict())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Outage(f"{NAME}: an answer that cannot be read") from error


@contextmanager
def refusing(refusal: type[Refusal] | None) -> Iterator[None]:
    """A definite no becomes the refusal; everything else has an unknown outcome."""
    import stripe

    try:
        yield
    except stripe.StripeError as error:
        raise _translated(error, refusal) from error
    except (AttributeError, TypeError, ValueError) as error:
        # The SDK stumbles over errors that are not Stripe's, such as {"error": "a word"}.
        raise Outage(f"{NAME}: an answer that cannot be read") from error


def _translated(error: stripe.StripeError, refusal: type[Refusal] | None) -> Exception:
    reason = _no(error, refusal)
    if refusal is not None and reason is not None:
        return refusal(provider=NAME, reason=reason)
    after = (error.headers or {}).get("retry-after", "")
    seconds = float(after) if after.isascii() and after.isdigit() else None
    return Outage(f"{NAME}: {type(error).__name__} {error.http_status}", seconds)


def _no(error: stripe.StripeError, refusal: type[Refusal] | None) -> str | None:
    """Why Stripe itself said no for good. A proxy's page with such a status says nothing."""
    import stripe

    if error.http_status not in SAID_NO or error.code in LATER:
        return None
    if isinstance(error, stripe.IdempotencyError):
        # The key was used with other parameters, as after a change of the public address: of a
        # page that nobody has the link of, that is a no; of money it says that some has moved.
        return "key_reused" if refusal is PaymentRefused else None
    if isinstance(error, stripe.InvalidRequestError | stripe.CardError):
        return error.code or type(error).__name__
    return None


def _kept(error: stripe.StripeError) -> bool:
    replayed = (error.headers or {}).get("idempotent-replayed") == "true"
    return replayed and (error.http_status or 0) >= 500

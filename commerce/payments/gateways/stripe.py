"""Stripe Checkout Sessions: a page per payment, proof by webhook or by asking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from commerce.kernel import clock, jsons
from commerce.kernel.errors import Outage, Refusal
from commerce.payments.gateways import signatures, stripe_wire
from commerce.payments.model import (
    Opened,
    Payment,
    ProviderEvent,
    Refund,
    RefundStanding,
    Standing,
    Stands,
)
from commerce.payments.refusals import MalformedEvent, PaymentRefused, RefundRefused

if TYPE_CHECKING:
    import stripe
    from stripe.params.checkout import SessionCreateParams

NAME = stripe_wire.NAME
SIGNATURE_HEADER = "Stripe-Signature"
TIMEOUT_SECONDS = 10
# The SDK repeats a call at once under the same key; whoever called us repeats it later.
RETRIES = 1
REFUNDS_LISTED = 100
SAID_NO = frozenset({400, 402, 404})


class StripeGateway:
    """`return_url` is where Stripe sends the fan afterwards, which proves nothing to us."""

    name = NAME

    def __init__(
        self,
        *,
        secret_key: str,
        webhook_secrets: Sequence[str],
        return_url: str,
        api_base: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        retries: int = RETRIES,
    ) -> None:
        self._secret_key = secret_key
        self._webhook_secrets = tuple(webhook_secrets)
        self._return_url = return_url
        self._api_base = api_base
        self._timeout_seconds = timeout_seconds
        self._retries = retries

    @cached_property
    def _http(self) -> stripe.HTTPXClient:
        import stripe  # takes a third of a second: only shops that use it wait for it

        return stripe.HTTPXClient(timeout=self._timeout_seconds)

    @cached_property
    def _client(self) -> stripe.StripeClient:
        import stripe

        return stripe.StripeClient(
            self._secret_key,
            http_client=self._http,
            max_network_retries=self._retries,
            base_addresses={"api": self._api_base} if self._api_base else None,
        )

    async def aclose(self) -> None:
        if "_http" in self.__dict__:
            await self._http.close_async()  # type: ignore[no-untyped-call]

    async def open(self, payment: Payment) -> Opened:
        params = self._session(payment)
        with _errors(PaymentRefused):
            session = await self._client.v1.checkout.sessions.create_async(
                params, {"idempotency_key": payment.key}
            )
        if session.url is None:
            raise PaymentRefused(provider=NAME, reason="no_page")
        return Opened(provider_ref=session.id, pay_url=session.url)

    async def close(self, payment: Payment) -> Standing:
        ref = await self._reference(payment)
        if ref is None:
            return Standing(status=Stands.ABSENT)
        try:
            with _errors(PaymentRefused):
                session = await self._client.v1.checkout.sessions.expire_async(ref)
        except PaymentRefused:  # complete or expired already
            return await self._retrieve(ref)
        return stripe_wire.standing(session.to_dict())

    async def ask(self, payment: Payment) -> Standing:
        ref = await self._reference(payment)
        if ref is None:
            return Standing(status=Stands.ABSENT)
        return await self._retrieve(ref)

    async def refund(self, payment: Payment, refund: Refund) -> RefundStanding:
        assert payment.charge_ref is not None, payment.id
        amount = stripe_wire.to_stripe(refund.amount_minor, payment.currency)
        with _errors(RefundRefused):
            made = await self._client.v1.refunds.create_async(
                {
                    "payment_intent": payment.charge_ref,
                    "amount": amount,
                    "metadata": {"payment_key": payment.key, "refund_key": refund.key},
                },
                {"idempotency_key": refund.key},
            )
        return stripe_wire.refund_standing(made.to_dict())

    async def ask_refund(self, payment: Payment, refund: Refund) -> RefundStanding | None:
        assert payment.charge_ref is not None, payment.id
        with _errors(RefundRefused):
            if refund.provider_ref is not None:
                made = await self._client.v1.refunds.retrieve_async(refund.provider_ref)
                return stripe_wire.refund_standing(made.to_dict())
            listed = await self._client.v1.refunds.list_async(
                {"payment_intent": payment.charge_ref, "limit": REFUNDS_LISTED}
            )
        found = [made.to_dict() for made in listed.data]
        return next((stripe_wire.refund_standing(m) for m in found if _key(m) == refund.key), None)

    def verify(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        header = headers.get(SIGNATURE_HEADER)
        signatures.verify(header, body, self._webhook_secrets, now=clock.now())
        try:
            parsed = jsons.loads(body)
        except jsons.BadJson as error:
            raise MalformedEvent(provider=NAME) from error
        return stripe_wire.event(parsed)

    async def _reference(self, payment: Payment) -> str | None:
        """Where the answer to `open` got lost, the same call with the same key repeats it."""
        if payment.provider_ref is not None:
            return payment.provider_ref
        try:
            return (await self.open(payment)).provider_ref
        except PaymentRefused:
            return None

    async def _retrieve(self, ref: str) -> Standing:
        with _errors(PaymentRefused):
            session = await self._client.v1.checkout.sessions.retrieve_async(ref)
        return stripe_wire.standing(session.to_dict())

    def _session(self, payment: Payment) -> SessionCreateParams:
        ours = {"payment_key": payment.key, "order_id": payment.order_id}
        return {
            "mode": "payment",
            "client_reference_id": payment.key,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": payment.currency.lower(),
                        "unit_amount": stripe_wire.to_stripe(
                            payment.amount_minor, payment.currency
                        ),
                        "product_data": {"name": payment.description},
                    },
                }
            ],
            "metadata": ours,
            "payment_intent_data": {"metadata": ours},  # is not copied from the session
            "success_url": self._return_url,
            "cancel_url": self._return_url,
            "expires_at": stripe_wire.expires_at_seconds(payment),
        }


def _key(refund: Mapping[str, Any]) -> object:
    return (refund.get("metadata") or {}).get("refund_key")


@contextmanager
def _errors(refusal: type[Refusal]) -> Iterator[None]:
    """A definite no becomes the refusal; everything else has an unknown outcome."""
    import stripe

    try:
        yield
    except stripe.StripeError as error:
        raise _translated(error, refusal) from error


def _translated(error: stripe.StripeError, refusal: type[Refusal]) -> Exception:
    import stripe

    # The key was used with other parameters, as after a change of the public address: of a page
    # that nobody has the link of, that is a no; of a refund it says that one may have been made.
    reused = isinstance(error, stripe.IdempotencyError)
    rate_limited = isinstance(error, stripe.RateLimitError)
    unknown = rate_limited or (reused and refusal is RefundRefused)
    if error.http_status in SAID_NO and not unknown:
        reason = error.code or ("key_reused" if reused else type(error).__name__)
        return refusal(provider=NAME, reason=reason)
    after = (error.headers or {}).get("retry-after", "")
    seconds = float(after) if after.isdigit() else None
    return Outage(f"stripe: {type(error).__name__} {error.http_status}", seconds)

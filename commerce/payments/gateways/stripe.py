"""Stripe Checkout Sessions: a page per payment, taken or held; proof by webhook or by asking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from commerce.kernel import clock, jsons
from commerce.kernel.errors import Outage
from commerce.payments.gateways import signatures, stripe_events, stripe_wire
from commerce.payments.gateways.stripe_client import (
    PAGE,
    RETRIES,
    TIMEOUT_SECONDS,
    listed,
    once,
    read,
    refusing,
)
from commerce.payments.gateways.stripe_payouts import StripePayouts
from commerce.payments.gateways.stripe_report import StripeReports
from commerce.payments.model import (
    Capture,
    CaptureMode,
    Opened,
    Payment,
    ProviderEvent,
    Refund,
    RefundStanding,
    Standing,
    Stands,
)
from commerce.payments.refusals import (
    CaptureRefused,
    MalformedEvent,
    PaymentRefused,
    RefundRefused,
)

if TYPE_CHECKING:
    from stripe import ListObject, RequestOptions
    from stripe import Refund as StripeRefund
    from stripe.params import RefundListParams
    from stripe.params.checkout import (
        SessionCreateParams,
        SessionCreateParamsPaymentIntentData,
    )

NAME = stripe_wire.NAME
SIGNATURE_HEADER = "Stripe-Signature"
WITH_INTENT = ["payment_intent.latest_charge"]


class StripeGateway(StripePayouts, StripeReports):
    """`return_url` is where Stripe sends the fan afterwards, which proves nothing to us."""

    name = NAME
    manual_capture = True
    captures_later = False

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
        super().__init__(
            secret_key=secret_key,
            api_base=api_base,
            timeout_seconds=timeout_seconds,
            retries=retries,
        )
        self._webhook_secrets = tuple(webhook_secrets)
        self._return_url = return_url

    async def open(self, payment: Payment) -> Opened:
        params = self._session(payment)

        async def post(options: RequestOptions) -> Opened:
            made = await self._v1.checkout.sessions.create_async(params, options)
            return read(stripe_wire.opened, made)

        with refusing(PaymentRefused):
            opened = await once(payment.key, post)
        if opened.pay_url is None:
            raise PaymentRefused(provider=NAME, reason="no_page")
        return opened

    async def close(self, payment: Payment) -> Standing:
        ref = await self._reference(payment)
        if ref is None:
            return Standing(status=Stands.ABSENT)
        try:
            with refusing(PaymentRefused):
                session = await self._v1.checkout.sessions.expire_async(ref)
        except PaymentRefused:  # complete or expired already
            return await self._release(ref)
        return read(stripe_wire.standing, session)

    async def ask(self, payment: Payment) -> Standing:
        ref = await self._reference(payment)
        if ref is None:
            return Standing(status=Stands.ABSENT)
        return read(stripe_wire.standing, await self._retrieve(ref))

    async def capture(self, payment: Payment, capture: Capture) -> Standing:
        assert payment.charge_ref is not None, payment.id
        intent = payment.charge_ref
        amount = stripe_wire.to_stripe(capture.amount_minor, payment.currency, CaptureRefused)

        async def post(options: RequestOptions) -> Standing:
            taken = await self._v1.payment_intents.capture_async(
                intent, {"amount_to_capture": amount, "expand": ["latest_charge"]}, options
            )
            return read(standing, taken)

        def standing(of: Mapping[str, Any]) -> Standing:
            return stripe_wire.intent_standing(of, provider_ref=payment.provider_ref)

        try:
            with refusing(CaptureRefused):
                return await once(capture.key, post)
        except CaptureRefused:
            now = await self.ask(payment)
            if now.status in (Stands.PAID, Stands.VOIDED):
                return now
            raise

    async def refund(self, payment: Payment, refund: Refund) -> RefundStanding:
        assert payment.charge_ref is not None, payment.id
        intent = payment.charge_ref
        amount = stripe_wire.to_stripe(refund.amount_minor, payment.currency, RefundRefused)
        ours = {"payment_key": payment.key, "refund_key": refund.key}

        async def post(options: RequestOptions) -> RefundStanding:
            made = await self._v1.refunds.create_async(
                {"payment_intent": intent, "amount": amount, "metadata": ours}, options
            )
            return read(stripe_wire.refund_standing, made)

        with refusing(RefundRefused):
            return await once(refund.key, post, lambda: self.ask_refund(payment, refund))

    async def ask_refund(self, payment: Payment, refund: Refund) -> RefundStanding | None:
        assert payment.charge_ref is not None, payment.id
        intent = payment.charge_ref
        if refund.provider_ref is not None:
            with refusing(None):
                made = await self._v1.refunds.retrieve_async(refund.provider_ref)
            return read(stripe_wire.refund_standing, made)

        async def fetch(after: str | None) -> ListObject[StripeRefund]:
            params: RefundListParams = {"payment_intent": intent, "limit": PAGE}
            if after is not None:
                params["starting_after"] = after
            with refusing(None):
                return await self._v1.refunds.list_async(params)

        async for found in listed(fetch):
            if read(stripe_wire.metadata, found).get("refund_key") == refund.key:
                return read(stripe_wire.refund_standing, found)
        return None

    def verify(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        header = headers.get(SIGNATURE_HEADER)
        signatures.verify(header, body, self._webhook_secrets, now=clock.now())
        try:
            parsed = jsons.loads(body)
        except jsons.BadJson as error:
            raise MalformedEvent(provider=NAME) from error
        return stripe_events.event(parsed)

    async def _reference(self, payment: Payment) -> str | None:
        """Where the answer to `open` got lost, the same call with the same key repeats it."""
        if payment.provider_ref is not None:
            return payment.provider_ref
        try:
            return (await self.open(payment)).provider_ref
        except PaymentRefused:
            return None

    async def _release(self, ref: str) -> Standing:
        """Of a page that is over: let go of what the fan agreed to and nobody has taken."""
        session = await self._retrieve(ref)
        held = read(stripe_wire.releasable, session)
        if held is not None:
            try:
                with refusing(PaymentRefused):
                    await self._v1.payment_intents.cancel_async(held)
            except PaymentRefused:
                pass  # captured or released in this moment, as its intent will say
            session = await self._retrieve(ref)
            if read(stripe_wire.releasable, session) is not None:
                raise Outage(f"{NAME}: the authorisation was not released")
        return read(stripe_wire.standing, session)

    async def _retrieve(self, ref: str) -> Any:
        with refusing(None):
            return await self._v1.checkout.sessions.retrieve_async(ref, {"expand": WITH_INTENT})

    def _session(self, payment: Payment) -> SessionCreateParams:
        ours = {"payment_key": payment.key, "order_id": payment.order_id}
        intent: SessionCreateParamsPaymentIntentData = {
            "metadata": ours,  # is not copied from the session
            "transfer_group": payment.key,
        }
        if payment.capture is CaptureMode.MANUAL:
            intent["capture_method"] = "manual"
        amount = stripe_wire.to_stripe(payment.amount_minor, payment.currency)
        return {
            "mode": "payment",
            "client_reference_id": payment.key,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": payment.currency.lower(),
                        "unit_amount": amount,
                        "product_data": {"name": payment.description},
                    },
                }
            ],
            "metadata": ours,
            "payment_intent_data": intent,
            "success_url": self._return_url,
            "cancel_url": self._return_url,
            "expires_at": stripe_wire.expires_at_seconds(payment),
        }

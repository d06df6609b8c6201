"""Razorpay: a payment link per payment, or an order where the money is taken later."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from commerce.kernel import clock, jsons
from commerce.kernel.errors import Outage
from commerce.payments.gateways import razorpay_events, razorpay_wire
from commerce.payments.gateways.json_calls import Answer, JsonApi
from commerce.payments.gateways.port import PayForm
from commerce.payments.model import (
    Capture,
    CaptureMode,
    EventKind,
    Opened,
    Payment,
    ProviderEvent,
    Refund,
    RefundStanding,
    Standing,
    Stands,
)
from commerce.payments.refusals import (
    BadSignature,
    CaptureRefused,
    MalformedEvent,
    PaymentRefused,
    RefundRefused,
)

NAME = razorpay_wire.NAME
API_BASE = "https://api.razorpay.com/v1"
SIGNATURE_HEADER = "X-Razorpay-Signature"
TIMEOUT_SECONDS = 10
LISTED = "100"
ORDER = "order_"
PAY_PATH = "/pay/razorpay/"

Thing = Mapping[str, Any]


class RazorpayGateway:
    """`public_url` is where our own page sends the fan on to Razorpay's checkout of an order.

    Razorpay knows no idempotency keys for links and orders: their reference is looked for instead.
    """

    name = NAME
    manual_capture = True
    captures_later = False

    def __init__(
        self,
        *,
        key_id: str,
        key_secret: str,
        webhook_secrets: Sequence[str],
        public_url: str,
        return_url: str,
        api_base: str = API_BASE,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._api = JsonApi(
            NAME, api_base, timeout_seconds=timeout_seconds, auth=(key_id, key_secret)
        )
        self._api_base = api_base.rstrip("/")
        self._key_id = key_id
        self._webhook_secrets = tuple(webhook_secrets)
        self._public_url = public_url.rstrip("/")
        self._return_url = return_url

    async def aclose(self) -> None:
        await self._api.aclose()

    async def open(self, payment: Payment) -> Opened:
        if payment.capture is CaptureMode.MANUAL:
            page = await self._find_order(payment.key) or await self._create_order(payment)
        else:
            page = await self._create_link(payment)
        with self._api.understanding():
            amount = razorpay_wire.to_razorpay(payment.amount_minor, payment.currency)
            if (page["amount"], page["currency"]) != (amount, payment.currency):
                raise PaymentRefused(provider=NAME, reason="key_reused")
            return Opened(provider_ref=str(page["id"]), pay_url=self._pay_url(page))

    async def close(self, payment: Payment) -> Standing:
        """An authorisation cannot be given back at once: it is never captured, and runs out."""
        page = await self._page(payment)
        if page is None:
            return Standing(status=Stands.ABSENT)
        standing = await self._standing(page)
        if standing.status not in (Stands.OPEN, Stands.AUTHORISED):
            return standing
        return await self._standing(await self._end(page))

    async def ask(self, payment: Payment) -> Standing:
        page = await self._page(payment)
        return Standing(status=Stands.ABSENT) if page is None else await self._standing(page)

    async def capture(self, payment: Payment, capture: Capture) -> Standing:
        """Razorpay takes all that is authorised or nothing, and once; so it needs no key."""
        ref = payment.charge_ref
        if ref is None:
            raise CaptureRefused(provider=NAME, reason="nothing_authorised")
        if capture.amount_minor != payment.amount_minor:
            raise CaptureRefused(provider=NAME, reason="partial_capture_unsupported")
        body = {
            "amount": razorpay_wire.to_razorpay(capture.amount_minor, payment.currency),
            "currency": payment.currency,
        }
        answer = await self._api.send("POST", f"/payments/{ref}/capture", body=body)
        taken = answer.body if answer.done else await self._known(f"/payments/{ref}")
        with self._api.understanding():
            standing = razorpay_wire.payment_standing(taken, payment.provider_ref)
        if standing.status is Stands.AUTHORISED:
            raise CaptureRefused(provider=NAME, reason=_reason(answer))
        return standing

    async def refund(self, payment: Payment, refund: Refund) -> RefundStanding:
        assert payment.charge_ref is not None, payment.id
        body = {
            "amount": razorpay_wire.to_razorpay(refund.amount_minor, payment.currency),
            "speed": "normal",
            "receipt": razorpay_wire.reference(refund.key),
            "notes": {"payment_key": payment.key, "refund_key": refund.key},
        }
        answer = await self._api.send(
            "POST",
            f"/payments/{payment.charge_ref}/refund",
            body=body,
            headers={"X-Refund-Idempotency": razorpay_wire.idempotency_key(refund.key)},
        )
        if answer.done:
            return self._api.understood(razorpay_wire.refund_standing, answer.body)
        made = await self.ask_refund(payment, refund)
        if made is None:
            raise RefundRefused(provider=NAME, reason=_reason(answer))
        return made

    async def ask_refund(self, payment: Payment, refund: Refund) -> RefundStanding | None:
        assert payment.charge_ref is not None, payment.id
        path = f"/payments/{payment.charge_ref}/refunds"
        if refund.provider_ref is not None:
            made: Thing | None = await self._known(f"{path}/{refund.provider_ref}")
        else:
            listed = await self._list(path, {"count": LISTED}, "items")
            with self._api.understanding():
                ours = (m for m in listed if razorpay_wire.notes(m).get("refund_key") == refund.key)
                made = next(ours, None)
        with self._api.understanding():
            return None if made is None else razorpay_wire.refund_standing(made)

    def verify(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        _verify(headers.get(SIGNATURE_HEADER), body, self._webhook_secrets)
        try:
            parsed = jsons.loads(body)
        except jsons.BadJson as error:
            raise MalformedEvent(provider=NAME) from error
        return razorpay_events.event(parsed)

    async def complete(self, event: ProviderEvent) -> ProviderEvent:
        """What is told of a payment alone is believed of the page that its order belongs to."""
        kind = razorpay_events.UNPROVEN.get(event.type)
        if kind is None or event.kind is not EventKind.OTHER:
            return event
        order = event.payload["payment"].get("order_id")
        key = await self._key_of(str(order), event.payment_key) if order else None
        return event if key is None else replace(event, kind=kind, payment_key=key)

    async def form(self, provider_ref: str) -> PayForm | None:
        """What the fan's browser takes to Razorpay's checkout; None where nothing is to be paid."""
        if not provider_ref.startswith(ORDER):
            return None
        answer = await self._api.send("GET", _path(provider_ref))
        ours = razorpay_wire.notes(answer.body)
        if not answer.done or "payment_key" not in ours:
            return None
        standing = await self._standing(answer.body)
        if standing.status is not Stands.OPEN:
            return None
        description = str(ours.get("description") or "")
        return PayForm(
            action=f"{self._api_base}/checkout/embedded",
            fields={
                "key_id": self._key_id,
                "order_id": provider_ref,
                "description": description,
                "callback_url": self._return_url,
                "cancel_url": self._return_url,
            },
            amount_minor=standing.amount_minor,
            currency=standing.currency,
            description=description,
        )

    async def _key_of(self, order_id: str, said: str | None) -> str | None:
        """Our key of an order: what we wrote on it, or on the link that has it."""
        order = await self._known(f"/orders/{order_id}")
        with self._api.understanding():
            written = razorpay_wire.notes({"notes": order["notes"]}).get("payment_key")
        if written is not None or said is None:
            return None if written is None else str(written)
        link = await self._find_link(said)
        return said if link is not None and link.get("order_id") == order_id else None

    async def _create_link(self, payment: Payment) -> Thing:
        body = razorpay_wire.link_of(payment, self._return_url)
        answer = await self._api.send("POST", "/payment_links", body=body)
        if answer.done:
            return answer.body
        known = await self._find_link(payment.key)  # the reference was used before, by a lost call
        if known is None:
            raise PaymentRefused(provider=NAME, reason=_reason(answer))
        return known

    async def _create_order(self, payment: Payment) -> Thing:
        answer = await self._api.send("POST", "/orders", body=razorpay_wire.order_of(payment))
        if not answer.done:
            raise PaymentRefused(provider=NAME, reason=_reason(answer))
        return answer.body

    async def _page(self, payment: Payment) -> Thing | None:
        if payment.provider_ref is not None:
            return await self._known(_path(payment.provider_ref))
        if payment.capture is CaptureMode.MANUAL:
            return await self._find_order(payment.key)
        return await self._find_link(payment.key)

    async def _find_link(self, key: str) -> Thing | None:
        query = {"reference_id": razorpay_wire.reference(key)}
        return self._ours(await self._list("/payment_links", query, "payment_links"), key)

    async def _find_order(self, key: str) -> Thing | None:
        query = {"receipt": razorpay_wire.reference(key), "count": LISTED}
        return self._ours(await self._list("/orders", query, "items"), key)

    def _ours(self, found: Sequence[Thing], key: str) -> Thing | None:
        """References are cut to size, so the whole key decides; the oldest is the one in use."""
        with self._api.understanding():
            ours = [p for p in found if razorpay_wire.notes(p).get("payment_key") == key]
            return min(ours, key=lambda page: (page["created_at"], page["id"]), default=None)

    async def _end(self, page: Thing) -> Thing:
        ref = str(page["id"])
        if ref.startswith(ORDER):
            marked = {**razorpay_wire.notes(page), "closed": "yes"}
            answer = await self._api.send("PATCH", _path(ref), body={"notes": marked})
        else:
            answer = await self._api.send("POST", f"{_path(ref)}/cancel")
        return answer.body if answer.done else await self._known(_path(ref))

    async def _standing(self, page: Thing) -> Standing:
        payments = await self._payments(page)
        with self._api.understanding():
            return razorpay_wire.standing(page, payments, self._pay_url(page), now=clock.now())

    async def _payments(self, page: Thing) -> Sequence[Thing]:
        """A link has an order of its own as soon as somebody begins to pay."""
        with self._api.understanding():
            ref = str(page["id"])
            order = ref if ref.startswith(ORDER) else page.get("order_id")
            if not order:
                return razorpay_wire.paid_under(page)
        return await self._list(f"/orders/{order}/payments", {}, "items")

    async def _known(self, path: str) -> Thing:
        """What Razorpay told us of before; if it now says no, we ask under the wrong account."""
        answer = await self._api.send("GET", path)
        if not answer.done:
            raise Outage(f"razorpay does not know {path}: {_reason(answer)}")
        return answer.body

    async def _list(self, path: str, query: Mapping[str, str], holder: str) -> list[Thing]:
        answer = await self._api.send("GET", path, query=query)
        if not answer.done:
            raise Outage(f"razorpay does not list {path}: {_reason(answer)}")
        with self._api.understanding():
            return [dict(thing) for thing in answer.body[holder]]

    def _pay_url(self, page: Thing) -> str:
        ref = str(page["id"])
        if ref.startswith(ORDER):
            return f"{self._public_url}{PAY_PATH}{ref}"
        return str(page["short_url"])


def _path(ref: str) -> str:
    return f"/orders/{ref}" if ref.startswith(ORDER) else f"/payment_links/{ref}"


def _reason(answer: Answer) -> str:
    error = answer.body.get("error")
    known: Thing = error if isinstance(error, Mapping) else {}
    return str(known.get("reason") or known.get("code") or answer.status).lower()[:100]


def _verify(header: str | None, body: bytes, secrets: Sequence[str]) -> None:
    """Several secrets are accepted at once: retries keep the secret of their first sending."""
    if not header:
        raise BadSignature(reason="missing")
    if not header.isascii():
        raise BadSignature(reason="malformed")
    wanted = [
        hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets if secret
    ]
    matches = [hmac.compare_digest(want, header) for want in wanted]
    if not any(matches):
        raise BadSignature(reason="wrong")

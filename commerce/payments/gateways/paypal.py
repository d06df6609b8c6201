"""PayPal: an order per payment, approved by the buyer on PayPal's page and captured by us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from commerce.kernel import clock, jsons
from commerce.kernel.errors import Outage
from commerce.payments.gateways import paypal_events, paypal_wire
from commerce.payments.gateways.json_calls import Answer
from commerce.payments.gateways.paypal_api import PayPalApi
from commerce.payments.gateways.paypal_webhooks import Webhooks
from commerce.payments.model import (
    Capture,
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
    CaptureRefused,
    MalformedEvent,
    PaymentRefused,
    RefundRefused,
)

NAME = paypal_wire.NAME
API_BASE = "https://api-m.paypal.com"
CLOSING_ROUNDS = 2
# PayPal keeps an unapproved order for three hours, or longer where it was asked to.
FORGOTTEN_AFTER = paypal_wire.APPROVAL_LASTS
TIMEOUT_SECONDS = 15  # PayPal itself may wait for the buyer's bank

Thing = Mapping[str, Any]


class PayPalGateway:
    """A buyer approves, we capture: so every payment here is authorised before it is paid.

    With intent AUTHORIZE, for manual capture, the approval is made an authorisation at once.
    """

    name = NAME
    manual_capture = True
    captures_later = False

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        webhook_id: str,
        return_url: str,
        api_base: str = API_BASE,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._api = PayPalApi(
            client_id=client_id,
            client_secret=client_secret,
            api_base=api_base,
            timeout_seconds=timeout_seconds,
        )
        self._webhooks = Webhooks(
            webhook_id=webhook_id, api_base=api_base, timeout_seconds=timeout_seconds
        )
        self._return_url = return_url

    async def aclose(self) -> None:
        await self._api.aclose()
        await self._webhooks.aclose()

    async def open(self, payment: Payment) -> Opened:
        order = await self._create(payment)
        with self._api.understanding():
            pay_url = paypal_wire.pay_url(order)
            if pay_url is None:  # nothing for the fan to do is not what that means here
                raise ValueError("no page to approve it on")
            return Opened(provider_ref=str(order["id"]), pay_url=pay_url)

    async def close(self, payment: Payment) -> Standing:
        """Voids what is authorised; marks an order that could still be captured."""
        order = await self._order(payment)
        if order is None:
            return self._absent(payment)
        for _ in range(CLOSING_ROUNDS):  # the buyer may approve between two of our calls
            now = self._read(order)
            if now.status not in (Stands.OPEN, Stands.AUTHORISED):
                return now
            await self._release(order, payment.key)
            order = await self._get(str(order["id"]))
        return self._unmarked(order)

    async def ask(self, payment: Payment) -> Standing:
        order = await self._order(payment)
        if order is None:
            return self._absent(payment)
        with self._api.understanding():
            waits = paypal_wire.awaits_authorisation(order)
        if waits:  # the event that says so may have got lost
            order, _ = await self._authorise(str(order["id"]), payment.key)
        return self._read(order)

    async def capture(self, payment: Payment, capture: Capture) -> Standing:
        order = await self._order(payment)
        if order is None:
            return self._absent(payment)
        now = self._read(order)
        if now.status is Stands.OPEN:
            raise CaptureRefused(provider=NAME, reason="not_approved")
        if now.status is not Stands.AUTHORISED:
            return now
        if paypal_wire.authorisations(order):
            return await self._capture_authorisation(capture, now)
        return await self._capture_order(capture, now)

    async def refund(self, payment: Payment, refund: Refund) -> RefundStanding:
        assert payment.charge_ref is not None, payment.id
        answer = await self._api.send(
            "POST",
            f"/v2/payments/captures/{payment.charge_ref}/refund",
            body=paypal_wire.refund_of(payment, refund),
            request_id=paypal_wire.request_id(refund.key),
        )
        if answer.done:
            return self._api.understood(paypal_wire.refund_standing, answer.body)
        made = await self.ask_refund(payment, refund)
        if made is None:
            raise RefundRefused(provider=NAME, reason=_reason(answer))
        return made

    async def ask_refund(self, payment: Payment, refund: Refund) -> RefundStanding | None:
        if refund.provider_ref is not None:
            answer = await self._api.send("GET", f"/v2/payments/refunds/{refund.provider_ref}")
            if not answer.done:
                raise Outage(f"paypal does not know its refund: {_reason(answer)}")
            return self._api.understood(paypal_wire.refund_standing, answer.body)
        order = await self._order(payment)
        if order is None:
            return None
        with self._api.understanding():
            wanted = f"{paypal_wire.REFUND}{refund.key}"
            ours = (r for r in paypal_wire.refunds(order) if r.get("custom_id") == wanted)
            made = next(ours, None)
            return None if made is None else paypal_wire.refund_standing(made)

    async def prepare(self, headers: Mapping[str, str]) -> None:
        await self._webhooks.prepare(headers)

    def verify(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        self._webhooks.verify(headers, body)
        try:
            parsed = jsons.loads(body)
        except jsons.BadJson as error:
            raise MalformedEvent(provider=NAME) from error
        return paypal_events.event(parsed)

    async def complete(self, event: ProviderEvent) -> ProviderEvent:
        """An approval with intent AUTHORIZE holds no money until it is made an authorisation."""
        ref, key = event.provider_ref, event.payment_key
        waiting = event.type == paypal_events.APPROVED and event.kind is EventKind.OTHER
        if not waiting or ref is None or key is None:
            return event
        order, refused = await self._authorise(ref, key)
        now = self._read(order)
        if now.status is Stands.OPEN:
            return replace(event, kind=EventKind.DECLINED, reason=refused)
        if now.status is not Stands.AUTHORISED:  # overtaken; there are events for that
            return event
        return replace(
            event,
            kind=EventKind.AUTHORISED,
            charge_ref=now.charge_ref,
            amount_minor=now.amount_minor,
            currency=now.currency,
            capture_before=now.capture_before,
        )

    async def _create(self, payment: Payment) -> Thing:
        """Repeated under the same key it finds what it made, for the six hours PayPal knows it."""
        answer = await self._api.send(
            "POST",
            "/v2/checkout/orders",
            body=paypal_wire.order_of(payment, self._return_url),
            request_id=paypal_wire.request_id(payment.key),
        )
        if not answer.done:
            raise PaymentRefused(provider=NAME, reason=_reason(answer))
        asked = (payment.amount_minor, payment.currency)
        with self._api.understanding():
            if paypal_wire.from_money(paypal_wire.unit(answer.body)["amount"]) != asked:
                raise PaymentRefused(provider=NAME, reason="key_reused")
        return answer.body

    async def _order(self, payment: Payment) -> Thing | None:
        """As it is now; None where there never was one, or is none any more."""
        ref = payment.provider_ref
        if ref is None:
            try:
                ref = str((await self._create(payment))["id"])
            except PaymentRefused:
                return None
        answer = await self._api.send("GET", f"/v2/checkout/orders/{ref}")
        if answer.status == 404 and clock.now() >= payment.created_at + FORGOTTEN_AFTER:
            return None  # PayPal forgets orders that came to nothing
        return self._found(answer)

    async def _get(self, ref: str) -> Thing:
        return self._found(await self._api.send("GET", f"/v2/checkout/orders/{ref}"))

    def _found(self, answer: Answer) -> Thing:
        """Of an order that PayPal told us of a no means that we ask under the wrong account."""
        if not answer.done:
            raise Outage(f"paypal does not know its order: {_reason(answer)}")
        return answer.body

    def _read(self, order: Thing) -> Standing:
        with self._api.understanding():
            return paypal_wire.standing(order)

    def _absent(self, payment: Payment) -> Standing:
        if payment.provider_ref is None:
            return Standing(status=Stands.ABSENT)
        stands = Stands.VOIDED if payment.authorised_minor else Stands.EXPIRED
        return Standing(status=stands, provider_ref=payment.provider_ref)

    async def _authorise(self, ref: str, key: str) -> tuple[Thing, str]:
        """The order after it, and why PayPal refused, if it did."""
        answer = await self._api.send(
            "POST",
            f"/v2/checkout/orders/{ref}/authorize",
            body={},
            request_id=paypal_wire.request_id(f"{key}:authorise"),
        )
        order = await self._get(ref)
        with self._api.understanding():
            closed, waits = paypal_wire.is_closed(order), paypal_wire.awaits_authorisation(order)
        if answer.done and waits:
            raise Outage("paypal authorised, and its order does not know")
        if answer.done and closed:  # while we were asking
            await self._release(order, key)
            order = await self._get(ref)
        return order, "" if answer.done else _reason(answer)

    async def _release(self, order: Thing, key: str) -> None:
        """Whether it was done shows in the order afterwards."""
        with self._api.understanding():
            held = [str(a["id"]) for a in paypal_wire.authorisations(order)]
        if held:
            path = f"/v2/payments/authorizations/{held[0]}/void"
            await self._api.send("POST", path, request_id=paypal_wire.request_id(f"{key}:void"))
        else:
            path = f"/v2/checkout/orders/{order['id']}"
            await self._api.send("PATCH", path, body=paypal_wire.closing(key))

    def _unmarked(self, order: Thing) -> Standing:
        """An order PayPal lets nobody mark is worthless all the same: only we could capture it."""
        now = self._read(order)
        if now.status is Stands.AUTHORISED and paypal_wire.authorisations(order):
            raise Outage("paypal keeps an authorisation that was voided")
        ends = {Stands.OPEN: Stands.EXPIRED, Stands.AUTHORISED: Stands.VOIDED}
        if now.status not in ends:
            return now
        return Standing(status=ends[now.status], provider_ref=now.provider_ref)

    async def _capture_order(self, capture: Capture, now: Standing) -> Standing:
        if capture.amount_minor != now.amount_minor:
            raise CaptureRefused(provider=NAME, reason="partial_capture_unsupported")
        answer = await self._api.send(
            "POST",
            f"/v2/checkout/orders/{now.provider_ref}/capture",
            body={},
            request_id=paypal_wire.request_id(capture.key),
        )
        if not answer.done:
            return await self._not_taken(now, answer)
        return _kept(self._read(answer.body))

    async def _capture_authorisation(self, capture: Capture, now: Standing) -> Standing:
        amount = paypal_wire.to_money(capture.amount_minor, now.currency)
        answer = await self._api.send(
            "POST",
            f"/v2/payments/authorizations/{now.charge_ref}/capture",
            body={"amount": amount, "final_capture": True},
            request_id=paypal_wire.request_id(capture.key),
        )
        if not answer.done:
            return await self._not_taken(now, answer)
        with self._api.understanding():
            taken = paypal_wire.capture_standing(answer.body, now.provider_ref)
        if taken.status is Stands.VOIDED:  # the capture came to nothing, the promise stands
            raise CaptureRefused(provider=NAME, reason="declined")
        return taken

    async def _not_taken(self, before: Standing, no: Answer) -> Standing:
        """Unless it was by another call: the order knows."""
        after = self._read(await self._get(str(before.provider_ref)))
        return _kept(after, _reason(no))


def _kept(after: Standing, reason: str = "declined") -> Standing:
    if after.status in (Stands.OPEN, Stands.AUTHORISED):
        raise CaptureRefused(provider=NAME, reason=reason)
    return after


def _reason(answer: Answer) -> str:
    """`{"details": [{"issue": "INSTRUMENT_DECLINED"}]}`, or else the name of the error."""
    details = answer.body.get("details")
    first = details[0] if isinstance(details, list) and details else {}
    issue = first.get("issue") if isinstance(first, Mapping) else None
    return str(issue or answer.body.get("name") or answer.status).lower()[:100]

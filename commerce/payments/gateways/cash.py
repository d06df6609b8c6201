"""Cash on delivery: no page and no provider, but people who tell at the desk what was collected."""

from __future__ import annotations

from collections.abc import Mapping

from commerce.kernel.database import Database, Tx
from commerce.payments import refund_store, service, store
from commerce.payments.lives import UNSETTLED, WITH_MONEY, EventKind, RefundStatus, Stands, Status
from commerce.payments.refusals import BadSignature, CaptureRefused, PaymentRefused
from commerce.payments.values import (
    Capture,
    Opened,
    Payment,
    ProviderEvent,
    Refund,
    RefundStanding,
    Standing,
)

NAME = "cash"
ENDED = {
    Status.VOIDED: Stands.VOIDED,
    Status.EXPIRED: Stands.EXPIRED,
    Status.FAILED: Stands.FAILED,
}


class CashGateway:
    """What a provider knows stands in our own payments; `cash_desk` is where it is told.

    `amount_max_minor` limits an order paid in cash, in its own currency; 0 is no limit.
    """

    name = NAME
    manual_capture = True
    captures_later = True

    def __init__(self, database: Database, *, amount_max_minor: int = 0) -> None:
        self._database = database
        self._amount_max_minor = amount_max_minor

    async def open(self, payment: Payment) -> Opened:
        """The fan's word is enough: authorised at once, and nothing to click."""
        if 0 < self._amount_max_minor < payment.amount_minor:
            raise PaymentRefused(provider=NAME, reason="amount_too_large")
        return Opened(provider_ref=payment.id, pay_url=None, standing=_promised(payment))

    async def close(self, payment: Payment) -> Standing:
        return await self._database.unit_of_work(lambda tx: _let_go(tx, payment))

    async def ask(self, payment: Payment) -> Standing:
        known = await self._database.read(lambda tx: store.by_key(tx, payment.key))
        return Standing(status=Stands.ABSENT) if known is None else _standing(known)

    async def capture(self, payment: Payment, capture: Capture) -> Standing:
        """Nobody can take it but who stands at the door."""
        now = await self.ask(payment)
        if now.status is Stands.AUTHORISED:
            raise CaptureRefused(provider=NAME, reason="collected_at_the_door")
        return now

    async def refund(self, payment: Payment, refund: Refund) -> RefundStanding:
        """Given back by hand: pending until the desk confirms it."""
        told = await self.ask_refund(payment, refund)
        return told or RefundStanding(status=RefundStatus.PENDING, provider_ref=refund.id)

    async def ask_refund(self, payment: Payment, refund: Refund) -> RefundStanding | None:
        known = await self._database.read(lambda tx: refund_store.get(tx, refund.id))
        if known is None or known.status is RefundStatus.ASKED:
            return None
        return RefundStanding(status=known.status, provider_ref=known.id, reason=known.failure)

    def verify(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        """Nobody sends webhooks about cash."""
        raise BadSignature(reason="unexpected")


def charge_ref(payment: Payment) -> str:
    return f"cash:{payment.id}"


async def _let_go(tx: Tx, payment: Payment) -> Standing:
    """In one transaction, so that what is collected meanwhile is collected before or after it."""
    known = await store.by_key(tx, payment.key)
    if known is None:
        return Standing(status=Stands.ABSENT)
    current = await store.lock(tx, known.id)
    if _standing(current).status is Stands.AUTHORISED:
        await service.record_event(tx, NAME, _closing(current))
        current = await store.get(tx, known.id)
    return _standing(current)


def _closing(payment: Payment) -> ProviderEvent:
    return ProviderEvent(
        event_id=f"closed:{payment.id}",
        kind=EventKind.VOIDED,
        type="closed",
        payment_key=payment.key,
        provider_ref=payment.id,
    )


def _standing(payment: Payment) -> Standing:
    if payment.status in WITH_MONEY:
        return Standing(
            status=Stands.PAID,
            provider_ref=payment.id,
            charge_ref=payment.charge_ref,
            amount_minor=payment.captured_minor,
            currency=payment.currency,
        )
    if payment.status in ENDED:
        return Standing(status=ENDED[payment.status], provider_ref=payment.id)
    if payment.status in UNSETTLED and payment.provider_ref is None:
        return Standing(status=Stands.ABSENT)  # never opened: its limit was not looked at
    return _promised(payment)


def _promised(payment: Payment) -> Standing:
    return Standing(
        status=Stands.AUTHORISED,
        provider_ref=payment.id,
        charge_ref=charge_ref(payment),
        amount_minor=payment.amount_minor,
        currency=payment.currency,
    )

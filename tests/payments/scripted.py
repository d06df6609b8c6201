"""A provider that says what a test has written down for it, and remembers what it was asked."""

from __future__ import annotations

from dataclasses import replace

from commerce.kernel.errors import Outage
from commerce.payments import (
    Capture,
    CaptureRefused,
    Opened,
    Payment,
    ProviderEvent,
    Refund,
    RefundRefused,
    RefundStanding,
    RefundStatus,
    Standing,
    Stands,
)


class ScriptedProvider:
    """A provider that remembers keys; `answers_lost` calls act and then time out."""

    name = "sandbox"

    manual_capture = True
    captures_later = False

    def __init__(self) -> None:
        self.standing = Standing(status=Stands.OPEN)
        self.captures: dict[str, int] = {}
        self.refunds: dict[str, RefundStanding] = {}
        self.refund_status = RefundStatus.SUCCEEDED
        self.answers_lost = 0
        self.refuses = False
        self.releases = True
        self.closed: list[str] = []

    async def open(self, payment: Payment) -> Opened:
        raise AssertionError("no job opens a page")

    async def close(self, payment: Payment) -> Standing:
        self.closed.append(payment.key)
        if self.standing.status is Stands.OPEN:
            self.standing = replace(self.standing, status=Stands.EXPIRED)
        if self.standing.status is Stands.AUTHORISED and self.releases:
            self.standing = replace(self.standing, status=Stands.VOIDED)
        return await self.ask(payment)

    async def ask(self, payment: Payment) -> Standing:
        self._lose()
        return self.standing

    async def capture(self, payment: Payment, capture: Capture) -> Standing:
        if self.refuses:
            raise CaptureRefused(provider=self.name, reason="authorisation_expired")
        assert not self.captures, "asked to repeat what it has done"
        self.captures[capture.key] = capture.amount_minor
        self.standing = money_of(payment, amount_minor=capture.amount_minor)
        self._lose()
        return self.standing

    async def refund(self, payment: Payment, refund: Refund) -> RefundStanding:
        if self.refuses:
            raise RefundRefused(provider=self.name, reason="charge_disputed")
        assert refund.key not in self.refunds, "asked to repeat what it has done"
        made = RefundStanding(status=self.refund_status, provider_ref=f"re:{refund.key}")
        self.refunds[refund.key] = made
        self._lose()
        return made

    async def ask_refund(self, payment: Payment, refund: Refund) -> RefundStanding | None:
        return self.refunds.get(refund.key)

    def verify(self, headers: object, body: bytes) -> ProviderEvent:
        raise AssertionError("no job verifies")

    def _lose(self) -> None:
        if self.answers_lost:
            self.answers_lost -= 1
            raise Outage("timed out")


def money_of(payment: Payment, **changes: object) -> Standing:
    standing = Standing(
        status=Stands.PAID,
        provider_ref=payment.provider_ref,
        charge_ref=f"charge:{payment.key}",
        amount_minor=payment.amount_minor,
        currency=payment.currency,
    )
    return replace(standing, **changes)  # type: ignore[arg-type]

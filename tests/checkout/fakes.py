"""A payment provider in memory: it remembers keys, loses answers, refuses, and is paid late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from commerce.kernel.errors import Outage
from commerce.payments import (
    Capture,
    CaptureRefused,
    Opened,
    Payment,
    PaymentRefused,
    ProviderEvent,
    Refund,
    RefundRefused,
    RefundStatus,
    Standing,
    Stands,
)
from commerce.payments.model import RefundStanding

OUTAGE, LOST, REFUSED = "outage", "lost", "refused"
REFUSALS = {"capture": CaptureRefused, "refund": RefundRefused}


@dataclass
class Provider:
    name: str = "sandbox"
    manual_capture: bool = True
    captures_later: bool = False  # cash: promised at once, collected by somebody later
    captures_slowly: bool = False  # a bank that takes its time
    refunds_as: RefundStatus = RefundStatus.SUCCEEDED
    pages: dict[str, Standing] = field(default_factory=dict)
    refunds: dict[str, int] = field(default_factory=dict)  # key -> amount
    calls: list[tuple[str, str]] = field(default_factory=list)
    trouble: dict[str, list[str]] = field(default_factory=dict)  # call -> what goes wrong next
    paid_while_closing: bool = False

    async def open(self, payment: Payment) -> Opened:
        self._begins("open", payment.key)
        page = self.pages.setdefault(payment.key, self._page(payment))
        self._ends("open")
        assert page.provider_ref is not None
        if self.captures_later:
            self.authorise(payment.key)
            standing = self.pages[payment.key]
            return Opened(provider_ref=page.provider_ref, pay_url=None, standing=standing)
        return Opened(provider_ref=page.provider_ref, pay_url=page.pay_url)

    async def close(self, payment: Payment) -> Standing:
        self._begins("close", payment.key)
        if self.paid_while_closing:
            self.pay(payment.key)
        page = self.pages.get(payment.key, Standing(status=Stands.ABSENT))
        if page.status is Stands.OPEN:
            page = self.pages[payment.key] = replace(page, status=Stands.EXPIRED)
        if page.status is Stands.AUTHORISED:
            page = self.pages[payment.key] = replace(page, status=Stands.VOIDED)
        self._ends("close")
        return page

    async def ask(self, payment: Payment) -> Standing:
        self._begins("ask", payment.key)
        return self.pages.get(payment.key, Standing(status=Stands.ABSENT))

    async def capture(self, payment: Payment, capture: Capture) -> Standing:
        self._begins("capture", capture.key)
        page = self.pages[payment.key]
        if page.status is Stands.AUTHORISED:
            status = Stands.PROCESSING if self.captures_slowly else Stands.PAID
            page = self.pages[payment.key] = replace(
                page, status=status, amount_minor=capture.amount_minor
            )
        self._ends("capture")
        return page

    async def refund(self, payment: Payment, refund: Refund) -> RefundStanding:
        self._begins("refund", refund.key)
        self.refunds.setdefault(refund.key, refund.amount_minor)
        self._ends("refund")
        return self._refunded(refund)

    async def ask_refund(self, payment: Payment, refund: Refund) -> RefundStanding | None:
        return self._refunded(refund) if refund.key in self.refunds else None

    def verify(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        raise AssertionError("nobody sends this provider's webhooks")

    def pay(self, key: str) -> None:
        """The fan pays; some ways to pay arrive after the page has closed."""
        page = self.pages[key]
        self.pages[key] = replace(page, status=Stands.PAID, charge_ref=f"charge of {key}")

    def authorise(self, key: str) -> None:
        page = self.pages[key]
        self.pages[key] = replace(page, status=Stands.AUTHORISED, charge_ref=f"charge of {key}")

    def _page(self, payment: Payment) -> Standing:
        return Standing(
            status=Stands.OPEN,
            provider_ref=f"page of {payment.key}",
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            pay_url=f"https://pay.example/{payment.key}",
        )

    def _refunded(self, refund: Refund) -> RefundStanding:
        return RefundStanding(status=self.refunds_as, provider_ref=f"back {refund.key}")

    def _begins(self, call: str, key: str) -> None:
        self.calls.append((call, key))
        troubles = self.trouble.get(call, [])
        if troubles and troubles[0] == OUTAGE:
            troubles.pop(0)
            raise Outage(f"{call} does not answer")
        if troubles and troubles[0] == REFUSED:
            troubles.pop(0)
            raise REFUSALS.get(call, PaymentRefused)(provider=self.name, reason="not allowed")

    def _ends(self, call: str) -> None:
        troubles = self.trouble.get(call, [])
        if troubles and troubles[0] == LOST:
            troubles.pop(0)
            raise Outage(f"the answer to {call} was lost")

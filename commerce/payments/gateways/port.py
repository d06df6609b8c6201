"""What every payment provider must be able to do, whatever its wire format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from commerce.payments.model import (
    Opened,
    Payment,
    ProviderEvent,
    Refund,
    RefundStanding,
    Standing,
)


class Gateway(Protocol):
    """Each call may be repeated with the same payment or refund: the provider acts once.

    `Outage` means that the outcome is unknown, a `Refusal` that nothing was done.
    """

    name: str

    async def open(self, payment: Payment) -> Opened:
        """Make a page on which the fan pays. Refuses with PaymentRefused."""

    async def close(self, payment: Payment) -> Standing:
        """Make the page worthless, and say how the payment ended: it may have been paid."""

    async def ask(self, payment: Payment) -> Standing: ...

    async def refund(self, payment: Payment, refund: Refund) -> RefundStanding:
        """Refuses with RefundRefused."""

    async def ask_refund(self, payment: Payment, refund: Refund) -> RefundStanding | None:
        """None where the provider never took it."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        """Refuses with BadSignature before it parses anything, then with MalformedEvent."""


Gateways = Mapping[str, Gateway]

"""What every payment provider must be able to do, whatever its wire format; and what some can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from commerce.payments.model import (
    Capture,
    Opened,
    Payment,
    Payout,
    PayoutReversal,
    PayoutStanding,
    ProviderEvent,
    Refund,
    RefundStanding,
    ReportLine,
    Standing,
)


class Gateway(Protocol):
    """Each call may be repeated with the same payment, capture or refund: the provider acts once.

    `Outage` means that the outcome is unknown, a `Refusal` that nothing was done.
    """

    name: str
    manual_capture: bool  # it can keep the fan's agreement and take the money later
    captures_later: bool  # the money comes from outside, days later: nobody asks for it

    async def open(self, payment: Payment) -> Opened:
        """Make a page on which the fan pays, or authorises where `payment.capture` is manual.

        Refuses with PaymentRefused.
        """

    async def close(self, payment: Payment) -> Standing:
        """Make the page worthless, release what is authorised, and say how the payment ended.

        It may have been paid: then nothing is released, and the answer is PAID.
        """

    async def ask(self, payment: Payment) -> Standing: ...

    async def capture(self, payment: Payment, capture: Capture) -> Standing:
        """Take so much of what is authorised and release the rest.

        PAID with what was captured. Refuses with CaptureRefused; VOIDED where the authorisation
        is gone.
        """

    async def refund(self, payment: Payment, refund: Refund) -> RefundStanding:
        """Refuses with RefundRefused."""

    async def ask_refund(self, payment: Payment, refund: Refund) -> RefundStanding | None:
        """None where the provider never took it."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        """Refuses with BadSignature before it parses anything, then with MalformedEvent."""


@runtime_checkable
class Reporting(Protocol):
    """A provider that says what it moved, so that the books can be compared with it."""

    async def report(self, since: int, until: int) -> Sequence[ReportLine]:
        """Every movement with since <= at < until (µs), the oldest first."""

    def read_report(self, text: str) -> Sequence[ReportLine]:
        """The same out of the provider's file. Refuses with MalformedReport."""


@runtime_checkable
class Payouts(Protocol):
    """A provider that sends money of ours to connected accounts, each call once per key."""

    async def transfer(self, payout: Payout) -> PayoutStanding:
        """Refuses with PayoutRefused."""

    async def ask_transfer(self, payout: Payout) -> PayoutStanding | None:
        """None where the provider never took it."""

    async def reverse(self, payout: Payout, reversal: PayoutReversal) -> PayoutStanding:
        """Refuses with PayoutRefused."""

    async def ask_reversal(
        self, payout: Payout, reversal: PayoutReversal
    ) -> PayoutStanding | None: ...


@runtime_checkable
class Preparing(Protocol):
    """A provider whose webhooks are verified with something that must be fetched first."""

    async def prepare(self, headers: Mapping[str, str]) -> None:
        """Before `verify`, so for strangers too: it fetches, or is an Outage, and no more."""


@runtime_checkable
class Completing(Protocol):
    """A provider that tells of something that becomes true only when we act upon it."""

    async def complete(self, event: ProviderEvent) -> ProviderEvent:
        """After `verify`: the event as it is to be recorded. May be repeated; Outage: unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayForm:
    """What a browser must post to reach a provider's page."""

    action: str
    fields: Mapping[str, str]
    amount_minor: int
    currency: str
    description: str


@runtime_checkable
class Forwarding(Protocol):
    """A provider some of whose pages are reached only by a form, from a page of ours."""

    async def form(self, provider_ref: str) -> PayForm | None:
        """None where there is nothing to be paid any more, or never was."""


@runtime_checkable
class Connected(Protocol):
    """A provider to whom connections are kept."""

    async def aclose(self) -> None: ...


Gateways = Mapping[str, Gateway]

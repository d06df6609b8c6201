"""The hands that act at each provider in the contract tests: the fan's, the bank's, the clerk's.

A new provider is a module `hand_<provider>.py` with one async context manager, and one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from commerce.kernel.database import Database
from commerce.payments import Completing, Gateway, Opened, Payment, ProviderEvent
from tests.contracts.hand_cash import cash
from tests.contracts.hand_paypal import paypal
from tests.contracts.hand_razorpay import razorpay
from tests.contracts.hand_sandbox import sandbox
from tests.contracts.hand_stripe import stripe

Webhook = tuple[dict[str, str], bytes]


class Hand(Protocol):
    """A gateway, and everybody else who acts at its provider."""

    gateway: Gateway

    async def pay(self, opened: Opened) -> None:
        """The fan agrees: paid, or authorised where the payment is captured by hand."""

    async def decline(self, opened: Opened) -> None: ...

    async def lapse(self, payment: Payment) -> None:
        """The authorisation runs out. Only of those who capture."""

    async def dispute(self, payment: Payment, amount_minor: int) -> None:
        """The fan's bank takes the money back. Only of those who tell of disputes."""

    async def end_dispute(self, payment: Payment, *, won: bool) -> None: ...

    async def webhooks(self) -> list[Webhook]:
        """Those not seen yet."""

    def sign(self, body: bytes) -> dict[str, str]:
        """The headers with which the provider would send this body."""


async def heard(hand: Hand) -> list[ProviderEvent]:
    """What the edge makes of the webhooks not seen yet."""
    events = [hand.gateway.verify(*webhook) for webhook in await hand.webhooks()]
    if not isinstance(hand.gateway, Completing):
        return events
    return [await hand.gateway.complete(event) for event in events]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """What stands behind a name of HANDS, and which tests it takes part in."""

    hand: Callable[[Database], AbstractAsyncContextManager[Any]]
    captures: bool = False  # authorises now and captures later
    whole_only: bool = False  # captures all of it, and cannot let go of it before it lapses
    renames: bool = False  # what is held has another name once it is taken
    disputes: bool = False
    payouts: bool = False  # sends money on to connected accounts
    # What a provider cannot do by nature.
    page: bool = True  # the fan has something to open
    page_ends: bool = True  # by itself, soon after our deadline
    webhooks: bool = True
    tells_failures: bool = True  # declines and ends come as webhooks, not only what succeeds
    refunds: bool = True  # by itself, without a person


HANDS = {
    "sandbox": Provider(hand=sandbox, captures=True, disputes=True, payouts=True),
    "stripe": Provider(hand=stripe, captures=True, disputes=True, payouts=True),
    "razorpay": Provider(hand=razorpay, captures=True, whole_only=True, disputes=True),
    "paypal": Provider(
        hand=paypal,
        captures=True,
        renames=True,
        disputes=True,
        page_ends=False,
        tells_failures=False,
    ),
    "cash": Provider(
        hand=cash,
        page=False,
        page_ends=False,
        webhooks=False,
        tells_failures=False,
        refunds=False,
    ),
}
CAPTURING = [name for name, provider in HANDS.items() if provider.captures]
CAPTURING_PARTS = [name for name in CAPTURING if not HANDS[name].whole_only]
DISPUTED = [name for name, provider in HANDS.items() if provider.disputes]
PAYING_OUT = [name for name, provider in HANDS.items() if provider.payouts]
PAGED = [name for name, provider in HANDS.items() if provider.page]
ENDING = [name for name, provider in HANDS.items() if provider.page_ends]
TELLING = [name for name, provider in HANDS.items() if provider.webhooks]
FRANK = [name for name, provider in HANDS.items() if provider.tells_failures]
REFUNDING = [name for name, provider in HANDS.items() if provider.refunds]

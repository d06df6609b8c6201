"""A provider behind a bad line: calls fail, or happen unheard, late or twice; news has no order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import TypeVar

from commerce.kernel.errors import Outage
from commerce.payments import (
    Capture,
    EventKind,
    Opened,
    Payment,
    ProviderEvent,
    Refund,
    RefundStanding,
    RefundStatus,
    Standing,
    Stands,
)
from tests.checkout.fakes import Provider

T = TypeVar("T")
Call = Callable[[], Awaitable[T]]


class Fault(StrEnum):
    FAIL_BEFORE = "fail before"
    EXECUTE_THEN_TIMEOUT = "execute then timeout"
    LATE_SUCCESS = "late success"
    DUPLICATE = "duplicate"
    REORDER = "reorder"  # of webhooks; the calls themselves go well


@dataclass
class FaultyGateway:
    """Around a provider that acts once per key; `rate` of the calls meet a fault."""

    inner: Provider
    rate: float
    random: Random
    met: dict[Fault, int] = field(default_factory=lambda: dict.fromkeys(Fault, 0))
    name: str = "sandbox"
    manual_capture: bool = True
    captures_later: bool = False

    def __post_init__(self) -> None:
        self._late: list[Call[object]] = []
        self._news: list[ProviderEvent] = []
        self._number = 0

    async def open(self, payment: Payment) -> Opened:
        return await self._call(lambda: self.inner.open(payment))

    async def close(self, payment: Payment) -> Standing:
        return await self._call(lambda: self.inner.close(payment))

    async def ask(self, payment: Payment) -> Standing:
        return await self._call(lambda: self.inner.ask(payment))

    async def capture(self, payment: Payment, capture: Capture) -> Standing:
        standing = await self._call(lambda: self.inner.capture(payment, capture))
        self._tells(EventKind.PAID, payment.key)
        return standing

    async def refund(self, payment: Payment, refund: Refund) -> RefundStanding:
        return await self._call(lambda: self.inner.refund(payment, refund))

    async def ask_refund(self, payment: Payment, refund: Refund) -> RefundStanding | None:
        return await self._call(lambda: self.inner.ask_refund(payment, refund))

    def verify(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        raise AssertionError("its news is taken from `news`")

    def fan_pays(self, key: str, *, at_once: bool) -> None:
        """The hand of the fan at an open page: the money is taken, or only promised."""
        if at_once:
            self.inner.pay(key)
            self._tells(EventKind.PAID, key)
        else:
            self.inner.authorise(key)
            self._tells(EventKind.AUTHORISED, key)

    async def late(self) -> None:
        """What was called long ago happens now."""
        calls, self._late = self._late, []
        for call in calls:
            await call()

    def news(self) -> list[ProviderEvent]:
        """The webhooks of a while: some wait for the next one, some come twice, none in order."""
        now, self._news = self._news, []
        for event in list(now):
            if self._meets(Fault.REORDER):
                now.remove(event)
                self._news.append(event)
            elif self._meets(Fault.DUPLICATE):
                now.append(event)
        self.random.shuffle(now)
        return now

    def refunded(self, key: str, payment_key: str, amount_minor: int, currency: str) -> None:
        """The provider tells of a refund it has made."""
        self._number += 1
        self._news.append(
            ProviderEvent(
                event_id=f"e{self._number}", kind=EventKind.REFUND, type="refund",
                payment_key=payment_key, charge_ref=f"charge of {payment_key}",
                amount_minor=amount_minor, currency=currency, refund_key=key,
                refund_ref=f"back {key}", refund_status=RefundStatus.SUCCEEDED,
            )
        )  # fmt: skip

    def _tells(self, kind: EventKind, key: str) -> None:
        page = self.inner.pages[key]
        if kind is EventKind.PAID and page.status is not Stands.PAID:
            return
        self._number += 1
        self._news.append(
            ProviderEvent(
                event_id=f"e{self._number}", kind=kind, type=str(kind), payment_key=key,
                charge_ref=f"charge of {key}", amount_minor=page.amount_minor,
                currency=page.currency,
            )
        )  # fmt: skip

    async def _call(self, call: Call[T]) -> T:
        for fault in (Fault.FAIL_BEFORE, Fault.EXECUTE_THEN_TIMEOUT, Fault.LATE_SUCCESS):
            if self._meets(fault, among=4):
                if fault is Fault.EXECUTE_THEN_TIMEOUT:
                    await call()
                elif fault is Fault.LATE_SUCCESS:
                    self._late.append(call)
                raise Outage(f"{fault}: no answer")
        if self._meets(Fault.DUPLICATE, among=4):
            await call()
        return await call()

    def _meets(self, fault: Fault, *, among: int = 1) -> bool:
        met = self.random.random() < self.rate / among
        self.met[fault] += met
        return met

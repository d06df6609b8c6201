"""Everything there is about one order, for an admin: its money, its pieces, its work, its past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backoffice import stock
from commerce import inventory, ledger, orders, payments, pricing
from commerce.inventory import Hold, Movement
from commerce.kernel import audit, saga
from commerce.kernel.audit import Entry
from commerce.kernel.database import Row, Tx
from commerce.kernel.saga import Saga
from commerce.orders import Move, Order
from commerce.payments import Capture, Dispute, Payment, Refund

CASH = "cash"  # the provider of what is paid at the door


@dataclass(frozen=True, slots=True, kw_only=True)
class Paying:
    payment: Payment
    attempts: Sequence[Row]
    captures: Sequence[Capture]
    refunds: Sequence[Refund]
    disputes: Sequence[Dispute]

    @property
    def at_the_door(self) -> bool:
        """Cash that is still to be collected."""
        return self.payment.provider == CASH and self.payment.status == "authorised"

    @property
    def to_hand_back(self) -> Sequence[Refund]:
        """Cash that somebody has to give the fan."""
        owed = [refund for refund in self.refunds if refund.status in ("asked", "pending")]
        return owed if self.payment.provider == CASH else ()

    @property
    def left_minor(self) -> int:
        """What can still be given back."""
        lost = sum(d.amount_minor for d in self.disputes if d.status != "won")
        return max(0, self.payment.captured_minor - self.payment.refund_minor - lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    posting: ledger.Posting
    status: str


@dataclass(frozen=True, slots=True)
class Pricing:
    quote: pricing.Quote
    made_again: bool | None  # to the same lines; None where too little was kept for it


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    order: Order
    pricing: Pricing | None
    moves: Sequence[Move]
    payings: Sequence[Paying]
    hold: Hold | None
    movements: Sequence[Movement]
    warehouses: Mapping[str, str]  # what people call those that these name
    posted: Sequence[Posted]
    sagas: Sequence[Saga]
    deeds: Sequence[Entry]

    @property
    def left_minor(self) -> int:
        return sum(paying.left_minor for paying in self.payings)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a saga is about, as far as its data says so."""

    order: Order | None = None
    payment: Payment | None = None
    refund: Refund | None = None

    @property
    def amount_minor(self) -> int:
        """What is at stake: the refund, or else the whole payment."""
        if self.refund is not None:
            return self.refund.amount_minor
        return self.payment.amount_minor if self.payment else 0


async def about(tx: Tx, data: Any) -> About:
    order_id, payment_id = data.get("order_id"), data.get("payment_id")
    try:
        refunds = await payments.refunds_of(tx, payment_id) if data.get("refund_id") else ()
        return About(
            order=await orders.order(tx, order_id) if order_id else None,
            payment=await payments.get(tx, payment_id) if payment_id else None,
            refund=next((one for one in refunds if one.id == data["refund_id"]), None),
        )
    except (orders.NoSuchOrder, payments.PaymentNotFound):
        return About()


async def of(tx: Tx, order_id: str) -> CaseFile:
    """NoSuchOrder where there is none."""
    order = await orders.order(tx, order_id)
    payings = [await _paying(tx, one) for one in await payments.of_order(tx, order_id)]
    sagas = await _sagas(tx, order, payings)
    movements = await inventory.movements_about(tx, order_id)
    return CaseFile(
        order=order,
        pricing=await _pricing(tx, order),
        moves=await orders.history(tx, order_id),
        payings=payings,
        hold=await _hold(tx, sagas),
        movements=movements,
        warehouses=await stock.names(tx, [m.warehouse for m in movements]),
        posted=await _posted(tx, order_id),
        sagas=sagas,
        deeds=await audit.about(tx, f"order:{order_id}"),
    )


async def _pricing(tx: Tx, order: Order) -> Pricing | None:
    try:
        quote = await pricing.frozen(tx, order.quote_id)
    except pricing.NoSuchQuote:
        return None
    if not quote.parcels:
        return Pricing(quote, None)
    return Pricing(quote, pricing.quote(quote.basis).lines == quote.lines)


async def _paying(tx: Tx, payment: Payment) -> Paying:
    return Paying(
        payment=payment,
        attempts=await payments.attempts_of(tx, payment.id),
        captures=await payments.captures_of(tx, payment.id),
        refunds=await payments.refunds_of(tx, payment.id),
        disputes=await payments.disputes_of(tx, payment.id),
    )


async def _sagas(tx: Tx, order: Order, payings: Sequence[Paying]) -> list[Saga]:
    checkout = await saga.find(tx, order.reference)
    keys = [refund.key for paying in payings for refund in paying.refunds]
    begun = [await saga.begun_by(tx, "refund", key) for key in keys]
    return [one for one in (checkout, *begun) if one is not None]


async def _hold(tx: Tx, sagas: Sequence[Saga]) -> Hold | None:
    hold_id = next((str(s.data["hold_id"]) for s in sagas if s.data.get("hold_id")), "")
    try:
        return await inventory.hold_of(tx, hold_id) if hold_id else None
    except inventory.HoldGone:
        return None


async def _posted(tx: Tx, order_id: str) -> list[Posted]:
    found = await ledger.postings_about(tx, order_id)
    return [
        Posted(posting=one, status=str(await ledger.status(tx, one.id) or "posted"))
        for one in found
    ]

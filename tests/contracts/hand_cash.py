"""The hand at the door: who delivers, and the desk that hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from commerce import payments
from commerce.kernel.database import Database, Tx
from commerce.payments import Opened, Payment, RefundStatus, cash_desk
from commerce.payments.gateways.cash import CashGateway

CLERK = "clerk-1"


class CashHand:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._delivered: list[str] = []
        self.gateway = CashGateway(database)

    async def pay(self, opened: Opened) -> None:
        """The fan has confirmed the order, and pays at the door."""
        self._delivered.append(opened.provider_ref)
        await self._database.unit_of_work(lambda tx: _collected(tx, opened))

    async def decline(self, opened: Opened) -> None:
        """Not with cash: who does not pay at the door does not get the parcel."""

    async def webhooks(self) -> list[tuple[dict[str, str], bytes]]:
        """None. But what is to be given back is given back, and told at the desk."""
        for payment_id in self._delivered:
            await self._database.unit_of_work(lambda tx, of=payment_id: _given_back(tx, of))
        return []

    def sign(self, body: bytes) -> dict[str, str]:
        return {}


async def _collected(tx: Tx, opened: Opened) -> Payment:
    ref, standing = opened.provider_ref, opened.standing
    assert standing is not None
    await payments.opened(tx, ref, ref, None)
    payment = await payments.record_standing(tx, ref, standing)
    return await cash_desk.collected(tx, ref, payment.amount_minor, CLERK, f"door:{ref}")


async def _given_back(tx: Tx, payment_id: str) -> None:
    for refund in await payments.refunds_of(tx, payment_id):
        if refund.status is RefundStatus.PENDING:
            await cash_desk.refund_confirmed(tx, refund.id, CLERK, f"back:{refund.id}")


@asynccontextmanager
async def cash(database: Database) -> AsyncIterator[CashHand]:
    yield CashHand(database)

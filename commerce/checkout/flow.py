"""The checkout saga: open the pay link, wait, take the money for pieces that are there, settle.

Each payment has one end. Money in time claims the hold; money that comes late revives the order if
the pieces are still free and is given back at once if they are not. Where money is only set aside
at first, the pieces are secured before it is taken: who comes too late is not charged at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from commerce import inventory, payments
from commerce.checkout import model, settling
from commerce.checkout.events import CheckoutReady
from commerce.checkout.model import CheckoutClosed, CheckoutData, Ending
from commerce.kernel.database import Database, Tx
from commerce.kernel.saga import Definition, NeedsPerson, Output, Saga, Signals, Step, Wait

KIND = "checkout"


def definition(database: Database, gateways: payments.Gateways) -> Definition:
    provider = _Provider(database, gateways)
    return (
        Step(name="link", call=provider.open_link, record=_link_open, undo=_release),
        Step(name="payment", wait=Wait(decide=_decide, deadline=_link_end)),
        Step(name="secure", do=provider.secure, applies=_authorised),
        Step(name="close", call=provider.close_link, record=_closed, applies=_unpaid),
        Step(name="capture", call=provider.capture, record=_captured, applies=_to_capture),
        Step(name="funds", wait=Wait(decide=_decide_funds, deadline=_funds_end), applies=_awaited),
        Step(name="settle", do=_settle),
    )


class _Provider:
    """The steps that depend on who takes the money."""

    def __init__(self, database: Database, gateways: payments.Gateways) -> None:
        self._database = database
        self._gateways = gateways

    async def open_link(self, saga: Saga, key: str) -> Output:
        opened = await payments.open_at_gateway(self._gateways, await self._payment_of(saga))
        return asdict(opened)

    async def close_link(self, saga: Saga, key: str) -> Output:
        closed = await payments.close_at_gateway(self._gateways, await self._payment_of(saga))
        return {"standing": asdict(closed.standing)}

    async def capture(self, saga: Saga, key: str) -> Output:
        payment, capture_id = await self._payment_of(saga), str(saga.data["capture_id"])
        asked = await self._database.unit_of_work(lambda tx: payments.try_capture(tx, capture_id))
        try:
            standing = await payments.capture_at_gateway(self._gateways, payment, asked)
        except payments.CaptureRefused as refusal:  # what was set aside is let go of
            closed = await payments.close_at_gateway(self._gateways, payment)
            reason = str(refusal.facts.get("reason", ""))
            return {"standing": asdict(closed.standing), "refused": reason}
        return {"standing": asdict(standing)}

    async def secure(self, tx: Tx, saga: Saga) -> Output:
        """From here the pieces wait for the money, however long the bank takes."""
        data = CheckoutData.of(saga.data)
        try:
            await inventory.secure(tx, data.hold_id)
        except inventory.OutOfStock:
            return {"ending": Ending.SOLD_OUT}
        payment = await payments.get(tx, data.payment_id)
        if payment.captured_minor:
            return {"ending": Ending.PAID}
        if self._gateways[payment.provider].captures_later:
            return {"promised": True}
        asked = await payments.request_capture(
            tx,
            key=f"{payment.key}:capture",
            payment_id=payment.id,
            amount_minor=payment.amount_minor,
        )
        return {"capture_id": asked.id}

    async def _payment_of(self, saga: Saga) -> payments.Payment:
        payment_id = CheckoutData.of(saga.data).payment_id
        return await self._database.read(lambda tx: payments.get(tx, payment_id))


async def _link_open(tx: Tx, saga: Saga, output: Output) -> None:
    data = CheckoutData.of(saga.data)
    await payments.opened(tx, data.payment_id, output["provider_ref"], output["pay_url"])
    if output["standing"] is not None:
        await payments.record_standing(tx, data.payment_id, _standing(output["standing"]))
    if output["pay_url"] is None:
        return
    await tx.emit(
        CheckoutReady(
            checkout_id=saga.id,
            order_id=data.order_id,
            order_code=data.order_code,
            conversation_id=data.conversation_id,
            url=output["pay_url"],
            expires_at=data.expires_at,
        )
    )


def _standing(told: Mapping[str, Any]) -> payments.Standing:
    return payments.Standing(**{**told, "status": payments.Stands(told["status"])})


def _decide(saga: Saga, signals: Signals) -> Output | None:
    ending = model.ending(signals)
    return None if ending is None else {"ending": ending}


def _link_end(saga: Saga) -> int:
    return CheckoutData.of(saga.data).expires_at


def _authorised(saga: Saga) -> bool:
    return saga.data.get("ending") == Ending.AUTHORISED


def _unpaid(saga: Saga) -> bool:
    return saga.data.get("ending") not in (Ending.PAID, Ending.AUTHORISED)


async def _closed(tx: Tx, saga: Saga, output: Output) -> Output:
    """The provider's last word: it may have been paid while we were closing."""
    payment = await _told(tx, saga, output)
    if payment.captured_minor:
        return {"ending": Ending.PAID}
    return {"ending": saga.data.get("ending", Ending.EXPIRED)}


def _to_capture(saga: Saga) -> bool:
    return "capture_id" in saga.data


async def _captured(tx: Tx, saga: Saga, output: Output) -> Output:
    if "refused" in output:
        capture_id, reason = saga.data["capture_id"], output["refused"]
        await payments.capture_was_refused(tx, capture_id, reason)
    payment = await _told(tx, saga, output)
    if payment.captured_minor:
        return {"ending": Ending.PAID}
    if payment.status is payments.Status.CAPTURING:
        return {"awaited": True}
    return {"ending": Ending.FAILED}


async def _told(tx: Tx, saga: Saga, output: Output) -> payments.Payment:
    payment_id = CheckoutData.of(saga.data).payment_id
    return await payments.record_standing(tx, payment_id, _standing(output["standing"]))


def _awaited(saga: Saga) -> bool:
    return bool(saga.data.get("awaited"))


def _decide_funds(saga: Saga, signals: Signals) -> Output | None:
    for end in (Ending.PAID, Ending.FAILED):
        if end in signals:
            return {"ending": end}
    return None


def _funds_end(saga: Saga) -> int:
    return CheckoutData.of(saga.data).expires_at + model.FUNDS_WAIT


async def _settle(tx: Tx, saga: Saga) -> None:
    data = CheckoutData.of(saga.data)
    if saga.data["ending"] == Ending.PAID:
        await settling.settle(tx, saga.id, data)
    elif saga.data.get("promised"):
        await settling.promise(tx, data)
    elif saga.data["ending"] == Ending.AUTHORISED:
        raise NeedsPerson("capture_unknown", payment_id=data.payment_id)
    else:
        raise CheckoutClosed(reason=saga.data["ending"])


async def _release(tx: Tx, saga: Saga) -> None:
    """The way back. Money that arrived on the way turns it into a late payment."""
    data = CheckoutData.of(saga.data)
    payment = await payments.get(tx, data.payment_id)
    if payment.captured_minor:
        await settling.settle(tx, saga.id, data)
        return
    if payment.provider_ref is None:
        await payments.failed(tx, data.payment_id, str(saga.failure))
    await settling.let_go(tx, data, str(saga.data.get("ending", "no_link")))

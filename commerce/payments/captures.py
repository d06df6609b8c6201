"""Captures: written down before the provider is asked, settled by the provider's word."""

from __future__ import annotations

from commerce.kernel import ids
from commerce.kernel.clock import MINUTE
from commerce.kernel.database import Tx
from commerce.payments import capture_store, model, store
from commerce.payments.lives import CaptureStatus
from commerce.payments.refusals import CaptureDiffers
from commerce.payments.values import Capture, Payment

# A capture whose outcome nobody recorded after this time is asked about.
CAPTURING_TAKES_AT_MOST = 2 * MINUTE


async def request_capture(tx: Tx, *, key: str, payment_id: str, amount_minor: int) -> Capture:
    """Write down what is to be taken, before the provider is asked. Idempotent on the key."""
    payment = await store.lock(tx, payment_id)
    known = await capture_store.by_key(tx, key)
    if known is not None:
        return _same_as_before(known, payment_id, amount_minor)
    await store.save(tx, model.reserve_capture(payment, amount_minor))
    capture = Capture(
        id=ids.new_id(),
        key=key,
        payment_id=payment_id,
        amount_minor=amount_minor,
        status=model.CAPTURE_LIFE.start,
        reason="",
        tries=0,
        version=1,
    )
    now = await tx.now()
    await capture_store.add(tx, capture, now=now)
    await store.check_later(tx, [payment_id], now + CAPTURING_TAKES_AT_MOST)
    return capture


async def try_capture(tx: Tx, capture_id: str) -> Capture:
    """Note that the provider is asked now. The answer is the capture as it was before: one that
    was tried already is asked for before it is repeated."""
    capture = await capture_store.get(tx, capture_id)
    assert capture is not None, capture_id
    await capture_store.tried(tx, capture_id)
    return capture


async def try_asked(tx: Tx, payment_id: str) -> Capture | None:
    """The same for the capture a payment waits for; None where it waits for none any more."""
    for capture in await capture_store.of_payment(tx, payment_id):
        if capture.status is CaptureStatus.ASKED:
            return await try_capture(tx, capture.id)
    return None


async def capture_was_refused(tx: Tx, capture_id: str, reason: str) -> Capture:
    """The provider took nothing, for good. Where it says otherwise later, it is believed."""
    found = await capture_store.get(tx, capture_id)
    assert found is not None, capture_id
    payment = await store.lock(tx, found.payment_id)
    capture = await capture_store.get(tx, capture_id)
    assert capture is not None, capture_id
    decision = model.capture_refused(payment, capture, reason)
    if decision.payment != payment:
        capture = model.capture_failed(capture, reason)
        await capture_store.save(tx, capture)
        await store.save(tx, decision.payment)
        await tx.emit(*decision.events)
    return capture


async def captures_of(tx: Tx, payment_id: str) -> tuple[Capture, ...]:
    """Every time money was taken or asked for, also what the provider took by itself."""
    return await capture_store.of_payment(tx, payment_id)


async def settle(tx: Tx, payment: Payment, captures: tuple[Capture, ...]) -> None:
    """The payment was paid or voided: its captures follow, and all money has its capture."""
    winner = model.capture_paid(payment, captures)
    # What failed goes first: of one payment only one capture may stand.
    for capture in sorted(captures, key=lambda one: one.id == winner):
        after = model.capture_after(capture, payment, winner)
        if after != capture:
            await capture_store.save(tx, after)
    if winner is None and payment.captured_minor:
        await _told(tx, payment)


async def _told(tx: Tx, payment: Payment) -> None:
    """Taken without our asking: automatically, or by hand at the provider."""
    capture = Capture(
        id=ids.new_id(),
        key=f"told:{payment.key}",
        payment_id=payment.id,
        amount_minor=payment.captured_minor,
        status=CaptureStatus.SUCCEEDED,
        reason="",
        tries=0,
        version=1,
    )
    await capture_store.add(tx, capture, now=await tx.now())


def _same_as_before(known: Capture, payment_id: str, amount_minor: int) -> Capture:
    if known.payment_id != payment_id:
        raise CaptureDiffers(key=known.key, field="payment_id")
    if known.amount_minor != amount_minor:
        raise CaptureDiffers(key=known.key, field="amount_minor")
    return known

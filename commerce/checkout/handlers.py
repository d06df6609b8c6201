"""What the checkout does when payments say how it went."""

from __future__ import annotations

from commerce.checkout import flow
from commerce.checkout.model import CheckoutData, Ending
from commerce.kernel import saga
from commerce.kernel.database import Tx
from commerce.kernel.events import Envelope, Handlers
from commerce.kernel.tables import SagaStatus


async def paid(tx: Tx, event: Envelope) -> None:
    """In time: tell the saga. After it unwound: revive the order or give the money back."""
    found = await saga.find_locked(tx, event.payload["reference"])
    if found is None or found.kind != flow.KIND:
        return
    if found.status is SagaStatus.REVERTED:
        await flow.settle(tx, found.id, CheckoutData.of(found.data))
    else:  # a saga that is unwinding looks at the payment itself before it cancels
        await saga.signal(tx, found.id, Ending.PAID, {})


async def failed(tx: Tx, event: Envelope) -> None:
    await _end(tx, event, Ending.FAILED)


async def expired(tx: Tx, event: Envelope) -> None:
    await _end(tx, event, Ending.EXPIRED)


async def _end(tx: Tx, event: Envelope, ending: Ending) -> None:
    found = await saga.find_locked(tx, event.payload["reference"])
    if found is not None and found.kind == flow.KIND:
        await saga.signal(tx, found.id, ending, {})


HANDLERS: Handlers = {
    "payment.succeeded": [paid],
    "payment.failed": [failed],
    "payment.expired": [expired],
    "payment.refunded": [flow.refunded],
}

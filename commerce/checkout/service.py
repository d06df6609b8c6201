"""Opening and cancelling a checkout, each inside the caller's transaction."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from commerce import inventory, orders, payments, pricing, promotions
from commerce.accounts import Address
from commerce.checkout import favours, model
from commerce.checkout.flow import KIND
from commerce.checkout.model import CheckoutData, Ending
from commerce.kernel import idempotency, ids, saga
from commerce.kernel.database import Tx
from commerce.kernel.errors import Contended
from commerce.kernel.idempotency import KeyReused
from commerce.kernel.tables import SagaStatus

OUR_CHOICE = ("provider", "capture")
STOPPABLE = (SagaStatus.RUNNING, SagaStatus.WAITING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    key: str
    fan_id: str
    conversation_id: str
    leader_id: str
    hold_id: str
    quote_id: str
    address: Address
    language: str
    provider: str
    capture: payments.CaptureMode = payments.CaptureMode.AUTOMATIC


@dataclass(frozen=True, slots=True)
class Checkout:
    id: str
    order_code: str


async def open_checkout(tx: Tx, request: Request) -> Checkout:
    """Place the order, write down the payment and begin the saga. Idempotent on the key.

    Raises hold_expired where the hold is gone or somebody else's, quote_expired, no_such_quote,
    limit_reached where others used up a promotion, key_reused where the key opened another
    checkout.
    """
    asked = _fingerprint(request)
    before = await saga.begun_by(tx, KIND, request.key)
    if before is not None:
        return _as_before(request, asked, before)
    quote = await pricing.valid(tx, request.quote_id)
    hold = await _own_hold(tx, request, quote)
    checkout_id = ids.new_id()
    try:
        order = await _place(tx, request, quote, session_id=hold.reference, checkout_id=checkout_id)
    except KeyReused as reused:  # order and saga are born together: run again, and find them
        raise Contended(f"checkout {request.key} was opened at the same time") from reused
    await favours.reserve(
        tx,
        checkout_id=checkout_id,
        fan_id=request.fan_id,
        leader_id=request.leader_id,
        quote=quote,
    )
    expires_at = model.link_ends_at(hold.expires_at, await tx.now())
    await inventory.extend(tx, hold.id, expires_at + model.GRACE)
    payment = await payments.create(
        tx,
        key=checkout_id,
        order_id=order.id,
        reference=checkout_id,
        provider=request.provider,
        amount_minor=order.total_minor,
        currency=order.currency,
        description=f"{order.items[0].title} ({order.code})",
        expires_at=expires_at,
        capture=request.capture,
    )
    data = CheckoutData(
        order_id=order.id,
        order_code=order.code,
        payment_id=payment.id,
        hold_id=hold.id,
        conversation_id=request.conversation_id,
        expires_at=expires_at,
        asked=asked,
    )
    await saga.start(tx, KIND, request.key, data.to_json(), saga_id=checkout_id)
    return Checkout(checkout_id, order.code)


async def cancel_checkout(tx: Tx, checkout_id: str) -> bool:
    """Ask a checkout to stop; False when it is too late, because it ended or was paid."""
    found = await saga.find_locked(tx, checkout_id)
    if found is None or found.status not in STOPPABLE:
        return False
    payment = await payments.get(tx, CheckoutData.of(found.data).payment_id)
    if payment.paid_at is not None or payment.authorised_at is not None:
        return False
    await saga.signal(tx, checkout_id, Ending.CANCELLED, {})
    return True


def _fingerprint(request: Request) -> str:
    """Of what the fan asked for; who takes the money is our choice, and may change meanwhile."""
    asked = asdict(request)
    return idempotency.fingerprint({k: v for k, v in asked.items() if k not in OUR_CHOICE})


def _as_before(request: Request, asked: str, before: saga.Saga) -> Checkout:
    data = CheckoutData.of(before.data)
    if data.asked not in ("", asked):
        raise KeyReused(scope=KIND, key=request.key)
    return Checkout(before.id, data.order_code)


async def _own_hold(tx: Tx, request: Request, quote: pricing.Quote) -> inventory.Hold:
    """The hold must be this fan's, the price of it and of its way: ids in a state prove nothing."""
    way = pricing.destination_of(request.address)
    if replace(quote.destination, latitude_e6=None, longitude_e6=None) != way:
        raise pricing.NoSuchQuote(quote_id=quote.id)
    hold = await inventory.hold_of(tx, request.hold_id)
    priced = [(item.sku, item.quantity) for item in quote.items]
    if hold.owner != request.conversation_id or priced != [(hold.sku, hold.quantity)]:
        raise inventory.HoldGone(hold_id=request.hold_id)
    flashes = {item.flash.sale_id for item in quote.items if item.flash}
    claim = await promotions.flash_claim(tx, hold.id) if flashes else None
    if flashes and (claim is None or claim.flash_id not in flashes):  # those of another hold
        raise pricing.NoSuchQuote(quote_id=quote.id)
    return hold


async def _place(
    tx: Tx, request: Request, quote: pricing.Quote, *, session_id: str, checkout_id: str
) -> orders.Order:
    return await orders.place(
        tx,
        key=request.key,
        fan_id=request.fan_id,
        conversation_id=request.conversation_id,
        session_id=session_id,
        leader_id=request.leader_id,
        reference=checkout_id,
        quote=quote,
        address=request.address,
        language=request.language,
    )

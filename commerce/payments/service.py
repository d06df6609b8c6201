"""The use cases of payments. They speak to the database only: calls.py speaks to providers."""

from __future__ import annotations

from commerce.kernel import ids, logs, metrics
from commerce.kernel.clock import MINUTE
from commerce.kernel.database import Tx
from commerce.payments import capture_store, captures, model, refund_store, refunds, store
from commerce.payments.disputes import apply as apply_dispute
from commerce.payments.lives import CaptureMode, EventKind, Outcome, Stands
from commerce.payments.refusals import PaymentDiffers
from commerce.payments.values import Capture, Decision, Opened, Payment, ProviderEvent, Standing

log = logs.get(__name__)

# The checkout closes its payments itself at their deadline; after this the reconciliation does.
GRACE = 1 * MINUTE
# What is authorised and not captured so long after its end was forgotten: it is released.
UNCAPTURED_AT_MOST = 15 * MINUTE
# A payment still without a link after this time has an unknown outcome: the provider is asked.
OPENING_TAKES_AT_MOST = 2 * MINUTE

# The answers of a provider that are kept as events.
TOLD = {
    Stands.PAID: EventKind.PAID,
    Stands.AUTHORISED: EventKind.AUTHORISED,
    Stands.VOIDED: EventKind.VOIDED,
}

OUTCOMES = metrics.counter(
    "livetill_payment_events_total",
    "Provider events by kind and what became of them",
    ["provider", "kind", "outcome"],
)


async def create(
    tx: Tx,
    *,
    key: str,
    order_id: str,
    reference: str,
    provider: str,
    amount_minor: int,
    currency: str,
    description: str,
    expires_at: int,
    capture: str = CaptureMode.AUTOMATIC,
) -> Payment:
    """Write down what is to be paid, before any provider hears of it. Idempotent on the key."""
    model.check_amount(amount_minor, currency)
    now = await tx.now()
    payment = Payment(
        id=ids.new_id(),
        key=key,
        order_id=order_id,
        reference=reference,
        provider=provider,
        amount_minor=amount_minor,
        currency=currency,
        description=description,
        capture=CaptureMode(capture),
        status=model.LIFE.start,
        provider_ref=None,
        charge_ref=None,
        pay_url=None,
        expires_at=expires_at,
        created_at=now,
        authorised_at=None,
        authorised_minor=0,
        capture_before=None,
        paid_at=None,
        captured_minor=0,
        refund_minor=0,
        version=1,
    )
    if not await store.add(tx, payment, check_at=now + OPENING_TAKES_AT_MOST):
        return await _same_as_before(tx, payment)
    return await _apply_waiting(tx, payment)


async def opened(tx: Tx, payment_id: str, provider_ref: str, pay_url: str | None) -> Payment:
    """Record the link; the fan may have it from now on. None: the fan needs none."""
    payment = await store.lock(tx, payment_id)
    made = Opened(provider_ref=provider_ref, pay_url=pay_url)
    payment = await _carry_out(tx, payment, model.opened(payment, made))
    await store.check_later(tx, [payment.id], payment.expires_at + GRACE)
    return await _apply_waiting(tx, payment)


async def expired(tx: Tx, payment_id: str) -> Payment:
    """The link is dead at the provider. Where money came first, the payment stays paid."""
    payment = await store.lock(tx, payment_id)
    return await _carry_out(tx, payment, model.expire(payment))


async def failed(tx: Tx, payment_id: str, reason: str) -> Payment:
    """The provider refused for good, before there was a link."""
    payment = await store.lock(tx, payment_id)
    return await _carry_out(tx, payment, model.fail(payment, reason))


async def record_standing(tx: Tx, payment_id: str, standing: Standing) -> Payment:
    """Take over the provider's own answer; it counts as proof, as a signed webhook does."""
    payment = await store.get(tx, payment_id)
    kind = TOLD.get(standing.status)
    if kind is not None:
        await record_event(tx, payment.provider, _as_event(payment, kind, standing))
    elif standing.status is Stands.FAILED:
        return await failed(tx, payment_id, "provider_says_failed")
    elif standing.status in (Stands.EXPIRED, Stands.ABSENT):
        return await expired(tx, payment_id)
    return await store.get(tx, payment_id)


async def record_event(tx: Tx, provider: str, event: ProviderEvent) -> bool:
    """Store a verified event once and apply it; True when it is new. Any order, any number."""
    if event.kind is EventKind.OTHER:
        return False
    model.check_event(provider, event)
    # The payment's lock comes first here as everywhere, so that two events never wait in a ring.
    payment = await store.lock_of_event(tx, provider, event)
    now = await tx.now()
    if not await store.add_event(tx, provider, event, now=now):
        return False
    if payment is not None:
        await _apply_waiting(tx, payment)
    else:
        _count(provider, event, Outcome.WAITING)
        log.warning("payment event of an unknown payment kept", provider=provider, type=event.type)
    return True


async def apply_waiting(tx: Tx, payment_id: str) -> None:
    """Apply the events that came before their payment did."""
    await _apply_waiting(tx, await store.lock(tx, payment_id))


def forgotten_at(payment: Payment) -> int:
    """When an authorisation that nobody captured is released."""
    return max(payment.expires_at, payment.authorised_at or 0) + UNCAPTURED_AT_MOST


async def _same_as_before(tx: Tx, asked: Payment) -> Payment:
    known = await store.by_key(tx, asked.key)
    assert known is not None, asked.key
    for field in ("order_id", "reference", "provider", "amount_minor", "currency", "capture"):
        if getattr(known, field) != getattr(asked, field):
            raise PaymentDiffers(key=asked.key, field=field)
    return known


async def _carry_out(tx: Tx, payment: Payment, decision: Decision) -> Payment:
    if decision.payment != payment:
        await store.save(tx, decision.payment)
    if decision.events:
        await tx.emit(*decision.events)
    return decision.payment


async def _apply_waiting(tx: Tx, payment: Payment) -> Payment:
    """Until a round changes nothing: an applied event may be what another one waited for."""
    changed = True
    while changed:
        changed = False
        for event in await store.waiting_events(tx, payment):
            decision = await _apply(tx, payment, event)
            payment = decision.payment
            _count(payment.provider, event, decision.outcome)
            if decision.outcome is Outcome.WAITING:
                continue
            await store.save_outcome(tx, payment.provider, event, decision, now=await tx.now())
            changed = True
    return payment


async def _apply(tx: Tx, payment: Payment, event: ProviderEvent) -> Decision:
    decision = await _follow(tx, payment, event)
    if decision.outcome is Outcome.MISMATCHED:
        log.error(
            "payment mismatched",
            payment_id=payment.id,
            event_id=event.event_id,
            reason=decision.note,
        )
    return decision


async def _follow(tx: Tx, payment: Payment, event: ProviderEvent) -> Decision:
    if event.kind is EventKind.REFUNDS_CHANGED:
        await refund_store.ask_soon(tx, payment.id, await tx.now())
        tx.wake("refunds")
        return Decision(payment=payment)
    if event.kind is EventKind.REFUND:
        return await refunds.apply(tx, payment, event)
    if event.kind is EventKind.DISPUTE:
        return await apply_dispute(tx, payment, event)
    decision = await _decide(tx, payment, event)
    await _carry_out(tx, payment, decision)
    return decision


async def _decide(tx: Tx, payment: Payment, event: ProviderEvent) -> Decision:
    now = await tx.now()
    if event.kind is EventKind.EXPIRED:
        return model.expire(payment)
    if event.kind is EventKind.FAILED:
        return model.fail(payment, event.reason)
    if event.kind is EventKind.DECLINED:
        await _attempted(tx, payment, "declined", ref=event.event_id, reason=event.reason)
        return model.decline(payment, event.reason)
    if event.kind is EventKind.AUTHORISED:
        return await _authorise(tx, payment, model.proof(event, Stands.AUTHORISED), now)
    if event.kind is EventKind.VOIDED:
        return await _void(tx, payment)
    assert event.kind is EventKind.PAID, event.kind
    return await _pay(tx, payment, model.proof(event, Stands.PAID), now)


async def _authorise(tx: Tx, payment: Payment, proof: Standing, now: int) -> Decision:
    decision = model.authorise(payment, proof, now=now)
    if decision.outcome is Outcome.APPLIED:
        await _attempted(tx, payment, "authorised")
        await store.check_later(tx, [payment.id], forgotten_at(decision.payment))
    return decision


async def _pay(tx: Tx, payment: Payment, proof: Standing, now: int) -> Decision:
    known = await _captures_of(tx, payment)
    decision = model.pay(payment, proof, now=now, captures=known)
    if decision.outcome is Outcome.APPLIED:
        await _attempted(tx, payment, "paid")
        await captures.settle(tx, decision.payment, known)
    return decision


async def _void(tx: Tx, payment: Payment) -> Decision:
    decision = model.void(payment)
    if decision.outcome is Outcome.APPLIED:
        await captures.settle(tx, decision.payment, await _captures_of(tx, payment))
    return decision


async def _captures_of(tx: Tx, payment: Payment) -> tuple[Capture, ...]:
    """None were asked for where nothing was held, as with a provider that captures by itself."""
    if not payment.authorised_minor:
        return ()
    return await capture_store.of_payment(tx, payment.id)


async def _attempted(
    tx: Tx, payment: Payment, result: str, *, ref: str | None = None, reason: str = ""
) -> None:
    """Only declines happen several times, each told by an event of its own."""
    now = await tx.now()
    await store.add_attempt(tx, payment.id, ref or result, result=result, reason=reason, now=now)


def _as_event(payment: Payment, kind: EventKind, standing: Standing) -> ProviderEvent:
    """The answer as an event of its own, so that it too is stored and counts once."""
    money = f"{standing.amount_minor}{standing.currency}:{standing.capture_before or ''}"
    return ProviderEvent(
        event_id=f"asked:{kind}:{standing.charge_ref or ''}:{money}:{payment.key}",
        kind=kind,
        type="asked",
        payment_key=payment.key,
        provider_ref=standing.provider_ref,
        charge_ref=standing.charge_ref,
        amount_minor=standing.amount_minor,
        currency=standing.currency,
        capture_before=standing.capture_before,
    )


def _count(provider: str, event: ProviderEvent, outcome: Outcome) -> None:
    OUTCOMES.labels(provider, str(event.kind), str(outcome)).inc()

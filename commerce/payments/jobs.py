"""What time makes payments do: finish captures and refunds, ask about what nothing is heard of."""

from __future__ import annotations

from commerce.kernel import logs
from commerce.kernel.clock import DAY, HOUR, MINUTE, SECOND
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Outage
from commerce.payments import calls, captures, refund_store, refunds, service, store
from commerce.payments.gateways.port import Gateways
from commerce.payments.lives import ON_HOLD, UNSETTLED, RefundStatus, Stands, Status
from commerce.payments.payout_jobs import settle_payouts
from commerce.payments.refusals import CaptureRefused, RefundRefused, UnknownProvider
from commerce.payments.values import Capture, Payment, Refund, RefundStanding, Standing

__all__ = ["apply_waiting_events", "reconcile_open", "settle_payouts", "settle_refunds"]

log = logs.get(__name__)

AT_MOST = 50  # per run, so that one run ends
CHECK_EVERY = 1 * MINUTE
LOOK_AGAIN = 1 * DAY  # at what is authorised and captured from outside, such as cash at the door
RELEASE_AGAIN = 1 * HOUR  # of a provider that lets go of nothing before it lapses
REFUND_RETRY_FIRST = 10 * SECOND
REFUND_RETRY_LAST = 1 * HOUR
# Said of what was authorised, these mean that it is no longer.
GONE = (Stands.ABSENT, Stands.EXPIRED, Stands.FAILED)


async def settle_refunds(database: Database, gateways: Gateways) -> int:
    """Ask about refunds that are pending, or whose outcome nobody recorded; returns how many
    changed. One that its saga never got to ask for is asked for here."""
    due = await database.unit_of_work(_claim_refunds)
    settled = 0
    for payment, refund in due:
        settled += await _settle(database, gateways, payment, refund)
    return settled


async def reconcile_open(database: Database, gateways: Gateways) -> int:
    """Ask about payments never opened, past their end, being captured for long, or forgotten
    while authorised; returns how many were settled."""
    claimed, now = await database.unit_of_work(_claim_payments)
    settled = 0
    for payment in claimed:
        try:
            after = await _reconcile(database, gateways, payment, now)
        except (Outage, UnknownProvider) as failure:
            log.warning("payment not reconciled", payment_id=payment.id, error=str(failure))
        else:
            settled += after.status not in UNSETTLED | ON_HOLD
    return settled


async def apply_waiting_events(database: Database) -> int:
    """Apply events that crossed with the birth of their payment; returns how many payments."""
    found = await database.read(lambda tx: store.payments_with_waiting_events(tx, at_most=AT_MOST))
    for payment_id in found:
        await _apply_waiting(database, payment_id)
    return len(found)


async def _claim_refunds(tx: Tx) -> list[tuple[Payment, Refund]]:
    now = await tx.now()
    due = await refund_store.claim_due(tx, at_most=AT_MOST)
    for refund in due:
        await refund_store.ask_again(tx, refund.id, now + _retry_after(refund.tries))
    return [(await store.get(tx, refund.payment_id), refund) for refund in due]


def _retry_after(tries: int) -> int:
    return min(REFUND_RETRY_FIRST << min(tries, 20), REFUND_RETRY_LAST)


async def _settle(database: Database, gateways: Gateways, payment: Payment, refund: Refund) -> bool:
    try:
        standing = await calls.refund_at_gateway(gateways, payment, refund)
    except (Outage, UnknownProvider) as failure:
        log.warning("refund not settled", refund_id=refund.id, error=str(failure))
        return False
    except RefundRefused as refusal:
        log.error("refund refused", refund_id=refund.id, **refusal.facts)
        reason = str(refusal.facts.get("reason", ""))
        standing = RefundStanding(status=RefundStatus.FAILED, provider_ref="", reason=reason)
    after = await database.unit_of_work(lambda tx: refunds.record_refund(tx, refund, standing))
    changed = after.status is not refund.status
    if changed:  # news of others may have waited for this
        await _apply_waiting(database, payment.id)
    return changed


async def _apply_waiting(database: Database, payment_id: str) -> None:
    await database.unit_of_work(lambda tx: service.apply_waiting(tx, payment_id))


async def _claim_payments(tx: Tx) -> tuple[list[Payment], int]:
    now = await tx.now()
    return await store.claim_to_check(tx, at_most=AT_MOST, again_at=now + CHECK_EVERY), now


async def _reconcile(database: Database, gateways: Gateways, payment: Payment, now: int) -> Payment:
    if payment.status is Status.CAPTURING:
        return await _finish_capture(database, gateways, payment)
    if payment.status is Status.AUTHORISED:
        return await _look_after(database, gateways, payment, now)
    over = payment.expires_at <= now
    if over:
        standing = (await calls.close_at_gateway(gateways, payment)).standing
    else:
        standing = await calls.ask_gateway(gateways, payment)
    return await database.unit_of_work(lambda tx: _take_over(tx, payment, standing, over=over))


async def _take_over(tx: Tx, payment: Payment, standing: Standing, *, over: bool) -> Payment:
    if standing.status is Stands.OPEN and standing.provider_ref and standing.pay_url:
        return await service.opened(tx, payment.id, standing.provider_ref, standing.pay_url)
    if standing.status is Stands.ABSENT and not over:
        return payment  # the checkout may be about to open it
    after = await service.record_standing(tx, payment.id, standing)
    if over and after.status in UNSETTLED and standing.status is not Stands.PROCESSING:
        return await service.expired(tx, payment.id)
    return after


async def _finish_capture(database: Database, gateways: Gateways, payment: Payment) -> Payment:
    """Whoever asked for it died, or never heard the answer."""
    capture = await database.unit_of_work(lambda tx: captures.try_asked(tx, payment.id))
    if capture is None:
        return payment
    try:
        standing = await calls.capture_at_gateway(gateways, payment, capture)
    except CaptureRefused as refusal:
        log.error("capture refused", payment_id=payment.id, **refusal.facts)
        reason = str(refusal.facts.get("reason", ""))
        return await database.unit_of_work(lambda tx: _take_refusal(tx, capture, reason))
    return await database.unit_of_work(lambda tx: _take_hold(tx, payment, standing))


async def _take_refusal(tx: Tx, capture: Capture, reason: str) -> Payment:
    await captures.capture_was_refused(tx, capture.id, reason)
    return await store.get(tx, capture.payment_id)


async def _look_after(
    database: Database, gateways: Gateways, payment: Payment, now: int
) -> Payment:
    """What is authorised is captured by its checkout. What nobody captures is released."""
    later = calls.gateway_of(gateways, payment.provider).captures_later
    forgotten_at = service.forgotten_at(payment)
    if not later and forgotten_at <= now:
        standing = (await calls.close_at_gateway(gateways, payment)).standing
        again_at = now + RELEASE_AGAIN
    else:
        standing = await calls.ask_gateway(gateways, payment)
        again_at = now + LOOK_AGAIN if later else forgotten_at
    await database.unit_of_work(lambda tx: store.check_later(tx, [payment.id], again_at))
    return await database.unit_of_work(lambda tx: _take_hold(tx, payment, standing))


async def _take_hold(tx: Tx, payment: Payment, standing: Standing) -> Payment:
    if standing.status in GONE:
        standing = Standing(status=Stands.VOIDED, provider_ref=standing.provider_ref)
    return await service.record_standing(tx, payment.id, standing)

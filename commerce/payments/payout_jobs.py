"""Carries payouts and their reversals out, and asks about those with an unknown outcome."""

from __future__ import annotations

from collections.abc import Awaitable

from commerce.kernel import logs
from commerce.kernel.clock import HOUR, SECOND
from commerce.kernel.database import Database, Tx
from commerce.kernel.errors import Outage
from commerce.payments import calls, payout_store, payouts
from commerce.payments.gateways.port import Gateways
from commerce.payments.lives import PayoutStatus
from commerce.payments.refusals import PayoutRefused, UnknownProvider
from commerce.payments.values import Payout, PayoutReversal, PayoutStanding

log = logs.get(__name__)

AT_MOST = 50  # of each per run, so that one run ends
RETRY_FIRST = 10 * SECOND
RETRY_LAST = 1 * HOUR


async def settle_payouts(database: Database, gateways: Gateways) -> int:
    """Carry out what is due; returns how many payouts and reversals changed."""
    settled = 0
    for payout in await database.unit_of_work(_claim_payouts):
        settled += await _send(database, gateways, payout)
    for payout, reversal in await database.unit_of_work(_claim_reversals):
        settled += await _take_back(database, gateways, payout, reversal)
    return settled


async def _claim_payouts(tx: Tx) -> list[Payout]:
    """Each is given to one caller, and noted as tried before the provider is asked."""
    now = await tx.now()
    due = await payout_store.claim_due(tx, at_most=AT_MOST)
    for payout in due:
        await payout_store.tried(tx, payout.id, again_at=now + _retry_after(payout.tries))
    return due


async def _claim_reversals(tx: Tx) -> list[tuple[Payout, PayoutReversal]]:
    now = await tx.now()
    due = await payout_store.claim_due_reversals(tx, at_most=AT_MOST)
    for reversal in due:
        again_at = now + _retry_after(reversal.tries)
        await payout_store.reversal_tried(tx, reversal.id, again_at=again_at)
    return [(await payout_store.get(tx, reversal.payout_id), reversal) for reversal in due]


def _retry_after(tries: int) -> int:
    return min(RETRY_FIRST << min(tries, 20), RETRY_LAST)


async def _send(database: Database, gateways: Gateways, payout: Payout) -> bool:
    standing = await _answer(calls.transfer_at_gateway(gateways, payout), payout_id=payout.id)
    if standing is None:
        return False
    after = await database.unit_of_work(lambda tx: payouts.record_payout(tx, payout.id, standing))
    return after.status is not payout.status


async def _take_back(
    database: Database, gateways: Gateways, payout: Payout, reversal: PayoutReversal
) -> bool:
    asking = calls.reverse_at_gateway(gateways, payout, reversal)
    standing = await _answer(asking, reversal_id=reversal.id)
    if standing is None:
        return False
    after = await database.unit_of_work(lambda tx: payouts.record_reversal(tx, reversal, standing))
    return after.status is not reversal.status


async def _answer(asking: Awaitable[PayoutStanding], **about: str) -> PayoutStanding | None:
    """None where nothing is known yet: it is asked again later."""
    try:
        return await asking
    except (Outage, UnknownProvider) as failure:
        log.warning("payout not settled", error=str(failure), **about)
        return None
    except PayoutRefused as refusal:
        log.error("payout refused", **about, **refusal.facts)
        reason = str(refusal.facts.get("reason", ""))
        return PayoutStanding(status=PayoutStatus.FAILED, provider_ref="", reason=reason)

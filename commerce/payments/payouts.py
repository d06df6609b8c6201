"""Payouts: shares of our money sent on to connected accounts, and taken back from them."""

from __future__ import annotations

from commerce.kernel import ids
from commerce.kernel.database import Tx
from commerce.payments import dispute_store, payout_model, payout_store, store
from commerce.payments.lives import PAYOUT_LIFE, REVERSAL_LIFE
from commerce.payments.model import check_amount
from commerce.payments.refusals import PayoutDiffers, ReversalDiffers
from commerce.payments.values import Payment, Payout, PayoutReversal, PayoutStanding


async def request_payout(
    tx: Tx,
    *,
    key: str,
    payment_id: str | None,
    destination: str,
    amount_minor: int,
    currency: str,
    provider: str | None = None,
) -> Payout:
    """Promise a payout, which `settle_payouts` carries out. Idempotent on the key.

    A share of a payment goes out where that came in, and never more than is left of it; without
    a payment, `provider` says out of which balance.
    """
    assert (payment_id is None) != (provider is None), "out of a payment, or of a balance"
    check_amount(amount_minor, currency)
    payment = None if payment_id is None else await store.lock(tx, payment_id)
    asked = _asked(key, payment, provider, destination, amount_minor, currency)
    known = await payout_store.by_key(tx, key)
    if known is not None:
        return _same_as_before(known, asked)
    if payment is not None:
        out_minor = await payout_store.out_minor(tx, payment.id)
        gone_minor = await dispute_store.gone_minor(tx, payment.id)
        payout_model.check_share(payment, amount_minor, currency, out_minor=out_minor + gone_minor)
    await payout_store.add(tx, asked, now=await tx.now())
    return asked


async def request_reversal(
    tx: Tx, *, key: str, payout_id: str, amount_minor: int
) -> PayoutReversal:
    """Promise to take so much of a payout back. As often as wanted, never more than was sent."""
    payout = await payout_store.lock(tx, payout_id)
    known = await payout_store.reversal_by_key(tx, key)
    if known is not None:
        return _same_reversal(known, payout_id, amount_minor)
    await payout_store.save(tx, payout_model.reserve_reversal(payout, amount_minor))
    reversal = PayoutReversal(
        id=ids.new_id(),
        key=key,
        payout_id=payout_id,
        amount_minor=amount_minor,
        status=REVERSAL_LIFE.start,
        failure="",
        provider_ref=None,
        tries=0,
        version=1,
    )
    await payout_store.add_reversal(tx, reversal, now=await tx.now())
    return reversal


async def record_payout(tx: Tx, payout_id: str, standing: PayoutStanding) -> Payout:
    """Take over the provider's own answer about a payout."""
    payout = await payout_store.lock(tx, payout_id)
    after = payout_model.payout_after(payout, standing)
    if after != payout:
        await payout_store.save(tx, after)
        await tx.emit(*payout_model.payout_news(after))
    return after


async def record_reversal(
    tx: Tx, reversal: PayoutReversal, standing: PayoutStanding
) -> PayoutReversal:
    payout = await payout_store.lock(tx, reversal.payout_id)
    current = await payout_store.reversal(tx, reversal.id)
    after = payout_model.reversal_after(current, standing)
    if after != current:
        await payout_store.save_reversal(tx, after)
        reversals = await payout_store.reversals_of(tx, payout.id)
        settled = payout_model.settle_reversals(payout, reversals)
        await payout_store.save(tx, settled)
        await tx.emit(*payout_model.reversal_news(settled, after))
    return after


def _asked(
    key: str,
    payment: Payment | None,
    provider: str | None,
    destination: str,
    amount_minor: int,
    currency: str,
) -> Payout:
    return Payout(
        id=ids.new_id(),
        key=key,
        provider=payment.provider if payment else str(provider),
        payment_id=payment.id if payment else None,
        account=destination,
        amount_minor=amount_minor,
        currency=currency,
        reference=payment.key if payment else key,
        charge_ref=payment.charge_ref if payment else None,
        status=PAYOUT_LIFE.start,
        failure="",
        provider_ref=None,
        reversed_minor=0,
        tries=0,
        version=1,
    )


def _same_as_before(known: Payout, asked: Payout) -> Payout:
    for field in ("payment_id", "provider", "account", "amount_minor", "currency"):
        if getattr(known, field) != getattr(asked, field):
            raise PayoutDiffers(key=known.key, field=field)
    return known


def _same_reversal(known: PayoutReversal, payout_id: str, amount_minor: int) -> PayoutReversal:
    if known.payout_id != payout_id:
        raise ReversalDiffers(key=known.key, field="payout_id")
    if known.amount_minor != amount_minor:
        raise ReversalDiffers(key=known.key, field="amount_minor")
    return known

"""Use cases of reconciliation: reading the books, keeping what was found, closing it by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from commerce import ledger, orders, payments
from commerce.checkout import book_facts, reconciliation_store
from commerce.checkout.book_facts import Posted
from commerce.checkout.reconciliation import fee_name
from commerce.checkout.reconciliation_values import (
    DIFFERENCE_LIFE,
    Books,
    Difference,
    DifferenceAct,
    Fee,
    Found,
    Kind,
    NoSuchDifference,
    Owed,
    Run,
)
from commerce.kernel import audit, ids
from commerce.kernel.audit import Intervention
from commerce.kernel.database import Tx
from commerce.kernel.machine import IllegalMove
from commerce.ledger import Posting, Transfer
from commerce.payments import ReportKind, ReportLine

AT_ONCE = 1_000  # orders in one statement
LISTED = 500
# Reasons under which the checkout posts to a clearing account.
REASONS: Mapping[str, str] = {
    "payment": "captured",
    "refund": "refunded",
    "refund returned": "refunded",
    "dispute": "disputed",
    "dispute won": "disputed",
    "dispute lost after all": "disputed",
    "fee": "fees",
    "payout": "paid_out",
    "share sent on": "paid_out",
    "share taken back": "paid_out",
}


async def books_for(
    tx: Tx, provider: str, lines: Sequence[ReportLine], *, since: int, until: int
) -> Books:
    """What the books have of this period, and of all that the lines speak of."""
    clearing = ledger.clearing(provider)
    posted = book_facts.posted_by(await ledger.movements(tx, clearing, since, until))
    moving = await payments.payments_moving(tx, provider, since, until)
    moved = await payments.moved(tx, sorted(moving | await _meant(tx, provider, lines, posted)))
    payouts = [line.ref for line in lines if line.kind is ReportKind.PAYOUT]
    shares = [
        share
        for prefix in (book_facts.SENT_ON, book_facts.SENT_BACK)
        for share in book_facts.behind(posted, prefix)
    ]
    sent = await payments.sent_on(tx, provider, ids=shares, names=payouts, since=since, until=until)
    expected = {name for one in moved for name in book_facts.posting_ids(one)}
    expected |= {book_facts.sent_posting(one) for one in sent}
    told = {_fee_id(provider, fee_name(line)) for line in lines}
    told |= {_payout_id(provider, ref) for ref in payouts}
    missing = sorted((expected | told) - posted.keys())
    posted |= book_facts.posted_by(await ledger.movements_of(tx, clearing, missing))
    codes = await _codes(tx, [one.payment.order_id for one in moved])
    facts = [
        fact
        for one in moved
        for fact in book_facts.facts_of(one, posted, codes.get(one.payment.order_id, ""))
    ]
    facts += [book_facts.sent_fact(one, posted) for one in sent]
    return book_facts.books(provider, facts, [p for p in posted.values() if p.id not in expected])


async def _meant(
    tx: Tx, provider: str, lines: Sequence[ReportLine], posted: Mapping[str, Posted]
) -> set[str]:
    """The payments that the lines and the ledger speak of."""
    names = {
        name
        for line in lines
        if line.kind not in (ReportKind.PAYOUT, ReportKind.FEE)
        for name in (line.payment_key, line.charge_ref, line.ref)
        if name
    }
    disputes = book_facts.DISPUTED, book_facts.WON
    return (
        await payments.payments_named(tx, provider, sorted(names))
        | set(book_facts.behind(posted, book_facts.RECEIVED))
        | await payments.payments_of(
            tx,
            refunds=book_facts.behind(posted, book_facts.REFUNDED),
            disputes=[one for prefix in disputes for one in book_facts.behind(posted, prefix)],
        )
    )


async def _codes(tx: Tx, order_ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for at in range(0, len(order_ids), AT_ONCE):
        found |= await orders.codes(tx, order_ids[at : at + AT_ONCE])
    return found


async def keep(tx: Tx, run: Run, differences: Iterable[Difference]) -> int:
    """Write down what a run found; how many were not known before."""
    return sum(
        [
            await reconciliation_store.note(
                tx, run.id, run.provider, one, new_id=ids.new_id(), at=run.started_at
            )
            for one in differences
        ]
    )


async def explain_gone(tx: Tx, run: Run, examined: Sequence[str]) -> int:
    """What earlier runs found, and this one looked at again and did not find."""
    why = "A later comparison finds both sides the same."
    return await reconciliation_store.gone(tx, run.provider, examined, at=run.started_at, why=why)


async def post_fees(tx: Tx, provider: str, fees: Iterable[Fee]) -> int:
    """The provider kept them: a fact, posted once; how many."""
    number = 0
    for fee in fees:
        account, clearing = ledger.fees(provider), ledger.clearing(provider)
        debit, credit = (account, clearing) if fee.amount_minor > 0 else (clearing, account)
        await ledger.post(
            tx,
            Posting(
                id=_fee_id(provider, fee.name),
                reason="fee",
                reference=fee.order_id or provider,
                transfers=(Transfer(debit, credit, fee.currency, abs(fee.amount_minor)),),
            ),
        )
        number += 1
    return number


async def close_difference(
    tx: Tx, will: Intervention, difference_id: str, act: DifferenceAct
) -> None:
    """Explain or resolve it by hand, once; audited. IllegalMove where it is closed already."""

    async def work() -> Mapping[str, Any]:
        found = await _locked(tx, difference_id)
        await _close(tx, found, act, will)
        return {"provider": found.provider, "kind": found.difference.kind}

    subject = f"difference:{difference_id}"
    await audit.once(tx, will, action=f"reconciliation.{act}", subject=subject, work=work)


async def confirm_payout(tx: Tx, will: Intervention, difference_id: str) -> None:
    """Somebody saw it in the bank's statement: the ledger moves it there, once; audited."""

    async def work() -> Mapping[str, Any]:
        found = await _locked(tx, difference_id)
        one = found.difference
        if one.kind is not Kind.PAYOUT_UNCONFIRMED or not one.there_minor:
            raise IllegalMove(status=one.kind, action="confirm_payout")
        await ledger.post(tx, _payout(found.provider, one))
        await _close(tx, found, DifferenceAct.RESOLVE, will)
        return {"provider": found.provider, "ref": one.ref, "amount_minor": one.there_minor}

    subject = f"difference:{difference_id}"
    await audit.once(tx, will, action="reconciliation.confirm_payout", subject=subject, work=work)


def _payout(provider: str, one: Difference) -> Posting:
    """Out of the provider's hands into the bank; below zero is what came back from there."""
    assert one.there_minor is not None
    clearing, sent = ledger.clearing(provider), one.there_minor < 0
    debit, credit = (ledger.BANK, clearing) if sent else (clearing, ledger.BANK)
    return Posting(
        id=_payout_id(provider, one.ref),
        reason="payout",
        reference=one.ref,
        transfers=(Transfer(debit, credit, one.there_currency, abs(one.there_minor)),),
    )


async def _locked(tx: Tx, difference_id: str) -> Found:
    found = await reconciliation_store.one(tx, difference_id, lock=True)
    if found is None:
        raise NoSuchDifference(difference_id=difference_id)
    return found


async def _close(tx: Tx, found: Found, act: DifferenceAct, will: Intervention) -> None:
    await reconciliation_store.close(
        tx,
        found.id,
        DIFFERENCE_LIFE.after(found.status, act),
        by=will.actor_name or will.actor,
        why=audit.given(will.reason),
        at=await tx.now(),
    )


async def difference(tx: Tx, difference_id: str) -> Found:
    found = await reconciliation_store.one(tx, difference_id)
    if found is None:
        raise NoSuchDifference(difference_id=difference_id)
    return found


async def runs(tx: Tx, limit: int = 60) -> list[Run]:
    """The newest periods first."""
    return await reconciliation_store.newest_runs(tx, limit)


async def run(tx: Tx, run_id: str) -> Run | None:
    return await reconciliation_store.run(tx, run_id)


async def differences_of(tx: Tx, run_id: str, limit: int = LISTED) -> list[Found]:
    """What a run found and no later one has found again, the open ones first."""
    return await reconciliation_store.differences_of(tx, run_id, limit)


async def open_differences(tx: Tx, limit: int = LISTED) -> list[Found]:
    """Of all runs, the oldest first."""
    return await reconciliation_store.open_differences(tx, limit)


async def owed(tx: Tx, provider: str) -> list[Owed]:
    """What a provider still owes us, per currency, and how that came to be."""
    found: dict[str, dict[str, int]] = {}
    by_reason = await ledger.sums_by_reason(tx, ledger.clearing(provider))
    for (reason, currency), minor in by_reason.items():
        parts = found.setdefault(currency, dict.fromkeys([*REASONS.values(), "other"], 0))
        parts[REASONS.get(reason, "other")] += minor
    return [
        Owed(provider=provider, currency=currency, balance=sum(parts.values()), **parts)
        for currency, parts in sorted(found.items())
    ]


def _fee_id(provider: str, name: str) -> str:
    return f"{book_facts.FEE}{provider}:{name}"


def _payout_id(provider: str, ref: str) -> str:
    return f"{book_facts.PAID_OUT}{provider}:{ref}"

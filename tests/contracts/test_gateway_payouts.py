"""One body over every gateway that sends money on to connected accounts, and says what it moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from commerce import payments
from commerce.kernel import clock as clocks
from commerce.kernel.clock import FakeClock
from commerce.kernel.database import Database
from commerce.payments import (
    Payment,
    Payout,
    PayoutRefused,
    Payouts,
    PayoutStatus,
    Reporting,
    ReportKind,
    jobs,
)
from tests.contracts.hands import HANDS, PAYING_OUT, Hand
from tests.contracts.stripe_values import a_refund, a_reversal, a_share
from tests.payments import factories

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture(params=PAYING_OUT)
async def provider(
    request: pytest.FixtureRequest, database: Database, clock: FakeClock
) -> AsyncIterator[Hand]:
    async with HANDS[request.param].hand(database) as hand:
        yield hand


@pytest.fixture
async def payment(provider: Hand, database: Database) -> Payment:
    """Paid, as the database knows it."""
    created = await factories.created(database, provider=provider.gateway.name)
    opened = await provider.gateway.open(created)
    await provider.pay(opened)
    standing = await provider.gateway.ask(replace(created, provider_ref=opened.provider_ref))
    return await database.unit_of_work(
        lambda tx: payments.record_standing(tx, created.id, standing)
    )


def paying_out(provider: Hand) -> Payouts:
    assert isinstance(provider.gateway, Payouts)
    return provider.gateway


async def test_a_share_is_sent_once_per_key(provider: Hand, payment: Payment) -> None:
    gateway, share = paying_out(provider), a_share(payment)
    assert await gateway.ask_transfer(share) is None

    first = await gateway.transfer(share)

    assert first.status is PayoutStatus.SUCCEEDED
    assert first == await gateway.transfer(share) == await gateway.ask_transfer(share)
    other = await gateway.transfer(a_share(payment, key="share-2"))
    assert other.provider_ref != first.provider_ref


async def test_a_share_comes_back_in_parts_and_never_above_itself(
    provider: Hand, payment: Payment
) -> None:
    gateway, share = paying_out(provider), a_share(payment)
    sent = replace(share, provider_ref=(await gateway.transfer(share)).provider_ref)
    assert await gateway.ask_reversal(sent, a_reversal(500)) is None
    first = await gateway.reverse(sent, a_reversal(500))
    await gateway.reverse(sent, a_reversal(900, key="back-2"))

    with pytest.raises(PayoutRefused):
        await gateway.reverse(sent, a_reversal(101, key="back-3"))

    assert first == await gateway.reverse(sent, a_reversal(500))
    assert first == await gateway.ask_reversal(sent, a_reversal(500))
    assert await gateway.ask_reversal(sent, a_reversal(101, key="back-3")) is None


async def test_the_whole_story_of_a_share(
    provider: Hand, payment: Payment, database: Database
) -> None:
    gateways = {provider.gateway.name: provider.gateway}
    payout = await database.unit_of_work(
        lambda tx: payments.request_payout(
            tx,
            key="share-1",
            payment_id=payment.id,
            destination="acct_mia",
            amount_minor=1_500,
            currency="EUR",
        )
    )
    assert await jobs.settle_payouts(database, gateways) == 1
    for number, amount_minor in enumerate((600, 900)):
        await _ask_back(database, payout, f"back-{number}", amount_minor)
    assert await jobs.settle_payouts(database, gateways) == 2

    after = await database.read(lambda tx: payments.get_payout(tx, payout.id))
    assert (after.status, after.reversed_minor) == (PayoutStatus.REVERSED, 1_500)
    rows = await database.read(lambda tx: tx.all(factories.NEWS))
    assert [row["name"] for row in rows if row["aggregate_id"] == payout.id] == [
        "payout.sent",
        "payout.reversed",
        "payout.reversed",
    ]


async def test_what_it_moved_is_reported(provider: Hand, payment: Payment) -> None:
    gateway, share = paying_out(provider), a_share(payment, 1_000)
    refund = await provider.gateway.refund(payment, a_refund(1_200))
    sent = await gateway.transfer(share)
    back = await gateway.reverse(replace(share, provider_ref=sent.provider_ref), a_reversal(400))

    assert isinstance(gateway, Reporting)
    lines = await gateway.report(payment.created_at, clocks.now() + 1)

    assert [(line.kind, line.amount_minor, line.currency) for line in lines] == [
        (ReportKind.CHARGE, 5_000, "EUR"),
        (ReportKind.REFUND, -1_200, "EUR"),
        (ReportKind.PAYOUT, -1_000, "EUR"),
        (ReportKind.PAYOUT, 400, "EUR"),
    ]
    charge, given_back, out, taken_back = lines
    assert (charge.payment_key, charge.charge_ref) == (payment.key, payment.charge_ref)
    assert given_back.ref == refund.provider_ref
    assert (out.ref, taken_back.ref) == (sent.provider_ref, back.provider_ref)
    assert await gateway.report(0, payment.created_at) == []


async def _ask_back(database: Database, payout: Payout, key: str, amount_minor: int) -> Any:
    return await database.unit_of_work(
        lambda tx: payments.request_reversal(
            tx, key=key, payout_id=payout.id, amount_minor=amount_minor
        )
    )

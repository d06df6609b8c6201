"""Shares of a payment: never more than is left of it, sent and taken back once, told in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any

import pytest
from sqlalchemy import select, update

from commerce import payments
from commerce.kernel import jsons
from commerce.kernel.clock import HOUR, SECOND, FakeClock
from commerce.kernel.database import Database
from commerce.kernel.errors import Refusal
from commerce.payments import (
    BadAmount,
    NotPaid,
    Payment,
    Payout,
    PayoutDiffers,
    PayoutNotFound,
    PayoutNotSent,
    PayoutReversal,
    PayoutStatus,
    PayoutTooLarge,
    ReversalDiffers,
    ReversalTooLarge,
    Status,
    calls,
)
from commerce.payments.gateways.stripe import StripeGateway
from commerce.payments.payout_jobs import settle_payouts
from commerce.payments.tables import PAYOUT_REVERSALS, PAYOUTS
from tests.contracts.stripe_stand_in import Fault, StripeStandIn
from tests.contracts.stripe_values import serving
from tests.payments import factories

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
    pytest.mark.usefixtures("clock"),
]


@pytest.fixture
def stand_in() -> StripeStandIn:
    return StripeStandIn()


@pytest.fixture
async def gateway(stand_in: StripeStandIn) -> AsyncIterator[StripeGateway]:
    async with serving(stand_in) as gateway:
        yield gateway


async def paid(database: Database, gateway: StripeGateway, stand_in: StripeStandIn) -> Payment:
    payment = await factories.created(database, provider="stripe")
    stand_in.pay((await gateway.open(payment)).provider_ref)
    standing = await gateway.ask(payment)
    return await database.unit_of_work(
        lambda tx: payments.record_standing(tx, payment.id, standing)
    )


async def share(database: Database, payment: Payment, amount_minor: int, **given: Any) -> Payout:
    values = {
        "key": "share-1",
        "payment_id": payment.id,
        "destination": "acct_mia",
        "amount_minor": amount_minor,
        "currency": "EUR",
    }
    return await database.unit_of_work(lambda tx: payments.request_payout(tx, **values | given))


async def back(
    database: Database, payout: Payout, amount_minor: int, key: str = "back-1"
) -> PayoutReversal:
    return await database.unit_of_work(
        lambda tx: payments.request_reversal(
            tx, key=key, payout_id=payout.id, amount_minor=amount_minor
        )
    )


async def settle(database: Database, gateway: StripeGateway) -> int:
    return await settle_payouts(database, {"stripe": gateway})


async def known(database: Database, payout: Payout) -> Payout:
    return await database.read(lambda tx: payments.get_payout(tx, payout.id))


async def told(database: Database, payout: Payout) -> list[tuple[str, dict[str, Any]]]:
    rows = await database.read(lambda tx: tx.all(factories.NEWS))
    mine = [row for row in rows if row["aggregate_id"] == payout.id]
    return [(row["name"], jsons.loads(row["payload"])) for row in mine]


async def at_once(database: Database, asked: Sequence[Coroutine[Any, Any, object]]) -> list[object]:
    """Truly at once: on PostgreSQL each has a connection that is open before any of them begins."""
    if database.dialect == "postgresql":
        all_here = asyncio.Barrier(len(asked))
        await asyncio.gather(*(database.read(lambda tx: all_here.wait()) for _ in asked))
    return list(await asyncio.gather(*asked, return_exceptions=True))


async def refused(asking: Awaitable[object], kind: type[Refusal]) -> dict[str, Any]:
    with pytest.raises(kind) as no:
        await asking
    return no.value.facts


async def test_a_share_is_sent_once_and_told(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payout = await share(database, await paid(database, gateway, stand_in), 1_500)

    assert [await settle(database, gateway) for _ in range(2)] == [1, 0]

    (transfer,) = stand_in.transfers.values()
    after = await known(database, payout)
    assert (after.status, after.provider_ref) == (PayoutStatus.SUCCEEDED, transfer["id"])
    assert (transfer["amount"], transfer["destination"]) == (1_500, "acct_mia")
    ((name, facts),) = await told(database, payout)
    assert (name, facts["amount_minor"]) == ("payout.sent", 1_500)
    assert (facts["payment_id"], facts["account"]) == (payout.payment_id, "acct_mia")


async def test_asking_twice_is_asking_once_and_otherwise_is_refused(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(database, gateway, stand_in)
    payout = await share(database, payment, 1_500)

    assert await share(database, payment, 1_500) == payout
    for changed in ({"amount_minor": 1_400}, {"destination": "acct_leo"}):
        values = {"amount_minor": 1_500} | changed
        facts = await refused(share(database, payment, **values), PayoutDiffers)
        assert facts["key"] == "share-1"
    assert await database.read(lambda tx: payments.payouts_of(tx, payment.id)) == (payout,)


async def test_no_more_is_sent_on_than_is_left_of_the_payment(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(database, gateway, stand_in)
    await database.unit_of_work(
        lambda tx: payments.request_refund(
            tx, key="return-1", payment_id=payment.id, amount_minor=1_000, reason=""
        )
    )
    first = await share(database, payment, 3_000)

    facts = await refused(share(database, payment, 1_001, key="share-2"), PayoutTooLarge)

    assert (facts["asked_minor"], facts["left_minor"]) == (1_001, 1_000)
    second = await share(database, payment, 1_000, key="share-2")
    shares = await database.read(lambda tx: payments.payouts_of(tx, payment.id))
    assert set(shares) == {first, second}


async def test_of_many_shares_at_once_as_many_are_promised_as_there_is_money_for(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(database, gateway, stand_in)

    answers = await at_once(
        database, [share(database, payment, 2_000, key=f"share-{n}") for n in range(5)]
    )

    assert len([one for one in answers if isinstance(one, Payout)]) == 2
    assert len([one for one in answers if isinstance(one, PayoutTooLarge)]) == 3


async def test_only_of_money_that_came_and_in_its_currency(database: Database) -> None:
    waiting = await factories.opened(database, provider="stripe")
    paid = await factories.paid(database)

    facts = await refused(share(database, waiting, 100), NotPaid)
    await refused(share(database, paid, 100, currency="USD"), BadAmount)
    await refused(share(database, paid, 0), BadAmount)

    assert facts["status"] == str(Status.OPEN)
    assert await database.read(lambda tx: tx.all(select(PAYOUTS))) == []


async def test_what_stripe_refuses_is_told_and_may_be_asked_for_anew(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(database, gateway, stand_in)
    payout = await share(database, payment, 5_000, destination="acct_nobody")
    await settle(database, gateway)

    ((name, facts),) = await told(database, payout)
    assert (name, facts["reason"]) == ("payout.failed", "resource_missing")
    await share(database, payment, 5_000, key="share-2")
    assert await settle(database, gateway) == 1
    assert stand_in.connected["acct_mia"] == 5_000


class Purse:
    """A provider that only takes money."""

    name = "sandbox"


async def test_a_provider_that_sends_no_payouts_fails_them(database: Database) -> None:
    payout = await share(database, await factories.paid(database), 100)

    await settle_payouts(database, {"sandbox": Purse()})  # type: ignore[dict-item]

    ((name, facts),) = await told(database, payout)
    assert (name, facts["reason"]) == ("payout.failed", "no_payouts")


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.FAIL_BEFORE, Fault.FAIL_AFTER])
async def test_an_unknown_outcome_is_asked_about_later_and_sent_once(
    database: Database,
    gateway: StripeGateway,
    stand_in: StripeStandIn,
    clock: FakeClock,
    fault: Fault,
) -> None:
    payout = await share(database, await paid(database, gateway, stand_in), 1_500)
    stand_in.faults.extend([None, fault])

    assert await settle(database, gateway) == 0
    assert await settle(database, gateway) == 0  # not before its time
    clock.advance(10 * SECOND)
    assert await settle(database, gateway) == 1

    assert [transfer["amount"] for transfer in stand_in.transfers.values()] == [1_500]
    assert [name for name, _ in await told(database, payout)] == ["payout.sent"]


async def test_a_till_that_died_after_the_call_finds_what_it_sent(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    payout = await share(database, await paid(database, gateway, stand_in), 1_500)
    stand_in.faults.extend([None, Fault.FAIL_BEFORE])
    await settle(database, gateway)  # the try is committed
    await calls.transfer_at_gateway({"stripe": gateway}, payout)  # and its record is not
    clock.advance(25 * HOUR)  # by then Stripe has forgotten the key

    assert await settle(database, gateway) == 1
    assert len(stand_in.transfers) == 1


async def test_many_workers_send_a_share_once(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payout = await share(database, await paid(database, gateway, stand_in), 1_500)

    settled = await asyncio.gather(*(settle(database, gateway) for _ in range(3)))

    assert sum(settled) == 1
    assert len(stand_in.transfers) == 1
    assert [name for name, _ in await told(database, payout)] == ["payout.sent"]


async def test_a_share_comes_back_in_parts_until_all_of_it_is_back(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payout = await share(database, await paid(database, gateway, stand_in), 1_500)
    await settle(database, gateway)
    stands = []
    for number, amount_minor in enumerate((400, 1_100)):
        reversal = await back(database, payout, amount_minor, f"back-{number}")
        assert await back(database, payout, amount_minor, f"back-{number}") == reversal
        await settle(database, gateway)
        stands.append((await known(database, payout)).status)

    assert stands == [PayoutStatus.PARTLY_REVERSED, PayoutStatus.REVERSED]
    assert stand_in.connected["acct_mia"] == 0
    events = (await told(database, payout))[1:]
    assert [(name, facts["amount_minor"], facts["whole"]) for name, facts in events] == [
        ("payout.reversed", 400, False),
        ("payout.reversed", 1_100, True),
    ]


async def test_reversals_never_exceed_their_payout_not_even_at_once(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payout = await share(database, await paid(database, gateway, stand_in), 1_500)
    await settle(database, gateway)

    answers = await at_once(database, [back(database, payout, 600, f"back-{n}") for n in range(4)])
    await settle(database, gateway)

    assert len([one for one in answers if isinstance(one, PayoutReversal)]) == 2
    assert len([one for one in answers if isinstance(one, ReversalTooLarge)]) == 2
    assert (await known(database, payout)).reversed_minor == 1_200
    assert stand_in.connected["acct_mia"] == 300


async def test_what_was_not_sent_is_not_taken_back(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payout = await share(database, await paid(database, gateway, stand_in), 1_500)

    assert (await refused(back(database, payout, 100), PayoutNotSent))["status"] == "asked"
    await settle(database, gateway)
    reversal = await back(database, payout, 100)

    assert (await refused(back(database, payout, 200), ReversalDiffers))["field"] == "amount_minor"
    reversals = await database.read(lambda tx: payments.reversals_of(tx, payout.id))
    assert reversals == (reversal,)


async def test_a_reversal_the_account_cannot_pay_frees_its_amount_and_is_told(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payout = await share(database, await paid(database, gateway, stand_in), 1_500)
    await settle(database, gateway)
    stand_in.connected["acct_mia"] = 500
    await back(database, payout, 1_500)
    await settle(database, gateway)

    after = await known(database, payout)
    assert (after.status, after.reversed_minor) == (PayoutStatus.SUCCEEDED, 0)
    name, facts = (await told(database, payout))[-1]
    assert (name, facts["reason"]) == ("payout.reversal_failed", "balance_insufficient")

    await back(database, payout, 500, "back-2")
    await settle(database, gateway)
    assert (await known(database, payout)).status is PayoutStatus.PARTLY_REVERSED


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.FAIL_KEPT])
async def test_a_reversal_with_an_unknown_outcome_takes_back_once(
    database: Database,
    gateway: StripeGateway,
    stand_in: StripeStandIn,
    clock: FakeClock,
    fault: Fault,
) -> None:
    payout = await share(database, await paid(database, gateway, stand_in), 1_500)
    await settle(database, gateway)
    await back(database, payout, 600)
    stand_in.faults.append(fault)
    await settle(database, gateway)
    clock.advance(10 * SECOND)

    assert await settle(database, gateway) == 1
    assert stand_in.connected["acct_mia"] == 900


async def test_a_share_that_came_back_may_be_sent_on_again(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(database, gateway, stand_in)
    payout = await share(database, payment, 5_000)
    await settle(database, gateway)
    await back(database, payout, 2_000)
    await refused(share(database, payment, 2_000, key="share-2"), PayoutTooLarge)

    await settle(database, gateway)

    await share(database, payment, 2_000, key="share-2")


async def test_a_payout_of_no_payment_goes_out_of_a_balance(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    await paid(database, gateway, stand_in)
    clock.advance(48 * HOUR)

    payout = await database.unit_of_work(
        lambda tx: payments.request_payout(
            tx,
            key="bonus-1",
            payment_id=None,
            provider="stripe",
            destination="acct_leo",
            amount_minor=900,
            currency="EUR",
        )
    )
    await settle(database, gateway)

    (transfer,) = stand_in.transfers.values()
    assert (transfer["source_transaction"], transfer["transfer_group"]) == (None, "bonus-1")
    assert await database.read(lambda tx: payments.payout_by_key(tx, "bonus-1")) == await known(
        database, payout
    )


async def test_an_unknown_payout_is_no_payout(database: Database) -> None:
    with pytest.raises(PayoutNotFound):
        await database.unit_of_work(
            lambda tx: payments.request_reversal(
                tx, key="back-1", payout_id="payout-9", amount_minor=1
            )
        )


CHANGES: list[tuple[str, Callable[[], Any]]] = [
    ("reversed above", lambda: update(PAYOUTS).values(reversed_minor=1_501)),
    ("another amount", lambda: update(PAYOUTS).values(amount_minor=9)),
    ("another account", lambda: update(PAYOUTS).values(account="acct_leo")),
    ("another part", lambda: update(PAYOUT_REVERSALS).values(amount_minor=9)),
]


@pytest.mark.parametrize("change", [change for _, change in CHANGES], ids=[n for n, _ in CHANGES])
async def test_the_database_keeps_what_was_promised(
    database: Database, gateway: StripeGateway, stand_in: StripeStandIn, change: Callable[[], Any]
) -> None:
    payout = await share(database, await paid(database, gateway, stand_in), 1_500)
    await settle(database, gateway)
    await back(database, payout, 100)
    before = await known(database, payout)

    with pytest.raises(Exception, match=r"append-only|permission denied|payouts_reversed_within"):
        await database.unit_of_work(lambda tx: tx.run(change()))

    assert await known(database, payout) == before

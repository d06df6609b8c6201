"""Shares sent on to connected accounts and taken back: once per key, never above their source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from commerce.kernel.clock import DAY, FakeClock
from commerce.kernel.errors import Outage
from commerce.payments import Payout, PayoutRefused, PayoutStatus, calls
from commerce.payments.gateways.stripe import StripeGateway
from tests.contracts.stripe_stand_in import OUTAGES, Fault, StripeStandIn
from tests.contracts.stripe_values import a_payout, a_reversal, a_share, paid, serving

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


async def sent(gateway: StripeGateway, stand_in: StripeStandIn, amount_minor: int) -> Payout:
    share = a_share(await paid(gateway, stand_in), amount_minor)
    standing = await gateway.transfer(share)
    return replace(share, status=PayoutStatus.SUCCEEDED, provider_ref=standing.provider_ref)


async def test_a_share_is_paid_out_of_its_charge_before_that_money_is_available(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    assert stand_in.available("eur") == 0

    standing = await gateway.transfer(a_share(payment))

    (transfer,) = stand_in.transfers.values()
    (charge,) = stand_in.all("charge").values()
    assert (standing.status, standing.provider_ref) == (PayoutStatus.SUCCEEDED, transfer["id"])
    assert (transfer["source_transaction"], transfer["transfer_group"]) == (charge["id"], "key-1")
    assert transfer["metadata"] == {"payout_key": "share-1"}
    assert stand_in.connected["acct_mia"] == 1_500


async def test_what_is_no_share_waits_for_available_money(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock
) -> None:
    await paid(gateway, stand_in)
    with pytest.raises(PayoutRefused) as refused:
        await gateway.transfer(a_payout())
    clock.advance(2 * DAY)

    standing = await gateway.transfer(a_payout(key="share-2", reference="share-2"))

    assert refused.value.facts["reason"] == "balance_insufficient"
    assert list(stand_in.transfers) == [standing.provider_ref]


@pytest.mark.parametrize("fault", OUTAGES)
async def test_a_share_sent_in_an_unknown_way_is_sent_once(
    gateway: StripeGateway, stand_in: StripeStandIn, fault: Fault
) -> None:
    share = a_share(await paid(gateway, stand_in))
    stand_in.faults.extend([None, fault])  # the charge is looked up first

    with pytest.raises(Outage):
        await calls.transfer_at_gateway({"stripe": gateway}, share)
    known = await calls.transfer_at_gateway({"stripe": gateway}, replace(share, tries=1))
    again = await gateway.transfer(share)

    assert list(stand_in.transfers) == [known.provider_ref]
    assert again == known


@pytest.mark.parametrize("fault", OUTAGES)
async def test_a_share_taken_back_in_an_unknown_way_is_taken_back_once(
    gateway: StripeGateway, stand_in: StripeStandIn, clock: FakeClock, fault: Fault
) -> None:
    share = await sent(gateway, stand_in, 1_500)
    stand_in.faults.append(fault)

    with pytest.raises(Outage):
        await calls.reverse_at_gateway({"stripe": gateway}, share, a_reversal())
    clock.advance(2 * DAY)  # by then Stripe has forgotten the key
    known = await calls.reverse_at_gateway({"stripe": gateway}, share, a_reversal(tries=1))

    assert list(stand_in.all("transfer_reversal")) == [known.provider_ref]
    assert stand_in.connected["acct_mia"] == 1_000


async def test_a_share_comes_back_in_parts_and_never_above_itself(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    share = await sent(gateway, stand_in, 1_500)
    for number, amount_minor in enumerate((700, 800)):
        await gateway.reverse(share, a_reversal(amount_minor, key=f"back-{number}"))

    with pytest.raises(PayoutRefused):
        await gateway.reverse(share, a_reversal(1, key="back-2"))

    assert stand_in.transfers[str(share.provider_ref)]["reversed"]
    assert await gateway.ask_reversal(share, a_reversal(1, key="back-2")) is None
    found = await gateway.ask_reversal(share, a_reversal(700, key="back-0"))
    assert found is not None
    assert found.status is PayoutStatus.SUCCEEDED


async def test_what_the_account_has_spent_stays_there(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    share = await sent(gateway, stand_in, 1_500)
    stand_in.connected["acct_mia"] = 100

    with pytest.raises(PayoutRefused) as refused:
        await gateway.reverse(share, a_reversal())

    assert refused.value.facts["reason"] == "balance_insufficient"
    assert stand_in.all("transfer_reversal") == {}


async def test_shares_never_exceed_their_charge_at_stripe_either(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    await gateway.transfer(a_share(payment, 3_000))

    with pytest.raises(PayoutRefused):
        await gateway.transfer(a_share(payment, 2_001, key="share-2", account="acct_leo"))

    assert stand_in.connected == {"acct_mia": 3_000, "acct_leo": 0}


async def test_an_account_nobody_connected_is_refused(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    with pytest.raises(PayoutRefused) as refused:
        await gateway.transfer(a_share(await paid(gateway, stand_in), account="acct_nobody"))

    assert refused.value.facts["reason"] == "resource_missing"


async def test_a_share_of_a_charge_without_a_group_is_found_by_the_group_stripe_gives_it(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    share = a_share(await paid(gateway, stand_in))
    (charge,) = stand_in.all("charge").values()
    charge["transfer_group"] = None  # as of payments older than groups
    assert await gateway.ask_transfer(share) is None
    assert "GET /v1/transfers" not in stand_in.requests  # there is no list to look through

    known = await gateway.transfer(share)

    assert await gateway.ask_transfer(share) == known
    assert charge["transfer_group"] is not None


async def test_one_of_many_shares_is_found_on_any_page(
    gateway: StripeGateway, stand_in: StripeStandIn
) -> None:
    payment = await paid(gateway, stand_in)
    known = await gateway.transfer(a_share(payment, 10))
    (charge,) = stand_in.all("charge")
    for _ in range(101):
        stand_in.transfer(
            {
                "amount": 10,
                "currency": "eur",
                "destination": "acct_leo",
                "source_transaction": charge,
            }
        )

    assert await gateway.ask_transfer(a_share(payment, 10)) == known
    assert await gateway.ask_transfer(a_share(payment, 10, key="share-2")) is None

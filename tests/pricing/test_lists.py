import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce import pricing
from commerce.kernel.clock import DAY
from commerce.pricing import Price
from commerce.pricing.lists import in_force
from commerce.pricing.tables import PRICES
from tests.catalog.factories import a_product_on_sale
from tests.pricing.factories import a_quote

SET = {"sku": "shirt-m", "currency": "EUR", "amount_minor": 1_900, "by": "ana"}


async def sets(database, **changes):
    return await database.unit_of_work(lambda tx: pricing.set_price(tx, **(SET | changes)))


async def listed(database):
    return await database.read(lambda tx: tx.all(PRICES.select()))


async def unit_price(database, key, **changes):
    quote = await database.unit_of_work(lambda tx: a_quote(tx, key=key, **changes))
    return quote.items[0].unit_price_minor


@pytest.fixture
async def shop(database, clock):
    await database.unit_of_work(a_product_on_sale)
    return database


async def test_a_price_holds_from_its_first_to_its_last_moment(shop, clock):
    tomorrow = clock.now() + DAY
    await sets(shop, valid_from=tomorrow, valid_until=tomorrow + DAY)

    assert await unit_price(shop, "1") == 2_500
    clock.advance(DAY)
    assert await unit_price(shop, "2") == 1_900
    clock.advance(DAY - 1)
    assert await unit_price(shop, "3") == 1_900
    clock.advance(1)
    assert await unit_price(shop, "4") == 2_500


async def test_the_price_of_a_warehouse_wins_over_the_one_that_holds_anywhere(shop, clock):
    await sets(shop)
    await sets(shop, warehouse="main", amount_minor=1_700)

    assert await unit_price(shop, "1") == 1_700


async def test_another_currency_needs_a_price_of_its_own(shop, clock):
    asked = pricing.Buying(currency="USD")

    async def in_dollars(key):
        return await shop.unit_of_work(lambda tx: a_quote(tx, key=key, buying=asked))

    with pytest.raises(pricing.NoPrice) as refused:
        await in_dollars("1")
    assert refused.value.facts == {"sku": "shirt-m", "currency": "USD"}

    await sets(shop, currency="USD", amount_minor=2_900)

    assert (await in_dollars("2")).items[0].unit_price_minor == 2_900


@pytest.mark.parametrize(
    ("since", "until"), [(0, None), (-5, 1), (9, 11), (9, None), (2, 3), (-5, None)]
)
async def test_periods_of_one_list_never_overlap(shop, clock, since, until):
    now = clock.now()
    await sets(shop, valid_from=now, valid_until=now + 10 * DAY)
    ends = None if until is None else now + until * DAY

    with pytest.raises(pricing.PriceOverlaps) as refused:
        await sets(shop, valid_from=now + since * DAY, valid_until=ends)

    assert refused.value.facts["valid_until"] == now + 10 * DAY
    assert len(await listed(shop)) == 1
    await sets(shop, valid_from=now + 10 * DAY)
    await sets(shop, currency="USD")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"amount_minor": 0}, pricing.BadPrice),
        ({"amount_minor": -1}, pricing.BadPrice),
        ({"valid_from": 9, "valid_until": 9}, pricing.BadPeriod),
        ({"supplier_id": "luna"}, pricing.NotYourPrice),
    ],
)
async def test_a_price_that_cannot_be_is_refused_and_not_kept(shop, clock, changes, refusal):
    with pytest.raises(refusal):
        await sets(shop, **changes)

    assert await listed(shop) == []


async def test_of_ten_equal_prices_set_at_once_one_is_kept(shop, clock):
    answers = await asyncio.gather(*(sets(shop) for _ in range(10)), return_exceptions=True)

    assert sum(isinstance(answer, Price) for answer in answers) == 1
    assert sum(isinstance(answer, pricing.PriceOverlaps) for answer in answers) == 9
    assert len(await listed(shop)) == 1


async def test_a_price_ends_now_or_later_and_what_was_stays_as_it_was(shop, clock):
    price = await sets(shop)
    clock.advance(DAY)

    async def ends(**changes):
        await shop.unit_of_work(lambda tx: pricing.end_price(tx, price.id, **changes))

    with pytest.raises(pricing.PriceOver):
        await ends(at=clock.now() - 1)
    with pytest.raises(pricing.NotYourPrice):
        await ends(supplier_id="luna")
    await ends()

    assert await unit_price(shop, "1") == 2_500
    with pytest.raises(pricing.PriceOver):
        await ends()
    (kept,) = (await shop.read(lambda tx: pricing.prices_of(tx, ["shirt-m"])))["shirt-m"]
    assert (kept.valid_from, kept.valid_until) == (price.valid_from, clock.now())


async def test_a_price_that_has_not_begun_can_be_taken_off(shop, clock):
    price = await sets(shop, valid_from=clock.now() + DAY)

    await shop.unit_of_work(lambda tx: pricing.end_price(tx, price.id))

    assert await listed(shop) == []
    with pytest.raises(pricing.NoSuchPrice):
        await shop.unit_of_work(lambda tx: pricing.end_price(tx, price.id))


moments = st.integers(0, 20)
periods = st.builds(
    lambda warehouse, since, length: Price(
        id=f"{warehouse}:{since}", sku="s", currency="EUR", warehouse=warehouse, amount_minor=1,
        valid_from=since, valid_until=None if length is None else since + length,
    ),
    st.sampled_from(["", "north"]), moments, st.none() | st.integers(1, 9),
)  # fmt: skip


@given(st.lists(periods), moments)
def test_of_prices_that_do_not_overlap_at_most_one_holds(prices, at):
    kept: list[Price] = []
    for price in prices:
        if not any(one.warehouse == price.warehouse and one.overlaps(price) for one in kept):
            kept.append(price)

    holding = [price for price in kept if price.holds_at(at)]
    found = in_force(kept, currency="EUR", warehouse="north", at=at)

    assert len([price for price in holding if price.warehouse == "north"]) <= 1
    assert found == next(iter(sorted(holding, key=lambda price: price.warehouse == "")), None)
    assert in_force(kept, currency="USD", warehouse="north", at=at) is None

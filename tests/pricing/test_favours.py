"""What a price is made of beside the list: the leader's terms, promotions, codes, the fan."""

from dataclasses import replace

import pytest

from commerce import catalog, loyalty, pricing, promotions
from commerce.catalog import Changes, Terms
from commerce.loyalty import Tier
from commerce.pricing import Buying
from commerce.promotions import Percent
from tests.catalog.factories import a_variant
from tests.conftest import NOON
from tests.pricing.factories import a_quote
from tests.promotions.factories import ADMIN, Office, a_rule

HALF = Percent(bp=5_000)


@pytest.fixture
async def office(database, clock):
    office = Office(database)
    await office.opens()
    return office


async def quoted(office, key="1", **buying):
    return await office.does(a_quote, key=key, quantity=1, buying=Buying(**buying))


async def goods_minor(office, key="1", **buying):
    """What the goods come to, discounts and all."""
    quote = await quoted(office, key, **buying)
    return sum(line.amount_minor for line in quote.lines if line.kind != "delivery")


async def shown(office, **looking):
    return (await office.sees(pricing.shown, ["shirt-m"], **looking))["shirt-m"]


async def test_a_leader_sells_at_their_own_price_under_their_own_title(office):
    terms = Terms(prices={"shirt-m": 2_900, "shirt-l": None}, title="My favourite shirt")
    await office.does(
        catalog.put_listing, leader_id=office.mara.id, product_id="shirt", terms=terms
    )

    quote = await quoted(office, leader_id=office.mara.id)

    assert (quote.items[0].title, quote.items[0].unit_price_minor) == ("My favourite shirt", 2_900)
    assert await goods_minor(office, "2", leader_id="another") == 2_500
    looked = await shown(office, leader_id=office.mara.id)
    assert (looked.price_minor, looked.usual_minor) == (2_900, 2_900)


async def test_a_promotion_that_runs_counts_and_is_shown_beforehand(office):
    one = await office.runs()

    quote = await quoted(office)

    assert [(d.rule_id, d.amount_minor) for d in quote.discounts] == [(one.id, 250)]
    looked = await shown(office)
    assert (looked.price_minor, looked.list_minor, looked.rule_ids) == (2_250, 2_500, (one.id,))
    assert looked.title == {"en": "Ten off"}


async def test_a_code_counts_once_it_is_known_and_says_why_it_does_not(office):
    await office.coupon("SUN10")

    assert await goods_minor(office, coupon="sun 10") == 2_250
    unknown = await quoted(office, "2", coupon="MOON")
    assert unknown.coupon_refused is not None
    assert unknown.coupon_refused.reason == "unknown"
    assert unknown.total_minor == 2_990


async def test_a_fan_of_a_tier_pays_less_on_top_of_everything(office):
    await office.does(
        loyalty.put_tier, Tier(name="Friend", orders_min=1, percent_bp=500, version=0)
    )
    await office.does(
        loyalty.record, order_id="o", fan_id="ana", currency="EUR", total_minor=1, goods=[], at=NOON
    )

    quote = await quoted(office, fan_id="ana")

    assert [(d.rule_id, d.amount_minor) for d in quote.discounts] == [("loyalty:Friend", 125)]
    assert await goods_minor(office, "2", fan_id="bo") == 2_500


async def test_nothing_undercuts_the_suppliers_minimum_and_what_the_platform_earns_on_it(office):
    changes = Changes(variants=(a_variant(price_min_minor=2_000), a_variant(sku="shirt-l")))
    version = (await office.sees(catalog.product, "shirt")).version
    await office.does(catalog.edit_product, "shirt", changes, expected_version=version)
    policy = await office.sees(promotions.policy)
    await office.runs(rule=a_rule(id="", starts_at=NOON, effect=HALF))
    assert await goods_minor(office) == 2_000

    await office.does(promotions.set_policy, ADMIN, replace(policy, margin_bp=1_000))

    assert await goods_minor(office, "2") == 2_200


async def test_the_minimum_holds_in_proportion_where_the_price_is_of_another_list(office):
    changes = Changes(variants=(a_variant(price_min_minor=2_000), a_variant(sku="shirt-l")))
    version = (await office.sees(catalog.product, "shirt")).version
    await office.does(catalog.edit_product, "shirt", changes, expected_version=version)
    await office.does(
        pricing.set_price, sku="shirt-m", currency="USD", amount_minor=3_001, by="ana"
    )
    await office.runs(rule=a_rule(id="", starts_at=NOON, effect=HALF))

    assert await goods_minor(office, currency="USD") == 2_401  # 80 % of 30.01, rounded up


async def test_a_wished_currency_is_shown_only_where_everything_has_a_price_in_it(office):
    skus = ["shirt-m", "shirt-l"]
    await office.does(
        pricing.set_price, sku="shirt-m", currency="USD", amount_minor=3_000, by="ana"
    )
    looked = await office.sees(pricing.shown, skus, currency="USD")
    assert {one.currency for one in looked.values()} == {"EUR"}

    await office.does(
        pricing.set_price, sku="shirt-l", currency="USD", amount_minor=3_100, by="ana"
    )

    looked = await office.sees(pricing.shown, skus, currency="USD")
    assert [(one.price_minor, one.currency) for one in looked.values()] == [
        (3_000, "USD"), (3_100, "USD"),
    ]  # fmt: skip

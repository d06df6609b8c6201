"""What leaders list: always within what the supplier allows, whoever changes what, and when."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce import catalog
from commerce.catalog import (
    BadListing,
    Changes,
    ListingAction,
    ListingStatus,
    NoSuchProduct,
    NoSuchVariant,
    NotYourListing,
    PriceOutsideLimits,
    ShareTooHigh,
    StaleListing,
    Terms,
    listing_model,
)
from commerce.catalog.tables import LISTINGS
from commerce.kernel.machine import IllegalMove
from commerce.kernel.tables import OUTBOX
from tests.catalog.factories import a_draft, a_listing, a_product, a_product_on_sale, a_variant

LIMITED = a_variant(price_min_minor=2_000, price_max_minor=3_000)
FREE = a_variant(sku="shirt-l", label="L")
PRODUCT = a_product(share_max_bp=2_000, variants=(LIMITED, FREE))
TERMS = Terms(prices={"shirt-m": 2_200, "shirt-l": None}, title="My shirt", share_bp=1_500)


async def on_sale(database):
    return await database.unit_of_work(lambda tx: a_product_on_sale(tx, PRODUCT))


async def put(database, terms=TERMS, leader="mara", expected_version=None):
    return await database.unit_of_work(
        lambda tx: catalog.put_listing(
            tx,
            leader_id=leader,
            product_id="shirt",
            terms=terms,
            expected_version=expected_version,
        )
    )


async def edit(database, version, **changes):
    return await database.unit_of_work(
        lambda tx: catalog.edit_product(tx, "shirt", Changes(**changes), expected_version=version)
    )


async def listed(database, leader="mara"):
    return await database.read(lambda tx: catalog.listings_of(tx, leader))


async def announced(database):
    rows = await database.read(lambda tx: tx.all(OUTBOX.select().order_by(OUTBOX.c.seq)))
    return [row["name"] for row in rows if row["name"].startswith("listing.")]


PRICES = st.integers(1, 5_000)


@st.composite
def variants(draw, sku):
    low, price, high = sorted(draw(st.lists(PRICES, min_size=3, max_size=3)))
    return a_variant(
        sku=sku,
        price_minor=price,
        price_min_minor=draw(st.sampled_from([None, low])),
        price_max_minor=draw(st.sampled_from([None, high])),
    )


@st.composite
def products(draw):
    skus = draw(st.sets(st.sampled_from("abc")))
    made = tuple(draw(variants(sku)) for sku in sorted(skus))
    return a_product(variants=made, share_max_bp=draw(st.integers(0, 10_000)))


LISTINGS_OF_ANY = st.builds(
    a_listing,
    prices=st.dictionaries(st.sampled_from("abcd"), st.none() | PRICES, min_size=1),
    share_bp=st.integers(0, 10_000),
    status=st.sampled_from([ListingStatus.ACTIVE, ListingStatus.PAUSED]),
)


@given(LISTINGS_OF_ANY, products())
def test_whatever_the_supplier_changes_a_listing_fits_and_moves_no_further_than_it_must(
    listing, product
):
    fitted = listing_model.fitted(listing, product)

    if fitted.status is ListingStatus.ACTIVE:
        listing_model.check_terms(fitted, product)
    assert set(fitted.prices) == set(listing.prices) & {v.sku for v in product.variants}
    for sku, price in fitted.prices.items():
        least, most = catalog.limits(product.variant(sku))
        before = listing.prices[sku]
        assert price == (None if before is None else min(max(before, least), most))
    assert fitted.share_bp == min(listing.share_bp, product.share_max_bp)
    assert listing_model.fitted(fitted, product) is fitted


@given(variants("a"), st.none() | PRICES)
def test_a_price_is_taken_exactly_when_it_is_within_the_limits(variant, price):
    product = a_product(variants=(variant,))
    least, most = catalog.limits(variant)
    assert least <= variant.price_minor <= most

    def asked():
        listing_model.check_terms(Terms(prices={"a": price}), product)

    if price is None or least <= price <= most:
        asked()
    else:
        with pytest.raises(PriceOutsideLimits) as refused:
            asked()
        assert refused.value.facts == {
            "sku": "a", "minimum": least, "maximum": most, "currency": "EUR"
        }  # fmt: skip


def test_without_a_minimum_nobody_sells_for_less_than_the_supplier():
    assert catalog.limits(FREE)[0] == FREE.price_minor


async def test_a_listing_is_put_paused_resumed_and_removed(database, clock):
    await on_sale(database)
    first = await put(database)
    assert await put(database) == first
    changed = await put(database, replace(TERMS, title="Mine"), expected_version=1)

    async def move(action, version):
        return await database.unit_of_work(
            lambda tx: catalog.move_listing(
                tx, first.id, action, leader_id="mara", expected_version=version
            )
        )

    async def active():
        found = await database.read(lambda tx: catalog.listings_for(tx, "mara", ["shirt", "x"]))
        return list(found)

    assert (changed.title, changed.version, await active()) == ("Mine", 2, ["shirt"])
    await move(ListingAction.PAUSE, 2)
    assert (await active(), len(await listed(database))) == ([], 1)
    await move(ListingAction.RESUME, 3)
    assert await active() == ["shirt"]
    await move(ListingAction.REMOVE, 4)
    assert (await active(), await listed(database)) == ([], [])
    again = await put(database)
    assert (again.version, again.id != first.id) == (1, True)
    assert await announced(database) == [
        "listing.changed", "listing.changed", "listing.paused", "listing.resumed",
        "listing.removed", "listing.changed",
    ]  # fmt: skip


NOT_ALLOWED = (
    (replace(TERMS, prices={}), BadListing),
    (replace(TERMS, title="x" * 121), BadListing),
    (replace(TERMS, prices={"shirt-m": 1_999}), PriceOutsideLimits),
    (replace(TERMS, prices={"shirt-m": 3_001}), PriceOutsideLimits),
    (replace(TERMS, prices={"shirt-l": 2_499}), PriceOutsideLimits),
    (replace(TERMS, prices={"mug": None}), NoSuchVariant),
    (replace(TERMS, share_bp=2_001), ShareTooHigh),
    (replace(TERMS, share_bp=-1), ShareTooHigh),
)


async def test_terms_that_are_not_allowed_change_nothing(database, clock):
    await on_sale(database)
    before = await put(database)

    for terms, refusal in NOT_ALLOWED:
        with pytest.raises(refusal):
            await put(database, terms, expected_version=1)
        with pytest.raises(refusal):
            await put(database, terms, leader="tobi")

    assert (await listed(database), await listed(database, "tobi")) == ([before], [])
    assert await announced(database) == ["listing.changed"]


async def test_a_draft_is_listed_by_nobody(database, clock):
    await database.unit_of_work(lambda tx: a_draft(tx, PRODUCT))

    with pytest.raises(NoSuchProduct):
        await put(database)

    assert await listed(database) == []


async def test_another_leaders_listing_is_not_moved_nor_seen(database, clock):
    await on_sale(database)
    mine = await put(database)

    with pytest.raises(NotYourListing):
        await database.unit_of_work(
            lambda tx: catalog.move_listing(
                tx, mine.id, ListingAction.REMOVE, leader_id="tobi", expected_version=1
            )
        )
    with pytest.raises(NotYourListing):
        await put(database, leader="tobi", expected_version=1)

    assert await listed(database) == [mine]


async def test_of_many_first_terms_at_once_one_stands_and_the_others_are_told(database, clock):
    await on_sale(database)

    outcomes = await asyncio.gather(
        *(put(database, replace(TERMS, title=f"Shirt {n}")) for n in range(8)),
        return_exceptions=True,
    )

    won = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
    assert await listed(database) == won
    assert {type(o) for o in outcomes if isinstance(o, Exception)} == {StaleListing}


async def test_when_the_supplier_draws_the_limits_closer_every_listing_follows(database, clock):
    await on_sale(database)
    await put(database)
    await put(database, Terms(prices={"shirt-l": None}), leader="tobi")

    dearer = a_variant(price_min_minor=2_400, price_max_minor=3_000)
    await edit(database, 2, variants=(dearer,), share_max_bp=1_000)

    (mara,), (tobi,) = await listed(database), await listed(database, "tobi")
    assert (mara.prices, mara.share_bp, mara.status) == ({"shirt-m": 2_400}, 1_000, "active")
    assert (tobi.prices, tobi.status) == ({}, ListingStatus.PAUSED)
    with pytest.raises(BadListing):
        await database.unit_of_work(
            lambda tx: catalog.move_listing(
                tx, tobi.id, ListingAction.RESUME, leader_id="tobi", expected_version=2
            )
        )


async def test_limits_hold_also_when_leader_and_supplier_write_at_once(database, clock):
    await on_sale(database)
    stricter = (a_variant(price_min_minor=2_400), FREE)

    outcomes = await asyncio.gather(
        edit(database, 2, variants=stricter),
        *(put(database, leader=f"leader-{n}") for n in range(6)),
        return_exceptions=True,
    )

    assert not isinstance(outcomes[0], Exception)
    assert {type(o) for o in outcomes if isinstance(o, Exception)} <= {PriceOutsideLimits}
    rows = await database.read(lambda tx: tx.all(LISTINGS.select()))
    leaders = [row["leader_id"] for row in rows]
    assert len(leaders) == sum(not isinstance(o, Exception) for o in outcomes[1:])
    for leader in leaders:
        (listing,) = await listed(database, leader)
        assert listing.prices == {"shirt-m": 2_400, "shirt-l": None}


async def test_a_removed_listing_stays_removed(database, clock):
    with pytest.raises(IllegalMove):
        listing_model.move(
            a_listing(status=ListingStatus.REMOVED), ListingAction.RESUME, expected_version=1
        )

"""A flash price: its terms, its life, and whose the pieces are."""

from __future__ import annotations

from dataclasses import replace

import pytest

import live
from commerce import inventory, promotions, suppliers
from commerce.kernel.clock import MINUTE
from commerce.kernel.machine import IllegalMove
from commerce.promotions import (
    BadFlashDuration,
    BadFlashLimit,
    BadFlashPrice,
    BadFlashQuantity,
    FlashChanged,
    FlashNotForSale,
    FlashRuns,
    FlashStatus,
    NoSuchFlash,
    NotYourFlash,
    flash_jobs,
)
from tests.live.factories import LEADER, a_session
from tests.promotions.flashes import SKU, SUPPLIER, TERMS, Shop


@pytest.fixture
async def shop(database, clock):
    shop = Shop(database)
    await shop.opens()
    return shop


@pytest.mark.parametrize(
    ("changes", "refusal", "facts"),
    [
        ({"terms": replace(TERMS, price_minor=5900)}, BadFlashPrice, {"maximum": 5899}),
        ({"terms": replace(TERMS, price_minor=0)}, BadFlashPrice, {"minimum": 1}),
        ({"terms": replace(TERMS, quantity=13)}, BadFlashQuantity, {"maximum": 12}),
        ({"terms": replace(TERMS, quantity=0)}, BadFlashQuantity, {"quantity": 0}),
        ({"terms": replace(TERMS, duration=-1)}, BadFlashDuration, {"minimum": MINUTE}),
        ({"per_fan": 6}, BadFlashLimit, {"maximum": 5}),
        ({"per_fan": 0}, BadFlashLimit, {"per_fan": 0}),
        ({"supplier_id": "supplier-2"}, NotYourFlash, {"sku": SKU}),
        ({"sku": "nothing"}, FlashNotForSale, {"sku": "nothing"}),
    ],
)
async def test_terms_that_cannot_be_are_refused_and_nothing_is_offered(
    shop, changes, refusal, facts
):
    with pytest.raises(refusal) as refused:
        await shop.offers(**changes)

    assert refused.value.facts.items() >= facts.items()
    assert await shop.database.read(lambda tx: promotions.flashes_by(tx, None)) == []


async def test_a_supplier_who_may_not_sell_offers_nothing(shop):
    await shop.does(suppliers.move, SUPPLIER, suppliers.Action.SUSPEND)

    with pytest.raises(FlashNotForSale):
        await shop.offers()


async def test_the_same_offer_twice_is_one_and_nobody_elses(shop):
    first = await shop.offers()

    assert await shop.offers() == first
    await shop.holds("ana", 12)  # no piece is free any more
    assert await shop.offers() == first
    with pytest.raises(NotYourFlash):
        await shop.offers(supplier_id="supplier-2")
    assert await shop.database.read(lambda tx: promotions.flashes_offered_to(tx, LEADER)) == [first]
    with pytest.raises(NoSuchFlash):
        await shop.does(promotions.end_flash, "other", leader_id=LEADER)


async def test_a_leader_starts_it_for_less_time_and_fewer_pieces_never_cheaper_or_more(shop):
    offered = await shop.offers()

    for terms, refusal in (
        (replace(TERMS, price_minor=3899), BadFlashPrice),
        (replace(TERMS, quantity=6), BadFlashQuantity),
        (replace(TERMS, duration=TERMS.duration + 1), BadFlashDuration),
    ):
        with pytest.raises(refusal):
            await shop.starts(offered, terms)
    with pytest.raises(NotYourFlash):
        await shop.does(
            promotions.start_flash, "f", leader_id="leader-2", session_id=shop.session.id,
            terms=TERMS, expected_version=1,
        )  # fmt: skip
    with pytest.raises(live.NotYourSession):
        await shop.starts(offered, leader_id="leader-2")
    assert await shop.flash() == offered

    started = await shop.starts(offered, replace(TERMS, quantity=1, duration=MINUTE))

    assert (started.status, started.per_fan) == (FlashStatus.RUNNING, 1)
    assert started.ends_at - started.started_at == MINUTE
    assert await shop.starts(offered) == started  # the same button twice


async def test_only_a_live_session_runs_one_and_one_at_a_time_of_a_variant(shop):
    first, second = await shop.offers("f"), await shop.offers("g")
    await shop.starts(first)
    ended = await a_session(shop.database, title="Other")
    await shop.does(live.end_session, ended.id, leader_id=LEADER)

    with pytest.raises(FlashRuns):
        await shop.starts(second)
    with pytest.raises(live.SessionEnded):
        await shop.starts(second, session_id=ended.id)

    await shop.does(promotions.end_flash, "f", leader_id=LEADER)
    assert (await shop.starts(second)).status is FlashStatus.RUNNING


async def test_who_acts_on_what_changed_since_is_refused(shop):
    offered = await shop.offers()
    await shop.starts(offered)

    with pytest.raises(FlashChanged) as refused:
        await shop.does(promotions.withdraw_flash, "f", supplier_id=SUPPLIER, expected_version=1)
    assert refused.value.facts["version"] == 2
    with pytest.raises(NotYourFlash):
        await shop.does(promotions.withdraw_flash, "f", supplier_id="x", expected_version=2)
    assert (await shop.flash()).status is FlashStatus.RUNNING

    await shop.does(promotions.withdraw_flash, "f", supplier_id=SUPPLIER, expected_version=2)
    flash = await shop.flash()
    assert (flash.status, flash.ending) == (FlashStatus.WITHDRAWN, "supplier")


async def test_what_was_withdrawn_is_not_started_and_what_never_ran_does_not_end(shop):
    offered = await shop.offers()

    with pytest.raises(IllegalMove):
        await shop.does(promotions.end_flash, "f", leader_id=LEADER)
    await shop.does(promotions.withdraw_flash, "f", supplier_id=SUPPLIER, expected_version=1)
    with pytest.raises(IllegalMove):
        await shop.starts(offered, expected_version=2)


async def test_a_hold_gets_what_is_left_and_allowed_once(shop, clock):
    await shop.runs(per_fan=3)
    mine = await shop.holds("ana", 5)

    first = await shop.claims(mine)

    assert (first.pieces, first.price_minor, first.currency) == (3, 3900, "EUR")
    assert await shop.claims(mine) == first  # again after a crash
    assert await shop.gets("ana", 2) == 0
    assert await shop.gets("ben", 3) == 2
    assert await shop.gets("cleo") == 0
    assert await shop.count() == (5, 0, 0)
    shown = await shop.does(promotions.flash_of, shop.session.id, [SKU], clock.now())
    assert shown == {}


async def test_a_claim_of_anothers_hold_or_of_one_that_is_gone_is_none(shop):
    await shop.runs()
    hold = await shop.holds("ana")

    assert await shop.claims(replace(hold, owner="ben")) is None
    await shop.does(inventory.release, hold.id)
    assert await shop.claims(hold) is None
    assert await shop.count() == (0, 0, 0)


async def test_who_holds_a_piece_keeps_the_price_when_time_is_over(shop, clock):
    await shop.runs()
    hold = await shop.holds("ana", seconds=3600)
    claim = await shop.claims(hold)
    late = await shop.holds("ben", seconds=3600)

    clock.advance(TERMS.duration)
    assert await shop.does(promotions.flash_of, shop.session.id, [SKU], clock.now()) == {}
    assert await shop.claims(late) is None
    await flash_jobs.tend_flashes(shop.database)

    flash = await shop.flash()
    assert (flash.status, flash.ending) == (FlashStatus.ENDED, "time")
    assert await shop.does(promotions.flash_claim, hold.id) == claim
    await shop.does(promotions.confirm_flash, hold.id)
    assert await shop.count() == (1, 1, 0)


async def test_the_offer_of_the_live_shows_the_price_what_it_was_and_what_is_left(shop):
    flash = await shop.runs(replace(TERMS, quantity=2))
    assert await shop.gets("ana") == 1

    offer = await shop.does(live.current_offer, shop.session.slug)

    small, medium = offer.options
    assert (small.price_minor, small.former_minor, small.flash) == (4900, 0, None)
    assert (medium.price_minor, medium.former_minor) == (3900, 5900)
    assert (medium.flash.left, medium.flash.ends_at) == (1, flash.ends_at)
    assert await shop.gets("ben") == 1
    again = await shop.does(live.current_offer, shop.session.slug)
    assert (again.options[1].price_minor, again.options[1].flash) == (5900, None)


async def test_a_hold_that_goes_gives_its_pieces_to_the_next(shop, clock):
    await shop.runs(replace(TERMS, quantity=2))
    released, expired = await shop.holds("ana"), await shop.holds("ben", seconds=60)
    await shop.claims(released)
    await shop.claims(expired)
    assert await shop.gets("cleo") == 0

    await shop.lets_go(released)
    clock.advance(MINUTE)
    await shop.expires()

    assert await shop.does(promotions.flash_claim, released.id) is None
    assert await shop.gets("dan", 2) == 2
    assert await shop.count() == (2, 0, 0)


async def test_the_last_piece_paid_ends_it(shop):
    await shop.runs(replace(TERMS, quantity=2))
    holds = [await shop.holds("ana"), await shop.holds("ben")]
    for hold in holds:
        await shop.claims(hold)
        await shop.does(promotions.confirm_flash, hold.id)
        await shop.does(promotions.confirm_flash, hold.id)

    flash = await shop.flash()
    assert (flash.status, flash.ending, flash.sold) == (FlashStatus.ENDED, "sold", 2)


async def test_money_that_comes_late_has_the_price_and_is_counted_apart(shop):
    await shop.runs(replace(TERMS, quantity=1))
    slow = await shop.holds("ana")
    await shop.claims(slow)
    await shop.lets_go(slow)
    assert await shop.gets("ben") == 1

    await shop.does(promotions.confirm_flash, slow.id)
    await shop.does(promotions.confirm_flash, slow.id)

    assert await shop.count() == (1, 0, 1)


async def test_money_that_comes_late_takes_the_piece_again_where_it_is_left(shop):
    await shop.runs(replace(TERMS, quantity=1))
    slow = await shop.holds("ana")
    await shop.claims(slow)
    await shop.lets_go(slow)

    await shop.does(promotions.confirm_flash, slow.id)

    assert await shop.count() == (1, 1, 0)
    assert await shop.gets("ben") == 0


async def test_a_claim_whose_holds_end_nobody_heard_of_is_given_back_in_time(shop, clock):
    await shop.runs()
    hold = await shop.holds("ana")
    await shop.claims(hold)
    await shop.does(inventory.release, hold.id)

    clock.advance(2 * MINUTE)
    assert await flash_jobs.tend_flashes(shop.database) == 1

    assert await shop.count() == (0, 0, 0)


async def test_the_end_of_the_live_is_the_end_of_its_flash(shop):
    await shop.runs()
    hold = await shop.holds("ana")
    await shop.claims(hold)

    await shop.does(live.end_session, shop.session.id, leader_id=LEADER)
    await shop.hears()

    flash = await shop.flash()
    assert (flash.status, flash.ending, flash.taken) == (FlashStatus.ENDED, "session", 1)

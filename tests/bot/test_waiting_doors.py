"""What the conversation asks of the waitlist happens once, for the fan who asks, and in turn."""

from __future__ import annotations

import pytest

import live
from bot import intents
from bot.intents import Joined, Left, PlacesFound, Refused, WaitPlace
from commerce import inventory
from commerce.kernel.clock import MINUTE
from commerce.kernel.outbox import Dispatcher, Relay
from live.handlers import HANDLERS
from tests.bot.test_doors import ANA, BEN, SKU, Desk, a_conversation

CLEO = a_conversation("cleo")


class Queue(Desk):
    """The desk when all ten shirts are held."""

    async def opens(self):
        await super().opens()
        self.winner = await self.holds(ANA, quantity=5)
        await self.holds(ANA, quantity=5)

    async def joins(self, fan, key="", quantity=1):
        return await self.asks(intents.Join(SKU, quantity, self.session.id), fan, key)

    async def frees(self):
        await self.asks(intents.Release(self.winner.hold_id), ANA)
        await Relay(self.database, Dispatcher(self.database, [HANDLERS]).deliver).relay_due()

    async def entry(self, fan):
        [place] = await self.reads(lambda tx: live.waitlist.places_of(tx, fan.id))
        return place.entry


@pytest.fixture
async def queue(database, clock):
    queue = Queue(database, clock)
    await queue.opens()
    return queue


async def test_a_fan_stands_in_line_once_per_key(queue):
    assert await queue.joins(BEN, key="press") == Joined(1)
    assert await queue.joins(BEN, key="press") == Joined(1)
    assert await queue.joins(CLEO) == Joined(2)

    found = await queue.asks(intents.FindPlaces(), CLEO)
    assert found == PlacesFound((WaitPlace("Linen shirt", "M", 2),))
    assert await queue.asks(intents.FindPlaces(), ANA) == PlacesFound(())
    assert (await queue.entry(BEN)).hold_seconds == 600


async def test_each_fan_leaves_only_their_own_place(queue):
    await queue.joins(BEN)
    await queue.joins(CLEO)
    entry = await queue.entry(BEN)

    assert await queue.asks(intents.Leave(entry.id), CLEO) == Left(())
    assert await queue.asks(intents.Leave(), BEN) == Left((entry.id,))
    assert await queue.asks(intents.Leave(), BEN) == Left(())
    assert (await queue.asks(intents.FindPlaces(), CLEO)).places[0].position == 1


async def test_a_turn_is_taken_up_by_its_fan_with_all_that_is_needed_to_buy(queue):
    await queue.joins(BEN, quantity=2)
    await queue.frees()
    entry = await queue.entry(BEN)

    assert (await queue.asks(intents.TakeUp(entry.id), CLEO)).code == "turn_lapsed"
    taken = await queue.asks(intents.TakeUp(entry.id), BEN, key="press")

    assert await queue.asks(intents.TakeUp(entry.id), BEN, key="press") == taken
    assert (taken.held.sku, taken.held.quantity) == (SKU, 2)
    assert taken.held.expires_at == queue.clock.at + 10 * MINUTE
    assert (taken.offer.title, taken.offer.session_slug) == ("Linen shirt", queue.session.slug)
    quote = await queue.prices(taken.held, BEN)
    opened = await queue.asks(queue.order(taken.held, quote), BEN)
    assert isinstance(opened, intents.CheckoutOpened)


async def test_what_is_not_pinned_any_more_can_still_be_taken_up(queue):
    await queue.joins(BEN)
    await queue.database.unit_of_work(
        lambda tx: live.unpin(tx, queue.session.id, leader_id="leader-1")
    )
    queue.clock.advance(6 * MINUTE)
    await queue.frees()

    taken = await queue.asks(intents.TakeUp((await queue.entry(BEN)).id), BEN)
    assert taken.offer.title == "Linen shirt"


async def test_nobody_is_held_anything_before_those_who_wait(queue):
    await queue.joins(BEN)
    await queue.asks(intents.Release(queue.winner.hold_id), ANA)

    refused = Refused("out_of_stock", {"sku": SKU, "asked": 1, "available": 0})
    assert await queue.holds(CLEO, quantity=1) == refused
    assert await queue.free() == 5
    assert isinstance(await queue.holds(BEN, quantity=1), intents.Held)


async def test_a_hold_from_before_a_crash_is_answered_though_others_wait_by_now(queue):
    first = await queue.holds(ANA, quantity=1, key="k")
    assert isinstance(first, Refused)
    await queue.frees()
    held = await queue.holds(ANA, quantity=1, key="k")
    await queue.joins(BEN, quantity=5)
    await queue.joins(CLEO)

    assert await queue.holds(ANA, quantity=1, key="k") == held
    assert isinstance(await queue.holds(ANA, quantity=1, key="another"), Refused)


async def test_a_suspended_variant_is_refused_as_such(queue):
    await queue.database.unit_of_work(lambda tx: inventory.suspend(tx, SKU, "a count"))

    assert await queue.holds(BEN, quantity=1) == Refused("sku_suspended", {"sku": SKU})
    assert await queue.joins(BEN) == Joined(1)

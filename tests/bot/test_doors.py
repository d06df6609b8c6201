"""What the conversation asks for happens once per key, and only for the fan who asks."""

from __future__ import annotations

from typing import get_args

import pytest
from sqlalchemy import func, select

import live
from bot import intents
from bot.doors import READS, WRITES, Doors
from bot.intents import Refused
from bot.store import Conversation
from commerce import accounts, catalog, inventory, promotions
from commerce.accounts import Address
from commerce.kernel.clock import MINUTE
from commerce.orders.tables import ORDERS
from tests.accounts.factories import an_address
from tests.catalog.factories import a_product, a_product_on_sale, a_variant

ACCOUNT = "telegram:platform"
SKU = "shirt-m"


def a_conversation(fan="ana") -> Conversation:
    return Conversation(id=f"{ACCOUNT}:{fan}", account=ACCOUNT, address=fan)


ANA, BEN = a_conversation("ana"), a_conversation("ben")


class Desk:
    """The doors of a shop that is live with a pinned shirt, as one fan after another uses them."""

    def __init__(self, database, clock):
        self.database, self.clock = database, clock
        self.performance = promotions.Performance(database)
        self.doors = Doors(
            database=database,
            holds=inventory.Holds(database),
            provider="sandbox",
            hold_seconds=600,
            public_url="https://shop.example",
            performance=self.performance,
        )
        self.count = 0

    async def opens(self, pieces=10, **variant):
        async def work(tx):
            variants = (a_variant(**variant), a_variant(sku="shirt-l", label="L", position=1))
            shirt = await a_product_on_sale(tx, a_product(variants=variants))
            await inventory.receive(tx, SKU, pieces, reason="delivery")
            session = await live.start_session(
                tx, leader_id="leader-1", leader_name="Mara", title="Drop", stream="/still.png"
            )
            await live.pin(tx, session.id, shirt.id, None, leader_id="leader-1")
            return session

        self.session = await self.database.unit_of_work(work)

    async def asks(self, intent, fan=ANA, key=""):
        self.count += 1
        return await self.doors.run(intent, fan, key or f"key {self.count}")

    async def holds(self, fan=ANA, quantity=2, key=""):
        return await self.asks(intents.Hold(SKU, quantity, self.session.id), fan, key)

    async def prices(self, hold, fan=ANA, address=None):
        return await self.asks(intents.Quote(hold.hold_id, address or an_address(), "es"), fan)

    def order(self, hold, quote, address=None):
        return intents.CheckOut(
            hold_id=hold.hold_id, quote_id=quote.quote_id, address=address or an_address(),
            language="es", consent_text="I buy.", consent_version="2026-05",
        )  # fmt: skip

    async def buys(self, fan=ANA):
        hold = await self.holds(fan)
        return await self.asks(self.order(hold, await self.prices(hold, fan)), fan)

    async def reads(self, work):
        return await self.database.read(work)

    async def free(self):
        return (await self.reads(lambda tx: inventory.available(tx, [SKU])))[SKU]

    async def orders(self):
        return await self.reads(lambda tx: tx.scalar(select(func.count()).select_from(ORDERS)))


@pytest.fixture
async def desk(database, clock):
    desk = Desk(database, clock)
    await desk.opens()
    return desk


async def test_a_messenger_is_given_a_picture_that_every_one_takes(desk):
    ours = f"/media/pictures/{'ab' * 32}/1600"
    changes = catalog.Changes(pictures=(f"{ours}.webp",))
    await desk.database.unit_of_work(
        lambda tx: catalog.edit_product(tx, "shirt", changes, expected_version=2)
    )

    offer = (await desk.asks(intents.Look(""))).offer

    assert offer.image_url == f"https://shop.example{ours}.jpg"


@pytest.mark.parametrize("how", ["by its name", "the live one"])
async def test_a_fan_sees_what_is_pinned(desk, how):
    slug = desk.session.slug if how == "by its name" else ""
    looked = await desk.asks(intents.Look(slug))

    offer = looked.offer
    assert (offer.session_id, offer.leader_name, offer.title) == (
        desk.session.id, "Mara", "Linen shirt",
    )  # fmt: skip
    assert offer.image_url == "https://shop.example/media/shirt.svg"
    assert [(o.sku, o.label, o.price_minor, o.available) for o in offer.options] == [
        (SKU, "M", 2_500, 10),
        ("shirt-l", "L", 2_500, 0),
    ]


async def test_nothing_is_shown_when_nothing_is_live(desk):
    await desk.database.unit_of_work(
        lambda tx: live.end_session(tx, desk.session.id, leader_id="leader-1")
    )

    assert await desk.asks(intents.Look()) == intents.Looked(None)
    assert await desk.asks(intents.Look(desk.session.slug)) == intents.Looked(None)


async def test_a_session_nobody_knows_is_refused(desk):
    assert (await desk.asks(intents.Look("no-such-session"))).code == live.UnknownSession.code


async def test_a_hold_is_the_fans_own_and_once_per_key(desk):
    first = await desk.holds(key="k")

    assert await desk.holds(key="k") == first
    assert (first.sku, first.quantity) == (SKU, 2)
    assert first.expires_at == desk.clock.at + 10 * MINUTE
    assert await desk.free() == 8
    kept = await desk.reads(lambda tx: inventory.hold_of(tx, first.hold_id))
    assert (kept.owner, kept.reference) == (ANA.id, desk.session.id)


async def test_a_fan_who_asks_for_too_many_hears_how_many_there_are(desk):
    left = {"sku": SKU, "asked": 11, "available": 10}
    assert await desk.holds(quantity=11) == Refused("out_of_stock", left)
    assert await desk.free() == 10


async def test_what_is_not_pinned_cannot_be_held(desk):
    await desk.database.unit_of_work(
        lambda tx: live.unpin(tx, desk.session.id, leader_id="leader-1")
    )
    desk.clock.advance(60 * MINUTE)

    assert (await desk.holds()).code == live.NothingPinned.code
    assert await desk.free() == 10


async def test_a_hold_can_be_given_back(desk):
    hold = await desk.holds()
    for _ in range(2):
        assert await desk.asks(intents.Release(hold.hold_id)) == intents.Released()
    assert await desk.free() == 10


async def test_nobody_gives_back_what_another_holds(desk):
    hold = await desk.holds(ANA)
    await desk.asks(intents.Release(hold.hold_id), BEN)

    assert await desk.free() == 8


async def test_a_price_is_of_the_fans_own_hold(desk):
    hold = await desk.holds(ANA)
    quote = await desk.prices(hold, ANA)

    assert (quote.total_minor, quote.currency) == (5_490, "EUR")
    assert [(line.kind, line.amount_minor) for line in quote.lines] == [
        ("goods", 5_000), ("delivery", 490), ("tax", 0),
    ]  # fmt: skip
    assert (await desk.prices(hold, BEN)).code == "hold_expired"


async def test_a_hold_that_is_gone_has_no_price(desk):
    hold = await desk.holds()
    await desk.asks(intents.Release(hold.hold_id))

    assert (await desk.prices(hold)).code == "hold_expired"
    assert (await desk.prices(intents.Held("x", SKU, 2, 0))).code == "hold_expired"


async def test_checking_out_places_the_order_and_keeps_the_consent(desk):
    opened = await desk.buys()

    [line] = (await desk.asks(intents.FindOrders())).orders
    assert (line.code, line.title, line.status) == (opened.order_code, "Linen shirt", "pending")
    assert (line.total_minor, line.currency) == (5_490, "EUR")
    fan = await desk.reads(lambda tx: accounts.known_fan(tx, ANA.id))
    [consent] = await desk.reads(lambda tx: accounts.consents_of(tx, fan.id))
    assert (consent.purpose, consent.text) == ("purchase", "I buy.")
    assert consent.reference == opened.checkout_id


async def test_the_same_checkout_again_is_the_same(desk):
    hold = await desk.holds()
    intent = desk.order(hold, await desk.prices(hold))
    opened = await desk.asks(intent, key="k")

    assert await desk.asks(intent, key="k") == opened
    assert await desk.orders() == 1
    fan = await desk.reads(lambda tx: accounts.known_fan(tx, ANA.id))
    assert len(await desk.reads(lambda tx: accounts.consents_of(tx, fan.id))) == 1


async def test_a_refused_checkout_leaves_nothing_behind(desk):
    hold = await desk.holds(ANA)
    quote = await desk.prices(hold, ANA)

    refused = await desk.asks(desk.order(hold, quote), BEN)
    assert refused.code == "hold_expired"
    assert await desk.orders() == 0
    assert await desk.asks(intents.KnownAddress(), BEN) == intents.AddressKnown(None)
    assert await desk.reads(lambda tx: accounts.known_fan(tx, BEN.id)) is None


async def test_the_address_is_known_the_next_time_and_only_to_the_fan(desk):
    assert await desk.asks(intents.KnownAddress()) == intents.AddressKnown(None)
    await desk.buys(ANA)

    assert await desk.asks(intents.KnownAddress(), ANA) == intents.AddressKnown(an_address())
    assert await desk.asks(intents.KnownAddress(), BEN) == intents.AddressKnown(None)
    known = await desk.asks(intents.KnownAddress(), ANA)
    assert isinstance(known.address, Address)


async def test_each_fan_finds_only_their_own_orders(desk):
    mine, theirs = await desk.buys(ANA), await desk.buys(BEN)

    for fan, opened in ((ANA, mine), (BEN, theirs)):
        found = (await desk.asks(intents.FindOrders(), fan)).orders
        assert [order.code for order in found] == [opened.order_code]
    nobody = a_conversation("nobody")
    assert await desk.asks(intents.FindOrders(), nobody) == intents.OrdersFound(())


async def test_a_fan_stops_their_own_checkout_only(desk):
    opened = await desk.buys(ANA)
    stop = intents.CancelCheckout(opened.checkout_id)

    assert await desk.asks(stop, BEN) == intents.CancelTaken(False)
    assert await desk.asks(intents.CancelCheckout("x"), ANA) == intents.CancelTaken(False)
    assert await desk.asks(stop, ANA) == intents.CancelTaken(True)


async def test_the_language_a_fan_chose_is_remembered(desk):
    for language in ("es", "de", "de"):
        assert await desk.asks(intents.Remember(language)) == intents.Remembered()

    fan = await desk.reads(lambda tx: accounts.known_fan(tx, ANA.id))
    assert fan.language == "de"


def test_every_intent_has_a_door():
    special = {
        intents.Hold, intents.Look, intents.Find, intents.CheckOut, intents.Join, intents.TakeUp,
    }  # fmt: skip
    assert {*READS, *WRITES, *special} == set(get_args(intents.Intent))
    assert not READS.keys() & WRITES.keys()

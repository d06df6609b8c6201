"""What a fan in the conversation pays: flash prices, codes, parcels, and offers of their own."""

from __future__ import annotations

import pytest

import bot.handlers
import live
from bot import intents
from commerce import accounts, catalog, inventory, offers, pricing, promotions
from commerce.kernel.clock import MINUTE
from commerce.kernel.outbox import Dispatcher, Relay
from commerce.promotions import Conditions, FlashTerms, flash_handlers
from tests.accounts.factories import an_address
from tests.bot.test_doors import SKU, a_conversation
from tests.bot.test_last_piece import Evening, Guest
from tests.inventory.factories import a_warehouse
from tests.offers.factories import PAYS, taught
from tests.promotions.factories import Office, a_rule

HOME = ("Ana", "Gran Vía 1", "Madrid", "28013")


class Sale(Evening):
    """An evening on which prices move: flash prices hear what becomes of holds."""

    async def settles(self) -> None:
        hearers = [flash_handlers.HANDLERS, live.handlers.HANDLERS, bot.handlers.HANDLERS]
        relay = Relay(self.database, Dispatcher(self.database, hearers).deliver)
        await self.runtime.settle()
        while await relay.relay_due():
            await self.runtime.settle()

    async def flashes(self, quantity: int = 1) -> None:
        """One for each fan, at 20 instead of 25 euro, for half an hour."""
        terms = FlashTerms(price_minor=2_000, quantity=quantity, duration=30 * MINUTE)

        async def work(tx):
            flash = await promotions.offer_flash(
                tx, flash_id="f", supplier_id="sol", leader_id="leader-1", sku=SKU, terms=terms,
                per_fan=1,
            )  # fmt: skip
            await live.start_flash(
                tx, "f", session_id=self.session.id, leader_id="leader-1", terms=terms,
                expected_version=flash.version,
            )  # fmt: skip

        await self.database.unit_of_work(work)

    async def flash(self):
        found = await self.reads(lambda tx: promotions.flashes_by(tx, None))
        return found[0].taken, found[0].sold


@pytest.fixture
async def sale(database, clock):
    sale = Sale(database, clock)
    yield sale
    await sale.runtime.close()


async def says_all(guest: Guest, *texts: str) -> str:
    said = ""
    for text in texts:
        said = await guest.says(text)
    return said


async def test_a_fan_buys_with_a_flash_price_and_a_code_and_hears_why_another_is_refused(sale):
    await sale.opens(pieces=5)
    await sale.flashes()
    office = Office(sale.database)
    await office.coupon("SUN10")
    big = a_rule(id="", conditions=Conditions(min_worth_minor={"EUR": 10_000}))
    await office.coupon("BIG", rule=big)
    ana = Guest(sale, "ana")

    assert (
        "M: Flash price €20.00 until 12:30 UTC: 1 piece left, at most 1 for each fan"
        in await ana.comes()
    )
    held = await ana.says("2 x M")
    assert "One has the flash price of €20.00, for as long as I hold it." in held
    assert (await ana.says("code BIG")).startswith("I keep the code BIG for the total.")
    said = await says_all(ana, "Spain", *HOME)

    assert said.startswith("The code BIG takes nothing off: it needs €55.00 more of goods.")
    assert "\n2 x Linen shirt (M): €50.00\nFlash price for 1: -€5.00\n" in said
    assert "\nStandard delivery, arrives Jun " in said
    assert "\nTotal: €49.90\n" in said
    said = await ana.says("code sun10")
    assert said.startswith("The code SUN10 counts.")
    assert "\nCode SUN10 (Ten off): -€4.50\n" in said
    assert "\nTotal: €45.40\n" in said
    assert "Thank you. Your order is" in await ana.says("I agree")
    assert await sale.flash() == (1, 0)


async def test_a_slow_fan_whose_hold_ran_out_gets_the_flash_price_again_while_it_is_left(sale):
    await sale.opens(pieces=5)
    await sale.flashes()
    ana = Guest(sale, "ana")
    await ana.comes()
    await says_all(ana, "M", "Spain", *HOME[:3])

    await sale.passes(minutes=10)
    assert await sale.flash() == (0, 0)
    said = await says_all(ana, HOME[3])

    assert "so I held it for you again" in said
    assert "Flash price for 1: -€5.00" in said
    assert await sale.flash() == (1, 0)
    await ana.says("cancel")
    assert await sale.flash() == (0, 0)


async def test_the_same_hold_asked_for_again_has_its_flash_price_once(sale):
    await sale.opens(pieces=5)
    await sale.flashes(quantity=3)

    first = await sale.holds(key="k")

    assert (first.flash_pieces, first.flash_price_minor) == (1, 2_000)
    assert await sale.holds(key="k") == first
    assert await sale.flash() == (1, 0)


async def test_a_total_with_the_flash_price_of_one_hold_does_not_buy_another(sale):
    await sale.opens(pieces=5)
    await sale.flashes()
    first = await sale.holds()
    quoted = await sale.prices(first)
    await sale.asks(intents.Release(first.hold_id))
    assert (await sale.holds(a_conversation("ben"))).flash_pieces == 1
    second = await sale.holds()

    refused = await sale.asks(sale.order(second, quoted))

    assert (refused.code, await sale.orders()) == ("no_such_quote", 0)
    assert await sale.flash() == (1, 0)


async def test_where_we_do_not_deliver_is_said_after_the_country(sale):
    await sale.opens(pieces=5)
    ana = Guest(sale, "ana")
    await ana.comes()
    await ana.says("M")

    said = await ana.says("North Korea")

    assert said.startswith("I am sorry, we do not deliver to North Korea yet.")
    assert ana.labels[-1] == "Cancel"
    assert "What is the full name" in await ana.says("Spain")


async def test_pieces_of_two_warehouses_are_two_parcels_with_their_days(sale):
    await sale.opens(pieces=1)
    north = a_warehouse("north", supplier_id="sol", country="ES")

    async def work(tx):
        await inventory.open_warehouse(tx, north)
        await inventory.receive(tx, SKU, 1, reason="delivery", warehouse="north", supplier_id="sol")

    await sale.database.unit_of_work(work)
    held = await sale.holds(quantity=2)

    quoted = await sale.prices(held)

    parcels = [line for line in quoted.lines if line.kind == "delivery"]
    assert [line.quantity for line in parcels] == [1, 1]
    assert all(line.earliest <= line.latest for line in parcels)
    assert min(line.earliest for line in parcels) >= "2026-06-02"


async def test_a_shared_place_goes_into_the_price_and_into_the_order(sale):
    await sale.opens(pieces=5)
    held = await sale.holds()
    spot = intents.Spot(40_416_775, -3_703_790)

    quoted = await sale.asks(intents.Quote(held.hold_id, an_address(), "es", spot=spot))
    opened = await sale.asks(sale.order(held, quoted))

    assert isinstance(opened, intents.CheckoutOpened)


async def test_what_was_shown_and_gone_for_is_counted_for_the_promotion(sale):
    await sale.opens(pieces=5)
    one = await Office(sale.database).runs()

    looked = await sale.asks(intents.Look())
    option = looked.offer.options[0]
    await sale.asks(intents.Hold(SKU, 1, sale.session.id, option.rule_ids))
    await sale.performance.flush()

    assert (option.price_minor, option.former_minor) == (2_250, 2_500)
    assert option.cheaper == {"en": "Ten off"}
    (seen,) = await sale.reads(lambda tx: promotions.performance(tx, one.id, since=0))
    assert (seen.leader_id, seen.channel) == ("leader-1", "telegram")
    assert (seen.impressions, seen.clicks) == (1, 1)


async def test_a_known_fan_is_proposed_an_offer_of_their_own_and_the_quote_honours_it(sale):
    await sale.opens(pieces=5, price_minor=10_000, price_min_minor=6_000)
    stranger = await sale.asks(intents.Look())

    async def work(tx):
        await offers.set_rules(
            tx, on=True, held_out_bp=100, explore_bp=100, minutes=60, expected_version=0
        )
        await taught(tx, PAYS, cell="new:strange:high:day:live")

    await sale.database.unit_of_work(work)
    assert (await sale.asks(intents.Look())) == stranger  # whom nobody knows yet
    fan = await proposed(sale)

    offer = (await sale.asks(intents.Look(), fan)).offer
    assert (offer.personal_bp, offer.personal_until) == (2_000, sale.clock.at + 60 * MINUTE)
    assert (offer.options[0].price_minor, offer.options[0].cheaper) == (8_000, {})
    quoted = await sale.prices(await sale.holds(fan, quantity=1), fan)
    assert [line.amount_minor for line in quoted.lines if line.source == "personal"] == [-2_000]


async def proposed(sale: Sale):
    """The first of some known fans who is not held out."""
    for n in range(5):
        fan = a_conversation(f"fan-{n}")
        await sale.database.unit_of_work(
            lambda tx, fan=fan: accounts.fan_of(tx, fan.id, "Fan", "en")
        )
        if (await sale.asks(intents.Look(), fan)).offer.personal_bp:
            return fan
    raise AssertionError("nothing was proposed to anybody")


async def in_dollars(sale, amount_minor=2_900):
    product = (await sale.reads(lambda tx: catalog.products_of_skus(tx, [SKU])))[SKU]
    return [
        await sale.database.unit_of_work(
            lambda tx, sku=variant.sku: pricing.set_price(
                tx, sku=sku, currency="USD", amount_minor=amount_minor, by="sol"
            )
        )
        for variant in product.variants
    ]


async def test_a_fan_pays_in_the_money_of_home_where_there_are_prices_in_it(sale):
    await sale.opens(pieces=5)
    await in_dollars(sale)
    ana, kenji = Guest(sale, "ana", "en-US"), Guest(sale, "kenji", "en-JP")

    assert "$29.00" in await ana.comes()
    assert "€25.00" in await kenji.comes()

    assert "\nTotal: $34.95\n" in await says_all(ana, "M", "Spain", *HOME)
    assert "\nTotal: €29.90\n" in await says_all(kenji, "M", "Spain", *HOME)


async def test_when_a_price_list_ends_meanwhile_the_fan_sees_what_it_costs_now(sale):
    await sale.opens(pieces=5)
    prices = await in_dollars(sale)
    ana = Guest(sale, "ana", "en-US")
    await ana.comes()
    await says_all(ana, "M", "Spain", *HOME[:3])
    sale.clock.advance(MINUTE)
    for price in prices:
        await sale.database.unit_of_work(lambda tx, id=price.id: pricing.end_price(tx, id))

    said = await ana.says(HOME[3])

    assert said.startswith("The price had to be worked out again.")
    assert "€25.00" in said


async def test_a_flash_in_other_money_is_kept_for_those_whose_price_it_is(sale):
    await sale.opens(pieces=5)
    await sale.flashes()
    await in_dollars(sale)
    ana = Guest(sale, "ana", "en-US")

    assert "Flash" not in await ana.comes()
    assert "flash" not in await ana.says("M")

    assert await sale.flash() == (0, 0)

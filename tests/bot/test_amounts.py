"""The card and the total tell a fan what they pay and why, in their language."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import amounts
from bot.intents import CheckDelivery, Quote, Quoted, QuoteLine, Refused, Spot
from bot.messages import Kind
from bot.model import Place
from bot.talk import Talk
from commerce.kernel.clock import MINUTE
from tests.bot.fans import HOME, NOON, TEXTS, Fan, Shop, a_single, an_offer, at

TALK = Talk(TEXTS, NOON)
LINES = (
    QuoteLine("goods", "Hoodie", 9_000, quantity=2),
    QuoteLine("discount", "", -1_500, "flash", quantity=1),
    QuoteLine("discount", "Sunday", -750, "promotion"),
    QuoteLine("discount", "Ten off", -675, "coupon", "SUN10"),
    QuoteLine("discount", "For you", -300, "personal"),
    QuoteLine("discount", "", -100, "loyalty"),
    QuoteLine("delivery", "", 490, quantity=1, earliest="2026-06-04", latest="2026-06-06"),
    QuoteLine("delivery", "", 0, quantity=2, earliest="2026-06-05", latest="2026-06-05"),
    QuoteLine("tax", "IVA 21 %", 0, contained_minor=1_070),
    QuoteLine("tax", "", 200),
)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            ["1 x Hoodie (M): €90.00", "Flash price for 1: -€15.00", "Sunday: -€7.50",
             "Code SUN10 (Ten off): -€6.75", "Your own offer: -€3.00", "Discount: -€1.00",
             "Parcel 1 of 2, 1 piece, arrives Jun 4\u2009–\u20096: €4.90",
             "Parcel 2 of 2, 2 pieces, arrives Jun 5: free", "Tax: €2.00"],
        ),
        (
            "es",
            ["1 x Hoodie (M): 90,00\xa0€", "Precio flash para 1: -15,00\xa0€",
             "Sunday: -7,50\xa0€", "Código SUN10 (Ten off): -6,75\xa0€",
             "Tu oferta personal: -3,00\xa0€", "Descuento: -1,00\xa0€",
             "Paquete 1 de 2, 1 unidad, llega 4–6 jun: 4,90\xa0€",
             "Paquete 2 de 2, 2 unidades, llega 5 jun: gratis", "Impuestos: 2,00\xa0€"],
        ),
    ],
)  # fmt: skip
def test_the_total_is_told_line_by_line(language, told):
    state = replace(at("summary").state, language=language)
    quote = Quoted("q", LINES, 6_365, "EUR")

    assert amounts.added(state, quote, TALK) == told


def test_tax_that_is_in_the_prices_is_named_after_the_total():
    quote = Quoted("q", LINES, 6_365, "EUR")

    assert amounts.contained(at("summary").state, quote, TALK) == [
        "It includes €10.70 of tax (IVA 21 %)."
    ]


def test_the_card_says_what_it_costs_otherwise_and_why_it_costs_less():
    cheaper = replace(
        a_single().options[0], former_minor=1_500, cheaper={"en": "Sunday", "es": "Domingo"}
    )
    offer = replace(a_single(), options=(cheaper,))

    card = Fan(shop=Shop(offer=offer)).enters()
    assert "\n€12.00 instead of €15.00 · 7 left\nWhy it costs less: Sunday\n" in card
    card = Fan(shop=Shop(offer=offer), language="es").enters()
    assert "\n12,00\xa0€ en lugar de 15,00\xa0€ · " in card
    assert "\nPor qué cuesta menos: Domingo\n" in card


def test_the_card_counts_the_pieces_of_a_flash_price():
    flash = replace(
        an_offer().options[1], price_minor=3_900, former_minor=4_500, flash_left=2,
        flash_ends_at=NOON + 5 * MINUTE, flash_per_fan=1,
    )  # fmt: skip
    offer = an_offer(options=(an_offer().options[0], flash))

    card = Fan(shop=Shop(offer=offer)).enters()

    assert "\nfrom €39.00 · 7 left\n" in card
    assert (
        "\nM: Flash price €39.00 until 12:05 UTC: 2 pieces left, at most 1 for each fan\n" in card
    )


def test_the_card_says_what_is_offered_to_this_fan_alone_until_it_runs_out():
    offer = an_offer(personal_bp=1_250, personal_until=NOON + 15 * MINUTE)

    assert "\nFor you until 12:15 UTC: 12.5% off\n" in Fan(shop=Shop(offer=offer)).enters()
    late = Fan(shop=Shop(offer=offer), now=NOON + 15 * MINUTE)
    assert "For you" not in late.enters()


def test_where_we_do_not_deliver_another_country_or_the_end_is_offered_at_once():
    fan = at("country")
    fan.shop.no[CheckDelivery] = [Refused("no_delivery", {"reason": "country"})]

    said = fan.writes("US")

    assert said.startswith("I am sorry, we do not deliver to United States yet.")
    assert (fan.state.place, fan.labels[-1]) == (Place.COUNTRY, "Cancel")
    assert fan.writes("Germany").startswith("What is the full name")
    assert not fan.state.unserved

    fan.writes("back")
    fan.shop.no[CheckDelivery] = [Refused("no_delivery", {"reason": "country"})]
    fan.writes("US")
    assert fan.presses("Cancel").startswith("Cancelled. Nothing is held")


@pytest.mark.parametrize(
    ("intent", "refused", "said"),
    [
        (Quote, Refused("no_delivery", {"reason": "postcode"}),
         "I am sorry, we do not deliver to 62701 in United States."),
        (Quote, Refused("no_delivery", {"reason": "too_heavy"}),
         "I am sorry, this is too heavy to be sent to United States."),
        (Quote, Refused("out_of_stock", {"available": 0}),
         "I am sorry, what could be sent to United States is sold out."),
    ],
)  # fmt: skip
def test_why_it_cannot_be_sent_there_is_told(intent, refused, said):
    fan = at("postcode")
    fan.shop.no[intent] = [refused]

    assert fan.writes("62701").startswith(said)
    assert (fan.state.place, fan.state.address.name) == (Place.COUNTRY, HOME.name)
    assert fan.state.hold is not None


def test_a_place_shared_over_the_total_asks_for_a_new_one_and_another_address_forgets_it():
    fan = at("summary")

    fan.shares(Kind.LOCATION, facts={"latitude": 1.5, "longitude": -2.25})

    spot = Spot(1_500_000, -2_250_000)
    assert fan.asked == [Quote("hold-1", HOME, "en", "", spot, "EUR")]
    fan.presses("Another address")
    assert fan.state.spot is None
